"""What the server answers, matched with what it was asked. Rows go through as the bytes they came in.

An answer that nothing asked for, or of a kind that the request cannot have, is a violation and ends the session.
"""

from collections.abc import Callable
from typing import Final

from ostiary.model.decision import Denial
from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres import bounds, copying, messages, outcomes, probes, refusals
from ostiary.protocols.postgres.asides import notice, notification, parameter_status
from ostiary.protocols.postgres.exchange import IDLE, Exchange, Phase, SessionOver
from ostiary.protocols.postgres.expected import (
    BEGIN_STEP,
    BIND,
    CLOSE,
    DESCRIBE_PORTAL,
    DESCRIBE_STATEMENT,
    EXECUTE,
    FUNCTION,
    PARSE,
    QUERY,
    SYNC,
    Expected,
    Work,
)
from ostiary.protocols.postgres.failures import failure
from ostiary.protocols.postgres.names import settle_bind, settle_close, settle_parse, settle_query
from ostiary.protocols.postgres.simple import say_notices
from ostiary.protocols.postgres.wire import skip_run
from ostiary.session.actions import PauseServer
from ostiary.session.answers import Recipient

STREAMED: Final = 65_536
"""A row longer than this goes through piece by piece; a shorter one is passed on when it is whole."""

_COPY_DATA: Final = 100
_READY: Final = 90
_ROWS: Final = (68, 100)
_CLOSING: Final = (67, 90)
"""CommandComplete and ReadyForQuery."""
_ASYNCHRONOUS: Final = frozenset(b"NSA")
_DROP: Final = b""

TRIPWIRE = Denial(
    "tripwire",
    "a result holds a column that must not be seen; the session is over",
    hint="report this to the operator of the gate: masking failed to cover a statement",
)


def server_sent(x: Exchange, data: bytes) -> None:
    """Bytes came from the server."""
    inbox = x.server
    if inbox.passing:
        part, data = inbox.through(data)
        x.relay(part)
        say_notices(x)
    if data:
        inbox.feed(data)
        if x.holding == 0:
            pump(x)
        elif not x.server_paused and inbox.held > x.limits.waiting_bytes:
            x.server_paused = True
            x.actions.append(PauseServer())


def pump(x: Exchange) -> None:
    """Deal with whole messages of the server, until there is none or its bytes are held."""
    inbox = x.server
    data = inbox.data
    # What lies between `start` and `at` has been dealt with and goes to the client as it is, in one piece.
    start = at = inbox.at
    try:
        while at < len(data) and x.holding == 0 and x.phase is not Phase.CLOSED and inbox.next():
            kind, end = inbox.kind, inbox.end
            head = x.answers.head()
            if kind in _ROWS:
                if head is None:
                    raise _unasked(kind)
                if _rows_for_client(x, head, kind):
                    inbox.at = at = _row_run(x, head, data, start, at)
                    if x.muted:
                        start = at
                    continue
                made: bytes | None = _DROP
                probes.answer(x, data, inbox.body, end)
            else:
                if start < at and (x.limbo_open or (kind in _CLOSING and _awaits_record(head))):
                    x.relay(data[start:at])
                    start = at
                if x.limbo_open and kind != _READY and kind not in _ASYNCHRONOUS and _is_for_client(head):
                    x.release()
                made = _ANSWERS[kind](x, head, data, inbox.body, end)
                if made is None and x.holding == 0 and not x.limbo_open and not x.muted:
                    inbox.at = at = end
                    continue
            if start < at:
                x.relay(data[start:at])
            if made is None:
                made = data[at:end]
            if made:
                x.relay(made)
            if x.muted_until is not None:
                x.muted = True
            start = inbox.at = at = end
    finally:
        if start < at:
            x.relay(data[start:at])
    if inbox.underway() > STREAMED and inbox.kind in _ROWS:
        _stream(x)


def _row_run(x: Exchange, head: Expected, data: bytes, start: int, at: int) -> int:
    """The end of the rows that start at `at`: those that the result may still bring, or those that it may not."""
    work = head.work
    cap = work.verdict.permit.row_cap if work is not None else None
    if work is None or cap is None:
        return skip_run(data, at, len(data))
    if work.excess is None:
        if work.shown < cap:
            return bounds.shown(work, cap, data, at)
        if start < at:
            x.relay(data[start:at])
        bounds.cut_off(x, work, cap)
    return skip_run(data, at, len(data))


def _stream(x: Exchange) -> None:
    """A long row goes through as it comes."""
    inbox = x.server
    head = x.answers.head()
    if head is None or not _rows_for_client(x, head, inbox.kind):
        return
    work = head.work
    cap = work.verdict.permit.row_cap if work is not None else None
    if work is not None and cap is not None and work.excess is None:
        if work.shown >= cap:
            bounds.cut_off(x, work, cap)
        work.shown += 1
    x.relay(inbox.pass_rest())


def _awaits_record(head: Expected | None) -> bool:
    """Whether what comes now may be held until a record is durable: then what came before it goes out first."""
    return head is not None and head.work is not None and head.work.writes


def _is_for_client(head: Expected | None) -> bool:
    return head is not None and head.recipient is Recipient.CLIENT


def _unasked(kind: int) -> ProtocolViolation:
    return ProtocolViolation(f"the database sent a message of type {chr(kind)!r} that nothing asked for")


def _rows_for_client(x: Exchange, head: Expected, kind: int) -> bool:
    """Whether rows of this kind may come now; False when they answer a probe."""
    if head.kind not in (EXECUTE, QUERY) or head.recipient is Recipient.REFUSAL or x.copying is not None:
        raise _unasked(kind)
    if kind == _COPY_DATA and not head.copying:
        raise _unasked(kind)
    if head.recipient is Recipient.CLIENT:
        return True
    if kind == _COPY_DATA or head.kind != EXECUTE:
        raise _unasked(kind)
    return False


def _settled(x: Exchange, head: Expected | None, kind: int, of: tuple[int, ...]) -> Expected:
    """The head, answered for good; it must be one of these requests, and not one that has to fail."""
    if head is None or head.kind not in of or head.recipient is Recipient.REFUSAL:
        raise _unasked(kind)
    x.answers.settle()
    if head.last:
        x.probe_over = True
    return head


def _shown(head: Expected) -> bytes | None:
    return None if head.recipient is Recipient.CLIENT else _DROP


def _parse_complete(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    request = _settled(x, head, 49, (PARSE,))
    if request.statement is not None:
        settle_parse(x, request.statement)
    return _shown(request)


def _bind_complete(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    request = _settled(x, head, 50, (BIND,))
    if request.portal is not None:
        settle_bind(x, request.portal)
    return _shown(request)


def _close_complete(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    request = _settled(x, head, 51, (CLOSE,))
    settle_close(x, request)
    return _shown(request)


def _parameter_description(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is None or head.kind != DESCRIBE_STATEMENT:
        raise _unasked(116)
    return _shown(head)


def _no_data(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    return _shown(_settled(x, head, 110, (DESCRIBE_STATEMENT, DESCRIBE_PORTAL)))


def _row_description(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is None or head.recipient is Recipient.REFUSAL or (head.kind == QUERY and head.step):
        raise _unasked(84)
    if head.kind != QUERY:
        _settled(x, head, 84, (DESCRIBE_STATEMENT, DESCRIBE_PORTAL))
    verdict = head.verdict
    if verdict is not None and verdict.forbidden_origins:
        forbidden = verdict.forbidden_origins
        for origin in messages.origins(data, at, end):
            if origin in forbidden:
                raise SessionOver(TRIPWIRE)
    return _shown(head)


def _command_complete(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is None or head.recipient is Recipient.REFUSAL or head.kind not in (EXECUTE, QUERY):
        raise _unasked(67)
    copying.ended(x, head)
    if head.recipient is Recipient.NOBODY:
        if head.kind == EXECUTE:
            _settled(x, head, 67, (EXECUTE,))
        return _DROP
    work = head.work
    if work is None:
        raise _unasked(67)
    statements = work.verdict.statements
    statement = statements[work.completed] if work.completed < len(statements) else None
    tag = messages.tag(data, at, end)
    work.shown = 0
    outcomes.completed(x, work, tag)
    bounds.count(work, statement, tag)
    if head.kind == QUERY:
        if work.excess is not None:
            # What it would have answered is not going to be true.
            x.limbo.clear()
            x.muted = True
            return _DROP
        if work.writes:
            x.limbo_open = True
        return None
    _settled(x, head, 67, (EXECUTE,))
    return _executed(x, work)


def _executed(x: Exchange, work: Work) -> bytes | None:
    if work.excess is not None:
        return _exceeded(x, work, work.excess)
    if work.writes and not work.ended and x.status == IDLE:
        x.batch_done.append(work)
    outcomes.settle(x, work)
    return None


def _exceeded(x: Exchange, work: Work, denial: Denial) -> bytes:
    """An Execute brought or changed too many rows."""
    x.muted = False
    work.excess = None
    sync = next((request for request in x.answers.all() if request.kind == SYNC), None)
    if sync is None:
        work.sqlstate = denial.sqlstate
        outcomes.settle(x, work)
        refusals.fail(x, denial, extended=True)
        return _DROP
    # Its Sync has gone, so what it did stands; the client is told of nothing but the error up to there.
    x.muted_until = sync
    outcomes.settle(x, work)
    return refusals.error(denial)


def _empty_query(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is not None and head.kind == QUERY and head.recipient is Recipient.CLIENT:
        return None
    request = _settled(x, head, 73, (EXECUTE,))
    if request.work is not None:
        outcomes.settle(x, request.work)
    return _shown(request)


def _portal_suspended(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    request = _settled(x, head, 115, (EXECUTE,))
    work = request.work
    if work is not None and work.most is not None:
        # The client could commit now, and nobody would have learned how many rows it was.
        work.excess = bounds.UNENFORCEABLE
    if work is not None and work.excess is not None:
        return _executed(x, work)
    return _shown(request)


def _function_result(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is None or head.kind != FUNCTION or head.work is None:
        raise _unasked(86)
    x.limbo_open = True
    return None


def _ready_for_query(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    status = messages.read_ready(data, at, end)
    if head is None or head.kind not in (SYNC, QUERY, FUNCTION):
        raise _unasked(90)
    if head.recipient is Recipient.REFUSAL and not head.failed:
        raise ProtocolViolation("the database accepted what no database accepts")
    x.answers.settle()
    x.probe_over = x.probe_over or head.last
    if x.muted_until is head:
        x.muted_until = None
        x.muted = False
    copying.ended(x, head)
    settle_query(x, head)
    outcomes.transaction_status(x, head, status)
    if head.step == BEGIN_STEP or (not head.step and _is_for_client(head) and bounds.concluded(x, head)):
        return _DROP
    excess = bounds.step_done(x, head)
    if head.work is not None:
        outcomes.settle(x, head.work)
    if x.holding == 0:
        x.release()
    if excess is not None:
        return refusals.error(excess) + data[at - 5 : end]
    return None if _is_for_client(head) or head.step or head.recipient is Recipient.REFUSAL else _DROP


def _copy_in(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    copying.begun(x, head)
    return None


def _copy_out(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is None or head.kind not in (EXECUTE, QUERY) or head.recipient is not Recipient.CLIENT or head.step:
        raise _unasked(72)
    head.copying = True
    return None


def _copy_done(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is None or not head.copying or x.copying is head:
        raise _unasked(99)
    head.copying = False
    return None


_Answer = Callable[[Exchange, Expected | None, bytes, int, int], bytes | None]

_ANSWERS: Final[dict[int, _Answer]] = {
    ord("1"): _parse_complete,
    ord("2"): _bind_complete,
    ord("3"): _close_complete,
    ord("t"): _parameter_description,
    ord("n"): _no_data,
    ord("T"): _row_description,
    ord("C"): _command_complete,
    ord("I"): _empty_query,
    ord("s"): _portal_suspended,
    ord("V"): _function_result,
    ord("E"): failure,
    ord("N"): notice,
    ord("A"): notification,
    ord("S"): parameter_status,
    ord("Z"): _ready_for_query,
    ord("G"): _copy_in,
    ord("H"): _copy_out,
    ord("c"): _copy_done,
}

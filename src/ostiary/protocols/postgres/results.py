"""What the server answers, matched with what it was asked. Rows go through as the bytes they came in.

An answer that nothing asked for, or of a kind that the request cannot have, is a violation and ends the session.
"""

from collections.abc import Callable
from typing import Final

from ostiary.model.decision import Denial
from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres import bounds, copying, messages, outcomes, probes, refusals
from ostiary.protocols.postgres.asides import notice, notification, parameter_status, scrubbed
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
from ostiary.protocols.postgres.names import dropped_name, settle_bind, settle_close, settle_parse
from ostiary.protocols.postgres.simple import say_notices
from ostiary.protocols.postgres.wire import skip_run
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
        pump(x)


def pump(x: Exchange) -> None:
    """Deal with whole messages of the server, until there is none or its bytes are held."""
    inbox = x.server
    data = inbox.data
    # What lies between `start` and `at` has been dealt with and goes to the client as it is, in one piece.
    start = at = inbox.at
    try:
        while x.holding is None and x.phase is not Phase.CLOSED and inbox.next():
            kind, end = inbox.kind, inbox.end
            head = x.answers.head()
            if kind in _ROWS:
                if _rows_for_client(x, head, kind):
                    inbox.at = at = skip_run(data, at, len(data))
                    continue
                made: bytes | None = _DROP
                probes.answer(x, data, inbox.body, end)
            else:
                if start < at and head is not None and (x.limbo_open or kind in _CLOSING):
                    # A write's rows need not wait for its record.
                    x.relay(data[start:at])
                    start = at
                if x.limbo_open and kind != _READY and kind not in _ASYNCHRONOUS and _is_for_client(head):
                    x.release()
                made = _ANSWERS[kind](x, head, data, inbox.body, end)
                if made is None and x.holding is None and not x.limbo_open:
                    inbox.at = at = end
                    continue
            if start < at:
                x.relay(data[start:at])
            if made is None:
                made = data[at:end]
            if made:
                x.relay(made)
            start = inbox.at = at = end
    finally:
        if start < at:
            x.relay(data[start:at])
    if inbox.underway() > STREAMED and inbox.kind in _ROWS and _rows_for_client(x, x.answers.head(), inbox.kind):
        x.relay(inbox.pass_rest())


def _is_for_client(head: Expected | None) -> bool:
    return head is not None and head.recipient is Recipient.CLIENT


def _unasked(kind: int) -> ProtocolViolation:
    return ProtocolViolation(f"the database sent a message of type {chr(kind)!r} that nothing asked for")


def _rows_for_client(x: Exchange, head: Expected | None, kind: int) -> bool:
    """Whether rows of this kind may come now; False when they answer a probe."""
    if (
        head is None
        or head.kind not in (EXECUTE, QUERY)
        or head.recipient is Recipient.REFUSAL
        or x.copying is not None
    ):
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
    outcomes.completed(x, work, tag)
    bounds.count(work, statement, tag)
    if head.kind == QUERY:
        if work.excess is not None:
            # What it would have answered is not going to be true.
            x.limbo.clear()
            x.muted = True
        elif work.writes:
            x.limbo_open = True
        return None
    _settled(x, head, 67, (EXECUTE,))
    return _executed(x, work)


def _executed(x: Exchange, work: Work) -> bytes | None:
    if work.excess is not None and not work.ended:
        work.sqlstate = work.excess.sqlstate
        outcomes.settle(x, work)
        refusals.fail(x, work.excess, extended=True)
        return _DROP
    if work.writes and not work.ended and x.status == IDLE:
        x.batch_done.append(work)
    outcomes.settle(x, work)
    return None


def _empty_query(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is not None and head.kind == QUERY and head.recipient is Recipient.CLIENT:
        return None
    request = _settled(x, head, 73, (EXECUTE,))
    if request.work is not None:
        outcomes.settle(x, request.work)
    return _shown(request)


def _portal_suspended(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    request = _settled(x, head, 115, (EXECUTE,))
    if request.work is not None and request.work.most is not None:
        # The client could commit now, and nobody would have learned how many rows it was.
        request.work.excess = bounds.UNENFORCEABLE
        return _executed(x, request.work)
    return _shown(request)


def _function_result(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    if head is None or head.kind != FUNCTION or head.work is None:
        raise _unasked(86)
    x.limbo_open = True
    return None


def _error(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    found = messages.read_fields(data, at, end)
    if head is None or found.get("V", found.get("S")) in ("FATAL", "PANIC"):
        # The server goes: the client is told once, in the server's words.
        x.farewell_said = True
        return scrubbed(x, found, b"E")
    copying.failed(x, head)
    if head.kind not in (QUERY, FUNCTION):
        return _batch_failed(x, head, found)
    head.failed = True
    if head.recipient is Recipient.REFUSAL and head.denial is not None:
        if head.work is not None:
            head.work.sqlstate = head.denial.sqlstate
        return refusals.error(head.denial)
    if head.step:
        return scrubbed(x, found, b"E") if bounds.step_failed(x, head, found) else _DROP
    if head.work is not None:
        head.work.sqlstate = found["C"]
    return scrubbed(x, found, b"E")


def _batch_failed(x: Exchange, head: Expected, found: dict[str, str]) -> bytes | None:
    """An error in the extended protocol: the server skips what it has been sent, up to the next Sync."""
    told = scrubbed(x, found, b"E")
    if head.recipient is Recipient.REFUSAL and head.denial is not None:
        told = refusals.error(head.denial)
    if x.probing and head.recipient is Recipient.NOBODY and not head.verdict:
        if any(request.kind == SYNC and request.last for request in x.answers.all()):
            x.probe_error = found
            told = _DROP
        else:
            told = refusals.error(probes.unknown(found))
    sqlstate = head.denial.sqlstate if head.denial is not None else found["C"]
    if head.work is not None and not head.work.ended:
        head.work.sqlstate = sqlstate
        outcomes.settle(x, head.work)
    if x.status == IDLE:
        outcomes.batch_failed(x, sqlstate)
    while (skipped := x.answers.head()) is not None and skipped.kind != SYNC:
        x.answers.settle()
        x.probe_over = x.probe_over or skipped.last
        dropped_name(x, skipped, first=skipped is head)
        if skipped is not head:
            outcomes.skipped(x, skipped.work)
    if len(x.answers) == 0:
        copying.resync(x)
    return told


def _ready_for_query(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    status = messages.read_ready(data, at, end)
    if head is None or head.kind not in (SYNC, QUERY, FUNCTION):
        raise _unasked(90)
    if head.recipient is Recipient.REFUSAL and not head.failed:
        raise ProtocolViolation("the database accepted what no database accepts")
    x.answers.settle()
    x.probe_over = x.probe_over or head.last
    copying.ended(x, head)
    outcomes.transaction_status(x, head, status)
    if head.step == BEGIN_STEP or (not head.step and _is_for_client(head) and bounds.concluded(x, head)):
        return _DROP
    excess = bounds.step_done(x, head)
    if head.work is not None:
        outcomes.settle(x, head.work)
    if x.holding is None:
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
    ord("E"): _error,
    ord("N"): notice,
    ord("A"): notification,
    ord("S"): parameter_status,
    ord("Z"): _ready_for_query,
    ord("G"): _copy_in,
    ord("H"): _copy_out,
    ord("c"): _copy_done,
}

"""ErrorResponse: whose error it is, what it undoes, and in which words the client is told.

A server fails one request at a time; in the extended protocol it then skips what it has been sent, up to the next Sync.
"""

from ostiary.protocols.postgres import bounds, copying, messages, outcomes, probes, refusals
from ostiary.protocols.postgres.asides import scrubbed
from ostiary.protocols.postgres.exchange import IDLE, Exchange
from ostiary.protocols.postgres.expected import FUNCTION, QUERY, SYNC, Expected
from ostiary.protocols.postgres.names import dropped_name
from ostiary.session.answers import Recipient


def failure(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    """ErrorResponse: what to pass on in its place; None for the message as it is, nothing for none."""
    found = messages.read_fields(data, at, end)
    if head is None or found.get("V", found.get("S")) in ("FATAL", "PANIC"):
        # The server goes: the client is told once, in the server's words.
        x.farewell_said = True
        x.muted = False
        x.muted_until = None
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
        return scrubbed(x, found, b"E") if bounds.step_failed(x, head, found) else b""
    if head.work is not None:
        denial = bounds.error_told(x, head.work)
        if denial is not None:
            return refusals.error(denial)
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
            told = b""
        else:
            told = refusals.error(probes.unknown(found))
    sqlstate = head.denial.sqlstate if head.denial is not None else found["C"]
    excess = bounds.error_told(x, head.work) if head.work is not None else None
    if excess is not None:
        told, sqlstate = refusals.error(excess), excess.sqlstate
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

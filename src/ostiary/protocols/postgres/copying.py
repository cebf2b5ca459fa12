"""COPY FROM STDIN: the client's rows go through while the server wants them, and nothing else does.

The server ignores Sync and Flush in copy-in mode (CopyGetData), and copy messages outside of it (PostgresMain).
"""

from typing import Final

from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.exchange import Exchange, Phase
from ostiary.protocols.postgres.expected import EXECUTE, QUERY, SYNC, Expected
from ostiary.protocols.postgres.wire import skip_run
from ostiary.session.answers import Recipient

_COPY_DATA: Final = 100
_COPY_DONE: Final = 99
_COPY_FAIL: Final = 102
_FLUSH: Final = 72
_SYNC: Final = 83


def begun(x: Exchange, head: Expected | None) -> None:
    """CopyInResponse. Everything after the statement was held back for it, or the server should not ask."""
    if (
        head is None
        or head.kind not in (EXECUTE, QUERY)
        or head.recipient is not Recipient.CLIENT
        or len(x.answers) != 1
        or not x.quiet_wanted
    ):
        raise ProtocolViolation("the database wants rows that nothing offered")
    head.copying = True
    x.copying = head
    x.copy_rows = x.copy_sync = False
    if x.phase is Phase.LEAVING:
        abandon(x)


def abandon(x: Exchange) -> None:
    """The client is gone, and a cancel request does not reach a server that waits for rows."""
    copying = x.copying
    if copying is not None:
        x.copying = None
        copying.copying = False
        x.ask(messages.copy_fail(b"the client has left"))


def ended(x: Exchange, head: Expected) -> None:
    """The statement is over, and with it any COPY."""
    head.copying = False
    if x.copying is head:
        x.copying = None


def failed(x: Exchange, head: Expected) -> None:
    """The server gave up on the COPY: what the client still sends of it is ignored."""
    if x.copying is head:
        x.copying = None
    else:
        x.copy_sync = False
    head.copying = False


def resync(x: Exchange) -> None:
    """After an error nothing that was sent ends the batch: skip what comes, up to the client's Sync.

    If the Sync has come already, behind rows that the server was skipping by then, it counts after all.
    """
    if x.copy_sync:
        x.copy_sync = False
        x.discarding = False
        x.ask(messages.SYNC)
        x.owe(SYNC)
        x.unsynced = False
        x.batch += 1
    else:
        x.discarding = True


def take(x: Exchange, kind: int, data: bytes, end: int) -> None:
    """A message of the client in copy-in mode."""
    copying = x.copying
    if kind == _COPY_DATA:
        at = x.client.at
        x.client.at = stop = skip_run(data, at, len(data), x.limits.large_message)
        x.copy_rows = True
        x.copy_sync = False
        x.ask(data[at:stop])
        return
    if kind in (_FLUSH, _SYNC):
        x.copy_sync = x.copy_sync or (kind == _SYNC and x.copy_rows)
    elif kind in (_COPY_DONE, _COPY_FAIL) and copying is not None:
        x.ask(data[x.client.at : end])
        x.copying = None
        x.copy_sync = False
        copying.copying = False
        if copying.kind == EXECUTE and copying.work is not None and copying.work.most is None:
            x.quiet_wanted = False
        elif copying.kind == EXECUTE:
            # Its end must be known before the Sync that commits it.
            x.ask(messages.FLUSH)
    else:
        raise ProtocolViolation(f"unexpected message type {kind} during COPY from stdin")
    x.client.at = end


def ignore(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """Copy messages outside of a COPY: left over from one that failed."""
    return True

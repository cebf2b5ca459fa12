"""Asking the session's own backend how the session stands: only there uncommitted and temporary objects can be seen.

The client sees nothing of it. It goes as extended messages, so that it can stand inside an unsynced pipeline without
ending the pipeline's implicit transaction.
"""

import hashlib

from ostiary.analysis.catalog import OVERLAY_QUERY, STATE_QUERY, state_from_json
from ostiary.model.decision import Denial
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.exchange import ABORTED, RESERVED, Exchange
from ostiary.protocols.postgres.expected import BIND, CLOSE, EXECUTE, PARSE, SYNC
from ostiary.session.answers import Recipient

_NAME = (RESERVED + "state").encode()
_ABORTED_TRANSACTION = "25P02"
# Closed first as well: a probe that failed half way left its name behind.
_REQUESTS = (CLOSE, PARSE, BIND, EXECUTE, CLOSE, CLOSE)


def _messages(text: str) -> bytes:
    return b"".join(
        (
            messages.close(b"S", _NAME),
            messages.parse(_NAME, text.encode()),
            messages.bind(_NAME, _NAME),
            messages.execute(_NAME),
            messages.close(b"P", _NAME),
            messages.close(b"S", _NAME),
        )
    )


_STATE = _messages(STATE_QUERY)
_OVERLAY = _messages(OVERLAY_QUERY)


def overlay_wanted(x: Exchange) -> bool:
    """Whether the shared catalog does not tell what this session sees."""
    view = x.view
    return view.ddl or view.refreshing > 0 or view.temporary


def needed(x: Exchange) -> bool:
    """Whether to ask first. In an aborted transaction nothing can be asked, and nothing but its end can run."""
    return x.view.stale and not (x.status == ABORTED and len(x.answers) == 0)


def start(x: Exchange) -> None:
    """Ask. What comes back is gathered by `answer` and `failed`, and used by `finish`."""
    x.probing = True
    x.probe_answer = None
    x.probe_error = None
    x.ask(_OVERLAY if overlay_wanted(x) else _STATE)
    for kind in _REQUESTS:
        request = x.owe(kind, Recipient.NOBODY)
    if x.unsynced:
        # A Sync would end the client's implicit transaction.
        x.ask(messages.FLUSH)
    else:
        x.ask(messages.SYNC)
        request = x.owe(SYNC, Recipient.NOBODY)
    request.last = True


def answer(x: Exchange, data: bytes, at: int, end: int) -> None:
    """The probe's one row."""
    x.probe_answer = messages.one_value(data, at, end)


def finish(x: Exchange) -> Denial | None:
    """Take what the probe told. A denial when the state of the session could not be learned."""
    x.probing = False
    found, x.probe_answer = x.probe_answer, None
    error, x.probe_error = x.probe_error, None
    view = x.view
    if error is not None:
        # In an aborted transaction the old view stands; whatever is decided on it cannot run there.
        return None if error["C"] == _ABORTED_TRANSACTION else unknown(error)
    if found is None:
        # The probe was skipped, because something before it failed: it is asked again when it is needed again.
        return None
    full = overlay_wanted(x)
    state = state_from_json(found)
    view.search_path = state.search_path
    view.temporary = state.temporary_schema is not None
    view.stale = False
    if full:
        view.overlay = found
        view.digest = hashlib.sha256(found).hexdigest()
    else:
        view.overlay = None
        view.digest = ""
        # The first sign of a temporary schema: now the whole picture is needed.
        view.stale = view.temporary
        if view.stale and x.pending is not None:
            x.pending.probed = False
    if not overlay_wanted(x):
        view.overlay, view.digest = None, ""
    return None


def unknown(error: dict[str, str]) -> Denial:
    """Why nothing can be decided now."""
    return Denial(
        "state-unknown",
        "the state of this session could not be read",
        detail=f"the database said {error['C']}",
        hint="try again; if it persists, connect again",
        sqlstate=error["C"],
    )


def refreshed(x: Exchange) -> None:
    """The shared catalog shows what this session committed: its own is dropped, unless it has temporary objects."""
    view = x.view
    view.refreshing = max(0, view.refreshing - 1)
    if not overlay_wanted(x) and not x.probing:
        view.overlay, view.digest = None, ""

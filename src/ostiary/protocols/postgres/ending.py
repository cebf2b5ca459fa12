"""How a conversation ends: the client is told once, what was in flight gets an outcome, both sides are closed."""

from ostiary.model.decision import Denial
from ostiary.model.record import Outcome, OutcomeKind
from ostiary.protocols.postgres import copying, messages, outcomes
from ostiary.protocols.postgres.exchange import Exchange, Phase
from ostiary.protocols.postgres.expected import EXECUTE, FUNCTION, QUERY
from ostiary.protocols.postgres.refusals import error, give_up_waiting
from ostiary.session.actions import Cancel, Close, Record

SERVER_LEFT = Denial("upstream-lost", "the database closed the connection", sqlstate="08006")


def running(x: Exchange) -> bool:
    """Whether the backend may be at work for the client."""
    return any(request.kind in (EXECUTE, QUERY, FUNCTION) for request in x.answers.all())


def end(x: Exchange, denial: Denial, reason: str) -> None:
    """Tell the client why, and close."""
    if x.phase is Phase.CLOSED:
        return
    told = x.farewell_said or x.phase is Phase.LEAVING
    # In the middle of a row no message can stand.
    if not told and x.server.passing == 0:
        x.say(error(denial, "FATAL"))
    if x.connected and not x.server_gone and running(x):
        x.actions.append(Cancel())
    close(x, reason)


def close(x: Exchange, reason: str) -> None:
    """Close both sides; nothing more is said."""
    if x.phase is Phase.CLOSED:
        return
    x.phase = Phase.CLOSED
    outcomes.link_died(x)
    pending = x.pending
    if pending is not None and pending.permitted is not None and pending.recorded:
        x.actions.append(Record(pending.needed_ticket, Outcome(OutcomeKind.NOT_RUN)))
        x.pending = None
    if x.connected and not x.server_gone:
        x.ask(messages.TERMINATE)
    x.limbo.clear()
    x.actions.append(Close(reason))


def client_left(x: Exchange) -> None:
    """The client is gone: what waits is withdrawn, what runs is cancelled and its end awaited."""
    if x.phase is Phase.CLOSED or x.phase is Phase.LEAVING:
        return
    if x.phase is not Phase.OPEN:
        close(x, "client left")
        return
    x.phase = Phase.LEAVING
    copying.abandon(x)
    if running(x):
        x.actions.append(Cancel())
    leave(x)


def terminate(x: Exchange) -> None:
    """Terminate: what was sent before it runs to its end, as with a server."""
    x.phase = Phase.LEAVING
    copying.abandon(x)
    leave(x)


def leave(x: Exchange) -> None:
    """Close, once nothing is awaited any more."""
    pending = x.pending
    if pending is not None and not (pending.recorded and pending.ticket is not None and pending.permitted is None):
        _withdraw(x)
    if x.pending is None and (x.quiet or not (running(x) or x.holding != 0)):
        close(x, "client left")
    else:
        give_up_waiting(x)


def _withdraw(x: Exchange) -> None:
    pending = x.pending
    if pending is not None and pending.permitted is not None and pending.recorded:
        x.actions.append(Record(pending.needed_ticket, Outcome(OutcomeKind.NOT_RUN)))
    x.pending = None


def server_left(x: Exchange) -> None:
    """The server's connection is gone. What it has said before and is held still goes out."""
    x.server_gone = True
    if x.holding == 0:
        lost(x)


def lost(x: Exchange) -> None:
    """Nothing more comes from the server."""
    if x.farewell_said:
        close(x, "the database ended the session")
    else:
        end(x, SERVER_LEFT, "the database closed the connection")

"""One message waits for its verdict, the later ones wait behind it. Nothing is decided on a state that may be stale."""

from ostiary.model.decision import Permitted, Refused, Verdict
from ostiary.model.record import Outcome, OutcomeKind
from ostiary.model.statement import Stage, Submission
from ostiary.protocols.postgres import probes
from ostiary.protocols.postgres.exchange import Exchange, Pending, Phase
from ostiary.protocols.postgres.refusals import deny, deny_unnamed
from ostiary.session.actions import Decide, Record
from ostiary.session.events import Decided, OverlayOutdated


def decide(x: Exchange, pending: Pending) -> None:
    """A message wants a verdict."""
    x.pending = pending
    advance(x)


def advance(x: Exchange) -> None:
    """Take the waiting message as far as it goes now."""
    pending = x.pending
    if pending is None or x.probing or pending.ticket is not None:
        return
    if x.discarding:
        # An error came in while this was waiting: the server would skip it, and so do we.
        x.pending = None
        return
    if not pending.probed and probes.needed(x):
        pending.probed = True
        probes.start(x)
        return
    pending.ticket = x.next_ticket()
    submission = Submission(pending.stage, pending.text, x.session_view(), pending.parameters, pending.oid)
    x.actions.append(Decide(pending.ticket, submission, x.view.overlay))


def probed(x: Exchange) -> None:
    """A probe has come to its end: the waiting message goes on, or is refused."""
    denial = probes.finish(x)
    if denial is None:
        advance(x)
        return
    pending = x.pending
    if pending is not None and not x.discarding:
        x.pending = None
        deny(x, denial, extended=pending.extended)


def decided(x: Exchange, event: Decided) -> None:
    """The verdict is in and recorded."""
    pending = x.pending
    if pending is None or pending.ticket != event.ticket:
        return
    verdict: Verdict = event.verdict
    if isinstance(verdict, Permitted):
        x.versions = verdict.permit.versions
        x.masked = x.masked or verdict.masked
        if x.discarding or x.phase is not Phase.OPEN:
            x.pending = None
            if pending.recorded:
                x.actions.append(Record(event.ticket, Outcome(OutcomeKind.NOT_RUN)))
            return
        pending.permitted = verdict
        go_on(x)
        return
    x.pending = None
    if not x.discarding and x.phase is Phase.OPEN:
        refuse(x, pending, verdict)


def outdated(x: Exchange, event: OverlayOutdated) -> None:
    """What the session was last seen to have does not explain the message: look again before it is refused."""
    pending = x.pending
    if pending is None or pending.ticket != event.ticket:
        return
    pending.ticket = None
    pending.probed = False
    x.view.stale = True
    advance(x)


def refuse(x: Exchange, pending: Pending, refused: Refused) -> None:
    """The message does not run."""
    if pending.stage is Stage.PARSE and not pending.target:
        deny_unnamed(x, refused.denial)
    else:
        deny(x, refused.denial, extended=pending.extended)


def go_on(x: Exchange) -> None:
    """A permitted message is sent as soon as what it needs is given."""
    pending = x.pending
    if pending is not None and pending.permitted is not None:
        pending.proceed(x, pending, pending.permitted)

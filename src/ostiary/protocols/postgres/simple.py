"""Query and FunctionCall: decided and recorded as a whole before any of it is forwarded."""

from ostiary.model.decision import Permitted
from ostiary.model.record import Outcome, OutcomeKind
from ostiary.model.statement import Stage
from ostiary.protocols.postgres import bounds, messages
from ostiary.protocols.postgres.deciding import decide
from ostiary.protocols.postgres.exchange import Exchange, Pending
from ostiary.protocols.postgres.expected import FUNCTION, QUERY, Work
from ostiary.protocols.postgres.outcomes import sent
from ostiary.protocols.postgres.refusals import PORTAL_FETCHED, deny
from ostiary.session.actions import Record


def notify(x: Exchange, verdict: Permitted) -> None:
    """Tell what policy has to say about the results to come, each text once in a session."""
    if not verdict.notices:
        return
    for notice in verdict.notices:
        if notice not in x.told and len(x.told) < x.limits.notices:
            x.told.add(notice)
            x.notices.append(messages.fields({"S": "NOTICE", "V": "NOTICE", "C": "00000", "M": notice}, b"N"))
    say_notices(x)


def say_notices(x: Exchange) -> None:
    """Notices may stand between any two messages, but not inside of one."""
    if x.notices and x.server.passing == 0:
        x.say(b"".join(x.notices))
        x.notices.clear()


def query(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """A Query message."""
    pending = Pending(Stage.SIMPLE, messages.query_text(data, at, end), _forward_query)
    pending.frame = data[x.client.at : end]
    decide(x, pending)
    return True


def _forward_query(x: Exchange, pending: Pending, verdict: Permitted) -> None:
    work = pending.work
    if work is None:
        work = pending.work = Work(pending.needed_ticket, verdict, pending.text, x.traits_of(verdict.statements))
    denial = bounds.unenforceable(x, work) if work.most is not None else None
    if work.traits.fetches and x.fetches_portal(work):
        denial = PORTAL_FETCHED
    if denial is not None:
        x.pending = None
        x.actions.append(Record(work.ticket, Outcome(OutcomeKind.NOT_RUN)))
        deny(x, denial, extended=False)
        return
    if work.most is not None and not bounds.opened(x, work):
        return
    x.pending = None
    permit = verdict.permit
    notify(x, verdict)
    x.forward(permit, pending.frame if permit.text == pending.text else messages.query(permit.text))
    request = x.owe(QUERY)
    request.work = work
    request.verdict = verdict
    x.supersede_unnamed(request)
    x.unsynced = False
    x.batch += 1
    sent(x, work)
    if work.most is not None or work.traits.may_copy_in:
        x.quiet_wanted = True


def function_call(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """A FunctionCall message."""
    oid, values = messages.read_function_call(data, at, end)
    pending = Pending(Stage.FUNCTION, b"", _forward_function_call)
    pending.frame = data[x.client.at : end]
    pending.oid = oid
    pending.parameters = values
    decide(x, pending)
    return True


def _forward_function_call(x: Exchange, pending: Pending, verdict: Permitted) -> None:
    x.pending = None
    work = Work(pending.needed_ticket, verdict, b"", x.traits_of(verdict.statements))
    work.writes = True
    if verdict.permit.max_rows is not None:
        x.actions.append(Record(work.ticket, Outcome(OutcomeKind.NOT_RUN)))
        deny(x, bounds.UNENFORCEABLE, extended=False)
        return
    notify(x, verdict)
    x.forward(verdict.permit, pending.frame)
    request = x.owe(FUNCTION)
    request.work = work
    request.verdict = verdict
    x.unsynced = False
    x.batch += 1
    sent(x, work)
    # A function may do anything to its session.
    x.view.stale = x.view.touched = True

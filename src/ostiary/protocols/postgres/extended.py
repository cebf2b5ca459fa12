"""Parse, Bind, Describe, Execute, Close, Flush, Sync: analysed at Parse, decided at Bind, asked again at Execute.

What a name means is known for certain or waited for: an Execute is never judged by another text than the one it runs.
"""

import struct

from ostiary.model.decision import Denial, Permitted
from ostiary.model.errors import ProtocolViolation
from ostiary.model.record import Outcome, OutcomeKind
from ostiary.model.statement import Stage
from ostiary.protocols.postgres import bounds, messages
from ostiary.protocols.postgres.deciding import decide
from ostiary.protocols.postgres.exchange import IDLE, RESERVED, Exchange, Pending
from ostiary.protocols.postgres.expected import (
    BIND,
    CLOSE,
    DESCRIBE_PORTAL,
    DESCRIBE_STATEMENT,
    EXECUTE,
    PARSE,
    SYNC,
    Portal,
    Prepared,
    Work,
)
from ostiary.protocols.postgres.outcomes import sent
from ostiary.protocols.postgres.refusals import (
    LONG_NAME,
    NO_PORTAL,
    NO_STATEMENT,
    NOT_FOR_BIND,
    PARAMETER_TYPE,
    PLAN_CHANGED,
    PORTAL_FETCHED,
    RESERVED_NAME,
    TOO_MANY_PORTALS,
    TOO_MANY_STATEMENTS,
    deny,
)
from ostiary.protocols.postgres.simple import notify
from ostiary.session.actions import Record
from ostiary.session.answers import Recipient

_STATEMENT = 83


_LONGEST_NAME = 63
"""NAMEDATALEN - 1: the server keeps prepared statements and portals under so many bytes of their names."""


def _unusable(name: str) -> Denial | None:
    """Why no statement or portal may have this name."""
    if name.startswith(RESERVED):
        return RESERVED_NAME
    # A character has a byte at least and four at most.
    return LONG_NAME if len(name) * 4 > _LONGEST_NAME and len(name.encode()) > _LONGEST_NAME else None


def _refused(x: Exchange, denial: Denial) -> bool:
    deny(x, denial, extended=True)
    return True


def _wait(x: Exchange) -> bool:
    """Come back to this message when everything before it has been answered."""
    x.quiet_wanted = True
    return False


def parse(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """A Parse message."""
    name, text, types = messages.read_parse(data, at, end)
    unusable = _unusable(name)
    if unusable is not None:
        return _refused(x, unusable)
    known = x.statements.get(name)
    if name and known is not None and (known.closing or not known.confirmed):
        return _wait(x)
    if known is None and (
        len(x.statements) >= x.limits.prepared_statements or x.statement_bytes + len(text) > x.limits.prepared_bytes
    ):
        return _refused(x, TOO_MANY_STATEMENTS)
    pending = Pending(Stage.PARSE, text, _forward_parse)
    pending.frame = data[x.client.at : end]
    pending.target = name
    pending.types = types
    decide(x, pending)
    return True


_FIRST_OWN_OID = 16384
"""Below are the types that every installation has (transam.h, FirstNormalObjectId)."""


def _declares_own_type(types: bytes) -> bool:
    """Whether a parameter is declared of a type made in this database: a domain's CHECK may call anything."""
    return any(oid >= _FIRST_OWN_OID for (oid,) in struct.iter_unpack(">I", types[2:]))


def _forward_parse(x: Exchange, pending: Pending, verdict: Permitted) -> None:
    x.pending = None
    if verdict.masked and _declares_own_type(pending.types):
        deny(x, PARAMETER_TYPE, extended=True)
        return
    name, permit = pending.target, verdict.permit
    changed = permit.text != pending.text
    notify(x, verdict)
    x.forward(permit, messages.parse(name.encode(), permit.text, pending.types) if changed else pending.frame)
    request = x.owe(PARSE)
    request.verdict = verdict
    made = request.statement = Prepared(name, pending.text, permit.text, x.batch, verdict)
    x.unsynced = True
    if name and name in x.statements:
        # The server fails this, and the first one stays (PG-EXT-001); nothing is judged before that is certain.
        x.quiet_wanted = True
    else:
        x.remember(made)


def bind(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """A Bind message."""
    portal, name, values = messages.read_bind(data, at, end)
    unusable = _unusable(portal)
    if unusable is not None:
        return _refused(x, unusable)
    statement = x.statements.get(name)
    if statement is None:
        return _refused(x, NO_STATEMENT)
    if statement.closing or (not statement.confirmed and statement.batch != x.batch):
        # If its Parse was skipped, the name still means what it meant before. In the same batch this is skipped too.
        return _wait(x)
    if statement.sql:
        return _refused(x, NOT_FOR_BIND)
    if portal not in x.portals and len(x.portals) >= x.limits.portals:
        return _refused(x, TOO_MANY_PORTALS)
    pending = Pending(Stage.BIND, statement.text, _forward_bind)
    pending.frame = data[x.client.at : end]
    pending.parameters = values
    pending.target = portal
    pending.statement = statement
    decide(x, pending)
    return True


def _forward_bind(x: Exchange, pending: Pending, verdict: Permitted) -> None:
    x.pending = None
    statement, name = pending.statement, pending.target
    work = Work(pending.needed_ticket, verdict, pending.text, x.traits_of(verdict.statements))
    if statement is None or verdict.permit.text != statement.forwarded:
        x.actions.append(Record(work.ticket, Outcome(OutcomeKind.NOT_RUN)))
        deny(x, PLAN_CHANGED, extended=True)
        return
    made = Portal(name, statement, pending.parameters, work, x.batch)
    made.meant = x.meant_by(work)
    notify(x, verdict)
    x.forward(verdict.permit, pending.frame)
    request = x.owe(BIND)
    request.portal = made
    x.unsynced = True
    if name and name in x.portals:
        x.quiet_wanted = True
    else:
        x.portals[name] = made


def describe(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """A Describe message."""
    kind, name = messages.read_target(data, at, end)
    unusable = _unusable(name)
    if unusable is not None:
        return _refused(x, unusable)
    if kind == _STATEMENT and not name and x.statements.get(name) is None:
        # A Parse that was refused here did not make the server drop the unnamed statement before it.
        return _refused(x, NO_STATEMENT)
    x.ask(data[x.client.at : end])
    x.unsynced = True
    if kind == _STATEMENT:
        statement = x.statements.get(name)
        x.owe(DESCRIBE_STATEMENT).verdict = statement.verdict if statement is not None else None
        return True
    portal = x.portals.get(name)
    request = x.owe(DESCRIBE_PORTAL)
    if portal is not None:
        portal.described = True
        request.verdict = portal.work.verdict
    return True


def execute(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """An Execute message: it is what runs."""
    name, _ = messages.read_execute(data, at, end)
    portal = x.portals.get(name)
    if portal is None:
        return _refused(x, NO_PORTAL)
    if not portal.confirmed and portal.batch != x.batch:
        return _wait(x)
    frame = data[x.client.at : end]
    if portal.permit.versions != x.versions:
        pending = Pending(Stage.EXECUTE, portal.statement.text, _forward_execute)
        pending.frame = frame
        pending.parameters = portal.parameters
        pending.portal = portal
        decide(x, pending)
        return True
    _run(x, portal, frame)
    return True


def _forward_execute(x: Exchange, pending: Pending, verdict: Permitted) -> None:
    x.pending = None
    portal = pending.portal
    if portal is None or verdict.permit.text != portal.statement.forwarded:
        deny(x, PLAN_CHANGED, extended=True)
        return
    portal.permit = verdict.permit
    if not portal.work.started:
        portal.work.judge(verdict, x.traits_of(verdict.statements))
    _run(x, portal, pending.frame)


def _untimely(x: Exchange, portal: Portal) -> Denial | None:
    """Why a portal may not run now, although it was permitted."""
    work = portal.work
    if work.traits.executes and x.meant_by(work) != portal.meant:
        return PLAN_CHANGED
    if work.traits.fetches and x.fetches_portal(work):
        return PORTAL_FETCHED
    return bounds.unenforceable(x, work) if work.most is not None else None


def _run(x: Exchange, portal: Portal, frame: bytes) -> None:
    work = portal.work
    if not work.started:
        denial = _untimely(x, portal)
        if denial is not None:
            deny(x, denial, extended=True)
            return
    if work.verdict.forbidden_origins and not portal.described:
        # Without a RowDescription nobody would see where the columns come from.
        portal.described = True
        x.ask(messages.describe(b"P", portal.name.encode()))
        x.owe(DESCRIBE_PORTAL, Recipient.NOBODY).verdict = work.verdict
    x.forward(portal.permit, frame)
    request = x.owe(EXECUTE)
    request.work = work
    request.portal = portal
    request.verdict = work.verdict
    x.unsynced = True
    sent(x, work)
    if work.most is not None or work.traits.may_copy_in:
        # Its end must be known before the client's Sync could commit it; COPY data must not run into other messages.
        x.quiet_wanted = True


def close(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """A Close message."""
    kind, name = messages.read_target(data, at, end)
    unusable = _unusable(name)
    if unusable is not None:
        return _refused(x, unusable)
    statement = x.statements.get(name) if kind == _STATEMENT else None
    portal = x.portals.get(name) if kind != _STATEMENT else None
    known = statement or portal
    if known is not None and not known.confirmed and known.batch != x.batch:
        return _wait(x)
    x.ask(data[x.client.at : end])
    request = x.owe(CLOSE)
    request.statement = statement
    request.portal = portal
    x.unsynced = True
    if statement is not None:
        statement.closing = True
    return True


def flush(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """A Flush message."""
    if at != end:
        raise ProtocolViolation("Flush has no content")
    if x.connected:
        x.ask(messages.FLUSH)
        x.flushed = True
    return True


def sync(x: Exchange, data: bytes, at: int, end: int) -> bool:
    """A Sync message: the end of a batch."""
    if at != end:
        raise ProtocolViolation("Sync has no content")
    if x.discarding_alone or not x.connected:
        x.discarding = x.discarding_alone = False
        x.say(messages.ready(IDLE))
        return True
    x.discarding = False
    send_sync(x)
    return True


def send_sync(x: Exchange) -> None:
    """Sync, to the server."""
    x.ask(messages.SYNC)
    x.owe(SYNC)
    x.unsynced = False
    x.batch += 1

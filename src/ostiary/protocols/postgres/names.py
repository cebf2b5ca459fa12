"""What becomes of statement and portal names as the server answers: a name stands for what the server has under it."""

from ostiary.protocols.postgres.exchange import Exchange
from ostiary.protocols.postgres.expected import BIND, CLOSE, PARSE, QUERY, Expected, Portal, Prepared
from ostiary.protocols.postgres.outcomes import portal_gone, skipped


def settle_parse(x: Exchange, statement: Prepared) -> None:
    """ParseComplete."""
    statement.confirmed = True
    if not statement.name:
        x.unnamed = statement
    elif x.statements.get(statement.name) is not statement:
        x.remember(statement)


def settle_query(x: Exchange, request: Expected) -> None:
    """A Query was dealt with, and dropped the unnamed statement (exec_simple_query)."""
    if request.statement is not None:
        x.unnamed = None
        if x.statements.get("") is request.statement:
            x.forget("")


def settle_bind(x: Exchange, portal: Portal) -> None:
    """BindComplete."""
    portal.confirmed = True
    if not portal.name:
        before, x.unnamed_portal = x.unnamed_portal, portal
        if before is not None:
            portal_gone(x, before)
    elif x.portals.get(portal.name) is not portal:
        x.portals[portal.name] = portal


def settle_close(x: Exchange, request: Expected) -> None:
    """CloseComplete."""
    statement, portal = request.statement, request.portal
    if statement is not None:
        if x.statements.get(statement.name) is statement:
            x.forget(statement.name)
        if x.unnamed is statement:
            x.unnamed = None
    if portal is not None:
        if x.portals.get(portal.name) is portal:
            del x.portals[portal.name]
        if x.unnamed_portal is portal:
            x.unnamed_portal = None
        portal_gone(x, portal)


def dropped_name(x: Exchange, request: Expected, *, first: bool) -> None:
    """The server failed this request (the first) or passed over it: names mean what they meant before."""
    statement, portal = request.statement, request.portal
    if request.kind in (PARSE, QUERY) and statement is not None:
        if first and not statement.name:
            # exec_parse_message drops the unnamed statement before it looks at the new one.
            x.unnamed = None
        if x.statements.get(statement.name) is statement:
            x.forget(statement.name)
            if not statement.name and x.unnamed is not None:
                x.remember(x.unnamed)
    elif request.kind == BIND and portal is not None:
        skipped(x, portal.work)
        if x.portals.get(portal.name) is portal:
            del x.portals[portal.name]
            if not portal.name and x.unnamed_portal is not None:
                x.portals[""] = x.unnamed_portal
    elif request.kind == CLOSE and statement is not None:
        statement.closing = False

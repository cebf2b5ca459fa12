"""COPY, CALL and DO: rows in bulk, and code by name or by text."""

from collections.abc import Mapping

from ostiary.analysis.scope import Item, Node, Scope
from ostiary.analysis.walk import NodeReader, Walk
from ostiary.model.analysis import Action, CopyRoute


def copy(walk: Walk, body: Node, scope: Scope) -> None:
    """COPY of a table or query, with the client or with a file or program of the server."""
    incoming = body.get("is_from", False)
    if "filename" in body or body.get("is_program"):
        walk.copy = CopyRoute.SERVER_SIDE
        walk.access(Action.ADMINISTER)
    else:
        walk.copy = CopyRoute.FROM_CLIENT if incoming else CopyRoute.TO_CLIENT
    if "relation" not in body:
        walk.push(body["query"], scope)
        return
    relation = walk.known(body["relation"])
    if relation is None:
        return
    columns = tuple(node["String"]["sval"] for node in body.get("attlist", ())) or None
    if incoming:
        walk.access(Action.INSERT, relation.name, columns=columns)
        walk.push(body.get("whereClause"), Scope(scope, scope.ctes, [_incoming_row(relation.name.name)]))
    else:
        walk.refers(body["relation"], relation)
        walk.access(Action.READ, relation.name, columns=columns)


def _incoming_row(name: str) -> Item:
    # WHERE of COPY FROM looks at the rows that come in, not at those of the table.
    return Item(name)


def call(walk: Walk, body: Node, scope: Scope) -> None:
    """CALL runs a procedure, which may do anything, transactions included."""
    walk.changes_session = True
    walk.changes_catalog = True
    walk.push({"FuncCall": body["funccall"]}, scope)


def do(walk: Walk, body: Node, scope: Scope) -> None:
    """DO runs code that is a text here."""
    walk.changes_session = True
    walk.changes_catalog = True
    walk.access(Action.CALL)
    walk.incomplete("the body of a DO block is not analysed")


NODES: Mapping[str, NodeReader] = {"CopyStmt": copy, "CallStmt": call, "DoStmt": do}
"""Statements that move rows in bulk or run code."""

"""INSERT, UPDATE, DELETE, MERGE and TRUNCATE, wherever they stand: as statements or as terms of WITH.

The target is always a table of the catalog, never a CTE. What is read of it (WHERE, SET, RETURNING) is a read as well.
"""

from collections.abc import Iterable, Mapping

from ostiary.analysis.catalog import Relation
from ostiary.analysis.predicate import restricts
from ostiary.analysis.queries import from_item, with_clause
from ostiary.analysis.scope import Item, Node, Scope
from ostiary.analysis.versions import MERGE_BY_SOURCE, MERGE_RETURNING
from ostiary.analysis.walk import NodeReader, Walk
from ostiary.model.analysis import Action


def insert(walk: Walk, body: Node, outer: Scope) -> None:
    """INSERT, with what ON CONFLICT may update."""
    walk.data_changes += 1
    scope = Scope(outer, with_clause(walk, body.get("withClause"), outer))
    relation = _written(walk, body["relation"], Action.INSERT, _columns(body.get("cols")))
    walk.push(_subscripts(body.get("cols", ())), scope)
    walk.push(body.get("selectStmt"), Scope(outer, scope.ctes))
    conflict = body.get("onConflictClause")
    if conflict is not None:
        _conflict(walk, body, conflict, relation, scope)
    _returning(walk, body, relation, Scope(outer, scope.ctes, _target_items(body["relation"], relation)))


def _conflict(walk: Walk, body: Node, conflict: Node, relation: Relation | None, outer: Scope) -> None:
    items = _target_items(body["relation"], relation)
    infer = conflict.get("infer", {})
    inferring = Scope(outer.parent, outer.ctes, items)
    for element in infer.get("indexElems", ()):
        part = element["IndexElem"]
        # The arbiter's columns are read (INSERT, "Outputs": the SELECT privilege is required on them).
        if relation is not None and "name" in part:
            walk.access(Action.READ, relation.name, columns=(part["name"],))
        walk.push(part.get("expr"), inferring)
    walk.push(infer.get("whereClause"), inferring)
    if conflict["action"] == "ONCONFLICT_UPDATE":
        _written(walk, body["relation"], Action.UPDATE, _columns(conflict.get("targetList")))
        updating = Scope(outer.parent, outer.ctes, [*items, Item("excluded", query=_columns_as_query(relation))])
        walk.push(_values(conflict.get("targetList", ())), updating)
        walk.push(conflict.get("whereClause"), updating)


def update(walk: Walk, body: Node, outer: Scope) -> None:
    """UPDATE, with its FROM."""
    walk.data_changes += 1
    relation = _written(walk, body["relation"], Action.UPDATE, _columns(body.get("targetList")))
    scope = _target_scope(walk, body, outer, relation)
    for node in body.get("fromClause", ()):
        from_item(walk, node, scope)
    walk.push(_values(body.get("targetList", ())), scope)
    walk.push(body.get("whereClause"), scope)
    walk.predicates.append(restricts(body.get("whereClause")))
    _returning(walk, body, relation, scope)


def delete(walk: Walk, body: Node, outer: Scope) -> None:
    """DELETE, with its USING."""
    walk.data_changes += 1
    relation = _written(walk, body["relation"], Action.DELETE, None)
    scope = _target_scope(walk, body, outer, relation)
    for node in body.get("usingClause", ()):
        from_item(walk, node, scope)
    walk.push(body.get("whereClause"), scope)
    walk.predicates.append(restricts(body.get("whereClause")))
    _returning(walk, body, relation, scope)


_MERGE_ACTIONS = {"CMD_INSERT": Action.INSERT, "CMD_UPDATE": Action.UPDATE, "CMD_DELETE": Action.DELETE}


def merge(walk: Walk, body: Node, outer: Scope) -> None:
    """MERGE: each branch is an action of its own on the target."""
    walk.data_changes += 1
    relation = walk.known(body["relation"])
    scope = _target_scope(walk, body, outer, relation)
    from_item(walk, body["sourceRelation"], scope)
    walk.push(body.get("joinCondition"), scope)
    version = walk.catalog.server_version
    for node in body["mergeWhenClauses"]:
        clause = node["MergeWhenClause"]
        if clause["matchKind"] == "MERGE_WHEN_NOT_MATCHED_BY_SOURCE" and version < MERGE_BY_SOURCE:
            walk.newer("WHEN NOT MATCHED BY SOURCE needs PostgreSQL 17")
        action = _MERGE_ACTIONS.get(clause["commandType"])
        if action is not None:
            columns = None if action is Action.DELETE else _columns(clause.get("targetList"))
            _written(walk, body["relation"], action, columns)
        elif clause["commandType"] != "CMD_NOTHING":
            walk.incomplete(f"MERGE with {clause['commandType']} is not understood")
        walk.push(clause.get("condition"), scope)
        walk.push(_values(clause.get("targetList", ())), scope)
        walk.push(clause.get("values"), scope)
    if "returningClause" in body and version < MERGE_RETURNING:
        walk.newer("MERGE … RETURNING needs PostgreSQL 17")
    _returning(walk, body, relation, scope)


def truncate(walk: Walk, body: Node, scope: Scope) -> None:
    """TRUNCATE deletes everything; with CASCADE also in tables that refer to it, which the catalog does not list."""
    for node in body["relations"]:
        _written(walk, node["RangeVar"], Action.DELETE, None)
    walk.predicates.append(False)
    if body.get("behavior") == "DROP_CASCADE":
        walk.incomplete("TRUNCATE … CASCADE reaches tables that it does not name")


def _written(walk: Walk, target: Node, action: Action, columns: Iterable[str] | None) -> Relation | None:
    relation = walk.known(target)
    if relation is not None:
        walk.access(action, relation.name, columns=columns)
    return relation


def _target_scope(walk: Walk, body: Node, outer: Scope, relation: Relation | None) -> Scope:
    return Scope(outer, with_clause(walk, body.get("withClause"), outer), _target_items(body["relation"], relation))


def _target_items(target: Node, relation: Relation | None) -> list[Item]:
    alias = target.get("alias", {})
    schema = None if relation is None or alias else relation.name.schema
    return [Item(alias.get("aliasname", target["relname"]), () if relation is None else (relation,), schema=schema)]


def _returning(walk: Walk, body: Node, relation: Relation | None, scope: Scope) -> None:
    clause = body.get("returningClause")
    if clause is None:
        return
    names = {"old", "new"}
    for option in clause.get("options", ()):
        if "ReturningOption" in walk.too_new:
            walk.newer(walk.too_new["ReturningOption"])
        names.add(option["ReturningOption"]["value"])
    taken = {item.alias for item in scope.items}
    rows = [Item(name, () if relation is None else (relation,)) for name in sorted(names - taken)]
    inside = Scope(scope.parent, scope.ctes, [*scope.items, *rows])
    # RETURNING * also gives what FROM or USING bring; the level has them all.
    walk.push(clause.get("exprs"), inside)


def _columns(targets: list[Node] | None) -> tuple[str, ...] | None:
    """The target columns; None when the text names none, which means all."""
    return None if not targets else tuple(target["ResTarget"]["name"] for target in targets)


def _values(targets: Iterable[Node]) -> list[object]:
    """What is assigned, and the subscripts of where."""
    return [
        part for target in targets for part in (target["ResTarget"].get("val"), _indices(target["ResTarget"])) if part
    ]


def _subscripts(targets: Iterable[Node]) -> list[object]:
    return [part for target in targets if (part := _indices(target["ResTarget"]))]


def _indices(target: Node) -> list[Node]:
    return [part for part in target.get("indirection", ()) if "A_Indices" in part]


def _columns_as_query(relation: Relation | None) -> Node | None:
    """A row of the relation as an opaque item: its columns are known, but none of them is read from the table."""
    if relation is None:
        return None
    return {"targetList": [{"ResTarget": {"name": column.name}} for column in relation.columns]}


NODES: Mapping[str, NodeReader] = {
    "InsertStmt": insert,
    "UpdateStmt": update,
    "DeleteStmt": delete,
    "MergeStmt": merge,
    "TruncateStmt": truncate,
}
"""Statements that change rows."""

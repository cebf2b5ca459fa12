"""Queries: SELECT, VALUES, TABLE, set operations, their FROM items and common table expressions."""

from collections.abc import Mapping

from ostiary.analysis.catalog import Relation
from ostiary.analysis.definitions import defines_new
from ostiary.analysis.parse import too_many
from ostiary.analysis.scope import Ctes, Item, Node, Scope, names_of
from ostiary.analysis.walk import NodeReader, Walk
from ostiary.model.analysis import Action

MAXIMUM_ITEMS = 1_000
"""FROM items of one level. Precedent: SQL Server takes 256 tables in a SELECT, MySQL 61 in a join."""

_EXPRESSIONS = (
    "targetList",
    "whereClause",
    "groupClause",
    "havingClause",
    "windowClause",
    "valuesLists",
    "distinctClause",
    "sortClause",
    "limitOffset",
    "limitCount",
)


def select(walk: Walk, body: Node, outer: Scope) -> None:
    """A query. Both arms of a set operation see its WITH; FOR UPDATE locks what is read anyway."""
    arms = [(body, outer)]
    while arms:
        query, around = arms.pop()
        inside = Scope(around, with_clause(walk, query.get("withClause"), around))
        if "intoClause" in query:
            defines_new(walk, query["intoClause"]["rel"])
        if query["op"] != "SETOP_NONE":
            # The arms are levels of their own beside each other, not inside this one.
            beside = Scope(around, inside.ctes)
            arms += [(query["larg"], beside), (query["rarg"], beside)]
        for node in query.get("fromClause", ()):
            from_item(walk, node, inside)
        inside.query = query
        for part in _EXPRESSIONS:
            if part in query:
                walk.push(query[part], inside)


def with_clause(walk: Walk, clause: Node | None, around: Scope) -> Ctes:
    """The CTEs that a statement with this clause sees. Their queries see the outer levels, not the statement's items.

    Without RECURSIVE each sees the ones before it; with it, all see all (section 7.8).
    """
    if clause is None:
        return around.ctes
    terms = [term["CommonTableExpr"] for term in clause["ctes"]]
    visible = dict(around.ctes)
    if clause.get("recursive"):
        visible.update({term["ctename"]: term for term in terms})
    for term in terms:
        walk.push(term["ctequery"], Scope(around, visible))
        walk.push(term.get("cycle_clause"), Scope(around, visible))
        if not clause.get("recursive"):
            walk.spend(len(visible))
            visible = {**visible, term["ctename"]: term}
    return visible


def from_item(walk: Walk, node: Node, scope: Scope) -> list[Item]:
    """Add one FROM item, and for a join all that is in it, to the level. Gives the items that it adds."""
    ((kind, body),) = node.items()
    reader = _FROM.get(kind)
    if reader is None:
        walk.incomplete(f"{kind} in FROM is not understood")
        return []
    if kind in walk.too_new:
        walk.newer(walk.too_new[kind])
    return reader(walk, body, scope)


def _table(walk: Walk, body: Node, scope: Scope, *, sampled: bool = False) -> list[Item]:
    alias = body.get("alias", {})
    name = body["relname"]
    shown = alias.get("aliasname", name)
    if "schemaname" not in body and name in scope.ctes:
        term = scope.ctes[name]
        query = None if "colnames" in alias or "aliascolnames" in term else term["ctequery"]
        return _added(walk, scope, Item(shown, query=query))
    relation = walk.known(body)
    if relation is None:
        return _added(walk, scope, Item(shown))
    walk.refers(body, relation, sampled=sampled)
    if "colnames" in alias:
        # The new names may stand for any column; which one is not worth the risk of counting wrongly.
        walk.access(Action.READ, relation.name)
        return _added(walk, scope, Item(shown))
    return _added(walk, scope, Item(shown, (relation,), schema=None if alias else relation.name.schema))


def _added(walk: Walk, scope: Scope, item: Item) -> list[Item]:
    if len(scope.items) == MAXIMUM_ITEMS:
        raise too_many()
    walk.spend()
    scope.items.append(item)
    return [item]


def _join(walk: Walk, body: Node, scope: Scope) -> list[Item]:
    before = len(scope.items)
    items = [*from_item(walk, body["larg"], scope), *from_item(walk, body["rarg"], scope)]
    walk.spend(len(items))
    # ON sees the two sides and nothing beside them (parse_clause.c, transformJoinOnClause).
    if "quals" in body:
        walk.push(body["quals"], Scope(scope.parent, scope.ctes, items))
    if body.get("isNatural"):
        walk.operates(("=",))
        for item in items:
            walk.reads_all(item)
    for column in body.get("usingClause", ()):
        walk.operates(("=",))
        for relation in _relations(items):
            if relation.column(column["String"]["sval"]) is not None:
                walk.access(Action.READ, relation.name, columns=(column["String"]["sval"],))
    if "join_using_alias" in body:
        # It names only the columns that USING joins; the other names stay visible.
        items = [*items, *_added(walk, scope, _joined(body["join_using_alias"], items))]
    if "alias" not in body:
        return items
    if "colnames" in body["alias"]:
        for item in items:
            walk.reads_all(item)
    # The names inside a join that has an alias are not visible outside (section 7.2.1.2), its columns are.
    hidden = [Item(None, item.relations, opaque=item.opaque) for item in items if not item.joined]
    scope.items[before:] = hidden
    return [*hidden, *_added(walk, scope, _joined(body["alias"], items))]


def _joined(alias: Node, items: list[Item]) -> Item:
    opaque = "colnames" in alias or any(item.opaque for item in items)
    return Item(alias["aliasname"], _relations(items), opaque=opaque, joined=True)


def _relations(items: list[Item]) -> tuple[Relation, ...]:
    found = {relation.name: relation for item in items if not item.joined for relation in item.relations}
    return tuple(found.values())


def _subquery(walk: Walk, body: Node, scope: Scope) -> list[Item]:
    walk.push(body["subquery"], _so_far(walk, scope) if body.get("lateral") else scope.beside())
    alias = body.get("alias", {})
    query = None if "colnames" in alias else body["subquery"]
    return _added(walk, scope, Item(alias.get("aliasname"), query=query))


def _so_far(walk: Walk, scope: Scope) -> Scope:
    # Each copy is as long as what stands before it.
    walk.spend(len(scope.items))
    return scope.so_far()


def _function(walk: Walk, body: Node, scope: Scope) -> list[Item]:
    walk.push([body["functions"], body.get("coldeflist")], _so_far(walk, scope))
    return _added(walk, scope, Item(body.get("alias", {}).get("aliasname", _function_name(body))))


def _function_name(body: Node) -> str | None:
    call = body["functions"][0]["List"]["items"][0].get("FuncCall")
    return None if call is None else names_of(call["funcname"])[-1]


def _table_function(walk: Walk, body: Node, scope: Scope) -> list[Item]:
    parts = {key: value for key, value in body.items() if key != "alias"}
    walk.push(parts, _so_far(walk, scope))
    return _added(walk, scope, Item(body.get("alias", {}).get("aliasname")))


def _sample(walk: Walk, body: Node, scope: Scope) -> list[Item]:
    walk.calls(names_of(body["method"]))
    walk.push([body.get("args"), body.get("repeatable")], scope.beside())
    relation = body["relation"].get("RangeVar")
    if relation is None:
        walk.incomplete("TABLESAMPLE of something that is no table")
        return []
    return _table(walk, relation, scope, sampled=True)


def common_table_expression(walk: Walk, body: Node, scope: Scope) -> None:
    """CTEs are read with their WITH clause; one that stands anywhere else is not understood."""
    walk.incomplete("a common table expression stands where none is expected")


_FROM = {
    "RangeVar": _table,
    "JoinExpr": _join,
    "RangeSubselect": _subquery,
    "RangeFunction": _function,
    "RangeTableFunc": _table_function,
    "JsonTable": _table_function,
    "RangeTableSample": _sample,
}

NODES: Mapping[str, NodeReader] = {
    "SelectStmt": select,
    "CommonTableExpr": common_table_expression,
}
"""Queries, as statements and as subqueries."""

"""Which columns a reference names, and which functions hide in what looks like one.

``t.f`` and ``(expression).f`` are calls of f where there is no column f (section 8.16.5), so what is no known column is
looked up as a function.
"""

from collections.abc import Iterable

from ostiary.analysis.scope import SYSTEM_COLUMNS, Item, Node, Scope, text_of
from ostiary.analysis.walk import Walk
from ostiary.model.analysis import Action


def column_reference(walk: Walk, body: Node, scope: Scope) -> None:
    """``c``, ``t.c``, ``s.t.c``, ``t.*``, ``*`` or a whole row ``t``."""
    parts = [text_of(part) for part in body["fields"]]
    last = parts[-1]
    if len(parts) == 1:
        if last is None:
            walk.spend(len(scope.items))
            _everything(walk, scope.items)
        else:
            _unqualified(walk, last, scope)
        return
    qualifier = parts[-2]
    # The database part of a four-part name can only be the current one.
    _qualified(walk, parts[-3] if len(parts) > 2 else None, "" if qualifier is None else qualifier, last, scope)


def _everything(walk: Walk, items: Iterable[Item]) -> None:
    for item in items:
        walk.reads_all(item)


def _unqualified(walk: Walk, name: str, scope: Scope) -> None:
    explained = name in SYSTEM_COLUMNS
    for level in scope.levels():
        walk.spend()
        names = level.names()
        for item in names.aliases.get(name, ()):
            # PostgreSQL takes a column before a whole row; an opaque item may or may not have the column.
            explained = True
            walk.reads_all(item)
        relations = names.columns.get(name)
        if relations is not None:
            for relation in relations:
                walk.access(Action.READ, relation.name, columns=(name,))
            # The innermost level that has the column is meant (parse_relation.c, colNameToVar).
            return
        explained = explained or names.opaque
    if explained or (scope.query is not None and name in _made_names(scope.query)):
        return
    # Nothing explains the name: the server will complain, or it knows a column that this catalog does not have yet.
    nearest = _nearest_items(scope)
    walk.spend(len(nearest))
    _everything(walk, nearest)


def _nearest_items(scope: Scope) -> list[Item]:
    return next((level.items for level in scope.levels() if level.items), [])


def _qualified(walk: Walk, schema: str | None, alias: str, name: str | None, scope: Scope) -> None:
    for level in scope.levels():
        walk.spend()
        here = level.names().aliases.get(alias, ())
        if schema is not None:
            here = [item for item in here if item.schema == schema]
        for item in here:
            _field(walk, item, name)
        if here:
            return
    nearest = _nearest_items(scope)
    walk.spend(len(nearest))
    _everything(walk, nearest)


def _field(walk: Walk, item: Item, name: str | None) -> None:
    if name is None:
        walk.reads_all(item)
        return
    found = False
    for relation in item.relations:
        if relation.column(name) is not None:
            walk.access(Action.READ, relation.name, columns=(name,))
            found = True
    if found or name in SYSTEM_COLUMNS:
        return
    if item.opaque and (not walk.is_function(name) or (item.query is not None and name in output_names(item.query))):
        return
    # A function on the whole row. For an opaque item whose columns are not known it may be a column as well.
    walk.reads_all(item)
    if not walk.calls((name,), known=True) and not item.opaque:
        walk.incomplete(f"unknown column: {item.alias}.{name}")


def indirection(walk: Walk, body: Node, scope: Scope) -> None:
    """``(expression).field`` and ``(expression)[subscript]``; a field may be a function."""
    walk.push(body.get("arg"), scope)
    for part in body["indirection"]:
        name = text_of(part)
        if name is None:
            walk.push(part, scope)
        else:
            walk.calls((name,), known=True)


def _made_names(query: Node) -> frozenset[str]:
    """Output names that are not columns' own: what only ORDER BY and GROUP BY can mean."""
    targets = (target.get("ResTarget", {}) for target in query.get("targetList", ()))
    return frozenset(
        name
        for target in targets
        if ("name" in target or "ColumnRef" not in target.get("val", {}))
        and (name := _output_name({"ResTarget": target})) is not None
    )


def output_names(query: Node) -> frozenset[str]:
    """Names that the rows of a query certainly have; there may be more (``*``, names the server makes up)."""
    select = query.get("SelectStmt", query)
    while "larg" in select:
        select = select["larg"]
    return frozenset(name for name in map(_output_name, select.get("targetList", ())) if name is not None)


def _output_name(target: Node) -> str | None:
    body: Node = target.get("ResTarget", {})
    name: str | None = body.get("name")
    if name is not None:
        return name
    value: Node = body.get("val", {})
    reference = value.get("ColumnRef")
    if reference is not None:
        return text_of(reference["fields"][-1])
    call = value.get("FuncCall")
    if call is not None:
        return text_of(call["funcname"][-1])
    return None

"""What may stand inside a statement of a masked session: an allowlist of nodes, functions, operators and types.

Whatever could run code that somebody wrote here is refused, because such code reads tables by itself and the rewriting
never sees it. That includes what the text does not name: a cast, an operator's default, a function that is written
like a column.
"""

from collections.abc import Iterator, Mapping

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.masking.builtins import CAST_SAFE_KINDS, COMPARISONS, FUNCTIONS, TYPES
from ostiary.masking.scope import Reading
from ostiary.masking.tree import Node, bodies, column_path, strings, walk
from ostiary.model.names import FunctionName

NODES = frozenset(
    # Queries.
    {"SelectStmt", "ResTarget", "RangeVar", "RangeSubselect", "RangeFunction", "RangeTableSample", "JoinExpr", "List"}
    | {"SortBy", "WindowDef", "LockingClause", "CommonTableExpr", "GroupingSet", "GroupingFunc", "RangeTableFunc"}
    | {"RangeTableFuncCol", "ColumnDef", "Alias"}
    # Expressions.
    | {"ColumnRef", "A_Star", "A_Const", "A_Expr", "A_Indices", "A_Indirection", "A_ArrayExpr", "BoolExpr", "NullTest"}
    | {"BooleanTest", "FuncCall", "NamedArgExpr", "TypeCast", "TypeName", "SubLink", "CaseExpr", "CaseWhen", "ParamRef"}
    | {"CoalesceExpr", "MinMaxExpr", "SQLValueFunction", "RowExpr", "CollateClause", "XmlExpr", "XmlSerialize"}
    | {"SetToDefault", "MultiAssignRef", "MergeSupportFunc", "MergeWhenClause", "IndexElem", "ReturningOption"}
    # SQL/JSON.
    | {"JsonObjectConstructor", "JsonArrayConstructor", "JsonArrayQueryConstructor", "JsonObjectAgg", "JsonArrayAgg"}
    | {"JsonKeyValue", "JsonValueExpr", "JsonIsPredicate", "JsonFuncExpr", "JsonTable", "JsonTableColumn"}
    | {"JsonTablePathSpec", "JsonParseExpr", "JsonScalarExpr", "JsonSerializeExpr", "JsonOutput", "JsonReturning"}
    | {"JsonFormat", "JsonBehavior", "JsonArgument", "JsonAggConstructor"}
    # Values.
    | {"String", "Integer", "Float", "Boolean", "BitString"}
)


def unsafe_expressions(body: Node, catalog: Catalog, read: list[tuple[Reading, Relation]]) -> Iterator[str]:
    """Why the inside of a statement is not proven safe; nothing when it is.

    Args:
        body: any part of a tree.
        catalog: what somebody made here.
        read: the relations that the statement reads, to tell columns from functions.
    """
    if catalog.own_operators & COMPARISONS:
        yield "an operator that somebody defined here could stand for a comparison"
    aliases: dict[str, list[Relation]] = {}
    for reading, relation in read:
        aliases.setdefault(reading.alias, []).append(relation)
    for node, inner in walk(body):
        if node not in NODES:
            yield f"{node} is not understood well enough"
        elif node == "FuncCall":
            yield from _function(inner)
        elif node == "A_Expr":
            yield from _operator(inner.get("name"), catalog)
        elif node == "ColumnRef":
            yield from _column(inner, catalog, aliases)
        elif node == "A_Indirection":
            yield from _indirection(inner, catalog)
        elif node in ("SortBy", "SubLink"):
            yield from _named_operators(node, inner, catalog)
    for inner in bodies(body):
        if "typemod" in inner and "names" in inner:
            yield from _type(inner, catalog)
        if "intoClause" in inner:
            yield "SELECT INTO makes a table"
    yield from _casts(catalog, read)


def _function(body: Node) -> Iterator[str]:
    names = strings(body.get("funcname")) or [""]
    if names[-1] not in FUNCTIONS or names[:-1] not in ([], ["pg_catalog"]):
        yield f"function {'.'.join(names)} is not on the list for masked sessions"


def _operator(name: object, catalog: Catalog) -> Iterator[str]:
    names = strings(name) or [""]
    if len(names) > 1 and names[0] != "pg_catalog":
        yield f"operator {'.'.join(names)} is not built in"
    elif len(names) == 1 and names[0] in catalog.own_operators:
        yield f"operator {names[0]} may mean one that somebody defined here"


def _named_operators(node: str, body: Node, catalog: Catalog) -> Iterator[str]:
    if node == "SortBy" and "useOp" in body:
        yield from _operator(body["useOp"], catalog)
    if node == "SubLink" and "operName" in body:
        yield from _operator(body["operName"], catalog)


def _column(body: Node, catalog: Catalog, aliases: Mapping[str, list[Relation]]) -> Iterator[str]:
    """``row.name`` calls a function when the row has no such column (PostgreSQL, section 8.16.5)."""
    path, starred = column_path(body)
    if starred or len(path) < 2:
        return
    meant = aliases.get(path[-2], ())
    if meant and all(relation.column(path[-1]) is not None for relation in meant):
        return
    yield from _like_a_function(path[-1], catalog)


def _indirection(body: Node, catalog: Catalog) -> Iterator[str]:
    for step in body.get("indirection", []):
        match step:
            case {"String": {"sval": str(name)}}:
                yield from _like_a_function(name, catalog)
            case _:
                pass


def _like_a_function(name: str, catalog: Catalog) -> Iterator[str]:
    for schema in catalog.schemas:
        function = FunctionName(schema, name)
        if function in catalog.functions and (schema != "pg_catalog" or name not in FUNCTIONS):
            yield f"{name} may be read as a call of function {function}"


def _type(body: Node, catalog: Catalog) -> Iterator[str]:
    names = strings(body.get("names")) or [""]
    written = ".".join(names)
    if body.get("pct_type") or body.get("setof"):
        yield f"type {written} is taken from elsewhere"
        return
    bare = names[-1]
    somebodys = [
        kind
        for (schema, name), kind in catalog.user_types.items()
        if name == bare and (len(names) == 1 or schema == names[-2])
    ]
    if not somebodys:
        element = bare[1:] if bare.startswith("_") else bare
        if element not in TYPES or names[:-1] not in ([], ["pg_catalog"]):
            yield f"type {written} is not on the list for masked sessions"
    elif not set(somebodys) <= CAST_SAFE_KINDS or catalog.own_casts:
        yield f"type {written} may run code that somebody wrote here"


def _casts(catalog: Catalog, read: list[tuple[Reading, Relation]]) -> Iterator[str]:
    if not catalog.own_casts:
        return
    for _, relation in read:
        for column in relation.columns:
            if (column.type_schema, column.type_name.removeprefix("_")) in catalog.user_types:
                yield f"column {column.name} of {relation.name} may be cast by code that somebody wrote here"

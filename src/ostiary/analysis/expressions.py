"""Expressions: the functions, operators and casts they run, named or implied, and the columns they read."""

from collections.abc import Mapping

from ostiary.analysis.catalog import Relation
from ostiary.analysis.columns import column_reference, indirection
from ostiary.analysis.functions import SQL_VALUE_FUNCTIONS
from ostiary.analysis.scope import Node, Scope, names_of
from ostiary.analysis.versions import JSON_OBJECT_KEYWORD
from ostiary.analysis.walk import NodeReader, Walk, inert, transparent
from ostiary.model.names import FunctionName

# BETWEEN has no operator of its own (parse_expr.c, transformAExprBetween).
_BETWEEN = ("<", "<=", ">=", ">")


def function_call(walk: Walk, body: Node, scope: Scope) -> None:
    """A function, an aggregate or a window function; SQL's own syntax arrives as a pg_catalog name."""
    names = names_of(body["funcname"])
    if names == ("pg_catalog", "json_object") and walk.catalog.server_version < JSON_OBJECT_KEYWORD:
        location = body.get("location", 0)
        if walk.text[location : location + 11].lower() == b"json_object":
            names = ("json_object",)
    if not _is_projection(walk, names, body) and not _is_type(walk, names, body):
        walk.calls(names)
    for part in ("args", "agg_order", "agg_filter", "over"):
        walk.push(body.get(part), scope)


def _is_projection(walk: Walk, names: tuple[str, ...], body: Node) -> bool:
    """``column(row)`` is ``row.column`` where there is no such function; the row itself is counted by its reference."""
    arguments = body.get("args", ())
    if len(names) != 1 or len(arguments) != 1 or "ColumnRef" not in arguments[0]:
        return False
    if walk.catalog.overloads(names[0], None, walk.search_path):
        return False
    walk.spend(len(walk.references))
    return any(relation.column(names[0]) is not None for relation in _rows(walk))


def _rows(walk: Walk) -> list[Relation]:
    return [walk.catalog.relations[reference.relation] for reference in walk.references.values()]


def _is_type(walk: Walk, names: tuple[str, ...], body: Node) -> bool:
    """``type(value)`` is a cast where there is no such function (section 4.2.9)."""
    if len(body.get("args", ())) != 1 or not walk.catalog.user_types:
        return False
    schemas = (names[-2],) if len(names) > 1 else walk.search_path
    if not any((schema, names[-1]) in walk.catalog.user_types for schema in schemas):
        return False
    walk.casts(names)
    walk.calls(names, known=True)
    return True


def operation(walk: Walk, body: Node, scope: Scope) -> None:
    """An operator, or SQL's syntax for one (LIKE, IN, IS DISTINCT FROM, NULLIF, BETWEEN)."""
    if "BETWEEN" in body["kind"]:
        for operator in _BETWEEN:
            walk.operates((operator,))
    else:
        walk.operates(names_of(body["name"]))
    walk.push(body.get("lexpr"), scope)
    walk.push(body.get("rexpr"), scope)


def sublink(walk: Walk, body: Node, scope: Scope) -> None:
    """A subquery in an expression. IN (SELECT …) and = ANY (SELECT …) compare."""
    if "operName" in body:
        walk.operates(names_of(body["operName"]))
    elif body["subLinkType"] in ("ANY_SUBLINK", "ALL_SUBLINK"):
        walk.operates(("=",))
    walk.push(body.get("testexpr"), scope)
    walk.push(body.get("subselect"), scope)


def case(walk: Walk, body: Node, scope: Scope) -> None:
    """CASE; with an operand it compares with ``=``."""
    if "arg" in body:
        walk.operates(("=",))
    walk.push([body.get("arg"), body.get("args"), body.get("defresult")], scope)


def sort_by(walk: Walk, body: Node, scope: Scope) -> None:
    """ORDER BY one thing, possibly USING an operator."""
    if "useOp" in body:
        walk.operates(names_of(body["useOp"]))
    walk.push(body.get("node"), scope)


def type_name(walk: Walk, body: Node, scope: Scope) -> None:
    """The type that a value becomes."""
    walk.casts(names_of(body.get("names", [])))
    walk.push(body.get("typmods"), scope)


def type_cast(walk: Walk, body: Node, scope: Scope) -> None:
    """``CAST(x AS t)``, ``x::t``, ``t 'x'``."""
    argument = body["arg"].get("A_Const", {})
    name = body["typeName"]
    walk.casts(names_of(name.get("names", [])), "input" if "sval" in argument else "cast")
    walk.push(name.get("typmods"), scope)
    walk.push(body["arg"], scope)


def column_definition(walk: Walk, body: Node, scope: Scope) -> None:
    """A column: of a table to be made, or of the rows that a function in FROM gives."""
    if not scope.defining:
        walk.push({"typeName": body.get("typeName")}, scope)
    walk.push([body.get("raw_default"), body.get("constraints")], scope)


def value_function(walk: Walk, body: Node, scope: Scope) -> None:
    """CURRENT_DATE and the like."""
    name = SQL_VALUE_FUNCTIONS.get(body["op"])
    if name is None:
        walk.incomplete(f"SQLValueFunction {body['op']} is not understood")
    else:
        walk.calls_exactly(FunctionName("pg_catalog", name))


def xml_serialize(walk: Walk, body: Node, scope: Scope) -> None:
    """XMLSERIALIZE casts to the type it names."""
    walk.push([body.get("expr"), {"typeName": body.get("typeName")}], scope)


def range_variable(walk: Walk, body: Node, scope: Scope) -> None:
    """Relations are read where they are expected; anywhere else the tree has changed its shape."""
    walk.incomplete("a relation stands where none is expected")


_TRANSPARENT = (
    # Containers and clauses.
    "List ResTarget SortBy WindowDef GroupingSet CollateClause NamedArgExpr DefElem "
    # Expressions without a function of their own.
    "BoolExpr NullTest BooleanTest RowExpr A_ArrayExpr CoalesceExpr MinMaxExpr GroupingFunc CaseWhen A_Indices "
    "MultiAssignRef XmlExpr RangeTableFuncCol "
    # SQL/JSON.
    "JsonValueExpr JsonArgument JsonFuncExpr JsonTableColumn JsonKeyValue JsonParseExpr JsonScalarExpr "
    "JsonSerializeExpr JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor JsonObjectAgg "
    "JsonArrayAgg JsonIsPredicate JsonBehavior JsonOutput JsonTablePathSpec"
)

_INERT = (
    "A_Const ParamRef A_Star String Integer Float Boolean BitString SetToDefault CurrentOfExpr MergeSupportFunc "
    "JsonFormat JsonReturning Alias RoleSpec"
)

NODES: Mapping[str, NodeReader] = {
    **dict.fromkeys(_TRANSPARENT.split(), transparent),
    **dict.fromkeys(_INERT.split(), inert),
    "ColumnRef": column_reference,
    "FuncCall": function_call,
    "A_Expr": operation,
    "A_Indirection": indirection,
    "SubLink": sublink,
    "CaseExpr": case,
    "SortBy": sort_by,
    "TypeCast": type_cast,
    "typeName": type_name,
    "TypeName": type_name,
    "ColumnDef": column_definition,
    "SQLValueFunction": value_function,
    "XmlSerialize": xml_serialize,
    "RangeVar": range_variable,
}
"""Nodes that can stand in an expression, wherever the expression stands."""

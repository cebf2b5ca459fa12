"""Which statements of a masked session are proven safe. An allowlist: what is not here is refused with its reason.

Proven means: the rewriting covers everything that the statement reads, nothing in it runs code that reads by itself,
and nothing that it changes or keeps can bring a raw value back later.
"""

from collections.abc import Callable, Iterator

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.masking.catalogs import is_readable, is_system
from ostiary.masking.expressions import unsafe_expressions
from ostiary.masking.refusals import NotProvenSafe
from ostiary.masking.resolving import Read, resolved
from ostiary.masking.scope import Reading
from ostiary.masking.session_settings import unsafe_change, unsafe_modes, unsafe_show
from ostiary.masking.tree import Node, bodies, strings
from ostiary.masking.writes import unsafe_write
from ostiary.model.analysis import StatementAnalysis
from ostiary.model.mask import MaskPlan

_TRANSACTION = frozenset(
    {
        "TRANS_STMT_BEGIN",
        "TRANS_STMT_START",
        "TRANS_STMT_COMMIT",
        "TRANS_STMT_ROLLBACK",
        "TRANS_STMT_SAVEPOINT",
        "TRANS_STMT_RELEASE",
        "TRANS_STMT_ROLLBACK_TO",
    }
)

# Each shows costs and times, none a value; `settings` would show what others configured.
_EXPLAIN = frozenset({"analyze", "verbose", "costs", "buffers", "timing", "summary", "format", "wal", "memory"})

_COPY_OPTIONS = frozenset(
    "format delimiter null header quote escape force_quote force_not_null force_null encoding freeze default".split()  # noqa: SIM905
)

# Statements that carry no expression and reach no data.
_HARMLESS = frozenset({"FetchStmt", "ClosePortalStmt", "DeallocateStmt", "UnlistenStmt", "DiscardStmt"})

MAXIMUM_WORK = 50_000
"""Masked readings times parts of the statement: each is looked for in all of it, and the gate does nothing else then.

About half a second. A query of ten masked tables and a hundred lines needs a fifth of it.
"""

_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


def unsafe(statement: Node, understood: StatementAnalysis, catalog: Catalog, plan: MaskPlan) -> tuple[str, ...]:
    """Why one statement of a session with masked columns in reach is not proven safe; empty when it is.

    Args:
        statement: the statement's tree, as ``{"SelectStmt": {...}}``.
        understood: what the analysis says of it.
        catalog: what the names in it mean.
        plan: what the session may not see in clear.
    """
    if understood.incomplete:
        return understood.incomplete
    ((kind, _),) = statement.items()
    if kind not in _KNOWN:
        return (f"{kind} is not among the statements of masked sessions",)
    try:
        found = resolved(statement, understood, catalog)
    except NotProvenSafe as error:
        return (error.message,)
    if _excessive(statement, found.read, plan):
        return ("relations with masked columns are read in too many places for one statement",)
    reasons = dict.fromkeys(_relations(found.read))
    reasons |= dict.fromkeys(_statement(statement, found.read, found.target, catalog, plan))
    return tuple(reasons)


def _excessive(statement: Node, read: Read, plan: MaskPlan) -> bool:
    masked = sum(relation.name in plan.relations for _, relation in read)
    return masked > 1 and masked * sum(1 for _ in bodies(statement)) > MAXIMUM_WORK


def _relations(read: Read) -> Iterator[str]:
    for _, relation in read:
        if is_system(relation.name) and not is_readable(relation.name):
            yield f"{relation.name} is not on the list of system relations for masked sessions"


def _statement(statement: Node, read: Read, target: Relation | None, catalog: Catalog, plan: MaskPlan) -> Iterator[str]:
    ((kind, body),) = statement.items()
    if kind == "SelectStmt":
        yield from unsafe_expressions(statement, catalog, read)
    elif kind in _WRITES:
        if target is None:
            yield "the relation that is written is not known"
            return
        yield from unsafe_expressions(body, catalog, [*read, (Reading(body["relation"], ()), target)])
        yield from unsafe_write(statement, kind, target, read, catalog, plan)
    elif kind in _INNER:
        yield from _INNER[kind](body, read, plan)
        yield from unsafe_expressions({"argtypes": body.get("argtypes", [])}, catalog, read)
        yield from _statement(body["query"], read, target, catalog, plan)
    elif kind == "CopyStmt":
        yield from _copy(statement, body, read, target, catalog, plan)
    elif kind == "ExecuteStmt":
        yield from unsafe_expressions(body, catalog, read)
    elif kind in _CHECKED:
        yield from _CHECKED[kind](body)
    elif kind not in _HARMLESS:
        yield f"{kind} is not among the statements of masked sessions"


def _explain(body: Node, read: Read, plan: MaskPlan) -> Iterator[str]:
    if any(relation.name in plan.relations for _, relation in read):
        yield "EXPLAIN would show how columns are masked"
    for _, relation in read:
        # Plans spell out what a view or a policy computes, and its constants with it.
        if relation.kind == "v" or relation.row_security:
            yield f"EXPLAIN would show how {relation.name} is defined"
    if not set(body["query"]) <= {"SelectStmt", *_WRITES}:
        yield "EXPLAIN of this kind of statement"
    for option in body.get("options", []):
        if option["DefElem"]["defname"] not in _EXPLAIN:
            yield f"EXPLAIN option {option['DefElem']['defname']}"


def _prepare(body: Node, _read: Read, _plan: MaskPlan) -> Iterator[str]:
    if not set(body["query"]) <= {"SelectStmt", *_WRITES}:
        yield "PREPARE of this kind of statement"


def _cursor(body: Node, _read: Read, _plan: MaskPlan) -> Iterator[str]:
    if set(body["query"]) != {"SelectStmt"}:
        yield "a cursor over this kind of statement"


_INNER: dict[str, Callable[[Node, Read, MaskPlan], Iterator[str]]] = {
    "ExplainStmt": _explain,
    "PrepareStmt": _prepare,
    "DeclareCursorStmt": _cursor,
}


def _copy(
    statement: Node, body: Node, read: Read, target: Relation | None, catalog: Catalog, plan: MaskPlan
) -> Iterator[str]:
    if body.get("filename") or body.get("is_program"):
        yield "COPY with a file or a program"
    for option in body.get("options", []):
        if option["DefElem"]["defname"] not in _COPY_OPTIONS:
            yield f"COPY option {option['DefElem']['defname']}"
    if "query" in body:
        if set(body["query"]) != {"SelectStmt"}:
            yield "COPY of a statement that changes data"
        yield from unsafe_expressions(body["query"], catalog, read)
    elif target is None:
        yield "the relation of COPY is not known"
    elif body.get("is_from"):
        if "whereClause" in body:
            yield from unsafe_expressions(body["whereClause"], catalog, read)
        yield from unsafe_write(statement, "CopyStmt", target, read, catalog, plan)
    elif is_system(target.name):
        yield "COPY of a system relation"


def _transaction(body: Node) -> Iterator[str]:
    kind = body.get("kind", "")
    if kind not in _TRANSACTION:
        yield f"transaction command {str(kind).removeprefix('TRANS_STMT_').replace('_', ' ').lower()}"
    yield from unsafe_modes(body.get("options", []))


def _constraints(body: Node) -> Iterator[str]:
    for item in body.get("constraints", []):
        if strings([item]) is None and "RangeVar" not in item:
            yield "SET CONSTRAINTS of this kind"


_CHECKED: dict[str, Callable[[Node], Iterator[str]]] = {
    "VariableSetStmt": unsafe_change,
    "VariableShowStmt": unsafe_show,
    "TransactionStmt": _transaction,
    "ConstraintsSetStmt": _constraints,
}


_KNOWN = {"SelectStmt", "CopyStmt", "ExecuteStmt"} | _WRITES | _HARMLESS | set(_INNER) | set(_CHECKED)

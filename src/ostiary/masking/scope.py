"""Where in a statement relations are read: a second reading, independent of the analysis, that must agree with it.

Only the exact scope of WITH decides whether a bare name is a relation or a common table expression (postgres,
parse_cte.c): without RECURSIVE a term sees the earlier terms only; with it, all; a qualified name is never one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ostiary.masking.tree import Node, location_of

_TARGETS = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One RangeVar that reads a relation. `body` is the node, `path` the keys that lead to it from the statement."""

    body: Node
    path: tuple[str | int, ...]

    @property
    def location(self) -> int:
        """The byte offset of the name."""
        return location_of(self.body)

    @property
    def alias(self) -> str:
        """The name by which columns of it are meant."""
        alias = self.body.get("alias")
        return str(alias["aliasname"] if alias else self.body["relname"])


@dataclass(frozen=True, slots=True)
class Scope:
    """All that a statement reads, and the target it writes or copies, if any."""

    readings: tuple[Reading, ...]
    target: Node | None


def scope_of(statement: Node) -> Scope:
    """The relations of one statement, given as ``{"SelectStmt": {...}}``."""
    readings = tuple(_visit(statement, (), frozenset()))
    return Scope(readings, _target(statement))


def _target(statement: Node) -> Node | None:
    for name, body in statement.items():
        if name in _TARGETS and isinstance(body.get("relation"), dict):
            relation: Node = body["relation"]
            return relation
        for inner in ("query", "stmt"):  # EXPLAIN, PREPARE, DECLARE, COPY (query)
            if isinstance(body, dict) and isinstance(body.get(inner), dict):
                found = _target(body[inner])
                if found is not None:
                    return found
    return None


def _visit(item: Any, path: tuple[str | int, ...], terms: frozenset[str]) -> Iterator[Reading]:
    if isinstance(item, list):
        for index, member in enumerate(item):
            yield from _visit(member, (*path, index), terms)
        return
    if not isinstance(item, dict):
        return
    clause = item.get("withClause")
    if isinstance(clause, dict):
        names: list[str] = []
        every = frozenset(_term_name(term) for term in clause.get("ctes", []))
        for index, term in enumerate(clause.get("ctes", [])):
            inside = terms | (every if clause.get("recursive") else frozenset(names))
            yield from _visit(term, (*path, "withClause", "ctes", index), inside)
            names.append(_term_name(term))
        terms |= every
    for key, value in item.items():
        if key in ("withClause", "lockedRels"):  # FOR UPDATE OF names aliases, not relations
            continue
        if key == "RangeVar":
            if "schemaname" in value or value["relname"] not in terms:
                yield Reading(value, (*path, key))
            continue
        yield from _visit(value, (*path, key), terms)


def _term_name(term: Node) -> str:
    return str(term["CommonTableExpr"]["ctename"])

"""Writes by a masked session: the forms of them that neither read nor write a masked value.

The target of a write cannot be replaced by a projection, so the server sees raw columns there. Hence no masked column
of it may be mentioned in any way, nothing that belongs to the target may run code, and nothing that is written may
depend on a value which the session only sees masked: it would silently be the wrong value.
"""

from collections.abc import Iterator

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.masking.catalogs import is_system
from ostiary.masking.mention import Watched, mentioned
from ostiary.masking.scope import Reading
from ostiary.masking.tree import Node, bodies, location_of, strings
from ostiary.model.mask import MaskPlan

ROW_WORDS = frozenset({"excluded", "old", "new"})
"""Words that name the target's row besides its own name (ON CONFLICT, RETURNING of PostgreSQL 18)."""


def unsafe_write(
    statement: Node,
    kind: str,
    target: Relation,
    read: list[tuple[Reading, Relation]],
    catalog: Catalog,
    plan: MaskPlan,
) -> Iterator[str]:
    """Why a write is not proven safe.

    Args:
        statement: ``{"InsertStmt": {...}}`` and the like.
        kind: the name of the statement's node.
        target: what it writes.
        read: what it reads besides.
        catalog: to find what shares rows with the target.
        plan: what is masked.
    """
    body: Node = statement[kind]
    yield from _opaque(target, catalog)
    masked = frozenset(plan.relations.get(target.name, ()))
    if masked:
        yield from _touched(statement, body, kind, target, masked)
    for reading, relation in read:
        columns = frozenset(plan.relations.get(relation.name, ()))
        if not columns:
            continue
        touched = mentioned(statement, _watched(reading, relation, columns))
        if touched:
            yield f"a write would depend on masked column {min(touched)} of {relation.name}"


def _opaque(target: Relation, catalog: Catalog) -> Iterator[str]:
    if is_system(target.name):
        yield "a system relation is written"
    if target.kind not in "rp":
        yield f"{target.name} is not a table, and what a write to it does is not known"
    pending, seen = [target], set()
    while pending:
        relation = pending.pop()
        if relation.name in seen:
            continue
        seen.add(relation.name)
        if relation.triggers or relation.has_rules:
            yield f"{relation.name} has triggers or rules, which may tell or keep what they see"
        if relation.kind == "f":
            yield f"{relation.name} is a foreign table"
        pending += [catalog.relations[name] for name in relation.children if name in catalog.relations]


def _touched(statement: Node, body: Node, kind: str, target: Relation, masked: frozenset[str]) -> Iterator[str]:
    place: Node = body["relation"]
    name = str(place.get("alias", {}).get("aliasname", place["relname"]))
    returning = {
        str(option["ReturningOption"]["value"])
        for inner in bodies(body)
        for option in inner.get("options", []) or []
        if isinstance(option, dict) and "ReturningOption" in option
    }
    if kind == "MergeStmt":
        yield f"MERGE into {target.name}, which has masked columns"
    touched = mentioned(
        statement,
        Watched(
            names=frozenset({name, place["relname"], *ROW_WORDS, *returning}),
            location=location_of(place),
            watched=masked,
            columns=frozenset(column.name for column in target.columns),
        ),
    )
    touched |= _written(body, kind) & masked
    if kind in ("InsertStmt", "CopyStmt") and not body.get("cols") and not body.get("attlist") and "selectStmt" in body:
        touched |= masked
    if kind == "CopyStmt" and not body.get("attlist"):
        touched |= masked
    for column in sorted(touched):
        yield f"masked column {column} of {target.name} stands in a write"


def _written(body: Node, kind: str) -> set[str]:
    """The columns that a write names as its targets, or to find conflicts by."""
    lists = [body.get("cols" if kind == "InsertStmt" else "targetList", [])]
    conflict = body.get("onConflictClause", {})
    lists.append(conflict.get("targetList", []))
    found = {str(item["ResTarget"].get("name", "")) for items in lists for item in items}
    found |= {str(item["IndexElem"].get("name", "")) for item in conflict.get("infer", {}).get("indexElems", [])}
    return found | set(strings(body.get("attlist")) or ())


def _watched(reading: Reading, relation: Relation, columns: frozenset[str]) -> Watched:
    return Watched(
        names=frozenset({reading.alias}),
        location=reading.location,
        watched=columns,
        columns=frozenset(column.name for column in relation.columns),
        renamed="colnames" in reading.body.get("alias", {}),
    )

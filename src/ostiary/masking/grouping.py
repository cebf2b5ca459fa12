"""GROUP BY a primary key, where the table has become a projection that has no key.

PostgreSQL lets such a query use the other columns of the table (section 7.2.3). Here they are added to the GROUP BY:
they depend on the key, so the groups stay the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ostiary.analysis.catalog import Relation
from ostiary.masking.mention import direct_locations
from ostiary.masking.scope import Reading
from ostiary.masking.tree import Node, bodies, column_path, location_of, walk

# Types without equality: such a column cannot be grouped by (pg_amop has no "=" for them).
_NO_EQUALITY = frozenset({"json", "xml", "point", "box", "line", "lseg", "path", "polygon", "circle", "pg_node_tree"})


@dataclass(frozen=True, slots=True)
class Dependence:
    """Columns to add to one GROUP BY: to its list `clause` at index `place`, in the text at `location`."""

    clause: list[Any]
    place: int
    location: int
    alias: str
    names: tuple[str, ...]


def dependences(statement: Node, reading: Reading, relation: Relation) -> Iterator[Dependence]:
    """Where a statement groups by the whole primary key of what is read there."""
    if not relation.primary_key or relation.kind not in "rp" or "colnames" in reading.body.get("alias", {}):
        return
    for body in bodies(statement):
        clause = body.get("groupClause")
        if not isinstance(clause, list) or any("GroupingSet" in item for item in clause):
            continue
        if reading.location not in direct_locations(body.get("fromClause", [])):
            continue
        grouped = [_column(item, body, reading, relation) for item in clause]
        if not set(relation.primary_key) <= set(grouped):
            continue
        names = tuple(name for name in _used(body, reading, relation) if name not in grouped)
        if not names:
            continue
        place = grouped.index(relation.primary_key[0])
        (item,) = clause[place].values()
        yield Dependence(clause, place, location_of(item), reading.alias, names)


def _column(item: Node, body: Node, reading: Reading, relation: Relation) -> str | None:
    """The column of the relation that an item of GROUP BY is; None when it is anything else."""
    outputs = body.get("targetList", [])
    match item:
        case {"A_Const": {"ival": {"ival": int(number)}}} if 0 < number <= len(outputs):
            item = outputs[number - 1]["ResTarget"].get("val", {})
        case _:
            pass
    if "ColumnRef" not in item:
        return None
    path, starred = column_path(item["ColumnRef"])
    if starred or not path or (len(path) > 1 and path[-2] != reading.alias):
        return None
    return path[-1] if relation.column(path[-1]) is not None else None


def _used(body: Node, reading: Reading, relation: Relation) -> list[str]:
    """The relation's columns that outputs, HAVING and ORDER BY name."""
    named: set[str] = set()
    for part in ("targetList", "havingClause", "sortClause", "distinctClause", "windowClause"):
        for node, reference in walk(body.get(part, [])):
            if node != "ColumnRef":
                continue
            path, starred = column_path(reference)
            if starred and (not path or path[-1] == reading.alias):
                named.update(column.name for column in relation.columns)
            elif not starred and path and (len(path) == 1 or path[-2] == reading.alias):
                named.add(path[-1])
    return [column.name for column in relation.columns if column.name in named and column.type_name not in _NO_EQUALITY]

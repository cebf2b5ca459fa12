"""Whether a statement mentions given columns of something it reads or writes. In doubt it does.

For columns that are refused this only makes the refusal clear: their values are NULL in the projection anyhow. For the
target of a write it is what keeps raw values in, so every way to name a column counts: by name, by a star, as a whole
row, through a join's alias or list of columns, or by USING and NATURAL.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ostiary.masking.tree import Node, bodies, column_path, location_of, strings, walk


@dataclass(frozen=True, slots=True)
class Watched:
    """One relation in a statement and those of its columns that matter.

    `names` are the words that may qualify its columns; `location` is where its name stands. `columns` are all its
    columns, so that a column is not taken for a whole row of the same name; empty: any bare name may be a row.
    """

    names: frozenset[str]
    location: int
    watched: frozenset[str]
    columns: frozenset[str] = frozenset()
    renamed: bool = False


def mentioned(statement: Node, watched: Watched) -> frozenset[str]:
    """Those of the watched columns that the statement may touch."""
    names = watched.names | _join_aliases(statement, watched.location)
    if watched.renamed or names & _renaming_joins(statement, watched.location):
        return watched.watched
    found: set[str] = set()
    for node, body in walk(statement):
        if node == "ColumnRef":
            found |= _by_reference(body, names, watched)
        elif node == "JoinExpr" and watched.location in direct_locations(body):
            if body.get("isNatural"):
                return watched.watched
            found |= set(strings(body.get("usingClause")) or ()) & watched.watched
    if any(_is_starred(body, watched.location) for body in _star_levels(statement)):
        return watched.watched
    return frozenset(found)


def _by_reference(body: Node, names: frozenset[str], watched: Watched) -> frozenset[str]:
    path, starred = column_path(body)
    if starred:
        # A bare star belongs to the query level it stands on: see `_is_starred`.
        return watched.watched if path and path[-1] in names else frozenset()
    *qualifiers, last = path
    if not qualifiers:
        if last in names and last not in watched.columns:
            return watched.watched  # a whole row
        return frozenset({last}) & watched.watched
    if qualifiers[-1] in names:
        # Not a column: then PostgreSQL takes it for a function of the whole row.
        return frozenset({last}) & watched.watched if last in watched.columns else watched.watched
    return frozenset()


def _star_levels(statement: Node) -> Iterator[Node]:
    """The query levels of a statement whose list of outputs counts; EXISTS never looks at its own."""
    blind = {
        id(body["subselect"]["SelectStmt"])
        for node, body in walk(statement)
        if node == "SubLink" and body.get("subLinkType") == "EXISTS_SUBLINK" and "SelectStmt" in body["subselect"]
    }
    return (body for body in bodies(statement) if id(body) not in blind)


def _is_starred(body: Node, location: int) -> bool:
    returning = body.get("returningClause")
    outputs = [*_list(body, "targetList"), *(_list(returning, "exprs") if isinstance(returning, dict) else ())]
    if not any(_is_star(output) for output in outputs):
        return False
    items = [*_list(body, "fromClause"), *_list(body, "usingClause")]
    places = direct_locations(items)
    target = body.get("relation")
    if isinstance(target, dict) and "relname" in target:
        places.add(location_of(target))
    return location in places


def _list(body: Node, key: str) -> list[Node]:
    value = body.get(key)
    return value if isinstance(value, list) else []


def _is_star(output: Node) -> bool:
    value = output.get("ResTarget", {}).get("val", {})
    return "ColumnRef" in value and column_path(value["ColumnRef"]) == ([], True)


def direct_locations(item: object) -> set[int]:
    """Where the relations stand that are items of a FROM clause itself, not of a subquery in it."""
    found: set[int] = set()
    pending = [item]
    while pending:
        current = pending.pop()
        if isinstance(current, list):
            pending.extend(current)
        elif isinstance(current, dict):
            if "relname" in current:
                found.add(location_of(current))
            pending.extend(
                current[key]
                for key in ("RangeVar", "JoinExpr", "RangeTableSample", "larg", "rarg", "relation")
                if key in current
            )
    return found


def _joins_over(statement: Node, location: int) -> Iterable[Node]:
    return (
        body["alias"]
        for node, body in walk(statement)
        if node == "JoinExpr" and isinstance(body.get("alias"), dict) and location in direct_locations(body)
    )


def _join_aliases(statement: Node, location: int) -> frozenset[str]:
    return frozenset(str(alias["aliasname"]) for alias in _joins_over(statement, location))


def _renaming_joins(statement: Node, location: int) -> frozenset[str]:
    return frozenset(str(alias["aliasname"]) for alias in _joins_over(statement, location) if alias.get("colnames"))

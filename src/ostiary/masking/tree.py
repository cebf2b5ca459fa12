"""Walking libpg_query's JSON trees. A tree is never changed in place: `Parsed` is shared with everybody else.

The grammar's nodes come as ``{"NodeName": {...}}``; members with a fixed type (``relation`` of InsertStmt, ``larg`` of
SelectStmt, ``typeName`` of TypeCast) come without the name.
"""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]

LOCATIONS = frozenset(
    {"location", "stmt_location", "stmt_len", "rexpr_list_start", "rexpr_list_end", "list_start", "list_end"}
)
"""Members that say where in the text a node stands, and nothing about what it means (postgres, parsenodes.h)."""


def walk(tree: object) -> Iterator[tuple[str, Node]]:
    """Every named node of a tree, parents first, as (name, body)."""
    pending: list[object] = [tree]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            for key, value in item.items():
                if key[0].isupper() and isinstance(value, dict):
                    yield key, value
            pending.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            pending.extend(reversed(item))


def bodies(tree: object) -> Iterator[Node]:
    """Every body of a tree, named or not, parents first."""
    pending: list[object] = [tree]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            yield item
            pending.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            pending.extend(reversed(item))


def same(one: object, other: object) -> bool:
    """Whether two trees mean the same: equal but for the places in the text."""
    pending: list[tuple[object, object]] = [(one, other)]
    while pending:
        left, right = pending.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, dict) and isinstance(right, dict):
            both = left.keys() | right.keys()
            for key in both:
                mine, theirs = left.get(key), right.get(key)
                # CREATE TABLESPACE has a location that is a text; that one means something.
                if key in LOCATIONS and not isinstance(mine, str) and not isinstance(theirs, str):
                    continue
                if type(mine) is dict or type(mine) is list:
                    pending.append((mine, theirs))
                elif mine != theirs or type(mine) is not type(theirs):
                    return False
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            pending.extend(zip(left, right, strict=True))
        elif left != right:
            return False
    return True


def strings(items: object) -> list[str] | None:
    """The texts of a list of String nodes; None when anything else stands in it."""
    if not isinstance(items, list):
        return None
    found = []
    for item in items:
        match item:
            case {"String": {"sval": str(text)}}:
                found.append(text)
            case {"String": {}}:
                found.append("")
            case _:
                return None
    return found


def column_path(body: Node) -> tuple[list[str], bool]:
    """The names of a ColumnRef, and whether a star ends it."""
    fields = body.get("fields", [])
    starred = bool(fields) and "A_Star" in fields[-1]
    return strings(fields[:-1] if starred else fields) or [], starred


def location_of(body: Node) -> int:
    """Where a node stands. libpg_query leaves out zeros."""
    location = body.get("location", 0)
    return location if isinstance(location, int) else -1

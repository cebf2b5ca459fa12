"""Whether the WHERE of an UPDATE or DELETE restricts anything at all.

Only a condition that depends on a column counts: ``WHERE true``, ``1 = 1``, ``id = id`` and ``x OR true`` do not.
"""

from typing import Any

from ostiary.analysis.scope import Node

_REFLEXIVE = frozenset({"=", "<=", ">="})


def restricts(condition: Node | None) -> bool:
    """Whether a condition can be false for some row because of what is in the row."""
    if not condition:
        return False
    ((kind, body),) = condition.items()
    if kind == "BoolExpr":
        parts = map(restricts, body["args"])
        # An OR lets everything through as soon as one arm does.
        return all(parts) if body["boolop"] == "OR_EXPR" else any(parts)
    if kind == "CurrentOfExpr":
        return True
    if kind == "A_Expr" and body["kind"] == "AEXPR_OP" and "lexpr" in body and "rexpr" in body:
        operator = body["name"][-1]["String"]["sval"]
        if operator in _REFLEXIVE and _unplaced(body["lexpr"]) == _unplaced(body["rexpr"]):
            return False
    return _has_column(body)


def _has_column(node: Any) -> bool:
    todo = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo.extend(one)
        elif isinstance(one, dict):
            if "ColumnRef" in one:
                return True
            todo.extend(one.values())
    return False


def _unplaced(node: Any) -> Any:
    """The node without locations, so that equal text compares equal."""
    if isinstance(node, list):
        return [_unplaced(one) for one in node]
    if isinstance(node, dict):
        return {key: _unplaced(value) for key, value in node.items() if key != "location"}
    return node

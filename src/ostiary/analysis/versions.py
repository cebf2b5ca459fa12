"""Which parts of the grammar appeared in which server version.

The grammar here is PostgreSQL 18's. What an older server would read otherwise (``json_value(…)`` is an ordinary
function call on 15) must not be taken for what 18 means by it.
"""

from collections.abc import Mapping
from functools import cache

NODES_SINCE: Mapping[str, int] = {
    "MergeStmt": 150000,
    "JsonObjectConstructor": 160000,
    "JsonArrayConstructor": 160000,
    "JsonArrayQueryConstructor": 160000,
    "JsonObjectAgg": 160000,
    "JsonArrayAgg": 160000,
    "JsonIsPredicate": 160000,
    "JsonTable": 170000,
    "JsonFuncExpr": 170000,
    "JsonParseExpr": 170000,
    "JsonScalarExpr": 170000,
    "JsonSerializeExpr": 170000,
    "MergeSupportFunc": 170000,
    "ReturningOption": 180000,
}
"""Node of the tree → server_version_num of the first release that has it in its grammar."""

MERGE_RETURNING = 170000
MERGE_BY_SOURCE = 170000
VIRTUAL_COLUMNS = 180000
TEMPORAL_KEYS = 180000
NOT_ENFORCED = 180000
JSON_OBJECT_KEYWORD = 160000
"""From here on json_object( is grammar and means pg_catalog's; before, it is a name like any other."""


@cache
def newer_than(server_version: int) -> Mapping[str, str]:
    """The nodes that a server of this version does not have, with the words to say so."""
    return {
        node: f"{node} needs PostgreSQL {since // 10000}"
        for node, since in NODES_SINCE.items()
        if server_version < since
    }

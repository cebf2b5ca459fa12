"""The system relations that a masked session may read, and what of them it sees as NULL.

An allowlist: whatever is not here is refused, because statistics, definitions, comments and other people's queries
repeat data. Of what is here, every column of a type that can hold free text or an expression is NULL unless it was
reviewed and stands in `REVIEWED`; a column that a later server version adds is therefore NULL until somebody looks.
"""

from collections.abc import Iterator, Mapping

from ostiary.analysis.catalog import Catalog, Column, Relation
from ostiary.model.mask import Mask, MaskKind
from ostiary.model.names import RelationName

SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema"})

_EXPRESSIVE = frozenset({"pg_node_tree", "anyarray", "text", "_text", "bytea", "json", "jsonb", "xml", "unknown"})

REVIEWED: Mapping[str, frozenset[str]] = {
    "pg_am": frozenset(),
    "pg_attrdef": frozenset(),
    "pg_attribute": frozenset({"attoptions"}),
    "pg_cast": frozenset(),
    "pg_class": frozenset({"reloptions"}),
    "pg_collation": frozenset({"collcollate", "collctype", "colliculocale", "colllocale", "collversion"}),
    "pg_constraint": frozenset(),
    "pg_database": frozenset({"datcollate", "datctype", "daticulocale", "datlocale", "datcollversion"}),
    "pg_depend": frozenset(),
    "pg_extension": frozenset({"extversion"}),
    "pg_index": frozenset(),
    "pg_indexes": frozenset(),
    "pg_inherits": frozenset(),
    "pg_language": frozenset(),
    "pg_matviews": frozenset(),
    "pg_namespace": frozenset(),
    "pg_opclass": frozenset(),
    "pg_operator": frozenset(),
    "pg_partitioned_table": frozenset(),
    "pg_policy": frozenset(),
    "pg_proc": frozenset({"proargnames"}),
    "pg_range": frozenset(),
    "pg_roles": frozenset(),
    "pg_sequence": frozenset(),
    "pg_tables": frozenset(),
    "pg_tablespace": frozenset(),
    "pg_trigger": frozenset(),
    "pg_type": frozenset(),
    "pg_views": frozenset(),
}
"""Relations of pg_catalog, each with the text columns that hold names and options but never data or expressions."""

# information_schema uses domains for everything, so here the columns to hide are named. SQL:2016 part 11 fixes them.
_STANDARD: Mapping[str, frozenset[str]] = {
    "applicable_roles": frozenset(),
    "character_sets": frozenset(),
    "collations": frozenset(),
    "column_privileges": frozenset(),
    "columns": frozenset({"column_default", "generation_expression", "identity_start", "identity_maximum"}),
    "constraint_column_usage": frozenset(),
    "constraint_table_usage": frozenset(),
    "enabled_roles": frozenset(),
    "information_schema_catalog_name": frozenset(),
    "key_column_usage": frozenset(),
    "referential_constraints": frozenset(),
    "role_table_grants": frozenset(),
    "schemata": frozenset(),
    "sequences": frozenset(),
    "table_constraints": frozenset(),
    "table_privileges": frozenset(),
    "tables": frozenset(),
    "views": frozenset({"view_definition"}),
}

_HIDDEN = Mask(MaskKind.NULL)


def is_system(name: RelationName) -> bool:
    """Whether the relation belongs to the server and not to its users."""
    return name.schema in SYSTEM_SCHEMAS


def is_readable(name: RelationName) -> bool:
    """Whether a masked session may read this system relation."""
    return name.name in (REVIEWED if name.schema == "pg_catalog" else _STANDARD)


def hidden_columns(catalog: Catalog) -> Iterator[tuple[RelationName, Mapping[str, Mask]]]:
    """For every readable system relation that has such columns: what of it is NULL."""
    for schema, names in (("pg_catalog", REVIEWED), ("information_schema", _STANDARD)):
        for name in names:
            relation = catalog.relations.get(RelationName(schema, name))
            if relation is None:
                continue
            masks = {column.name: _HIDDEN for column in relation.columns if _is_hidden(relation, column)}
            if masks:
                yield relation.name, masks


def _is_hidden(relation: Relation, column: Column) -> bool:
    name = relation.name.name
    if relation.name.schema == "information_schema":
        return column.name in _STANDARD[name]
    return column.type_name in _EXPRESSIVE and column.name not in REVIEWED[name]

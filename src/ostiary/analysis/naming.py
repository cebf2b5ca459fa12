"""Where a definition takes place: on a relation, in a schema, or nowhere in particular.

A name that could be of several schemas counts for each of them.
"""

from ostiary.analysis.scope import Node
from ostiary.analysis.walk import Walk
from ostiary.model.analysis import Action
from ostiary.model.names import RelationName

RELATIONS = frozenset(
    {
        "OBJECT_TABLE",
        "OBJECT_VIEW",
        "OBJECT_MATVIEW",
        "OBJECT_SEQUENCE",
        "OBJECT_FOREIGN_TABLE",
        "OBJECT_INDEX",
    }
)
"""What is named like a relation. Indexes are not in the catalog snapshot and count for their schemas."""

ON_RELATION = frozenset({"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"})
"""What is named after the relation that it belongs to."""

IN_SCHEMA = frozenset(
    {
        "OBJECT_COLLATION",
        "OBJECT_CONVERSION",
        "OBJECT_OPERATOR",
        "OBJECT_OPCLASS",
        "OBJECT_OPFAMILY",
        "OBJECT_STATISTIC_EXT",
        "OBJECT_TSCONFIGURATION",
        "OBJECT_TSDICTIONARY",
        "OBJECT_TSPARSER",
        "OBJECT_TSTEMPLATE",
        "OBJECT_ATTRIBUTE",
        "OBJECT_CAST",
        "OBJECT_TRANSFORM",
    }
)
"""What else lives in a schema (or in the database as a whole)."""

ADMINISTERED = frozenset(
    {
        "OBJECT_ROLE",
        "OBJECT_DATABASE",
        "OBJECT_TABLESPACE",
        "OBJECT_PUBLICATION",
        "OBJECT_PUBLICATION_NAMESPACE",
        "OBJECT_PUBLICATION_REL",
        "OBJECT_SUBSCRIPTION",
        "OBJECT_FDW",
        "OBJECT_FOREIGN_SERVER",
        "OBJECT_USER_MAPPING",
        "OBJECT_EVENT_TRIGGER",
        "OBJECT_EXTENSION",
        "OBJECT_LANGUAGE",
        "OBJECT_ACCESS_METHOD",
        "OBJECT_LARGEOBJECT",
        "OBJECT_PARAMETER_ACL",
        "OBJECT_DEFACL",
    }
)
"""What belongs to the server or decides about rights, code and connections."""


def defines(walk: Walk, relation: RelationName | None = None, *, schema: str | None = None) -> None:
    """A definition on a relation, in a schema, or in the database."""
    walk.access(Action.DEFINE, relation, schema=schema)


def defines_new(walk: Walk, node: Node) -> None:
    """A relation is made: it is defined in its schema."""
    walk.changes_catalog = True
    if node.get("relpersistence") == "t":
        walk.changes_session = True
        defines(walk, schema="pg_temp")
        return
    defines_in(walk, node.get("schemaname"), new=True)


def defines_existing(walk: Walk, node: Node, *, missing_ok: bool = False) -> None:
    """An existing relation is changed. One that is not found may be in any schema of the path."""
    relation = walk.find(node)
    if relation is not None:
        defines(walk, relation.name)
        if relation.temporary:
            walk.changes_session = True
        return
    if not missing_ok:
        walk.known(node)
    defines_in(walk, node.get("schemaname"))


def defines_in(walk: Walk, schema: str | None, *, new: bool = False) -> None:
    """Something in a schema: the named one; for new things the first of the path, else any of the path."""
    if schema is not None:
        if schema.startswith("pg_temp"):
            walk.changes_session = True
        defines(walk, schema=schema)
        return
    # current_schemas(true) has the implicit ones in front: objects are not made there (section 5.10.3).
    usual = [one for one in walk.search_path if one != "pg_catalog" and not one.startswith("pg_temp")]
    for one in usual[:1] if new else usual:
        defines(walk, schema=one)
    if not usual:
        defines(walk)


def defines_function(walk: Walk, names: tuple[str, ...]) -> None:
    """Every schema in which the name is a function."""
    schema = names[-2] if len(names) > 1 else None
    found = {one.name.schema for one in walk.catalog.overloads(names[-1], schema, walk.search_path)}
    for one in sorted(found):
        defines(walk, schema=one)
    if not found:
        defines_in(walk, schema)


def defines_type(walk: Walk, names: tuple[str, ...]) -> None:
    """Every schema in which the name is a type."""
    if len(names) > 1:
        defines_in(walk, names[-2])
        return
    found = [schema for schema in walk.search_path if (schema, names[-1]) in walk.catalog.user_types]
    for schema in found:
        defines(walk, schema=schema)
    if not found:
        defines_in(walk, None)

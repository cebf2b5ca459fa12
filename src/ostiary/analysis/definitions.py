"""Statements that define, change or drop objects of a schema.

Each names what it defines; what it reads or runs while it defines (the query of a view or table, defaults, checks,
index expressions) counts as well. Bodies of functions, triggers and rules run later, in statements of their own.
"""

from collections.abc import Iterable, Mapping

from ostiary.analysis.naming import (
    ADMINISTERED,
    IN_SCHEMA,
    ON_RELATION,
    RELATIONS,
    defines,
    defines_existing,
    defines_function,
    defines_in,
    defines_new,
    defines_type,
)
from ostiary.analysis.scope import Node, Scope, names_of
from ostiary.analysis.versions import NOT_ENFORCED, TEMPORAL_KEYS, VIRTUAL_COLUMNS
from ostiary.analysis.walk import NodeReader, Walk, inert, transparent
from ostiary.model.analysis import Action

__all__ = ["NODES", "defines_new"]


def _definition_scope(scope: Scope) -> Scope:
    return Scope(scope, scope.ctes, defining=True)


def create_table(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE TABLE. What it inherits from or becomes a partition of changes, too."""
    if "base" in body:
        # CREATE FOREIGN TABLE is a CREATE TABLE with a server.
        create_table(walk, body["base"], scope)
        walk.access(Action.ADMINISTER)
        return
    defines_new(walk, body["relation"])
    for parent in body.get("inhRelations", ()):
        defines_existing(walk, parent["RangeVar"])
    inside = _definition_scope(scope)
    for part in ("tableElts", "constraints", "partbound", "partspec"):
        walk.push(body.get(part), inside)


def constraint(walk: Walk, body: Node, scope: Scope) -> None:
    """A constraint or default. A foreign key reads the table that it refers to: it tells which keys exist there."""
    version = walk.catalog.server_version
    if body.get("generated_kind") == "v" and version < VIRTUAL_COLUMNS:
        walk.newer("a VIRTUAL generated column needs PostgreSQL 18")
    if (body.get("without_overlaps") or body.get("fk_with_period")) and version < TEMPORAL_KEYS:
        walk.newer("a temporal key needs PostgreSQL 18")
    if body["contype"] in ("CONSTR_ATTR_ENFORCED", "CONSTR_ATTR_NOT_ENFORCED") and version < NOT_ENFORCED:
        walk.newer("ENFORCED needs PostgreSQL 18")
    if "pktable" in body:
        relation = walk.known(body["pktable"])
        if relation is not None:
            columns = names_of(body.get("pk_attrs", [])) or relation.primary_key or None
            walk.access(Action.READ, relation.name, columns=columns)
    for operators in body.get("exclusions", ()):
        walk.operates(names_of(operators["List"]["items"][1]["List"]["items"]))
        walk.push(operators["List"]["items"][0], scope)
    for part in ("raw_expr", "where_clause", "options"):
        walk.push(body.get(part), scope)


def table_like(walk: Walk, body: Node, scope: Scope) -> None:
    """LIKE t copies t's definition."""
    relation = walk.known(body["relation"])
    if relation is not None:
        walk.access(Action.READ, relation.name)


def index_element(walk: Walk, body: Node, scope: Scope) -> None:
    """One column or expression of an index or partition key; its expression runs at once."""
    walk.push(body.get("expr"), scope)


def create_table_as(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE TABLE AS, CREATE MATERIALIZED VIEW."""
    defines_new(walk, body["into"]["rel"])
    walk.push(body["query"], scope)


def create_view(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE VIEW makes what its query reads readable to others."""
    defines_new(walk, body["view"])
    walk.push(body["query"], scope)


def refresh(walk: Walk, body: Node, scope: Scope) -> None:
    """REFRESH MATERIALIZED VIEW runs the view's query as the view's owner."""
    defines_existing(walk, body["relation"])


def create_index(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE INDEX."""
    defines_existing(walk, body["relation"])
    inside = _definition_scope(scope)
    walk.push([body.get("indexParams"), body.get("whereClause")], inside)


def create_statistics(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE STATISTICS on tables."""
    for node in body.get("relations", ()):
        relation = node.get("RangeVar")
        if relation is None:
            walk.incomplete("CREATE STATISTICS on something that is no table")
        else:
            defines_existing(walk, relation)
    walk.push(body.get("exprs"), _definition_scope(scope))


_PRIVILEGED_CHANGES = frozenset(
    {
        "AT_ChangeOwner",
        "AT_EnableRowSecurity",
        "AT_DisableRowSecurity",
        "AT_ForceRowSecurity",
        "AT_NoForceRowSecurity",
        "AT_EnableTrig",
        "AT_EnableAlwaysTrig",
        "AT_EnableReplicaTrig",
        "AT_DisableTrig",
        "AT_EnableTrigAll",
        "AT_DisableTrigAll",
        "AT_EnableTrigUser",
        "AT_DisableTrigUser",
        "AT_EnableRule",
        "AT_EnableAlwaysRule",
        "AT_EnableReplicaRule",
        "AT_DisableRule",
        "AT_ReplicaIdentity",
    }
)
"""ALTER TABLE that changes who may do what, or what happens beside: more than a definition."""


def alter_table(walk: Walk, body: Node, scope: Scope) -> None:
    """ALTER TABLE and its kin. USING, defaults and checks run over the table's rows."""
    if body["objtype"] == "OBJECT_TYPE":
        defines_in(walk, body["relation"].get("schemaname"))
    else:
        missing_ok = body.get("missing_ok", False) or body["objtype"] == "OBJECT_INDEX"
        defines_existing(walk, body["relation"], missing_ok=missing_ok)
    for node in body["cmds"]:
        command = node["AlterTableCmd"]
        if command["subtype"] in _PRIVILEGED_CHANGES:
            relation = walk.find(body["relation"])
            walk.access(Action.ADMINISTER, relation.name if relation else None)
        definition = command.get("def", {})
        if "RangeVar" in definition:
            defines_existing(walk, definition["RangeVar"])
        elif "PartitionCmd" in definition:
            # The name is a partition's, or an index's when indexes are attached.
            defines_existing(walk, definition["PartitionCmd"]["name"], missing_ok=body["objtype"] == "OBJECT_INDEX")
            walk.push(definition["PartitionCmd"].get("bound"), _definition_scope(scope))
        else:
            walk.push(definition, _definition_scope(scope))


def on_relation(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE TRIGGER, RULE: they belong to a relation and act with later statements."""
    defines_existing(walk, body["relation"])


def policy(walk: Walk, body: Node, scope: Scope) -> None:
    """Row-level security policies decide who sees which rows."""
    defines_existing(walk, body["table"])
    relation = walk.find(body["table"])
    walk.access(Action.ADMINISTER, relation.name if relation else None)


def sequence(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE and ALTER SEQUENCE."""
    if "for_identity" in body and "sequence" not in body:
        walk.incomplete("a sequence without a name")
        return
    if walk.find(body["sequence"]) is None:
        defines_new(walk, body["sequence"])
    else:
        defines_existing(walk, body["sequence"])


def create_schema(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE SCHEMA, with the objects made in it at once."""
    name = body.get("schemaname")
    if name is None:
        # Named after the role, which the catalog does not know.
        defines(walk)
        if body.get("schemaElts"):
            walk.incomplete("CREATE SCHEMA with elements but without a name")
        return
    defines(walk, schema=name)
    if "authrole" in body:
        walk.access(Action.ADMINISTER, schema=name)
    # Unqualified names in the elements mean the new schema first (CREATE SCHEMA, "Notes").
    walk.search_path = (name, *(schema for schema in walk.search_path if schema != name))
    walk.push(body.get("schemaElts"), scope)


def drop(walk: Walk, body: Node, scope: Scope) -> None:
    """DROP of anything but roles, databases and tablespaces."""
    for node in body["objects"]:
        _object(walk, body["removeType"], node, missing_ok=body.get("missing_ok", False))


def on_object(walk: Walk, body: Node, scope: Scope) -> None:
    """COMMENT ON and the like: one object of any kind."""
    _object(walk, body.get("objtype") or body["objectType"], body.get("object", {}))


def rename(walk: Walk, body: Node, scope: Scope) -> None:
    """RENAME, SET SCHEMA, OWNER TO, DEPENDS ON."""
    kind = body.get("renameType") or body["objectType"]
    if kind == "OBJECT_SCHEMA" and "subname" in body:
        defines(walk, schema=body["subname"])
        defines(walk, schema=body["newname"])
    elif kind in ADMINISTERED:
        walk.access(Action.ADMINISTER)
    elif "relation" in body:
        missing_ok = body.get("missing_ok", False) or kind in ("OBJECT_INDEX", "OBJECT_TYPE", "OBJECT_ATTRIBUTE")
        defines_existing(walk, body["relation"], missing_ok=missing_ok)
    else:
        _object(walk, kind, body.get("object", {}))
    if "newschema" in body:
        defines_in(walk, body["newschema"])
    if "newowner" in body:
        walk.access(Action.ADMINISTER)


def _object(walk: Walk, kind: str, node: Node, *, missing_ok: bool = False) -> None:
    """An action of definition on one object, named as the grammar names objects of its kind."""
    if kind in ADMINISTERED:
        walk.access(Action.ADMINISTER)
        defines(walk)
        return
    names = _object_names(node)
    if kind == "OBJECT_SCHEMA":
        defines(walk, schema=names[-1])
    elif kind in RELATIONS:
        defines_existing(walk, _relation_node(names), missing_ok=missing_ok or kind == "OBJECT_INDEX")
    elif kind in ON_RELATION:
        # The object's own name comes last (gram.y, drop_type_name_on_any_name). A constraint may be of a domain.
        defines_existing(walk, _relation_node(names[:-1]), missing_ok=missing_ok)
        if kind == "OBJECT_POLICY":
            walk.access(Action.ADMINISTER)
    elif kind in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"):
        defines_function(walk, names)
    elif kind in ("OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_DOMCONSTRAINT"):
        defines_type(walk, names)
    elif kind in IN_SCHEMA:
        defines_in(walk, names[-2] if len(names) > 1 else None)
    else:
        walk.incomplete(f"{kind} is not understood")


def _object_names(node: Node) -> tuple[str, ...]:
    """The parts of an object's name; the argument types of functions do not matter: all overloads count."""
    ((kind, body),) = node.items()
    if kind == "String":
        return (body["sval"],)
    if kind == "TypeName":
        return names_of(body["names"])
    if kind == "ObjectWithArgs":
        return names_of(body["objname"])
    if kind != "List":
        return ()
    items: list[Node] = body["items"]
    first = next((item["TypeName"] for item in items if "TypeName" in item), None)
    return names_of(items) if first is None else names_of(first["names"])


def _relation_node(names: tuple[str, ...]) -> Node:
    node = {"relname": names[-1]}
    return node | {"schemaname": names[-2]} if len(names) > 1 else node


def create_function(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE FUNCTION or PROCEDURE. Its body runs when it is called, which needs `call`."""
    names = names_of(body["funcname"])
    if body.get("replace"):
        defines_function(walk, names)
    defines_in(walk, names[-2] if len(names) > 1 else None, new=True)


def alter_function(walk: Walk, body: Node, scope: Scope) -> None:
    """ALTER FUNCTION … SECURITY DEFINER, SET and so on."""
    defines_function(walk, names_of(body["func"]["objname"]))


_NAME_FIELDS = (
    "defnames",
    "domainname",
    "typeName",
    "opclassname",
    "opfamilyname",
    "conversion_name",
    "collname",
    "dictname",
    "cfgname",
    "stxdefnames",
    "typevar",
)


def in_schema(walk: Walk, body: Node, scope: Scope) -> None:
    """An object that lives in a schema and is neither a relation nor a function."""
    for field in _NAME_FIELDS:
        name = body.get(field)
        if isinstance(name, dict):
            defines_in(walk, name.get("schemaname"), new=True)
            return
        if isinstance(name, list):
            names = names_of(name)
            defines_in(walk, names[-2] if len(names) > 1 else None, new=True)
            return
    opername = body.get("opername")
    if isinstance(opername, dict):
        names = names_of(opername["objname"])
        defines_in(walk, names[-2] if len(names) > 1 else None)
        return
    defines_in(walk, None)


def domain(walk: Walk, body: Node, scope: Scope) -> None:
    """CREATE and ALTER DOMAIN; a new check runs over the values that there are."""
    in_schema(walk, body, scope)
    inside = _definition_scope(scope)
    walk.push([body.get("constraints"), body.get("def")], inside)


def anywhere(walk: Walk, body: Node, scope: Scope) -> None:
    """Objects of the database as a whole that change what statements mean: casts, transforms."""
    defines(walk)


def _changing(reader: NodeReader) -> NodeReader:
    def changes(walk: Walk, body: Node, scope: Scope) -> None:
        walk.changes_catalog = True
        reader(walk, body, scope)

    return changes


def _table(groups: Iterable[tuple[NodeReader, str]]) -> dict[str, NodeReader]:
    return {node: _changing(reader) for reader, nodes in groups for node in nodes.split()}


NODES: Mapping[str, NodeReader] = {
    "Constraint": constraint,
    "TableLikeClause": table_like,
    "IndexElem": index_element,
    "PartitionElem": index_element,
    "StatsElem": index_element,
    "PartitionBoundSpec": transparent,
    "PartitionRangeDatum": transparent,
    "PartitionSpec": transparent,
    "ReplicaIdentityStmt": inert,
    "ATAlterConstraint": inert,
    **_table(
        (
            (create_table, "CreateStmt CreateForeignTableStmt"),
            (create_table_as, "CreateTableAsStmt"),
            (create_view, "ViewStmt"),
            (refresh, "RefreshMatViewStmt"),
            (create_index, "IndexStmt"),
            (create_statistics, "CreateStatsStmt"),
            (alter_table, "AlterTableStmt"),
            (on_relation, "CreateTrigStmt RuleStmt"),
            (policy, "CreatePolicyStmt AlterPolicyStmt"),
            (sequence, "CreateSeqStmt AlterSeqStmt"),
            (create_schema, "CreateSchemaStmt"),
            (drop, "DropStmt"),
            (on_object, "CommentStmt"),
            (rename, "RenameStmt AlterObjectSchemaStmt AlterOwnerStmt AlterObjectDependsStmt"),
            (create_function, "CreateFunctionStmt"),
            (alter_function, "AlterFunctionStmt"),
            (domain, "CreateDomainStmt AlterDomainStmt"),
            (anywhere, "CreateCastStmt CreateTransformStmt"),
            (
                in_schema,
                "DefineStmt CompositeTypeStmt CreateEnumStmt CreateRangeStmt AlterEnumStmt AlterTypeStmt",
            ),
            (in_schema, "AlterOperatorStmt CreateOpClassStmt CreateOpFamilyStmt AlterOpFamilyStmt AlterStatsStmt"),
            (
                in_schema,
                "CreateConversionStmt AlterCollationStmt AlterTSDictionaryStmt AlterTSConfigurationStmt",
            ),
        )
    ),
}
"""Statements of definition, and the nodes that stand only in them."""

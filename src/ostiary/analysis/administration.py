"""Statements about roles, rights, servers, code and upkeep: `administer`, on a relation where one is named."""

from collections.abc import Mapping

from ostiary.analysis.naming import defines
from ostiary.analysis.scope import Node, Scope, names_of
from ostiary.analysis.walk import NodeReader, Walk
from ostiary.model.analysis import Action


def administers(walk: Walk, body: Node, scope: Scope) -> None:
    """Something of the server or the database as a whole."""
    walk.access(Action.ADMINISTER)


def installs(walk: Walk, body: Node, scope: Scope) -> None:
    """Extensions and languages bring objects and code."""
    walk.changes_catalog = True
    walk.access(Action.ADMINISTER)
    defines(walk)


def imports_schema(walk: Walk, body: Node, scope: Scope) -> None:
    """IMPORT FOREIGN SCHEMA defines whatever the other server has."""
    walk.changes_catalog = True
    walk.access(Action.ADMINISTER)
    defines(walk, schema=body["local_schema"])


def grant(walk: Walk, body: Node, scope: Scope) -> None:
    """GRANT and REVOKE, on relations by name where they are given so."""
    walk.access(Action.ADMINISTER)
    for node in body.get("objects", ()):
        relation = node.get("RangeVar")
        if relation is not None:
            _on(walk, relation)


def label(walk: Walk, body: Node, scope: Scope) -> None:
    """SECURITY LABEL: rights in the words of an extension."""
    walk.access(Action.ADMINISTER)


def lock(walk: Walk, body: Node, scope: Scope) -> None:
    """LOCK TABLE stops others."""
    for node in body["relations"]:
        _on(walk, node["RangeVar"])


def vacuum(walk: Walk, body: Node, scope: Scope) -> None:
    """VACUUM and ANALYZE, of tables or of everything."""
    tables = body.get("rels", ())
    for node in tables:
        relation = node["VacuumRelation"].get("relation")
        if relation is None:
            walk.incomplete("VACUUM of a relation by number")
        else:
            _on(walk, relation)
    if not tables:
        walk.access(Action.ADMINISTER)


def reorders(walk: Walk, body: Node, scope: Scope) -> None:
    """CLUSTER and REINDEX; an index's name is not in the catalog snapshot, so it counts for the database."""
    relation = body.get("relation")
    if relation is None or body.get("kind") == "REINDEX_OBJECT_INDEX":
        walk.access(Action.ADMINISTER)
    else:
        _on(walk, relation)


def drops_owned(walk: Walk, body: Node, scope: Scope) -> None:
    """DROP OWNED, REASSIGN OWNED."""
    walk.changes_catalog = True
    walk.access(Action.ADMINISTER)
    defines(walk)


def event_trigger(walk: Walk, body: Node, scope: Scope) -> None:
    """An event trigger runs its function at everybody's definitions."""
    walk.changes_catalog = True
    walk.access(Action.ADMINISTER)
    if "funcname" in body:
        walk.calls(names_of(body["funcname"]))


def _on(walk: Walk, node: Node) -> None:
    relation = walk.known(node)
    walk.access(Action.ADMINISTER, relation.name if relation is not None else None)


NODES: Mapping[str, NodeReader] = {
    "GrantRoleStmt": administers,
    "AlterDefaultPrivilegesStmt": administers,
    "CreateRoleStmt": administers,
    "AlterRoleStmt": administers,
    "AlterRoleSetStmt": administers,
    "DropRoleStmt": administers,
    "CreateTableSpaceStmt": administers,
    "DropTableSpaceStmt": administers,
    "AlterTableSpaceOptionsStmt": administers,
    "AlterTableMoveAllStmt": administers,
    "CreateFdwStmt": administers,
    "AlterFdwStmt": administers,
    "CreateForeignServerStmt": administers,
    "AlterForeignServerStmt": administers,
    "CreateUserMappingStmt": administers,
    "AlterUserMappingStmt": administers,
    "DropUserMappingStmt": administers,
    "CreateAmStmt": administers,
    "CreatedbStmt": administers,
    "AlterDatabaseStmt": administers,
    "AlterDatabaseRefreshCollStmt": administers,
    "AlterDatabaseSetStmt": administers,
    "DropdbStmt": administers,
    "AlterSystemStmt": administers,
    "CheckPointStmt": administers,
    "LoadStmt": administers,
    "CreatePublicationStmt": administers,
    "AlterPublicationStmt": administers,
    "CreateSubscriptionStmt": administers,
    "AlterSubscriptionStmt": administers,
    "DropSubscriptionStmt": administers,
    "CreateExtensionStmt": installs,
    "AlterExtensionStmt": installs,
    "AlterExtensionContentsStmt": installs,
    "CreatePLangStmt": installs,
    "ImportForeignSchemaStmt": imports_schema,
    "GrantStmt": grant,
    "SecLabelStmt": label,
    "LockStmt": lock,
    "VacuumStmt": vacuum,
    "ClusterStmt": reorders,
    "ReindexStmt": reorders,
    "DropOwnedStmt": drops_owned,
    "ReassignOwnedStmt": drops_owned,
    "CreateEventTrigStmt": event_trigger,
    "AlterEventTrigStmt": event_trigger,
}
"""Statements of administration."""

"""Command tags, as the server gives them (cmdtaglist.h).

CREATE TABLE AS and SELECT INTO have the name of the command, though the server ends them with SELECT and a count.
"""

from collections.abc import Callable, Mapping

from ostiary.analysis.scope import Node

_KINDS = {
    "OBJECT_ACCESS_METHOD": "ACCESS METHOD",
    "OBJECT_AGGREGATE": "AGGREGATE",
    "OBJECT_CAST": "CAST",
    "OBJECT_COLLATION": "COLLATION",
    "OBJECT_CONVERSION": "CONVERSION",
    "OBJECT_DATABASE": "DATABASE",
    "OBJECT_DOMAIN": "DOMAIN",
    "OBJECT_DOMCONSTRAINT": "DOMAIN",
    "OBJECT_EVENT_TRIGGER": "EVENT TRIGGER",
    "OBJECT_EXTENSION": "EXTENSION",
    "OBJECT_FDW": "FOREIGN DATA WRAPPER",
    "OBJECT_FOREIGN_SERVER": "SERVER",
    "OBJECT_FOREIGN_TABLE": "FOREIGN TABLE",
    "OBJECT_FUNCTION": "FUNCTION",
    "OBJECT_INDEX": "INDEX",
    "OBJECT_LANGUAGE": "LANGUAGE",
    "OBJECT_LARGEOBJECT": "LARGE OBJECT",
    "OBJECT_MATVIEW": "MATERIALIZED VIEW",
    "OBJECT_OPCLASS": "OPERATOR CLASS",
    "OBJECT_OPERATOR": "OPERATOR",
    "OBJECT_OPFAMILY": "OPERATOR FAMILY",
    "OBJECT_POLICY": "POLICY",
    "OBJECT_PROCEDURE": "PROCEDURE",
    "OBJECT_PUBLICATION": "PUBLICATION",
    "OBJECT_ROLE": "ROLE",
    "OBJECT_ROUTINE": "ROUTINE",
    "OBJECT_RULE": "RULE",
    "OBJECT_SCHEMA": "SCHEMA",
    "OBJECT_SEQUENCE": "SEQUENCE",
    "OBJECT_STATISTIC_EXT": "STATISTICS",
    "OBJECT_SUBSCRIPTION": "SUBSCRIPTION",
    "OBJECT_TABLE": "TABLE",
    "OBJECT_TABLESPACE": "TABLESPACE",
    "OBJECT_TRANSFORM": "TRANSFORM",
    "OBJECT_TRIGGER": "TRIGGER",
    "OBJECT_TSCONFIGURATION": "TEXT SEARCH CONFIGURATION",
    "OBJECT_TSDICTIONARY": "TEXT SEARCH DICTIONARY",
    "OBJECT_TSPARSER": "TEXT SEARCH PARSER",
    "OBJECT_TSTEMPLATE": "TEXT SEARCH TEMPLATE",
    "OBJECT_TYPE": "TYPE",
    "OBJECT_VIEW": "VIEW",
}

_TRANSACTIONS = {
    "TRANS_STMT_BEGIN": "BEGIN",
    "TRANS_STMT_START": "START TRANSACTION",
    "TRANS_STMT_COMMIT": "COMMIT",
    "TRANS_STMT_ROLLBACK": "ROLLBACK",
    "TRANS_STMT_ROLLBACK_TO": "ROLLBACK",
    "TRANS_STMT_SAVEPOINT": "SAVEPOINT",
    "TRANS_STMT_RELEASE": "RELEASE",
    "TRANS_STMT_PREPARE": "PREPARE TRANSACTION",
    "TRANS_STMT_COMMIT_PREPARED": "COMMIT PREPARED",
    "TRANS_STMT_ROLLBACK_PREPARED": "ROLLBACK PREPARED",
}


def _kind(field: str, verb: str) -> Callable[[Node], str]:
    return lambda body: f"{verb} {_KINDS.get(body.get(field, ''), 'TABLE')}"


def _either(field: str, yes: str, no: str) -> Callable[[Node], str]:
    return lambda body: yes if body.get(field) else no


def _select(body: Node) -> str:
    return "SELECT INTO" if "intoClause" in body else "SELECT"


def _rename(body: Node) -> str:
    kind = body["renameType"]
    if kind in ("OBJECT_COLUMN", "OBJECT_ATTRIBUTE"):
        kind = body.get("relationType", "OBJECT_TABLE")
    elif kind == "OBJECT_TABCONSTRAINT":
        kind = "OBJECT_TABLE"
    return f"ALTER {_KINDS.get(kind, 'TABLE')}"


def _as(body: Node) -> str:
    if body.get("is_select_into"):
        return "SELECT INTO"
    return "CREATE MATERIALIZED VIEW" if body["objtype"] == "OBJECT_MATVIEW" else "CREATE TABLE AS"


def _set(body: Node) -> str:
    return "RESET" if body["kind"] in ("VAR_RESET", "VAR_RESET_ALL") else "SET"


def _define(body: Node) -> str:
    return f"CREATE {_KINDS.get(body['kind'], 'TYPE')}"


_TAGS: Mapping[str, str | Callable[[Node], str]] = {
    "SelectStmt": _select,
    "InsertStmt": "INSERT",
    "UpdateStmt": "UPDATE",
    "DeleteStmt": "DELETE",
    "MergeStmt": "MERGE",
    "TruncateStmt": "TRUNCATE TABLE",
    "CopyStmt": "COPY",
    "CallStmt": "CALL",
    "DoStmt": "DO",
    "TransactionStmt": lambda body: _TRANSACTIONS.get(body["kind"], ""),
    "VariableSetStmt": _set,
    "VariableShowStmt": "SHOW",
    "DiscardStmt": lambda body: body["target"].replace("_", " "),
    "ConstraintsSetStmt": "SET CONSTRAINTS",
    "PrepareStmt": "PREPARE",
    "ExecuteStmt": "EXECUTE",
    "DeallocateStmt": lambda body: "DEALLOCATE" if "name" in body else "DEALLOCATE ALL",
    "DeclareCursorStmt": "DECLARE CURSOR",
    "FetchStmt": _either("ismove", "MOVE", "FETCH"),
    "ClosePortalStmt": lambda body: "CLOSE CURSOR" if "portalname" in body else "CLOSE CURSOR ALL",
    "ExplainStmt": "EXPLAIN",
    "ListenStmt": "LISTEN",
    "NotifyStmt": "NOTIFY",
    "UnlistenStmt": "UNLISTEN",
    "LockStmt": "LOCK TABLE",
    "CheckPointStmt": "CHECKPOINT",
    "LoadStmt": "LOAD",
    "ClusterStmt": "CLUSTER",
    "ReindexStmt": "REINDEX",
    "VacuumStmt": _either("is_vacuumcmd", "VACUUM", "ANALYZE"),
    "GrantStmt": _either("is_grant", "GRANT", "REVOKE"),
    "GrantRoleStmt": _either("is_grant", "GRANT ROLE", "REVOKE ROLE"),
    "AlterDefaultPrivilegesStmt": "ALTER DEFAULT PRIVILEGES",
    "SecLabelStmt": "SECURITY LABEL",
    "CommentStmt": "COMMENT",
    "CreateTableAsStmt": _as,
    "CreateStmt": "CREATE TABLE",
    "CreateForeignTableStmt": "CREATE FOREIGN TABLE",
    "AlterTableStmt": _kind("objtype", "ALTER"),
    "AlterTableMoveAllStmt": _kind("objtype", "ALTER"),
    "CreateTableSpaceStmt": "CREATE TABLESPACE",
    "DropTableSpaceStmt": "DROP TABLESPACE",
    "AlterTableSpaceOptionsStmt": "ALTER TABLESPACE",
    "DropStmt": _kind("removeType", "DROP"),
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _kind("objectType", "ALTER"),
    "AlterOwnerStmt": _kind("objectType", "ALTER"),
    "AlterObjectDependsStmt": _kind("objectType", "ALTER"),
    "ViewStmt": "CREATE VIEW",
    "IndexStmt": "CREATE INDEX",
    "CreateFunctionStmt": _either("is_procedure", "CREATE PROCEDURE", "CREATE FUNCTION"),
    "AlterFunctionStmt": _kind("objtype", "ALTER"),
    "CreateTrigStmt": "CREATE TRIGGER",
    "RuleStmt": "CREATE RULE",
    "CreateSeqStmt": "CREATE SEQUENCE",
    "AlterSeqStmt": "ALTER SEQUENCE",
    "DefineStmt": _define,
    "CompositeTypeStmt": "CREATE TYPE",
    "CreateEnumStmt": "CREATE TYPE",
    "CreateRangeStmt": "CREATE TYPE",
    "AlterEnumStmt": "ALTER TYPE",
    "AlterTypeStmt": "ALTER TYPE",
    "AlterStatsStmt": "ALTER STATISTICS",
    "CreateStatsStmt": "CREATE STATISTICS",
    "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW",
    "CreatedbStmt": "CREATE DATABASE",
    "AlterDatabaseStmt": "ALTER DATABASE",
    "AlterDatabaseRefreshCollStmt": "ALTER DATABASE",
    "AlterDatabaseSetStmt": "ALTER DATABASE",
    "DropdbStmt": "DROP DATABASE",
    "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER",
    "AlterFdwStmt": "ALTER FOREIGN DATA WRAPPER",
    "CreateForeignServerStmt": "CREATE SERVER",
    "AlterForeignServerStmt": "ALTER SERVER",
    "ImportForeignSchemaStmt": "IMPORT FOREIGN SCHEMA",
    "CreateAmStmt": "CREATE ACCESS METHOD",
    "CreateEventTrigStmt": "CREATE EVENT TRIGGER",
    "AlterEventTrigStmt": "ALTER EVENT TRIGGER",
    "CreatePLangStmt": "CREATE LANGUAGE",
    "CreateOpClassStmt": "CREATE OPERATOR CLASS",
    "CreateOpFamilyStmt": "CREATE OPERATOR FAMILY",
    "AlterOpFamilyStmt": "ALTER OPERATOR FAMILY",
    "AlterOperatorStmt": "ALTER OPERATOR",
    "AlterTSDictionaryStmt": "ALTER TEXT SEARCH DICTIONARY",
    "AlterTSConfigurationStmt": "ALTER TEXT SEARCH CONFIGURATION",
    "AlterExtensionContentsStmt": "ALTER EXTENSION",
    "AlterRoleSetStmt": "ALTER ROLE",
    "DropOwnedStmt": "DROP OWNED",
    "ReassignOwnedStmt": "REASSIGN OWNED",
}


def tag_of(node: str, body: Node) -> str:
    """The tag of a statement. Names made of a verb and a kind (``CreateRoleStmt``) need no entry."""
    tag = _TAGS.get(node)
    if tag is not None:
        return tag if isinstance(tag, str) else tag(body)
    return "".join(f" {letter}" if letter.isupper() else letter for letter in node.removesuffix("Stmt")).strip().upper()

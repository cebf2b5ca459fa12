"""Which built-in functions are plain: running them is no more than reading their arguments.

A function is plain only by a reviewed rule; everything else (user-defined, volatile and not listed, listed as having
effects or reading what the statement does not name) needs `call`. Reviewed against pg_proc of PostgreSQL 15 and 18.
"""

from ostiary.analysis.catalog import Catalog
from ostiary.model.names import FunctionName

_SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema"})

# Volatile by declaration (pg_proc.provolatile), but all they do is tell something.
_PLAIN_VOLATILE = frozenset(
    {
        # Chance and time.
        "clock_timestamp",
        "timeofday",
        "random",
        "random_normal",
        "setseed",
        "gen_random_uuid",
        "uuidv4",
        "uuidv7",
        "array_shuffle",
        "array_sample",
        # The session's own sequences, statistics and locks; none of them changes anything but to give up a lock.
        "currval",
        "lastval",
        "pg_stat_clear_snapshot",
        "pg_advisory_unlock",
        "pg_advisory_unlock_shared",
        "pg_advisory_unlock_all",
        # Sizes and catalog facts.
        "pg_relation_size",
        "pg_table_size",
        "pg_indexes_size",
        "pg_total_relation_size",
        "pg_database_size",
        "pg_tablespace_size",
        "pg_partition_tree",
        "pg_partition_ancestors",
        "pg_sequence_last_value",
        "pg_collation_actual_version",
        "pg_database_collation_actual_version",
        "pg_jit_available",
        "amvalidate",
        # The server's state as everybody may see it.
        "pg_is_in_recovery",
        "pg_is_wal_replay_paused",
        "pg_get_wal_replay_pause_state",
        "pg_current_wal_lsn",
        "pg_current_wal_insert_lsn",
        "pg_current_wal_flush_lsn",
        "pg_last_wal_receive_lsn",
        "pg_last_wal_replay_lsn",
        "pg_last_xact_replay_timestamp",
        "pg_blocking_pids",
        "pg_safe_snapshot_blocking_pids",
        "pg_lock_status",
        "pg_notification_queue_usage",
        "pg_isolation_test_session_is_blocked",
        # Transactions.
        "pg_xact_status",
        "txid_status",
        "pg_xact_commit_timestamp",
        "pg_xact_commit_timestamp_origin",
        "pg_last_committed_xact",
        "pg_prepared_xact",
        "pg_get_multixact_members",
        "current_query",
        # TABLESAMPLE.
        "bernoulli",
        "system",
    }
)

# Volatile families with the same property, by the beginning of their names.
_PLAIN_VOLATILE_PREFIXES = ("pg_stat_get_",)

# Not volatile, or not everywhere, and yet more than reading: they run SQL handed to them as text, read relations named
# by text or OID, reach files or other sessions, or make a value of a type named by text or OID.
_NOT_PLAIN = frozenset(
    {
        "query_to_xml",
        "query_to_xmlschema",
        "query_to_xml_and_xmlschema",
        "cursor_to_xml",
        "cursor_to_xmlschema",
        "table_to_xml",
        "table_to_xmlschema",
        "table_to_xml_and_xmlschema",
        "schema_to_xml",
        "schema_to_xmlschema",
        "schema_to_xml_and_xmlschema",
        "database_to_xml",
        "database_to_xmlschema",
        "database_to_xml_and_xmlschema",
        "ts_stat",
        "ts_rewrite",
        "set_config",
        "nextval",
        "setval",
        "pg_notify",
        "pg_config",
        "pg_input_is_valid",
        "pg_input_error_info",
        "pg_show_all_file_settings",
        "pg_hba_file_rules",
        "pg_ident_file_mappings",
        "pg_current_logfile",
        "loread",
        "lowrite",
        "currtid",
        "currtid2",
        "pg_promote",
        "pg_reload_conf",
        "pg_event_trigger_dropped_objects",
        "pg_event_trigger_ddl_commands",
        "pg_event_trigger_table_rewrite_oid",
        "pg_event_trigger_table_rewrite_reason",
        "RI_FKey_cascade_del",
        "satisfies_hash_partition",
    }
)

_NOT_PLAIN_PREFIXES = (
    "lo_",
    "pg_read_",
    "pg_ls_",
    "pg_logical_",
    "pg_replication_",
    "pg_create_",
    "pg_drop_",
    "pg_copy_",
    "pg_advisory_lock",
    "pg_advisory_xact_",
    "pg_try_advisory_",
    "pg_restore_",
    "pg_clear_",
    "binary_upgrade_",
    "dblink",
    "RI_FKey_",
)

# Input functions of types: some take the type's OID and run the checks of a domain. Nobody calls them by name.
_NOT_PLAIN_SUFFIXES = ("_in", "_recv")

# What the grammar makes of SQL's own words when they are no function calls in pg_proc.
SQL_VALUE_FUNCTIONS = {
    "SVFOP_CURRENT_DATE": "now",
    "SVFOP_CURRENT_TIME": "now",
    "SVFOP_CURRENT_TIME_N": "now",
    "SVFOP_CURRENT_TIMESTAMP": "now",
    "SVFOP_CURRENT_TIMESTAMP_N": "now",
    "SVFOP_LOCALTIME": "now",
    "SVFOP_LOCALTIME_N": "now",
    "SVFOP_LOCALTIMESTAMP": "now",
    "SVFOP_LOCALTIMESTAMP_N": "now",
    "SVFOP_CURRENT_ROLE": "current_user",
    "SVFOP_CURRENT_USER": "current_user",
    "SVFOP_USER": "current_user",
    "SVFOP_SESSION_USER": "session_user",
    "SVFOP_CURRENT_CATALOG": "current_database",
    "SVFOP_CURRENT_SCHEMA": "current_schema",
}

# typtype of types whose values are made by C code alone: base (only a superuser makes those), enum, range, multirange.
_PLAIN_TYPES = frozenset("berm")


def is_plain(name: FunctionName, catalog: Catalog) -> bool:
    """Whether running it needs no more than the right to read what it is given.

    ``cast:<type>`` (in the type's schema) is a value becoming that type, ``input:<type>`` a literal; ``?operator`` is
    the schema of an operator that somebody defined.
    """
    if name.name.startswith("input:"):
        return catalog.user_types.get((name.schema, name.name[6:])) in _PLAIN_TYPES
    if name.name.startswith("cast:"):
        kind = catalog.user_types.get((name.schema, name.name[5:]))
        # A composite's fields may be of any type, a domain has checks; and where somebody made casts, one may be meant.
        return kind in _PLAIN_TYPES and not catalog.own_casts
    if name.schema not in _SYSTEM_SCHEMAS:
        return _is_plain_variant(name, catalog)
    if name.schema == "pg_catalog" and _listed(name.name) is not None:
        return _listed(name.name) is True
    overloads = catalog.functions.get(name, ())
    return bool(overloads) and all(one.volatility in "is" and not one.security_definer for one in overloads)


def _is_plain_variant(name: FunctionName, catalog: Catalog) -> bool:
    """An extension's variant of a plain built-in for its own types, such as citext's max and replace."""
    return (
        name in catalog.extension_functions
        and is_plain(FunctionName("pg_catalog", name.name), catalog)
        and all(
            (one.volatility in "is" or name.name in _PLAIN_VOLATILE) and not one.security_definer
            for one in catalog.functions.get(name, ())
        )
    )


def _listed(name: str) -> bool | None:
    """What the lists say; None when they say nothing, so that volatility decides."""
    if name in _NOT_PLAIN or name.startswith(_NOT_PLAIN_PREFIXES) or name.endswith(_NOT_PLAIN_SUFFIXES):
        return False
    if name in _PLAIN_VOLATILE or name.startswith(_PLAIN_VOLATILE_PREFIXES):
        return True
    return None


# Built-ins that run SQL handed to them: it can change settings.
_RUNS_SQL = ("query_to_xml", "cursor_to_xml", "table_to_xml", "schema_to_xml", "database_to_xml", "ts_", "dblink")


def changes_session(name: FunctionName) -> bool:
    """Whether running it may change search_path, role or settings. Code that we do not read may."""
    if name.schema != "pg_catalog":
        return not name.name.startswith(("cast:", "input:"))
    return name.name == "set_config" or name.name.startswith(_RUNS_SQL)

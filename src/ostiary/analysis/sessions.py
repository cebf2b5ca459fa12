"""Statements about the session: transactions, settings, prepared statements, cursors, notifications.

What they change in the session is told exactly, or `changes_session` is set.
"""

from collections.abc import Mapping

from ostiary.analysis.scope import Node, Scope
from ostiary.analysis.settings_text import setting_value
from ostiary.analysis.walk import NodeReader, Walk, inert
from ostiary.model.analysis import Action, SettingChange, TransactionEffect
from ostiary.model.names import FunctionName

_TRANSACTIONS = {
    "TRANS_STMT_BEGIN": TransactionEffect.BEGIN,
    "TRANS_STMT_START": TransactionEffect.BEGIN,
    "TRANS_STMT_COMMIT": TransactionEffect.COMMIT,
    "TRANS_STMT_ROLLBACK": TransactionEffect.ROLLBACK,
    "TRANS_STMT_SAVEPOINT": TransactionEffect.SAVEPOINT,
    "TRANS_STMT_RELEASE": TransactionEffect.RELEASE,
    "TRANS_STMT_ROLLBACK_TO": TransactionEffect.ROLLBACK_TO,
    "TRANS_STMT_PREPARE": TransactionEffect.TWO_PHASE,
    "TRANS_STMT_COMMIT_PREPARED": TransactionEffect.TWO_PHASE,
    "TRANS_STMT_ROLLBACK_PREPARED": TransactionEffect.TWO_PHASE,
}

NOTIFICATIONS = FunctionName("pg_catalog", "pg_notify")
"""What LISTEN and NOTIFY count as a call of. UNLISTEN only gives up what LISTEN was allowed to get."""


def transaction(walk: Walk, body: Node, scope: Scope) -> None:
    """BEGIN, COMMIT, savepoints, two-phase commit; the modes of BEGIN are settings of the transaction."""
    effect = _TRANSACTIONS.get(body["kind"])
    if effect is None:
        walk.incomplete(f"{body['kind']} is not understood")
        return
    walk.transaction = effect
    if effect is TransactionEffect.TWO_PHASE:
        walk.access(Action.ADMINISTER)
    _modes(walk, body.get("options", ()), prefix="", local=True)


def _modes(walk: Walk, options: list[Node], *, prefix: str, local: bool) -> None:
    for node in options:
        option = node["DefElem"]
        name = option["defname"]
        value = setting_value("", [option["arg"]])
        if name in ("transaction_read_only", "transaction_deferrable"):
            # The grammar makes 1 and 0 of READ ONLY and READ WRITE.
            value = "off" if value == "0" else "on"
        walk.settings.append(SettingChange(prefix + name, value, local))


_IDENTITY = frozenset({"role", "session_authorization"})


def set_variable(walk: Walk, body: Node, scope: Scope) -> None:
    """SET and RESET in all their forms."""
    kind = body["kind"]
    # Names of settings are compared without regard to case, also when they are quoted (guc.c, guc_name_compare).
    name = body.get("name", "") if kind == "VAR_SET_MULTI" else body.get("name", "").lower()
    local = body.get("is_local", False)
    if kind == "VAR_RESET_ALL":
        walk.settings.append(SettingChange("all", None))
        walk.changes_session = True
    elif kind == "VAR_SET_MULTI" and name == "TRANSACTION":
        _modes(walk, body["args"], prefix="", local=True)
    elif kind == "VAR_SET_MULTI" and name == "SESSION CHARACTERISTICS":
        _modes(walk, body["args"], prefix="default_", local=False)
    elif kind == "VAR_SET_MULTI" and name == "TRANSACTION SNAPSHOT":
        walk.access(Action.CALL, function=FunctionName("pg_catalog", "pg_export_snapshot"))
    elif kind == "VAR_SET_VALUE":
        value = setting_value(name, body["args"])
        if value is None:
            walk.incomplete(f"the value of {name} is not understood")
        walk.settings.append(SettingChange(name, value, local))
    elif kind in ("VAR_SET_DEFAULT", "VAR_RESET"):
        walk.settings.append(SettingChange(name, None, local))
    else:
        walk.incomplete(f"SET with {kind} {name} is not understood")
    if name in _IDENTITY:
        walk.access(Action.ADMINISTER)
        walk.changes_session = True
    if name == "search_path":
        # Which schemas are meant only the server can say: some may not exist, some may not be visible.
        walk.changes_session = True


def discard(walk: Walk, body: Node, scope: Scope) -> None:
    """DISCARD gives up what the session holds; ALL is RESET ALL, DEALLOCATE ALL, UNLISTEN, and all the others."""
    target = body["target"]
    if target in ("DISCARD_ALL", "DISCARD_TEMP"):
        walk.changes_session = True
        walk.changes_catalog = True
    if target == "DISCARD_ALL":
        walk.deallocates = ""
        walk.settings.append(SettingChange("all", None))


def prepare(walk: Walk, body: Node, scope: Scope) -> None:
    """PREPARE needs what its statement needs; nothing runs yet."""
    walk.prepares = body["name"]
    walk.push(body.get("argtypes"), scope)
    walk.push(body["query"], scope)


def execute(walk: Walk, body: Node, scope: Scope) -> None:
    """EXECUTE: what the name stands for is known to the session, not to this text."""
    walk.executes = body["name"]
    walk.push(body.get("params"), scope)


def deallocate(walk: Walk, body: Node, scope: Scope) -> None:
    """DEALLOCATE one or all."""
    walk.deallocates = body.get("name", "")


def fetch(walk: Walk, body: Node, scope: Scope) -> None:
    """FETCH and MOVE run a cursor, or a portal of the protocol: they share their names."""
    walk.fetches = body.get("portalname", "")


def inner(walk: Walk, body: Node, scope: Scope) -> None:
    """DECLARE CURSOR and EXPLAIN need what their statement needs, whether it runs or not."""
    walk.push(body["query"], scope)


def notify(walk: Walk, body: Node, scope: Scope) -> None:
    """LISTEN and NOTIFY talk to other sessions."""
    walk.functions[NOTIFICATIONS] = None
    walk.access(Action.CALL, function=NOTIFICATIONS)


NODES: Mapping[str, NodeReader] = {
    "TransactionStmt": transaction,
    "VariableSetStmt": set_variable,
    "VariableShowStmt": inert,
    "DiscardStmt": discard,
    "ConstraintsSetStmt": inert,
    "PrepareStmt": prepare,
    "ExecuteStmt": execute,
    "DeallocateStmt": deallocate,
    "DeclareCursorStmt": inner,
    "FetchStmt": fetch,
    "ClosePortalStmt": inert,
    "ExplainStmt": inner,
    "ListenStmt": notify,
    "NotifyStmt": notify,
    "UnlistenStmt": inert,
}
"""Statements about the session."""

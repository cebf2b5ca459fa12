"""The value of a SET as the server will store it, which is how policy and the gate's limits must read it."""

import re

from ostiary.analysis.scope import Node

# GUC_LIST_QUOTE (guc_tables.c): lists of names, each stored quoted where it has to be.
_QUOTED_LISTS = frozenset(
    {
        "search_path",
        "temp_tablespaces",
        "session_preload_libraries",
        "shared_preload_libraries",
        "local_preload_libraries",
        "unix_socket_directories",
        "createrole_self_grant",
    }
)

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")


def setting_value(name: str, arguments: list[Node]) -> str | None:
    """One text for the arguments of SET; None when one of them is not a plain constant."""
    parts: list[str] = []
    for argument in arguments:
        text = _constant(argument)
        if text is None:
            return None
        quoted = name in _QUOTED_LISTS and not _PLAIN_NAME.match(text)
        parts.append('"' + text.replace('"', '""') + '"' if quoted else text)
    return ", ".join(parts)


def _constant(node: Node) -> str | None:
    ((kind, body),) = node.items()
    if kind == "TypeCast":
        # SET TIME ZONE INTERVAL '…' HOUR TO MINUTE is the only one that the grammar has.
        return _constant(body["arg"])
    if kind != "A_Const":
        return None
    if "sval" in body:
        string: str = body["sval"].get("sval", "")
        return string
    if "ival" in body:
        return str(body["ival"].get("ival", 0))
    if "fval" in body:
        number: str = body["fval"]["fval"]
        return number
    if "boolval" in body:
        return "on" if body["boolval"].get("boolval") else "off"
    return None

"""Which settings a masked session may see and change. A setting that is not listed may make the server say more.

`client_min_messages` below notice makes it send its log (with `debug_print_plan` even the masks), and `lc_messages`
changes what messages look like; neither they, nor roles, nor what would end a read-only session are here.
"""

import re
from collections.abc import Callable, Iterator

from ostiary.masking.tree import Node


def _any(_: str) -> bool:
    return True


def _one_of(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value.lower() in allowed


def _utf8(value: str) -> bool:
    # PostgreSQL compares encoding names by letters and digits (clean_encoding_name); asyncpg sends 'utf-8', quoted.
    return re.sub(r"[^a-z0-9]", "", value.lower()) in ("utf8", "unicode")


_FREE = (
    "application_name bytea_output datestyle default_transaction_deferrable default_transaction_isolation "
    "extra_float_digits idle_in_transaction_session_timeout idle_session_timeout intervalstyle jit lock_timeout "
    "search_path statement_timeout timezone transaction_timeout xmlbinary xmloption"
)

CHANGEABLE: dict[str, Callable[[str], bool]] = dict.fromkeys(_FREE.split(), _any) | {
    "client_encoding": _utf8,
    "client_min_messages": _one_of("notice", "warning", "error"),
    "default_transaction_read_only": _one_of("on", "true", "1", "yes"),
    "standard_conforming_strings": _one_of("on", "true", "1", "yes"),
    "row_security": _one_of("on", "true", "1", "yes"),
}

_TOLD = (
    "is_superuser in_hot_standby integer_datetimes lc_collate lc_ctype max_identifier_length max_index_keys "
    "server_encoding server_version server_version_num session_authorization transaction_isolation "
    "transaction_read_only"
)

SHOWABLE = frozenset(CHANGEABLE) | frozenset(_TOLD.split())

_MODES = {
    "transaction_isolation": _any,
    "transaction_read_only": _one_of("1", "true", "on"),
    "transaction_deferrable": _any,
}


def unsafe_change(body: Node) -> Iterator[str]:
    """Why a SET or RESET is not allowed. `ostiary.*` are ours."""
    kind = body.get("kind", "VAR_SET_VALUE")
    name = str(body.get("name", "")).lower()
    if kind in ("VAR_RESET_ALL",):
        return
    if kind == "VAR_SET_MULTI":
        if name not in ("transaction", "session characteristics"):
            yield f"SET {name} is not on the list for masked sessions"
        yield from unsafe_modes(body.get("args", []))
        return
    if name.startswith("ostiary."):
        return
    check = CHANGEABLE.get(name)
    if check is None:
        yield f"setting {name} is not on the list for masked sessions"
    elif kind == "VAR_SET_VALUE":
        values = [_value(argument) for argument in body.get("args", [])]
        if not all(value is not None and check(value) for value in values):
            yield f"setting {name} may not have that value in a masked session"


def unsafe_at_startup(name: str, value: str) -> str | None:
    """Why a setting of the startup packet is not allowed; None when it is."""
    check = CHANGEABLE.get(name.lower())
    if check is None:
        return f"setting {name} is not on the list for masked sessions"
    return None if check(value) else f"setting {name} may not have that value in a masked session"


def unsafe_modes(options: list[Node]) -> Iterator[str]:
    """Why the modes of BEGIN or SET TRANSACTION are not allowed: READ WRITE leaves a read-only transaction."""
    for option in options:
        body = option.get("DefElem", {})
        name = str(body.get("defname", ""))
        check = _MODES.get(name)
        value = _value(body.get("arg", {}))
        if check is None or value is None or not check(value):
            yield f"transaction mode {name.removeprefix('transaction_').replace('_', ' ')} is not allowed here"


def unsafe_show(body: Node) -> Iterator[str]:
    """Why a SHOW is not allowed."""
    name = str(body.get("name", "")).lower()
    if name not in SHOWABLE and not name.startswith("ostiary."):
        yield f"setting {name} is not on the list for masked sessions"


def _value(argument: Node) -> str | None:
    constant = argument.get("A_Const")
    if not isinstance(constant, dict):
        interval = argument.get("TypeCast", {}).get("arg", {}).get("A_Const")  # SET TIME ZONE INTERVAL '…'
        constant = interval if isinstance(interval, dict) else {"isnull": True}
    for kind in ("sval", "ival", "fval", "boolval"):
        if kind in constant:
            return str(constant[kind].get(kind, 0 if kind == "ival" else ""))
    return None

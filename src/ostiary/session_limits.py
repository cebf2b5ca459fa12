"""The settings that the gate gives a session, and which of them a client may change. Only ever downward.

The bounds go into the backend's startup parameters, so that RESET and DISCARD come back to them and not past them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ostiary.model.analysis import SettingChange, StatementAnalysis
from ostiary.model.decision import Denial

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0, "h": 3_600_000.0, "d": 86_400_000.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*")

UTF8 = frozenset({"utf8", "unicode"})
"""Spelled as PostgreSQL compares encoding names: letters and digits only, lower case (clean_encoding_name)."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds in milliseconds; None means none of the gate's own. See PostgreSQL, section 19.11.1."""

    statement_timeout: int | None = None
    lock_timeout: int | None = None
    idle_in_transaction_session_timeout: int | None = None

    def startup(self) -> dict[str, str]:
        """The bounds as startup parameters of the backend."""
        return {name: str(bound) for name, bound in self._bounds().items()}

    def _bounds(self) -> Mapping[str, int]:
        given = {
            "statement_timeout": self.statement_timeout,
            "lock_timeout": self.lock_timeout,
            "idle_in_transaction_session_timeout": self.idle_in_transaction_session_timeout,
        }
        return {name: bound for name, bound in given.items() if bound is not None}

    def refuse(self, statements: Iterable[StatementAnalysis]) -> Denial | None:
        """Why one of the statements' settings goes past a bound; None when none does."""
        return self.refuse_changes(change for statement in statements for change in statement.settings)

    def refuse_changes(self, changes: Iterable[SettingChange]) -> Denial | None:
        """The same for bare changes, such as startup parameters."""
        bounds = self._bounds()
        for change in changes:
            bound = bounds.get(change.name)
            if bound is None or change.value is None:
                continue
            wanted = milliseconds(change.value)
            if wanted is None or wanted == 0 or wanted > bound:
                return Denial(
                    "setting-bounded",
                    f"{change.name} may only be lowered",
                    detail=f"the gate set it to {bound} ms; {change.value} was asked for (0 means no limit)",
                    hint=f"SET {change.name} to {bound} ms or less",
                )
        return None


def refuse_encodings(changes: Iterable[SettingChange]) -> Denial | None:
    """Only UTF8 and standard strings: others hide statements from the gate's lexer (CVE-2006-2313, CVE-2025-1094)."""
    for change in changes:
        if change.value is None:
            continue
        value = change.value.strip().lower()
        if change.name == "client_encoding" and re.sub(r"[^a-z0-9]", "", value) not in UTF8:
            return Denial(
                "encoding-refused", "client_encoding must be UTF8", detail=f"{change.value} was asked for",
                hint="convert in the client", sqlstate="22023",
            )  # fmt: skip
        if change.name == "standard_conforming_strings" and value not in ("on", "true", "yes", "1"):
            return Denial(
                "encoding-refused", "standard_conforming_strings must be on",
                hint="write backslash escapes as E'...'", sqlstate="22023",
            )  # fmt: skip
    return None


def milliseconds(value: str) -> float | None:
    """A time setting as the server reads it (section 19.1.1): a number of milliseconds, or with a unit."""
    match = _DURATION.fullmatch(value)
    return None if match is None else float(match[1]) * _MILLISECONDS[match[2] or "ms"]

"""Errors that carry evidence and a reason code. Ordinary outcomes (a denial) are values, not errors."""


class OstiaryError(Exception):
    """The root. `code` is a documented reason code; `hint` says what to do next."""

    code = "internal"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Invalid(OstiaryError):
    """A file that a person wrote does not say what it must. Carries the place."""

    code = "invalid"

    def __init__(self, message: str, *, file: str = "", line: int | None = None, key: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.key = key

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        key = f" [{self.key}]" if self.key else ""
        return f"{place}{key}: {self.message}".lstrip() if place or key else self.message


class SettingsInvalid(Invalid):
    """ostiary.toml or classes.toml."""

    code = "settings-invalid"


class PolicyInvalid(Invalid):
    """A policy file."""

    code = "policy-invalid"


class TokenRefused(OstiaryError):
    """A token that does not prove who is asking; the message never says more than its bearer may know."""

    code = "token-refused"


class ProtocolViolation(OstiaryError):
    """A peer sent what the protocol does not allow at that point. `sqlstate` is what a PostgreSQL client is told."""

    code = "protocol-violation"

    def __init__(self, message: str, *, sqlstate: str = "08P01", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate


class UpstreamFailed(OstiaryError):
    """The database could not be reached or did not let the gate in."""

    code = "upstream-failed"


class LogUnavailable(OstiaryError):
    """A record could not be made durable, so nothing that depends on it may run."""

    code = "log-unavailable"

"""ostiary.toml → `Settings`. What it does not understand refuses to start, naming file, line and key."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ostiary.model.errors import SettingsInvalid
from ostiary.model.mask import Unclassified
from ostiary.suggestions import closest


class Durability(StrEnum):
    """When a record counts as kept; see docs/reference/settings.md."""

    STRICT = "strict"
    BATCHED = "batched"
    ASYNC = "async"


class Upstream(StrEnum):
    """When a session gets its backend."""

    LOGIN = "login"
    LAZY = "lazy"


class SslMode(StrEnum):
    """libpq's words (section 34.19); `allow` and `prefer` are not offered, because they fall back to plaintext."""

    DISABLE = "disable"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the listener's certificate; with `client_ca`, a client without a certificate of it is refused."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """One address to accept clients on. `line` is where the file says so, for messages."""

    host: str
    port: int
    tls: Tls | None = None
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """The built-in issuer: development and break-glass. `audience` must stand in a token."""

    audience: str = "ostiary"


@dataclass(frozen=True, slots=True)
class Database:
    """One datasource. Times are in seconds, None means no limit of the gate's own."""

    name: str
    host: str
    port: int
    database: str
    user: str
    sslmode: SslMode
    ca_file: Path | None
    password_env: str | None
    password_file: Path | None
    upstream: Upstream
    environment: str
    unclassified: Unclassified
    classes: Path | None
    statement_timeout: float | None
    lock_timeout: float | None
    idle_in_transaction_timeout: float | None
    row_cap: int | None
    catalog_refresh: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the listener. `expiry_grace` is how long a session outlives its token, in seconds."""

    connections: int = 1000
    connections_per_principal: int = 100
    expiry_grace: float = 0.0
    drain: float = 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration, checked. Relative paths in the file are relative to the file."""

    file: Path
    state: Path
    listen: tuple[Listen, ...]
    databases: Mapping[str, Database]
    policies: Path
    durability: Durability
    local_issuer: LocalIssuer | None
    limits: Limits
    event_loop: str


def read_settings(path: Path) -> Settings:
    """Read and check a configuration file.

    Raises:
        SettingsInvalid: the file cannot be read or says something it must not; names file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsInvalid(
            f"cannot be read: {reason}", file=str(path), hint="name it with --config, or make one with: ostiary init"
        ) from error
    return parse_settings(text, path)


def parse_settings(text: str, path: Path) -> Settings:
    """Check the text of a configuration file that lies, or is to lie, at `path`.

    Raises:
        SettingsInvalid: it says something it must not; names file, line and key.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise SettingsInvalid(str(error), file=str(path), line=int(line[1]) if line else None) from error
    return _settings(Section(data, path, text))


class Section:
    """A table of the file that knows which of its keys were asked for, so that the rest can be refused."""

    def __init__(self, data: Mapping[str, Any], file: Path, text: str, name: str = "", index: int = 0) -> None:
        self.data = data
        self.file = file
        self.text = text
        self.name = name
        self.index = index
        self._known: set[str] = set()

    def fail(self, key: str, message: str, hint: str = "") -> SettingsInvalid:
        """An error at this key, with the line where the file has it."""
        path = ".".join(part for part in (self.name, key) if part)
        return SettingsInvalid(message, file=str(self.file), line=self.line(key), key=path, hint=hint)

    def line(self, key: str) -> int | None:
        """Where the file has this key."""
        return line_of(self.text, self.name, key, self.index)

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        """The value of a key, checked to be of `kind`; `default` when it is absent."""
        self._known.add(key)
        value = self.data.get(key, default)
        # bool is an int to Python, not to a person who writes `port = true`.
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise self.fail(key, f"must be a {_WORDS[kind]}, not {value!r}")
        return value

    def require(self, key: str, kind: type) -> Any:
        """Like `get`, for a key without a default."""
        value = self.get(key, kind)
        if value is None:
            raise self.fail(key, "is missing")
        return value

    def word(self, key: str, words: type[StrEnum], default: StrEnum | None) -> Any:
        """One of the words of an enumeration."""
        value = self.get(key, str, default)
        try:
            return words(value)
        except ValueError:
            names = [word.value for word in words]
            raise self.fail(
                key, f"must be one of {', '.join(names)}, not {value!r}{closest(str(value), names)}"
            ) from None

    def path(self, key: str, default: str | None = None) -> Path | None:
        """A path, relative to the file's folder."""
        value = self.get(key, str, default)
        return None if value is None else (self.file.parent / value).resolve()

    def seconds(self, key: str, default: str | None) -> float | None:
        """A duration such as ``15m``, ``30s`` or ``500ms``; ``none`` for no limit."""
        value = self.get(key, str, default)
        if value is None or value == "none":
            return None
        try:
            return duration(value)
        except ValueError as error:
            raise self.fail(key, str(error)) from None

    def section(self, key: str) -> "Section":
        """A sub-table; empty when absent."""
        value = self.get(key, dict, {})
        return Section(value, self.file, self.text, ".".join(part for part in (self.name, key) if part))

    def done(self) -> None:
        """Refuse what was never asked for."""
        for key in self.data:
            if key not in self._known:
                raise self.fail(key, f"unknown key {key!r}{closest(key, sorted(self._known))}")


_WORDS = {str: "text", int: "whole number", dict: "table", list: "list", bool: "true or false"}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str) -> float:
    """Seconds of ``15m``, ``30s``, ``500ms``, ``8h``, ``1d``.

    Raises:
        ValueError: it is not a number with one of these units.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|min|m|h|d)", text)
    if match is None:
        raise ValueError(f"must be a duration such as 30s, 15m or 8h, not {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def line_in(file: Path, section: str, key: str) -> int | None:
    """`line_of` in a file that was read before; None when it cannot be read any more."""
    try:
        return line_of(file.read_text(encoding="utf-8"), section, key)
    except (OSError, UnicodeDecodeError):
        return None


def line_of(text: str, section: str, key: str, index: int = 0) -> int | None:
    """The line where a TOML text sets a key, for messages; None when it cannot be told.

    `index` says which of several tables of an array (``[[section]]``) is meant.
    """
    current = ""
    header = None
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?", line):
            current = found[1].replace('"', "")
            if current == section and index:
                current, index = "", index - 1
            if current in (section, f"{section}.{key}".strip(".")):
                header = header or number
        elif current == section and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[.=]""", line):
            return number
    return header


def _settings(top: Section) -> Settings:
    if top.get("state_url", str) is not None:
        raise top.fail(
            "state_url", "shared state is not available in this version", hint="remove the key: state lives in `state`"
        )
    state = top.path("state", "ostiary-data")
    listen = top.get("listen", list, [{"protocol": "postgresql", "address": "127.0.0.1:6432"}])
    databases = top.section("database")
    made = {name: _database(databases.section(name), name) for name in databases.data}
    databases.done()
    if not made:
        raise top.fail("database", "no database is configured", hint="add a [database.NAME] table with a url")
    policy = top.section("policy")
    policies = policy.path("path", "policy")
    policy.done()
    audit = top.section("audit")
    durability = audit.word("durability", Durability, Durability.STRICT)
    audit.done()
    local = _identity(top.section("identity"))
    limits = _limits(top.section("limits"))
    event_loop = top.get("event_loop", str, "uvloop")
    if event_loop not in ("uvloop", "asyncio"):
        raise top.fail("event_loop", f"must be uvloop or asyncio, not {event_loop!r}")
    top.done()
    if state is None or policies is None:
        raise top.fail("state", "is missing")
    listeners = tuple(_listen(Section(one, top.file, top.text, "listen", at)) for at, one in enumerate(listen))
    return Settings(top.file, state, listeners, made, policies, durability, local, limits, event_loop)


def _listen(section: Section) -> Listen:
    protocol = section.get("protocol", str, "postgresql")
    if protocol != "postgresql":
        raise section.fail("protocol", f"unknown protocol {protocol!r}; this version knows postgresql")
    host, port = _address(section, "address", section.require("address", str))
    tls = section.section("tls")
    made = None
    if tls.data:
        certificate, key = tls.path("certificate"), tls.path("key")
        if certificate is None or key is None:
            raise section.fail("tls", "needs both certificate and key")
        made = Tls(certificate, key, tls.path("client_ca"))
    tls.done()
    section.done()
    if made is None and not is_loopback(host):
        raise section.fail(
            "address",
            f"{host} is not loopback, and plaintext is refused beyond it",
            hint="add tls = { certificate, key }",
        )
    return Listen(host, port, made, section.line("address"))


def _address(section: Section, key: str, address: str) -> tuple[str, int]:
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise section.fail(key, f"must be HOST:PORT, not {address!r}")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether traffic to this host never leaves the machine. Names other than localhost are not trusted to."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")


def _identity(section: Section) -> LocalIssuer | None:
    if section.get("oidc", dict):
        raise section.fail("oidc", "OpenID providers are not available in this version", hint="use [identity.local]")
    present = "local" in section.data or not section.data
    local = section.section("local")
    audience = local.get("audience", str, "ostiary")
    local.done()
    section.done()
    return LocalIssuer(audience) if present else None


def _limits(section: Section) -> Limits:
    default = Limits()
    made = Limits(
        connections=section.get("connections", int, default.connections),
        connections_per_principal=section.get("connections_per_principal", int, default.connections_per_principal),
        expiry_grace=section.seconds("expiry_grace", "0s") or 0.0,
        drain=section.seconds("drain", "30s") or 0.0,
    )
    section.done()
    return made


def _database(section: Section, name: str) -> Database:
    host, port, database, user, query = _url(section, section.require("url", str))
    roles = section.get("roles", str, "shared")
    if roles != "shared":
        raise section.fail("roles", f"{roles!r} is not available in this version", hint='use roles = "shared"')
    default_mode = SslMode.DISABLE if is_loopback(host) else SslMode.VERIFY_FULL
    try:
        sslmode = SslMode(said := query.pop("sslmode", default_mode))
    except ValueError:
        raise section.fail("url", f"sslmode must be one of {', '.join(SslMode)}, not {said!r}") from None
    ca_file = query.pop("sslrootcert", None)
    if query:
        raise section.fail("url", f"unknown parameter {next(iter(query))!r}")
    row_cap = section.get("row_cap", int, 10_000)
    if row_cap < 0:
        raise section.fail("row_cap", "must be 0 (no cap) or more")
    made = Database(
        name=name,
        host=host,
        port=port,
        database=database,
        user=user,
        sslmode=sslmode,
        ca_file=(section.file.parent / ca_file).resolve() if ca_file else None,
        password_env=section.get("password_env", str),
        password_file=section.path("password_file"),
        upstream=section.word("upstream", Upstream, Upstream.LOGIN),
        environment=section.get("environment", str, "production"),
        unclassified=section.word("unclassified", Unclassified, Unclassified.DENY),
        classes=section.path("classes"),
        statement_timeout=section.seconds("statement_timeout", "60s"),
        lock_timeout=section.seconds("lock_timeout", "5s"),
        idle_in_transaction_timeout=section.seconds("idle_in_transaction_timeout", "5m"),
        row_cap=row_cap or None,
        catalog_refresh=section.seconds("catalog_refresh", "30s") or 30.0,
    )
    section.done()
    return made


def _url(section: Section, url: str) -> tuple[str, int, str, str, dict[str, str]]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise section.fail("url", "must start with postgresql://")
    if parts.password is not None:
        raise section.fail("url", "must not hold a password", hint="name it with password_env or password_file")
    try:
        port = parts.port or 5432
    except ValueError:
        raise section.fail("url", "has no valid port") from None
    if not parts.username:
        raise section.fail("url", "names no user: the gate needs a database role of its own")
    query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    host = unquote(query.pop("host", "") or parts.hostname or "localhost")
    user = unquote(parts.username)
    return host, port, unquote(parts.path.lstrip("/")) or user, user, {key: unquote(one) for key, one in query.items()}

"""The shared catalog of one datasource, kept fresh over a side connection of the gate's own.

Refreshed on a timer, when a session committed DDL, and on demand when a name is unknown. One refresh at a time: who
asks while one runs gets the next, because the running one may have looked before the change was committed.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from ostiary.analysis.catalog import CATALOG_QUERY, Catalog, from_json
from ostiary.model.errors import UpstreamFailed
from ostiary.settings import Database, SslMode

REPORTED = (
    "server_version", "server_encoding", "client_encoding", "DateStyle", "IntervalStyle", "TimeZone",
    "integer_datetimes", "standard_conforming_strings", "default_transaction_read_only", "in_hot_standby",
)  # fmt: skip
"""What a client may be told before its backend says it (protocol-flow, "Asynchronous Operations")."""

CONNECT_TIMEOUT = 10.0
QUERY_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Side:
    """How the gate itself gets into a datasource, with the secret resolved."""

    database: Database
    password: str | None


async def connect(side: Side) -> "asyncpg.Connection":
    """Open a side connection.

    Raises:
        UpstreamFailed: with what the driver or the server said.
    """
    database = side.database
    try:
        return await asyncpg.connect(
            host=database.host,
            port=database.port,
            user=database.user,
            password=side.password,
            database=database.database,
            ssl=tls_context(database) or False,
            timeout=CONNECT_TIMEOUT,
            command_timeout=QUERY_TIMEOUT,
            server_settings={"application_name": "ostiary"},
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise UpstreamFailed(
            f"database {database.name!r} at {database.host}:{database.port} cannot be reached: {error}",
            hint="check url, password_env or password_file, and that the database runs",
        ) from error


def tls_context(database: Database) -> ssl.SSLContext | None:
    """The TLS context for a datasource's `sslmode`; None for plaintext."""
    if database.sslmode is SslMode.DISABLE:
        return None
    context = ssl.create_default_context(cafile=str(database.ca_file) if database.ca_file else None)
    if database.sslmode is not SslMode.VERIFY_FULL:
        context.check_hostname = False
    if database.sslmode is SslMode.REQUIRE:
        context.verify_mode = ssl.CERT_NONE
    return context


class SharedCatalog:
    """The newest snapshot of one datasource, and the ways to renew it."""

    def __init__(self, side: Side, snapshot: Catalog, changed: Callable[[Catalog], None]) -> None:
        self.snapshot = snapshot
        self._side = side
        self._changed = changed
        self._connection: asyncpg.Connection | None = None
        self._parameters: dict[str, str] = {}
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, side: Side, changed: Callable[[Catalog], None]) -> "SharedCatalog":
        """Take the first snapshot; without one nothing can be decided.

        Raises:
            UpstreamFailed: the database cannot be reached.
        """
        connection = await connect(side)
        made = cls(side, await _fetch(connection), changed)
        made._connection = connection
        reported = {name: getattr(connection.get_settings(), name, None) for name in REPORTED}
        made._parameters = {name: value for name, value in reported.items() if isinstance(value, str)}
        return made

    @property
    def parameters(self) -> dict[str, str]:
        """What the server reports of itself at login (ParameterStatus), for clients that come before their backend."""
        return self._parameters

    async def refresh(self) -> None:
        """Take a snapshot that began after this call.

        Raises:
            UpstreamFailed: the old snapshot stands.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(self._in_turn())
        await asyncio.shield(self._next)

    async def _in_turn(self) -> None:
        async with self._turn:
            # Who asks from now on may have changed what this look does not see any more.
            self._next = None
            await self._refresh()

    async def _refresh(self) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._side)
        connection = self._connection
        try:
            snapshot = await _fetch(connection)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            connection.terminate()
            self._connection = None
            raise UpstreamFailed(f"the catalog cannot be read: {error}") from error
        if snapshot.version != self.snapshot.version:
            self.snapshot = snapshot
            self._changed(snapshot)

    async def keep_fresh(self, interval: float) -> None:
        """Refresh for ever, every `interval` seconds. A failure leaves the old snapshot and tries again."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self.refresh()
            except UpstreamFailed:
                continue

    async def close(self) -> None:
        """Close the side connection."""
        if self._connection is not None:
            self._connection.terminate()


async def _fetch(connection: "asyncpg.Connection") -> Catalog:
    return from_json(await connection.fetchval(CATALOG_QUERY))

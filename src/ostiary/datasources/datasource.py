"""One datasource as the gate holds it: the newest snapshots, and what changes them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from ostiary.analysis.catalog import Catalog, overlaid
from ostiary.authorizer import Snapshots
from ostiary.datasources.catalogs import SharedCatalog, Side
from ostiary.datasources.classes import ClassFile, Pins, class_map, read_class_file, strangers
from ostiary.model.errors import UpstreamFailed
from ostiary.policy.document import PolicySet
from ostiary.policy.requirements import DatasourceFacts
from ostiary.session_limits import SessionLimits
from ostiary.settings import Database

REMEMBERED_OVERLAYS = 256
"""Sessions with temporary objects or uncommitted DDL at one time whose own catalogs are kept built."""


@dataclass(frozen=True, slots=True)
class PinStore:
    """Where the pinned columns of star entries are kept between runs."""

    load: Callable[[], Pins]
    save: Callable[[Pins], None]


class Datasource:
    """Answers with consistent snapshots; a new one replaces the old as a whole."""

    def __init__(self, side: Side, policies: PolicySet, class_file: ClassFile, pins: PinStore) -> None:
        self.side = side
        self.settings: Database = side.database
        self._policies = policies
        self._class_file = class_file
        self._pins = pins
        self._shared: SharedCatalog | None = None
        self._overlays: dict[str, Catalog] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._limits = session_limits(side.database)
        self.snapshots: Snapshots

    @classmethod
    async def open(cls, side: Side, policies: PolicySet, pins: PinStore) -> "Datasource":
        """Connect, take the first catalog and hold the classes against it.

        Raises:
            UpstreamFailed: the database cannot be reached.
            SettingsInvalid: classes.toml does not say what it must.
        """
        file = read_class_file(side.database.classes) if side.database.classes else ClassFile()
        made = cls(side, policies, file, pins)
        made._shared = await SharedCatalog.open(side, made._catalog_changed)
        made._catalog_changed(made._shared.snapshot)
        made._keeper = asyncio.create_task(made._shared.keep_fresh(side.database.catalog_refresh))
        return made

    @property
    def search_path(self) -> tuple[str, ...]:
        """The effective search_path that a session of the gate's role starts with."""
        return self.snapshots.catalog.implicit_path

    @property
    def parameters(self) -> dict[str, str]:
        """What the server reports of itself at login."""
        return {} if self._shared is None else self._shared.parameters

    @property
    def strangers(self) -> list[str]:
        """Columns that classes.toml names and the database does not have."""
        return strangers(self._class_file, self.snapshots.catalog)

    def overlay(self, digest: str, document: bytes) -> Catalog:
        """A session's own catalog, built once for each document."""
        found = self._overlays.get(digest)
        if found is None:
            found = overlaid(self.snapshots.catalog, document)
            if len(self._overlays) >= REMEMBERED_OVERLAYS:
                self._overlays.pop(next(iter(self._overlays)))
            self._overlays[digest] = found
        return found

    async def refresh(self) -> None:
        """Take a new catalog now.

        Raises:
            UpstreamFailed: the old one stands.
        """
        if self._shared is None:
            raise UpstreamFailed("the datasource is closed")
        await self._shared.refresh()

    def replace_policies(self, policies: PolicySet) -> None:
        """Decide by another policy set from now on."""
        self._policies = policies
        self._catalog_changed(self.snapshots.catalog)

    def _catalog_changed(self, catalog: Catalog) -> None:
        pins = self._pins.load()
        before = orjson.dumps(pins)
        classes = class_map(self._class_file, catalog, self.settings.unclassified, pins)
        if orjson.dumps(pins) != before:
            self._pins.save(pins)
        self._overlays.clear()
        self.snapshots = Snapshots(
            datasource=DatasourceFacts(self.settings.name, self.settings.environment),
            catalog=catalog,
            policies=self._policies,
            classes=classes,
            limits=self._limits,
            row_cap=self.settings.row_cap,
        )

    async def close(self) -> None:
        """Stop refreshing and close the side connection."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._shared is not None:
            await self._shared.close()
            self._shared = None


def session_limits(database: Database) -> SessionLimits:
    """The configured bounds in the server's unit, milliseconds."""

    def bound(seconds: float | None) -> int | None:
        return None if seconds is None else int(seconds * 1000)

    return SessionLimits(
        bound(database.statement_timeout),
        bound(database.lock_timeout),
        bound(database.idle_in_transaction_timeout),
    )

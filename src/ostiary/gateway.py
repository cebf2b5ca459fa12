"""The composition root: settings → a running gate. The only module that knows every part.

Things are opened in the order that fails early (policy, log, database, listener) and closed in reverse.
"""

import asyncio
import contextlib
import secrets
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

from ostiary.audit.encoding import Commitments, event
from ostiary.authorizer import Authorizer
from ostiary.credentials.secrets import password_of
from ostiary.datasources.catalogs import Side
from ostiary.datasources.classes import Pins
from ostiary.datasources.datasource import Datasource, PinStore
from ostiary.identity.local import open_issuer
from ostiary.identity.tokens import TokenVerifier
from ostiary.model.errors import LogUnavailable, OstiaryError, SettingsInvalid
from ostiary.model.names import SessionId
from ostiary.policy.document import PolicySet
from ostiary.policy.load import load, read_folder
from ostiary.protocols.postgres.conversation import Conversation
from ostiary.protocols.postgres.exchange import Limits
from ostiary.server.cancels import CancelKey, CancelRegistry
from ostiary.server.desk import Desk, SessionDesk
from ostiary.server.entrance import MakeSession
from ostiary.server.listener import Listener, listen
from ostiary.server.reception import Peer, ServerLimits
from ostiary.server.tls import server_context
from ostiary.session.machine import Session
from ostiary.settings import Listen, Settings, Tls, Upstream
from ostiary.store.keys import open_record_key
from ostiary.store.recording import Recording

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Address:
    """Where the gate really listens; the port is the system's choice when the settings say 0."""

    host: str
    port: int


def serve(settings: Settings, ready: Callable[[list[Address]], None]) -> None:
    """Run a gate until SIGTERM or SIGINT, which drain it. SIGHUP reads the policies again.

    Args:
        settings: what to run.
        ready: called once every listener accepts.

    Raises:
        OstiaryError: it cannot start; nothing is left running.
    """
    if settings.event_loop == "uvloop":
        import uvloop

        uvloop.run(_serve(settings, ready))
    else:
        asyncio.run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[list[Address]], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    async with running(settings) as gate:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, gate.reload)
        ready(gate.addresses)
        await stop.wait()
        await gate.drain()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator["Gate"]:
    """A gate that runs for as long as the context lasts."""
    async with contextlib.AsyncExitStack() as stack:
        yield await _open(settings, stack)


@dataclass(slots=True)
class Gate:
    """The running parts that somebody may still ask something of."""

    settings: Settings
    log: Recording
    datasources: dict[str, Datasource]
    listeners: list[Listener]
    addresses: list[Address]

    def reload(self) -> None:
        """Read the policies again. Ones that do not load leave the old ones in force, and the log says so."""
        try:
            policies = load_policies(self.settings)
        except OstiaryError as error:
            logger.error("policies not reloaded", reason=str(error))
            self._note("reload-refused", {"reason": str(error)})
            return
        for datasource in self.datasources.values():
            datasource.replace_policies(policies)
        logger.info("policies reloaded", version=policies.version)
        self._note("reload", {"policies": policies.version})

    def _note(self, kind: str, fields: dict[str, object]) -> None:
        self.log.append(event(kind, session=None, time_ns=_now(), fields=fields))

    async def drain(self) -> None:
        """Accept nobody new, let statements finish within `limits.drain`, then end what is left."""
        await asyncio.gather(*(listener.drain(self.settings.limits.drain) for listener in self.listeners))


def load_policies(settings: Settings) -> PolicySet:
    """The configured policies.

    Raises:
        PolicyInvalid: names file and line.
    """
    return load(read_folder(settings.policies))


async def _open(settings: Settings, stack: contextlib.AsyncExitStack) -> Gate:
    loop = asyncio.get_running_loop()
    policies = load_policies(settings)
    contexts = [_tls(place.tls) for place in settings.listen]
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.local_issuer is None:
        raise SettingsInvalid(
            "no way to prove an identity is configured", file=str(settings.file), key="identity",
            hint="add [identity.local]",
        )  # fmt: skip
    issuer = open_issuer(settings.state, settings.local_issuer.audience)
    verifier = TokenVerifier([issuer.trusted()])
    log = Recording.open(settings.state, durability=settings.durability, loop=loop, on_failure=_log_failed)
    stack.callback(log.close)
    log.append(event("gate-started", session=None, time_ns=_now(), fields={"policies": policies.version}))
    stack.callback(lambda: log.append(event("gate-stopped", session=None, time_ns=_now(), fields={})))
    datasources: dict[str, Datasource] = {}
    for name, database in settings.databases.items():
        side = Side(database, password_of(settings, database))
        datasources[name] = await Datasource.open(side, policies, pin_store(settings.state, name))
        stack.push_async_callback(datasources[name].close)
        if absent := datasources[name].strangers:
            logger.warning("classes.toml names columns that the database does not have", database=name, columns=absent)
    desk = Desk(
        verify=verifier.verify,
        authorizer=Authorizer(),
        log=log,
        commitments=Commitments(open_record_key(settings.state)),
        datasources=datasources,
        connections_per_principal=settings.limits.connections_per_principal,
    )
    listeners = []
    # One registry for all doors: a cancel request may come in through another one than its session did.
    cancels = CancelRegistry()
    for place, context in zip(settings.listen, contexts, strict=True):
        listeners.append(await _listen(place, context, desk, settings, cancels))
        stack.push_async_callback(listeners[-1].close)
    addresses = [Address(place.host, one.port) for place, one in zip(settings.listen, listeners, strict=True)]
    return Gate(settings, log, datasources, listeners, addresses)


def _make_session(datasources: Mapping[str, Datasource]) -> MakeSession:
    def make(parameters: Mapping[str, str], minor: int, key: CancelKey) -> Session:
        # A database that does not exist is refused with the token; until then any answer will do.
        datasource = datasources.get(parameters.get("database") or parameters.get("user", ""))
        if datasource is None or datasource.settings.upstream is not Upstream.LAZY:
            return Conversation(parameters, minor, limits=Limits())
        return Conversation(
            parameters,
            minor,
            limits=Limits(),
            lazy=True,
            known_parameters=datasource.parameters,
            key_data=(key.process_id, key.secret),
        )

    return make


async def _listen(
    place: Listen, context: ssl.SSLContext | None, desk: Desk, settings: Settings, cancels: CancelRegistry
) -> Listener:
    def make_desk(peer: Peer) -> SessionDesk:
        return desk.session(SessionId(secrets.token_hex(16)), peer)

    limits = ServerLimits(connections=settings.limits.connections, expiry_grace=settings.limits.expiry_grace)
    try:
        return await listen(
            place.host,
            place.port,
            tls=context,
            make_desk=make_desk,
            make_session=_make_session(desk.datasources),
            limits=limits,
            cancels=cancels,
            on_refused=desk.note_refused,
        )
    except OSError as error:
        raise SettingsInvalid(
            f"cannot listen on {place.host}:{place.port}: {error.strerror or error}",
            file=str(settings.file),
            line=place.line,
            key="listen.address",
            hint="stop what listens there (another gate?), or choose another address",
        ) from error


def _tls(tls: Tls | None) -> ssl.SSLContext | None:
    return None if tls is None else server_context(tls.certificate, tls.key, tls.client_ca)


def pin_store(state: Path, name: str) -> PinStore:
    """The pinned star entries of a datasource, in the state folder."""
    file = state / "pins" / f"{name}.json"

    def read() -> Pins:
        return dict(orjson.loads(file.read_bytes())) if file.exists() else {}

    def save(pins: Pins) -> None:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(pins, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        fresh.replace(file)

    return PinStore(read, save)


def _log_failed(failure: LogUnavailable) -> None:
    logger.error("the log cannot be written: nothing runs until it can", reason=failure.message)


def _now() -> int:
    return time.time_ns()

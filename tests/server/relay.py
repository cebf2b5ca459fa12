"""What the tests of this folder stand on: a session that relays, a desk that lets everybody in, and a gate of both.

The relay decides nothing and looks at nothing, so what is tested with it is the runner, the sockets and nothing else.
"""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.model.identity import Identity, Principal, PrincipalKind
from ostiary.protocols.postgres import messages
from ostiary.server.cancels import CancelKey
from ostiary.server.listener import Listener, listen
from ostiary.server.reception import Peer, ServerLimits
from ostiary.server.upstream import Target
from ostiary.session import actions, events
from ostiary.session.actions import Action
from ostiary.session.events import Event
from ostiary.settings import SslMode

SOMEBODY = Identity(Principal(PrincipalKind.HUMAN, "alice", "test"), expires_at=2_000_000_000, token_id="1")
Reply = Callable[[Event], None]


@dataclass
class OpenDesk:
    """Lets everybody in. Keeps what it was told, and holds back the decisions that a test wants to make itself."""

    backend: Target
    expires_at: float | None = None
    broken: bool = False
    held: list[tuple[actions.Decide, Reply]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def authenticate(self, action: actions.Authenticate, reply: Reply) -> None:
        reply(events.Authenticated(SOMEBODY))

    def target(self, action: actions.Connect) -> Target:
        return self.backend

    def decide(self, action: actions.Decide, reply: Reply) -> None:
        self.held.append((action, reply))

    def record(self, action: actions.Record, reply: Reply) -> None:
        if self.broken:
            raise LookupError("a test broke this desk")
        if action.wait:
            reply(events.Recorded(action.ticket))

    def refresh_catalog(self, reply: Reply) -> None:
        reply(events.CatalogRefreshed())

    def closed(self, reason: str) -> None:
        self.ended.append(reason)


class Relay:
    """A session that connects at once and passes everything on. `seen` is what it was told besides bytes."""

    def __init__(self, parameters: Mapping[str, str], minor: int, cancel_key: CancelKey) -> None:
        self.parameters = parameters
        self.minor = minor
        self.cancel_key = cancel_key
        self.seen: list[Event] = []
        self.is_resting = True
        self._early: bytes | None = None
        self._connected = False

    def receive(self, event: Event) -> list[Action]:
        if type(event) is events.ServerSent:
            return [actions.SendToClient(event.data)]
        if type(event) is events.ClientSent:
            return self._client_sent(event.data)
        self.seen.append(event)
        return self._told(event)

    def _client_sent(self, data: bytes) -> list[Action]:
        if self._connected:
            return [actions.SendToServer(data)]
        if self._early is None:
            self._early = data
            return [actions.Authenticate(b"", "", {})]
        self._early += data
        return []

    def _told(self, event: Event) -> list[Action]:
        match event:
            case events.Authenticated():
                return [actions.Connect({}, self.minor)]
            case events.BackendReady():
                self._connected = True
                return [actions.SendToClient(welcome(event)), actions.SendToServer(self._early or b"")]
            case events.BackendUnavailable(denial):
                fatal = {"S": "FATAL", "V": "FATAL", "C": denial.sqlstate, "M": denial.message}
                return [actions.SendToClient(messages.fields(fatal)), actions.Close("no backend")]
            case events.Ended(denial):
                fatal = {"S": "FATAL", "V": "FATAL", "C": denial.sqlstate, "M": denial.message}
                return [actions.SendToClient(messages.fields(fatal)), actions.Close(denial.code)]
            case events.ClientLeft():
                return [actions.Cancel(), actions.Close("client left")]
            case _:
                return [actions.Close(type(event).__name__)]


def welcome(event: events.BackendReady) -> bytes:
    status = b"".join(messages.parameter_status(*pair) for pair in event.parameters.items())
    key = messages.backend_key_data(event.process_id, event.cancel_key)
    return messages.AUTHENTICATION_OK + status + key + messages.ready(ord("I"))


@dataclass
class Gate:
    """A running gate of relays, and all that happened in it."""

    listener: Listener
    desks: list[OpenDesk] = field(default_factory=list)
    sessions: list[Relay] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    expires_at: float | None = None

    @property
    def port(self) -> int:
        return self.listener.port


def server(port: int, **changes: object) -> Target:
    made: dict[str, object] = {
        "host": "127.0.0.1", "port": port, "user": "postgres", "password": None, "database": "postgres",
        "sslmode": SslMode.DISABLE, "ca_file": None, "settings": {},
    }  # fmt: skip
    return Target(**(made | changes))  # type: ignore[arg-type]  # a table of optional arguments


@contextlib.asynccontextmanager
async def open_gate(
    backend: Target,
    *,
    tls: ssl.SSLContext | None = None,
    limits: ServerLimits | None = None,
    make_session: Callable[[Mapping[str, str], int, CancelKey], Relay] = Relay,
) -> AsyncIterator[Gate]:
    def make_desk(peer: Peer) -> OpenDesk:
        gate.peers.append(peer)
        gate.desks.append(OpenDesk(backend, gate.expires_at))
        return gate.desks[-1]

    def remembered(parameters: Mapping[str, str], minor: int, cancel_key: CancelKey) -> Relay:
        gate.sessions.append(make_session(parameters, minor, cancel_key))
        return gate.sessions[-1]

    listener = await listen(
        "127.0.0.1",
        0,
        tls=tls,
        make_desk=make_desk,
        make_session=remembered,
        limits=limits or ServerLimits(),
        on_refused=lambda _, reason: gate.refused.append(reason),
    )
    gate = Gate(listener)
    try:
        yield gate
    finally:
        await listener.close()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def closing(streams: Streams) -> AsyncIterator[Streams]:
    """A client that is gone, socket and all, when a test is done with it."""
    try:
        yield streams
    finally:
        streams[1].close()
        with contextlib.suppress(OSError):
            await streams[1].wait_closed()


async def connected(port: int) -> Streams:
    return await asyncio.open_connection("127.0.0.1", port)


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)


def startup(**parameters: str) -> bytes:
    return messages.startup({"user": "alice", "database": "postgres"} | parameters, 0)


SSL_REQUEST = struct.pack(">ii", 8, 80877103)
GSSENC_REQUEST = struct.pack(">ii", 8, 80877104)


async def message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One message: its type and its content."""
    kind = await reader.readexactly(1)
    length = int.from_bytes(await reader.readexactly(4), "big")
    return kind, await reader.readexactly(length - 4)


async def messages_until(reader: asyncio.StreamReader, last: bytes) -> list[tuple[bytes, bytes]]:
    """Messages up to one of type `last`, it included."""
    found = [await message(reader)]
    while found[-1][0] != last:
        found.append(await message(reader))
    return found


@dataclass(frozen=True)
class Certificate:
    """A certificate of 127.0.0.1, signed by itself, and its key."""

    certificate: Path
    key: Path


def certificate_in(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = Certificate(folder / "gate.crt", folder / "gate.key")
    files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return files


@contextlib.asynccontextmanager
async def quiet_server() -> AsyncIterator[int]:
    """A server that accepts and never says anything."""
    held: list[asyncio.StreamWriter] = []
    made = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()
        for writer in held:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


Run = Callable[[Coroutine[None, None, None]], None]
"""Runs a test on an event loop, within bounds."""


async def bounded(test: Coroutine[None, None, None]) -> None:
    async with asyncio.timeout(20):
        await test

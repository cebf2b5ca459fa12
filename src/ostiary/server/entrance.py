"""One client from accept until its session starts: TLS or not, a cancel request, or a startup packet.

The rule: in the plain part of a stream no more is read than one request to encrypt is long, so the bytes of a TLS
handshake, and whatever else stands behind a request, are still in the kernel when it is decided what they are.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres.greeting import (
    CancelRequested,
    DirectTls,
    Greeting,
    Refuse,
    SendPlain,
    Started,
    StartTls,
    Step,
)
from ostiary.protocols.postgres.messages import fields
from ostiary.server.acceptor import Address
from ostiary.server.cancels import CancelKey, new_key
from ostiary.server.connection import Connection, receive_buffer
from ostiary.server.reception import Peer, SessionDesk
from ostiary.server.runner import House, Runner
from ostiary.server.tls import ALPN, bytes_are_waiting
from ostiary.session.machine import Session
from ostiary.settings import is_loopback

_log = logging.getLogger(__name__)

REQUEST_BYTES = 8
"""Length of an SSLRequest or GSSENCRequest (PostgreSQL, section 54.7)."""

TLS_HANDSHAKE = 0x16
"""First byte of a ClientHello: TLS without asking (PostgreSQL 17, sslnegotiation=direct)."""

SURPLUS = 50
"""Clients beyond the limit that are let in as far as to be told so; more are closed without a word."""

TOO_MANY = fields({"S": "FATAL", "V": "FATAL", "C": "53300", "M": "sorry, too many clients already"})

MakeSession = Callable[[Mapping[str, str], int, CancelKey], Session]
"""Startup parameters, agreed minor version, and the key to give a client that gets a session before a backend."""


@dataclass(frozen=True, slots=True)
class Hall:
    """What all entrances of one listener share."""

    house: House
    tls: ssl.SSLContext | None
    make_desk: Callable[[Peer], SessionDesk]
    make_session: MakeSession
    on_refused: Callable[[Peer, str], None]
    buffer: memoryview = field(default_factory=receive_buffer)
    entrances: "set[Entrance]" = field(default_factory=set)
    sessions: set[Runner] = field(default_factory=set)

    @property
    def is_full(self) -> bool:
        """Whether one more session would be too many."""
        return len(self.sessions) >= self.house.limits.connections

    @property
    def is_crowded(self) -> bool:
        """Whether there is not even room to tell a client that there is none."""
        return len(self.sessions) + len(self.entrances) >= self.house.limits.connections + SURPLUS


class Entrance:
    """One client on its way in."""

    __slots__ = (
        "_address",
        "_connection",
        "_deadline",
        "_greeting",
        "_hall",
        "_loop",
        "_over",
        "_pending",
        "_task",
        "_tls",
    )

    def __init__(self, hall: Hall, sock: socket.socket, address: Address) -> None:
        self._hall = hall
        self._loop = hall.house.loop
        self._address = address
        self._greeting = self._new_greeting(encrypted=False)
        self._tls: StartTls | DirectTls | None = None
        self._pending: list[Step] = []
        self._over = False
        self._connection = Connection(hall.buffer, self._received, self.abort)
        self._connection.on_made = self._made
        self._connection.on_gone = self._leave
        hall.entrances.add(self)
        self._deadline = self._loop.call_later(hall.house.limits.login, self._too_late)
        self._task = self._loop.create_task(self._enter(sock))

    def abort(self) -> None:
        """Close at once."""
        self._leave()
        self._task.cancel()
        self._connection.abort()

    async def _enter(self, sock: socket.socket) -> None:
        entered = False
        try:
            if await self._negotiate(sock):
                await self._make_connection(sock)
                entered = True
        except OSError as error:
            # Of the network or of TLS (ssl.SSLError is one): the client's doing, not ours.
            self._refused(f"connection-failed: {type(error).__name__}")
        except Exception as error:
            self._fail(error)
        finally:
            if not entered:
                sock.close()
                self._leave()

    async def _negotiate(self, sock: socket.socket) -> bool:
        """Answer requests to encrypt, on the bare socket; whether to go on with what is left of the greeting."""
        await self._readable(sock)
        if sock.recv(1, socket.MSG_PEEK) == bytes((TLS_HANDSHAKE,)):
            # Only looked at: the TLS engine will read it again.
            self._pending = self._greeting.receive(bytes((TLS_HANDSHAKE,)))
            self._choose_tls()
            return True
        have = 0
        while have < REQUEST_BYTES:
            data = await self._loop.sock_recv(sock, REQUEST_BYTES - have)
            if not data:
                return False
            have += len(data)
            self._pending = self._greeting.receive(data)
            if not self._pending:
                continue
            if self._choose_tls():
                # The order is the whole defence: look, then answer, then leave the socket to the TLS engine.
                if bytes_are_waiting(sock):
                    self._refused("bytes-before-tls")
                    return False
                await self._loop.sock_sendall(sock, b"S")
                return True
            if not all(isinstance(step, SendPlain) for step in self._pending):
                return True
            if bytes_are_waiting(sock):
                self._refused("bytes-behind-request")
                return False
            for step in self._pending:
                if isinstance(step, SendPlain):
                    await self._loop.sock_sendall(sock, step.data)
            self._pending = []
            have = 0
        return True

    def _choose_tls(self) -> bool:
        match self._pending:
            case [StartTls() | DirectTls() as chosen]:
                self._tls = chosen
                self._pending = []
        return self._tls is not None

    async def _readable(self, sock: socket.socket) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(sock.fileno(), _arrived, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(sock.fileno())

    async def _make_connection(self, sock: socket.socket) -> None:
        if self._tls is None:
            await self._loop.connect_accepted_socket(lambda: self._connection, sock)
            return
        limits = self._hall.house.limits
        self._greeting = self._new_greeting(encrypted=True)
        await self._loop.connect_accepted_socket(
            lambda: self._connection,
            sock,
            ssl=self._hall.tls,
            ssl_handshake_timeout=limits.handshake,
            ssl_shutdown_timeout=limits.closing,
        )

    def _new_greeting(self, *, encrypted: bool) -> Greeting:
        return Greeting(
            tls_available=self._hall.tls is not None,
            encrypted=encrypted,
            plaintext_allowed=is_loopback(self._address[0]),
        )

    def _made(self) -> None:
        tls = self._connection.tls
        if isinstance(self._tls, DirectTls) and (tls is None or tls.selected_alpn_protocol() != ALPN):
            # Without it a browser's request could be replayed here (ALPACA); Python's server side cannot refuse the
            # handshake itself, so the connection ends before anything inside it is read.
            self._refused("alpn")
            self.abort()
            return
        self._take(lambda: self._pending)

    def _received(self, data: bytes) -> None:
        if not self._over:
            self._take(lambda: self._greeting.receive(data))

    def _take(self, steps: Callable[[], list[Step]]) -> None:
        try:
            self._perform(steps())
        except ProtocolViolation as error:
            self._refused(error.message)
            self.abort()
        except Exception as error:
            self._fail(error)

    def _perform(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case SendPlain(data):
                    self._connection.write(data)
                case Started():
                    self._begin(step)
                case CancelRequested(process_id, key):
                    # Never answered and never explained (section 54.2.9): a guess learns nothing.
                    if not self._hall.house.cancels.request(process_id, key):
                        self._refused("cancel-key")
                    self._say_farewell(b"")
                case Refuse(data, reason):
                    self._refused(reason)
                    self._say_farewell(data)
                case _:
                    self._refused(f"{type(step).__name__} inside a stream")
                    self.abort()

    def _begin(self, started: Started) -> None:
        hall = self._hall
        if hall.is_full:
            self._refused("too-many-connections")
            self._say_farewell(TOO_MANY)
            return
        desk = hall.make_desk(self._peer())
        key = new_key(started.minor)
        session = hall.make_session(started.parameters, started.minor, key)
        runner = Runner(hall.house, session, self._connection, desk, key, lambda: hall.sessions.discard(runner))
        hall.sessions.add(runner)
        deadline = self._deadline.when()
        self._leave()
        runner.begin(started.rest, deadline)

    def _peer(self) -> Peer:
        tls = self._connection.tls
        return Peer(self._address[0], self._address[1], tls is not None, tls.version() if tls else None)

    def _say_farewell(self, data: bytes) -> None:
        self._over = True
        self._connection.write(data)
        self._connection.close()
        self._deadline.cancel()
        self._deadline = self._loop.call_later(self._hall.house.limits.closing, self.abort)

    def _refused(self, reason: str) -> None:
        try:
            self._hall.on_refused(self._peer(), reason)
        except Exception:
            _log.exception("a refused client could not be noted")

    def _too_late(self) -> None:
        self._refused("login-timeout")
        self.abort()

    def _fail(self, error: Exception) -> None:
        _log.error("a client is closed because of an error in the gate", exc_info=error)
        self.abort()

    def _leave(self) -> None:
        self._over = True
        self._deadline.cancel()
        self._hall.entrances.discard(self)


def _arrived(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)

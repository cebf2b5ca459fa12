"""The gate's own connections to a database: reach it, encrypt, log in, and cancel what runs there.

The rule: what the settings ask for is what happens, or nothing does. There is no fall back to plaintext, to an
unverified server, or to a weaker login.
"""

import asyncio
import logging
import os
import secrets
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from struct import Struct

from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_der_x509_certificate

from ostiary.model.decision import Denial
from ostiary.model.errors import UpstreamFailed
from ostiary.protocols.postgres.login import LoggedIn, LoginFailed, LoginStep, SendToUpstream, Strength, UpstreamLogin
from ostiary.server.acceptor import prepare
from ostiary.server.connection import Connection, Hold
from ostiary.server.tls import bytes_are_waiting, client_context
from ostiary.settings import SslMode, is_loopback

_log = logging.getLogger(__name__)

CANCELS_AT_ONCE = 8
CANCELS_WAITING = 64
"""Cancel requests are connections too: a client that sends thousands must not use up the database's. PgBouncer 1.16
bounds them for the same reason (cancel_wait_timeout, its issues 542 and 543); what is more is dropped."""

_SSL_REQUEST = Struct(">ii").pack(8, 1234 << 16 | 5679)
_CANCEL = Struct(">iii")
_CANCEL_CODE = 1234 << 16 | 5678


@dataclass(frozen=True, slots=True)
class Target:
    """A backend to be had. `host` that begins with a slash is the folder of a Unix socket.

    `required` is the weakest login that is acceptable (libpq's require_auth).
    """

    host: str
    port: int
    user: str
    password: str | None = field(repr=False)
    database: str
    sslmode: SslMode
    ca_file: Path | None
    settings: Mapping[str, str]
    minor: int = 0
    required: Strength = Strength.TRUST


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend that is logged in and idle. Its connection is held until a session releases `Hold.HANDOVER`."""

    connection: Connection
    parameters: Mapping[str, str]
    process_id: int
    rest: bytes
    cancel: Callable[[], None]


class BackendUnreachable(UpstreamFailed):
    """No backend; `denial` is what the client is told."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.message, hint=denial.hint)
        self.denial = denial


class Dialer:
    """Opens backends. `seconds` bounds everything from the first packet to the first ReadyForQuery."""

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: memoryview, seconds: float) -> None:
        self._loop = loop
        self._buffer = buffer
        self._seconds = seconds
        self._cancelling: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[Target, int, bytes]] = deque()
        self.cancels_dropped = 0

    async def dial(self, target: Target) -> Backend:
        """A new backend.

        Raises:
            BackendUnreachable: there is none to be had; says why.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._dial(target)
        except TimeoutError:
            raise _unreachable(target, f"no answer within {self._seconds:g} seconds") from None
        except OSError as error:
            raise _unreachable(target, _public(error), error) from error

    async def _dial(self, target: Target) -> Backend:
        login = _Login(self._loop)
        connection = Connection(self._buffer, login.received, login.left)
        try:
            await self._reach(target, connection)
            done = await login.run(connection, self._login(target, connection))
        except BaseException:
            connection.abort()
            raise
        key = (target, done.process_id, done.secret_key)
        return Backend(
            connection, done.parameters, done.process_id, done.rest + login.behind(), lambda: self._cancel(*key)
        )

    def _login(self, target: Target, connection: Connection) -> UpstreamLogin:
        verified = target.sslmode in (SslMode.VERIFY_CA, SslMode.VERIFY_FULL) or target.ca_file is not None
        encrypted = connection.tls is not None
        return UpstreamLogin(
            user=target.user,
            password=target.password,
            database=target.database,
            settings=target.settings,
            nonce=secrets.token_urlsafe(24),
            minor=target.minor,
            required=target.required,
            # Encryption to somebody unknown keeps nothing secret from that somebody.
            confidential=is_loopback(target.host) or (encrypted and verified),
            channel_binding=_channel_binding(connection),
        )

    async def _reach(self, target: Target, connection: Connection) -> None:
        """Connect and encrypt as the target says; `connection` is then made."""
        context = None if target.host.startswith("/") else client_context(target.sslmode, target.ca_file)
        sock = await self._socket(target)
        try:
            if context is not None:
                await self._ask_for_tls(sock, target)
        except BaseException:
            sock.close()
            raise
        if sock.family == socket.AF_UNIX:
            await self._loop.create_unix_connection(lambda: connection, sock=sock)
        elif context is None:
            await self._loop.create_connection(lambda: connection, sock=sock)
        else:
            await self._loop.create_connection(
                lambda: connection,
                sock=sock,
                ssl=context,
                server_hostname=target.host,
                ssl_handshake_timeout=self._seconds,
            )

    async def _ask_for_tls(self, sock: socket.socket, target: Target) -> None:
        await self._loop.sock_sendall(sock, _SSL_REQUEST)
        # One byte and no more: what stands behind it belongs to the TLS engine, or to an attacker.
        answer = await self._loop.sock_recv(sock, 1)
        if answer == b"N":
            raise _unreachable(target, "it does not offer TLS, which the settings require")
        if answer != b"S":
            raise _unreachable(target, "it does not understand the request for TLS")
        if bytes_are_waiting(sock):
            # A TLS server is silent until the client's hello (CVE-2021-23222).
            raise _unreachable(target, "it sent plaintext behind its consent to TLS")

    async def _socket(self, target: Target) -> socket.socket:
        failed: OSError | None = None
        for family, address in await self._addresses(target):
            made = socket.socket(family, socket.SOCK_STREAM)
            try:
                made.setblocking(False)
                prepare(made)
                await self._loop.sock_connect(made, address)
            except OSError as error:
                made.close()
                failed = error
            except BaseException:
                made.close()
                raise
            else:
                return made
        raise failed or OSError("the host has no address")

    async def _addresses(self, target: Target) -> list[tuple[int, str | tuple[str, int]]]:
        host, port = target.host, target.port
        if host.startswith("/"):
            return [(socket.AF_UNIX, f"{host}/.s.PGSQL.{port}")]
        try:
            version = ip_address(host).version
        except ValueError:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return [(entry[0], (str(entry[4][0]), int(entry[4][1]))) for entry in found]
        return [(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]

    # Cancelling.

    def _cancel(self, target: Target, process_id: int, key: bytes) -> None:
        if len(self._cancelling) < CANCELS_AT_ONCE:
            task = self._loop.create_task(self._send_cancel(target, process_id, key))
            self._cancelling.add(task)
            task.add_done_callback(self._cancelled)
        elif len(self._waiting) < CANCELS_WAITING:
            self._waiting.append((target, process_id, key))
        else:
            self.cancels_dropped += 1

    def _cancelled(self, task: asyncio.Task[None]) -> None:
        self._cancelling.discard(task)
        if self._waiting:
            self._cancel(*self._waiting.popleft())

    async def _send_cancel(self, target: Target, process_id: int, key: bytes) -> None:
        closed = asyncio.Event()
        connection = Connection(self._buffer, _ignore, closed.set)
        try:
            async with asyncio.timeout(self._seconds):
                await self._reach(target, connection)
                connection.write(_CANCEL.pack(12 + len(key), _CANCEL_CODE, process_id) + key)
                # The server closes when it has done what it does (section 54.2.9).
                await closed.wait()
        except (OSError, BackendUnreachable) as error:
            _log.warning("a cancel request did not get through: %s", error)
        finally:
            connection.abort()


class _Login:
    """Carries a login between a connection and its decisions."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._done: asyncio.Future[LoggedIn] = loop.create_future()
        self._login: UpstreamLogin | None = None
        self._connection: Connection | None = None
        self._early: list[bytes] = []

    async def run(self, connection: Connection, login: UpstreamLogin) -> LoggedIn:
        """Log in."""
        self._connection, self._login = connection, login
        connection.write(login.start())
        for data in self._early:
            # A server is silent until the startup packet; the login decides what to make of one that is not.
            self.received(data)
        self._early.clear()
        return await self._done

    def received(self, data: bytes) -> None:
        """The database sent something."""
        if self._login is None or self._done.done():
            self._early.append(data)
            return
        try:
            for step in self._login.receive(data):
                self._perform(step)
        except Exception as error:
            self._end(error)

    def behind(self) -> bytes:
        """What came after the login was over."""
        return b"".join(self._early)

    def left(self) -> None:
        """The database closed."""
        closed = Denial("upstream-failed", "the database closed the connection during login", sqlstate="08006")
        self._end(BackendUnreachable(closed))

    def _perform(self, step: LoginStep) -> None:
        if self._connection is None:
            raise RuntimeError("a login without a connection")
        match step:
            case SendToUpstream(data):
                self._connection.write(data)
            case LoginFailed(denial):
                self._end(BackendUnreachable(denial))
            case LoggedIn():
                self._connection.hold(Hold.HANDOVER)
                if not self._done.done():
                    self._done.set_result(step)

    def _end(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)
            # Nobody may be waiting yet; then `run` still finds it.
            self._done.exception()


def _channel_binding(connection: Connection) -> bytes | None:
    """tls-server-end-point (RFC 5929, section 4.1): a hash of the server's certificate; None where undefined."""
    tls = connection.tls
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    if certificate is None:
        return None
    signed_with = load_der_x509_certificate(certificate).signature_hash_algorithm
    if signed_with is None:
        # Ed25519 and Ed448 certificates name no hash; RFC 5929 leaves the binding undefined for them.
        return None
    # "if … MD5 or SHA-1, then use SHA-256".
    weak = isinstance(signed_with, hashes.MD5 | hashes.SHA1)
    digest = hashes.Hash(hashes.SHA256() if weak else signed_with)
    digest.update(certificate)
    return digest.finalize()


def _public(error: OSError) -> str:
    """What a client may know of a failure. The error's own text often holds the address inside."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not the one that the settings require"
    if isinstance(error, ssl.SSLError):
        return "no TLS could be agreed on"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return os.strerror(error.errno) if error.errno else "the connection was lost"


def _unreachable(target: Target, why: str, error: BaseException | None = None) -> BackendUnreachable:
    # The operator learns where; the client only that, because addresses inside are none of its business.
    _log.warning("%s:%s cannot be used: %s", target.host, target.port, error or why)
    return BackendUnreachable(
        Denial(
            "upstream-failed",
            "the gate cannot reach the database",
            detail=why,
            hint="try again; if it stays so, tell the operator of the gate",
            sqlstate="08001",
        )
    )


def _ignore(data: bytes) -> None:
    """A server has nothing to say to a cancel request."""

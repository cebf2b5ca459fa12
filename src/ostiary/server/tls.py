"""TLS contexts of both sides, and the one way to begin TLS in the middle of a stream.

The rule: whoever is about to speak TLS has read exactly the plaintext that the protocol defines and not a byte more.
Bytes beyond it are an injection (CVE-2021-23214, CVE-2021-23222) and end the connection. So the negotiation is done on
the bare socket: what belongs to TLS never leaves the kernel before the TLS engine reads it, and there is no
buffer of ours that could hand plaintext on as if it had been encrypted.
"""

import socket
import ssl
from asyncio import sslproto
from functools import lru_cache
from pathlib import Path

from ostiary.model.errors import SettingsInvalid
from ostiary.settings import SslMode

ALPN = "postgresql"
"""The protocol's registered name; a must for TLS without SSLRequest (PostgreSQL, section 53.2.12)."""

TLS_RECORD = 16 * 1024
"""The largest plaintext of a TLS record (RFC 8446, section 5.1)."""


def keep_sessions_small() -> None:
    """Size asyncio's buffer per TLS connection to one record.

    asyncio reserves 256 KiB for each connection (`SSLProtocol.max_size`), 284 KiB in all when measured, against 44
    KiB with this. It is a class attribute that nothing else sets; uvloop has an implementation of its own.
    """
    sslproto.SSLProtocol.max_size = TLS_RECORD


def server_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """What the gate shows its clients.

    Raises:
        SettingsInvalid: the files cannot be read or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # No renegotiation and no session to resume: neither side of the protocol uses them (PostgreSQL turns both off).
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0
    context.set_alpn_protocols([ALPN])
    try:
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            # Whoever names an authority wants no client without its certificate; the token is asked for all the same.
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise SettingsInvalid(f"the listener's TLS files cannot be used: {error}", file=str(certificate)) from error
    return context


def client_context(mode: SslMode, ca_file: Path | None) -> ssl.SSLContext | None:
    """How the gate checks a database server, by libpq's words (section 34.19); None: no TLS.

    Raises:
        SettingsInvalid: the file of authorities cannot be used.
    """
    if mode is SslMode.DISABLE:
        return None
    # With authorities given, `require` verifies like verify-ca (libpq does, section 34.19.1).
    verified = mode is not SslMode.REQUIRE or ca_file is not None
    try:
        changed = ca_file.stat().st_mtime_ns if ca_file is not None else 0
        return _client_context(verified, mode is SslMode.VERIFY_FULL, ca_file, changed)
    except (OSError, ssl.SSLError) as error:
        raise SettingsInvalid(f"the authorities cannot be used: {error}", file=str(ca_file or "")) from error


# Reading the system's authorities takes milliseconds; a renewed file has another time and so another context.
@lru_cache(maxsize=64)
def _client_context(verified: bool, full: bool, ca_file: Path | None, changed: int) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.check_hostname = full
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])
    if verified and ca_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    elif verified:
        context.load_verify_locations(ca_file)
    return context


def bytes_are_waiting(sock: socket.socket) -> bool:
    """Whether the peer has sent bytes that nobody has read; asked of the kernel, and they stay there."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except (BlockingIOError, InterruptedError):
        return False

"""What comes before a session: TLS or not, a cancel request, or the start of a session.

One rule above all: no byte that came before a TLS handshake is ever read as if it had come inside it (CVE-2021-23214).
"""

from dataclasses import dataclass
from enum import Enum, auto
from struct import Struct

from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres.messages import LONGEST_CANCEL_KEY, Body, fields, negotiate_protocol_version

LONGEST_STARTUP = 10_000
"""MAX_STARTUP_PACKET_LENGTH (pqcomm.h)."""
NEWEST_MINOR = 2
"""Protocol 3.2 (PostgreSQL 18): cancel keys of variable length."""

_WORD = Struct(">i")
_SSL = 1234 << 16 | 5679
_GSSENC = 1234 << 16 | 5680
_CANCEL = 1234 << 16 | 5678
_TLS_HANDSHAKE = 0x16


@dataclass(frozen=True, slots=True)
class SendPlain:
    """Send these bytes on the connection as it is now."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StartTls:
    """Send S, then do a TLS handshake; go on with a new `Greeting(encrypted=True)`. Nothing may be buffered."""

    data: bytes = b"S"


@dataclass(frozen=True, slots=True)
class DirectTls:
    """The client began with a TLS handshake: `data` is its beginning. ALPN must agree on ``postgresql``."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody wants a statement cancelled. Never answered, whatever comes of it."""

    process_id: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Started:
    """A session starts. `rest` came after the packet and belongs to the conversation."""

    parameters: dict[str, str]
    minor: int
    rest: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """Send `data` (possibly nothing) and close. `reason` is for the record."""

    data: bytes
    reason: str


Step = SendPlain | StartTls | DirectTls | CancelRequested | Started | Refuse


class _Stage(Enum):
    OPEN = auto()
    OVER = auto()


def _fatal(sqlstate: str, message: str, hint: str = "") -> bytes:
    content = {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": message}
    return fields(content | ({"H": hint} if hint else {}))


class Greeting:
    """The bytes of one connection until its session starts.

    `tls_available`: a certificate is configured. `encrypted`: these bytes come out of TLS. `plaintext_allowed`:
    a session without TLS may start here (loopback, or a trusted link).
    """

    def __init__(self, *, tls_available: bool, encrypted: bool, plaintext_allowed: bool) -> None:
        self._tls_available = tls_available
        self._encrypted = encrypted
        self._plaintext_allowed = plaintext_allowed
        self._buffer = b""
        self._stage = _Stage.OPEN
        self._asked: set[int] = set()

    def receive(self, data: bytes) -> list[Step]:
        """Take what came; after `StartTls`, `DirectTls`, `CancelRequested`, `Started` or `Refuse` nothing more does."""
        if self._stage is _Stage.OVER:
            raise ProtocolViolation("the greeting is over")
        self._buffer += data
        steps: list[Step] = []
        while self._stage is _Stage.OPEN:
            made = self._step()
            if made is None:
                break
            steps.extend(made)
        return steps

    def _end(self, *steps: Step) -> list[Step]:
        self._stage = _Stage.OVER
        self._buffer = b""
        return list(steps)

    def _refuse(self, sqlstate: str, message: str, reason: str, hint: str = "") -> list[Step]:
        return self._end(Refuse(_fatal(sqlstate, message, hint), reason))

    def _step(self) -> list[Step] | None:
        buffer = self._buffer
        if buffer and buffer[0] == _TLS_HANDSHAKE and not self._asked:
            return self._direct(buffer)
        if len(buffer) < 4:
            return None
        length: int = _WORD.unpack_from(buffer)[0]
        # 0x47455420 is "GET ": whoever speaks another protocol gets no allocation and no answer (PG-START-002).
        if not 8 <= length <= LONGEST_STARTUP:
            return self._end(Refuse(b"", "startup-length"))
        if len(buffer) < length:
            return None
        packet, rest = buffer[4:length], buffer[length:]
        code: int = _WORD.unpack_from(packet)[0]
        if code in (_SSL, _GSSENC):
            return self._encryption(code, length, rest)
        if code == _CANCEL:
            return self._cancel(packet, rest)
        return self._start(code, packet, rest)

    def _direct(self, buffer: bytes) -> list[Step]:
        if self._encrypted:
            return self._end(Refuse(b"", "tls-inside-tls"))
        if not self._tls_available:
            return self._end(Refuse(b"", "tls-not-configured"))
        return self._end(DirectTls(buffer))

    def _encryption(self, code: int, length: int, rest: bytes) -> list[Step]:
        if self._encrypted:
            return self._refuse("08P01", "encryption is in place already", "encryption-inside-tls")
        if length != 8 or code in self._asked:
            return self._end(Refuse(b"", "encryption-request"))
        if rest:
            # Whatever stands behind the request was sent before the handshake that it asks for.
            return self._end(Refuse(b"", "bytes-before-tls"))
        self._asked.add(code)
        if code == _SSL and self._tls_available:
            return self._end(StartTls())
        self._buffer = b""
        return [SendPlain(b"N")]

    def _cancel(self, packet: bytes, rest: bytes) -> list[Step]:
        key = packet[8:]
        if rest or not 4 <= len(key) <= LONGEST_CANCEL_KEY:
            return self._end(Refuse(b"", "cancel-request"))
        if not self._encrypted and not self._plaintext_allowed:
            return self._end(Refuse(b"", "cancel-without-tls"))
        process_id: int = _WORD.unpack_from(packet, 4)[0]
        return self._end(CancelRequested(process_id, key))

    def _start(self, version: int, packet: bytes, rest: bytes) -> list[Step]:
        major, minor = version >> 16 & 0xFFFF, version & 0xFFFF
        if major != 3:
            message = f"unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{NEWEST_MINOR}"
            return self._refuse("0A000", message, "protocol-version")
        if not self._encrypted and not self._plaintext_allowed:
            hint = "connect with sslmode=require or stronger"
            return self._refuse("28000", "this gate is entered over TLS only", "plaintext", hint)
        try:
            parameters = _parameters(packet)
        except ProtocolViolation as error:
            return self._refuse(error.sqlstate, error.message, "startup-packet")
        if any(name.lower() == "replication" for name in parameters):
            return self._refuse("42501", "replication does not pass this gate", "replication")
        if not parameters.get("user"):
            return self._refuse("28000", "no PostgreSQL user name specified in startup packet", "no-user")
        unknown = [name for name in parameters if name.startswith("_pq_.")]
        known = {name: value for name, value in parameters.items() if not name.startswith("_pq_.")}
        started = Started(known, min(minor, NEWEST_MINOR), rest)
        if minor > NEWEST_MINOR or unknown:
            return self._end(SendPlain(negotiate_protocol_version(started.minor, unknown)), started)
        return self._end(started)


def _parameters(packet: bytes) -> dict[str, str]:
    """The pairs of a StartupMessage; one name twice is refused, because it could mean two things to two readers."""
    body = Body(packet, 4)
    found: dict[str, str] = {}
    while True:
        name = body.name()
        if not name:
            break
        if name in found:
            raise ProtocolViolation("a startup parameter is given twice")
        found[name] = body.name()
    if body.at != body.end:
        raise ProtocolViolation("invalid startup packet layout: expected terminator as last byte")
    return found

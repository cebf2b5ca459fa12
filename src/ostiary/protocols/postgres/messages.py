"""Reading and writing the messages we look into. Every bound is checked; what is malformed is a violation (08P01).

"Message Formats" of the protocol's chapter gives the layouts; names are the protocol's own.
"""

from struct import Struct
from typing import Final

from ostiary.model.errors import ProtocolViolation

_SHORT: Final = Struct(">h")
_WORD: Final = Struct(">i")
_UNSIGNED: Final = Struct(">I")
_FRAME: Final = Struct(">ci")
_COLUMN: Final = Struct(">IhIhih")
LONGEST_BODY: Final = 0x3FFFFFFF - 4
"""What an encoder may pack (CVE-2024-27304: a length that wraps turns content into messages)."""
LONGEST_CANCEL_KEY: Final = 256
"""Protocol 3.2, BackendKeyData: 4 to 256 bytes."""

SYNC: Final = b"S\x00\x00\x00\x04"
FLUSH: Final = b"H\x00\x00\x00\x04"
TERMINATE: Final = b"X\x00\x00\x00\x04"
PARSE_COMPLETE: Final = b"1\x00\x00\x00\x04"
AUTHENTICATION_OK: Final = b"R\x00\x00\x00\x08\x00\x00\x00\x00"
AUTHENTICATION_CLEARTEXT: Final = b"R\x00\x00\x00\x08\x00\x00\x00\x03"


class Body:
    """The content of one message, read from its front."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int = -1) -> None:
        self.data: bytes = data
        self.at: int = at
        self.end: int = len(data) if end < 0 else end

    def _take(self, count: int) -> int:
        at = self.at
        if count < 0 or count > self.end - at:
            raise ProtocolViolation("message is shorter than its content says")
        self.at = at + count
        return at

    def byte(self) -> int:
        """Byte1 or Int8."""
        return self.data[self._take(1)]

    def short(self) -> int:
        """Int16."""
        value: int = _SHORT.unpack_from(self.data, self._take(2))[0]
        return value

    def word(self) -> int:
        """Int32."""
        value: int = _WORD.unpack_from(self.data, self._take(4))[0]
        return value

    def oid(self) -> int:
        """Int32 that holds an object id, which has no sign."""
        value: int = _UNSIGNED.unpack_from(self.data, self._take(4))[0]
        return value

    def raw(self, count: int) -> bytes:
        """Byten."""
        at = self._take(count)
        return self.data[at : self.at]

    def string(self) -> bytes:
        """String, without its NUL."""
        stop = self.data.find(b"\x00", self.at, self.end)
        if stop < 0:
            raise ProtocolViolation("string is not terminated")
        value = self.data[self.at : stop]
        self.at = stop + 1
        return value

    def name(self) -> str:
        """A String that names something, in UTF-8."""
        return text(self.string())

    def rest(self) -> bytes:
        """Everything that is left."""
        value = self.data[self.at : self.end]
        self.at = self.end
        return value

    def finish(self) -> None:
        """There must be nothing left."""
        if self.at != self.end:
            raise ProtocolViolation("message is longer than its content says")


def text(value: bytes) -> str:
    """UTF-8 or a violation."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise ProtocolViolation("invalid UTF-8 in a name", sqlstate="22021") from error


def frame(kind: bytes, body: bytes) -> bytes:
    """One message."""
    if len(body) > LONGEST_BODY:
        raise ProtocolViolation("message is too long to be sent", sqlstate="54000")
    return _FRAME.pack(kind, len(body) + 4) + body


def _string(value: str | bytes) -> bytes:
    encoded = value.encode() if isinstance(value, str) else value
    if b"\x00" in encoded:
        raise ProtocolViolation("a string must not hold NUL")
    return encoded + b"\x00"


# What a client sends.


def startup(parameters: dict[str, str], minor: int) -> bytes:
    """StartupMessage of protocol 3."""
    pairs = b"".join(_string(name) + _string(value) for name, value in parameters.items())
    body = _WORD.pack(3 << 16 | minor) + pairs + b"\x00"
    return _WORD.pack(len(body) + 4) + body


def query(statement: bytes) -> bytes:
    """Query."""
    return frame(b"Q", _string(statement))


def query_text(data: bytes, body: int, end: int) -> bytes:
    """The text of a Query: exactly one NUL, at its end."""
    stop = data.find(b"\x00", body, end)
    if stop < 0 or stop != end - 1:
        raise ProtocolViolation("a query string ends with its only NUL")
    return data[body:stop]


def parse(name: bytes, statement: bytes, types: bytes = b"\x00\x00") -> bytes:
    """Parse; `types` is the count and list of parameter types as the client gave them."""
    return frame(b"P", _string(name) + _string(statement) + types)


def read_parse(data: bytes, at: int, end: int) -> tuple[str, bytes, bytes]:
    """Name, text, and the parameter types as they stand in the message."""
    body = Body(data, at, end)
    name = body.name()
    statement = body.string()
    start = body.at
    count = body.short()
    if count < 0:
        raise ProtocolViolation("negative number of parameter types")
    body.raw(4 * count)
    body.finish()
    return name, statement, data[start:end]


def read_bind(data: bytes, at: int, end: int) -> tuple[str, str, tuple[bytes | None, ...]]:
    """Portal, statement and parameter values; formats are checked but not given."""
    body = Body(data, at, end)
    portal = body.name()
    statement = body.name()
    _formats(body)
    # Int16 by the book, but up to 65,535 parameters are sent and accepted (PostgreSQL 14 release notes).
    count = body.short() & 0xFFFF
    values: list[bytes | None] = []
    for _ in range(count):
        length = body.word()
        values.append(None if length == -1 else body.raw(length))
    _formats(body)
    body.finish()
    return portal, statement, tuple(values)


def _formats(body: Body) -> None:
    for _ in range(body.short() & 0xFFFF):
        if body.short() not in (0, 1):
            raise ProtocolViolation("unknown format code")


def bind(portal: bytes, statement: bytes) -> bytes:
    """Bind without parameters; results as text."""
    return frame(b"B", _string(portal) + _string(statement) + b"\x00\x00\x00\x00\x00\x00")


def describe(kind: bytes, name: bytes) -> bytes:
    """Describe; `kind` is S or P."""
    return frame(b"D", kind + _string(name))


def execute(portal: bytes, rows: int = 0) -> bytes:
    """Execute."""
    return frame(b"E", _string(portal) + _WORD.pack(rows))


def close(kind: bytes, name: bytes) -> bytes:
    """Close; `kind` is S or P."""
    return frame(b"C", kind + _string(name))


def copy_fail(why: bytes) -> bytes:
    """CopyFail."""
    return frame(b"f", _string(why))


def read_target(data: bytes, at: int, end: int) -> tuple[int, str]:
    """What a Describe or Close means: its kind (83 for S, 80 for P) and name."""
    body = Body(data, at, end)
    kind = body.byte()
    if kind not in (83, 80):
        raise ProtocolViolation("neither a statement nor a portal is meant")
    name = body.name()
    body.finish()
    return kind, name


def read_execute(data: bytes, at: int, end: int) -> tuple[str, int]:
    """Portal and the most rows to return (0 or less: all)."""
    body = Body(data, at, end)
    portal = body.name()
    rows = body.word()
    body.finish()
    return portal, rows


def read_function_call(data: bytes, at: int, end: int) -> tuple[int, tuple[bytes | None, ...]]:
    """The function's OID and its arguments."""
    body = Body(data, at, end)
    function = body.oid()
    _formats(body)
    count = body.short() & 0xFFFF
    values: list[bytes | None] = []
    for _ in range(count):
        length = body.word()
        values.append(None if length == -1 else body.raw(length))
    if body.short() not in (0, 1):
        raise ProtocolViolation("unknown format code")
    body.finish()
    return function, tuple(values)


def password(secret: bytes) -> bytes:
    """PasswordMessage."""
    return frame(b"p", _string(secret))


def read_password(data: bytes, at: int, end: int) -> bytes:
    """The password of a PasswordMessage."""
    return query_text(data, at, end)


# What a server sends.


def fields(pairs: dict[str, str], kind: bytes = b"E") -> bytes:
    """ErrorResponse, or NoticeResponse with kind N; keys are the field types of "Error and Notice Message Fields"."""
    content = b"".join(
        code.encode() + value.replace("\x00", "").encode(errors="replace") + b"\x00" for code, value in pairs.items()
    )
    return frame(kind, content + b"\x00")


def read_fields(data: bytes, at: int, end: int) -> dict[str, str]:
    """The fields of an ErrorResponse or NoticeResponse. One without SQLSTATE is malformed (CVE-2026-6666)."""
    body = Body(data, at, end)
    found: dict[str, str] = {}
    while True:
        code = body.byte()
        if code == 0:
            break
        found[chr(code)] = body.string().decode(errors="replace")
    body.finish()
    if len(found.get("C", "")) != 5 or "M" not in found:
        raise ProtocolViolation("an error of the server has no SQLSTATE or no message")
    return found


def ready(status: int) -> bytes:
    """ReadyForQuery."""
    return frame(b"Z", bytes((status,)))


def read_ready(data: bytes, at: int, end: int) -> int:
    """The transaction status: I, T or E as a byte."""
    if end - at != 1 or data[at] not in b"ITE":
        raise ProtocolViolation("ReadyForQuery without a known transaction status")
    return data[at]


def parameter_status(name: str, value: str) -> bytes:
    """ParameterStatus."""
    return frame(b"S", _string(name) + _string(value))


def read_parameter_status(data: bytes, at: int, end: int) -> tuple[str, str]:
    """Name and value."""
    body = Body(data, at, end)
    name = body.string().decode(errors="replace")
    value = body.string().decode(errors="replace")
    body.finish()
    return name, value


def backend_key_data(process_id: int, key: bytes) -> bytes:
    """BackendKeyData."""
    if not 4 <= len(key) <= LONGEST_CANCEL_KEY:
        raise ProtocolViolation("a cancel key has 4 to 256 bytes")
    return frame(b"K", _WORD.pack(process_id) + key)


def read_backend_key_data(data: bytes, at: int, end: int) -> tuple[int, bytes]:
    """Process id and secret key."""
    body = Body(data, at, end)
    process_id = body.word()
    key = body.rest()
    if not 4 <= len(key) <= LONGEST_CANCEL_KEY:
        raise ProtocolViolation("a cancel key has 4 to 256 bytes")
    return process_id, key


def negotiate_protocol_version(minor: int, unknown: list[str]) -> bytes:
    """NegotiateProtocolVersion. The version goes as a whole, as PostgreSQL sends it and libpq reads it."""
    body = _WORD.pack(3 << 16 | minor) + _WORD.pack(len(unknown)) + b"".join(_string(name) for name in unknown)
    return frame(b"v", body)


def read_negotiation(data: bytes, at: int, end: int) -> tuple[int, tuple[str, ...]]:
    """The newest minor version the server speaks, and the options it does not know."""
    body = Body(data, at, end)
    version = body.word()
    if version >> 16 not in (0, 3):
        raise ProtocolViolation("the server speaks another major protocol version")
    count = body.word()
    if count < 0 or count > SHORT_LIST:
        raise ProtocolViolation("too many unknown protocol options")
    names = tuple(body.name() for _ in range(count))
    body.finish()
    return version & 0xFFFF, names


SHORT_LIST: Final = 1_000


def origins(data: bytes, at: int, end: int) -> list[tuple[int, int]]:
    """The (table OID, attribute number) pairs of a RowDescription; (0, 0) stands for a column without origin."""
    body = Body(data, at, end)
    found: list[tuple[int, int]] = []
    for _ in range(body.short() & 0xFFFF):
        body.string()
        start = body.at
        body.raw(_COLUMN.size)
        table, attribute, _, _, _, _ = _COLUMN.unpack_from(data, start)
        found.append((table, attribute))
    body.finish()
    return found


def one_value(data: bytes, at: int, end: int) -> bytes:
    """The value of a DataRow that has exactly one column, not null: what our own probes return."""
    body = Body(data, at, end)
    if body.short() != 1:
        raise ProtocolViolation("the answer to a probe has one column")
    value = body.raw(body.word())
    body.finish()
    return value


def tag(data: bytes, at: int, end: int) -> str:
    """The command tag of a CommandComplete."""
    value = query_text(data, at, end)
    return value.decode(errors="replace")


def tag_rows(command: str) -> int | None:
    """How many rows a tag tells of; None where it tells nothing."""
    last = command.rpartition(" ")[2]
    return int(last) if last.isascii() and last.isdigit() else None

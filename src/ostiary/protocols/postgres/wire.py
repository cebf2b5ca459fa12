"""Cutting a stream of bytes into messages. No length is believed before it is checked, and rows never become objects.

Frame: one type byte, then a signed 32-bit length that counts itself (protocol 3, "Message Formats").
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final

from ostiary.model.errors import ProtocolViolation

HEADER: Final = 5
SMALL_MESSAGE: Final = 10_000
"""PQ_SMALL_MESSAGE_LIMIT (libpq.h): the cap of messages that carry no payload of their own."""
SHORT_ANSWER: Final = 30_000
"""VALID_LONG_MESSAGE_TYPE (fe-protocol3.c): a longer server message of most types means lost synchronisation."""
LARGE_MESSAGE: Final = 64 * 1024 * 1024
"""Our own cap of statements, parameters and copied rows; PostgreSQL's is 1 GiB - 1 (PQ_LARGE_MESSAGE_LIMIT)."""
HUGE_MESSAGE: Final = 0x3FFFFFFF
"""MaxAllocSize: no PostgreSQL message is longer, whatever its header says."""

_LENGTH: Final = Struct(">i")


def caps(lengths: dict[bytes, int]) -> list[int]:
    """A table from type byte to the longest length allowed; 0 stands for a type that must not come."""
    table = [0] * 256
    for kind, longest in lengths.items():
        table[kind[0]] = longest
    return table


def client_caps(large: int = LARGE_MESSAGE) -> list[int]:
    """What a client may send once its session is open, in any of the sub-protocols."""
    small = dict.fromkeys((b"S", b"H", b"X", b"c", b"f", b"D", b"C", b"E"), SMALL_MESSAGE)
    return caps(small | dict.fromkeys((b"Q", b"P", b"B", b"F", b"d"), large))


def server_caps(large: int = LARGE_MESSAGE) -> list[int]:
    """What a server may send once its session is open; CopyBoth and authentication messages are not among it."""
    short = {bytes((kind,)): SHORT_ANSWER for kind in b"123CGHISZcns"}
    long = {bytes((kind,)): large for kind in b"AENTVt"}
    return caps(short | long | {b"D": HUGE_MESSAGE, b"d": HUGE_MESSAGE})


def skip_run(data: bytes, at: int, end: int, longest: int = HUGE_MESSAGE) -> int:
    """The position after the run of whole messages of one type (DataRow, CopyData) that starts at `at`."""
    unpack = _LENGTH.unpack_from
    if at >= end:
        return at
    kind = data[at]
    while at + HEADER <= end and data[at] == kind:
        length: int = unpack(data, at + 1)[0]
        if length < 4 or length > longest:
            raise ProtocolViolation(f"invalid message length {length}")
        after = at + 1 + length
        if after > end:
            break
        at = after
    return at


def skip_rows(data: bytes, at: int, end: int, most: int) -> tuple[int, int]:
    """The same for at most so many messages; the position and how many there were."""
    unpack = _LENGTH.unpack_from
    kind = data[at]
    count = 0
    while count < most and at + HEADER <= end and data[at] == kind:
        length: int = unpack(data, at + 1)[0]
        if length < 4 or length > HUGE_MESSAGE:
            raise ProtocolViolation(f"invalid message length {length}")
        after = at + 1 + length
        if after > end:
            break
        at = after
        count += 1
    return at, count


class Inbox:
    """The bytes one side sent that nobody has dealt with yet.

    After `next()` said True, `kind` is the message's type, `at` its first byte, `body` the first byte of its content
    and `end` the byte after it, all in `data`; set `at` to `end` to go on.
    """

    __slots__ = ("_caps", "_needed", "_tail", "at", "body", "data", "end", "kind", "passing")

    def __init__(self, allowed: Sequence[int]) -> None:
        self._caps: list[int] = list(allowed)
        self._tail = bytearray()
        self._needed = 0
        self.data: bytes = b""
        self.at: int = 0
        self.body: int = 0
        self.end: int = 0
        self.kind: int = 0
        self.passing: int = 0
        """Bytes of a message under way that go through as they come (`pass_rest`)."""

    @property
    def held(self) -> int:
        """How many bytes wait here."""
        return len(self.data) - self.at + len(self._tail)

    def allow(self, allowed: Sequence[int]) -> None:
        """From now on these types and lengths."""
        self._caps = list(allowed)

    def feed(self, data: bytes) -> None:
        """More bytes came."""
        if self._needed:
            # A long message is gathered in one growing array: joining it anew with each piece would be quadratic.
            self._tail += data
            if len(self._tail) < self._needed:
                return
            self.data = bytes(self._tail)
            self._tail = bytearray()
            self._needed = 0
        elif self.at >= len(self.data):
            self.data = data
        else:
            self.data = self.data[self.at :] + data
        self.at = 0

    def next(self) -> bool:
        """Whether a whole message waits. Its length is checked as soon as its header is here."""
        data = self.data
        at = self.at
        here = len(data) - at
        if here < HEADER:
            if here > 0 and self._caps[data[at]] == 0:
                raise ProtocolViolation(f"invalid message type {data[at]}")
            return False
        kind = data[at]
        length: int = _LENGTH.unpack_from(data, at + 1)[0]
        if length < 4 or length > self._caps[kind]:
            what = "length" if self._caps[kind] else "type"
            raise ProtocolViolation(f"invalid message {what}: type {kind}, length {length}")
        self.kind = kind
        self.body = at + HEADER
        self.end = at + 1 + length
        if length >= here:
            self._gather(length + 1)
            return False
        return True

    def _gather(self, needed: int) -> None:
        if needed > SMALL_MESSAGE:
            self._tail = bytearray(self.data[self.at :])
            self._needed = needed
            self.data = b""
            self.at = 0

    def underway(self) -> int:
        """The whole length of the long message whose beginning waits here; 0 when there is none."""
        return self._needed

    def pass_rest(self) -> bytes:
        """Give up waiting for the long message under way: what is here of it now, the rest as it comes (`through`)."""
        here = bytes(self._tail)
        self.passing = self._needed - len(here)
        self._tail = bytearray()
        self._needed = 0
        return here

    def through(self, data: bytes) -> tuple[bytes, bytes]:
        """Cut what came into the part that belongs to the passing message and the rest."""
        part = data[: self.passing]
        self.passing -= len(part)
        return part, data[len(part) :]

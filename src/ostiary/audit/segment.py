"""The format of segments, where records wait, durable, until they are part of the tree.

A segment is a header and then frames, zeros after the last. A frame holds the records of one group commit and is made
durable before the next one is begun, so at most the last one can be torn; and a tear shows (see `read_frame`): no
change of a single byte of a whole frame can look like one.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from zlib import crc32

from ostiary.audit.tiles import BundleBroken, encode_bundle, split_bundle

MAGIC = b"ostiary segment\n"
FRAME_MAGIC = b"OSTFRAME"
FRAME_END = b"END\n"
SECTOR = 512
"""A disk writes its sectors whole or not at all."""

_HEADER = struct.Struct(">16sQQI4x")
_FRAME = struct.Struct(">8sIIQII")
_TRAILER = struct.Struct(">I4s")
HEADER_SIZE = _HEADER.size
OVERHEAD = _FRAME.size + _TRAILER.size + 7
"""The most that a frame adds to its payload."""


@dataclass(frozen=True, slots=True)
class Header:
    """`first` is the index of the segment's first record."""

    number: int
    first: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Records `first` to `first + count`, at `start` to `end` of the segment."""

    first: int
    count: int
    start: int
    end: int
    payload: bytes

    def entries(self) -> list[bytes]:
        """The records; `Broken` when they are not as many as the frame says."""
        try:
            entries = split_bundle(self.payload)
        except BundleBroken as error:
            raise Broken(self.start, str(error)) from error
        if len(entries) != self.count:
            raise Broken(self.start, f"the frame holds {len(entries)} records and says {self.count}")
        return entries


class End(Enum):
    """How a segment ends."""

    CLEAN = "nothing but zeros"
    TORN = "a write that was cut off before it was durable"


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the frames end, and how."""

    how: End
    offset: int


class Broken(ValueError):
    """Bytes that neither a whole write nor a torn one leaves behind, at `offset` of the segment."""

    def __init__(self, offset: int, because: str) -> None:
        super().__init__(because)
        self.offset = offset
        self.because = because


def encode_header(header: Header) -> bytes:
    """The first bytes of a segment."""
    start = _HEADER.pack(MAGIC, header.number, header.first, 0)
    return _HEADER.pack(MAGIC, header.number, header.first, crc32(start))


def decode_header(data: bytes) -> Header:
    """Read it back, or `Broken`."""
    if len(data) < HEADER_SIZE:
        raise Broken(0, "the segment is shorter than its header")
    magic, number, first, _ = _HEADER.unpack_from(data)
    header = Header(number, first)
    if magic != MAGIC or encode_header(header) != data[:HEADER_SIZE]:
        raise Broken(0, "the segment's header does not agree with itself")
    return header


def encode_frame(first: int, records: Sequence[bytes]) -> bytes:
    """One group of records, from index `first` on."""
    payload = encode_bundle(records)
    checksum = crc32(payload)
    head = _FRAME.pack(FRAME_MAGIC, len(records), len(payload), first, checksum, 0)
    head = head[:-4] + crc32(head).to_bytes(4, "big")
    # Aligned to eight, so that what of a frame lies in one sector always has more than one byte that is not zero.
    return b"".join((head, payload, bytes(-len(payload) % 8), _TRAILER.pack(checksum, FRAME_END)))


def read_frame(data: bytes, start: int) -> Frame | Ending:
    """The frame at `start`, or how the segment ends there.

    A write is torn when the file ends before it does, or when one of its sectors still holds the zeros that were there
    before. Anything else that is not a whole frame raises `Broken`.
    """
    head = data[start : start + _FRAME.size]
    if not any(head):
        return _ending(data, start)
    if len(head) < _FRAME.size:
        return Ending(End.TORN, start)
    magic, count, length, first, checksum, head_checksum = _FRAME.unpack(head)
    if magic != FRAME_MAGIC or crc32(head[:-4] + bytes(4)) != head_checksum:
        if _has_unwritten_sector(data, start, start + _FRAME.size):
            return _torn(data, start)
        raise Broken(start, "the head of a frame does not agree with its checksum")
    payload_end = start + _FRAME.size + length
    end = payload_end + -length % 8 + _TRAILER.size
    if end > len(data):
        return Ending(End.TORN, start)
    payload = data[start + _FRAME.size : payload_end]
    rest = bytes(-length % 8) + _TRAILER.pack(checksum, FRAME_END)
    if crc32(payload) != checksum or data[payload_end:end] != rest:
        if _has_unwritten_sector(data, start, end):
            return _torn(data, start)
        raise Broken(start, "a frame does not agree with its checksum")
    return Frame(first, count, start, end, payload)


def _ending(data: bytes, start: int) -> Ending:
    return Ending(End.CLEAN, start) if data.count(0, start) == len(data) - start else _torn(data, start)


def _torn(data: bytes, start: int) -> Ending:
    """A tear, unless a whole frame follows: then that one was begun when this one was durable, and this is damage."""
    at = data.find(FRAME_MAGIC, start + 1)
    while at >= 0:
        head = data[at : at + _FRAME.size]
        if len(head) == _FRAME.size and crc32(head[:-4] + bytes(4)) == int.from_bytes(head[-4:], "big"):
            raise Broken(start, f"a frame is missing here, while one at {at} was written after it")
        at = data.find(FRAME_MAGIC, at + 1)
    return Ending(End.TORN, start)


def _has_unwritten_sector(data: bytes, start: int, end: int) -> bool:
    at = start
    while at < end:
        sector_end = min(end, (at // SECTOR + 1) * SECTOR)
        if not any(data[at:sector_end]):
            return True
        at = sector_end
    return False

"""The format of segments: a changed byte is never a torn write, and a torn write is never a changed byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ostiary.audit.segment import (
    HEADER_SIZE,
    SECTOR,
    Broken,
    End,
    Ending,
    Frame,
    Header,
    decode_header,
    encode_frame,
    encode_header,
    read_frame,
)

RECORDS = some.lists(
    some.text(some.characters(min_codepoint=32, max_codepoint=126), max_size=700), min_size=1, max_size=4
)


def test_a_header_reads_back_and_no_byte_of_it_may_change() -> None:
    data = encode_header(Header(7, 123_456))
    assert decode_header(data) == Header(7, 123_456)
    for at in range(HEADER_SIZE):
        for bit in range(8):
            with pytest.raises(Broken):
                decode_header(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
    with pytest.raises(Broken):
        decode_header(data[:-1])


@given(RECORDS, some.integers(0, 63))
def test_frames_read_back_wherever_they_begin(records: list[str], slot: int) -> None:
    start = HEADER_SIZE + 8 * slot
    entries = [record.encode() for record in records]
    frame = encode_frame(5, entries)
    assert len(frame) % 8 == 0
    data = bytes(start) + frame + bytes(3 * SECTOR)
    found = read_frame(data, start)
    assert isinstance(found, Frame)
    assert (found.first, found.entries(), found.end) == (5, entries, start + len(frame))
    assert read_frame(data, found.end) == Ending(End.CLEAN, found.end)


@given(RECORDS, some.integers(0, 63), some.data())
def test_a_changed_byte_is_damage_and_not_a_torn_write(records: list[str], slot: int, data: some.DataObject) -> None:
    start = HEADER_SIZE + 8 * slot
    frame = bytearray(encode_frame(2**20, [record.encode() for record in records]))
    at = data.draw(some.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(some.integers(1, 255))
    with pytest.raises(Broken) as raised:
        read_frame(bytes(start) + bytes(frame) + bytes(SECTOR), start)
    assert raised.value.offset == start


@given(RECORDS, some.integers(0, 63), some.data())
def test_a_write_without_some_of_its_sectors_is_torn(records: list[str], slot: int, data: some.DataObject) -> None:
    start = HEADER_SIZE + 8 * slot
    frame = encode_frame(9, [record.encode() for record in records])
    whole = bytearray(bytes(start) + frame + bytes(SECTOR))
    sectors = sorted({at // SECTOR for at in range(start, start + len(frame))})
    for sector in data.draw(some.sets(some.sampled_from(sectors), min_size=1)):
        low, high = max(start, sector * SECTOR), min(start + len(frame), (sector + 1) * SECTOR)
        whole[low:high] = bytes(high - low)
    found = read_frame(bytes(whole), start)
    assert isinstance(found, Ending)
    assert found.offset == start
    assert found.how is (End.TORN if any(whole[start:]) else End.CLEAN)


@given(RECORDS, some.data())
def test_a_file_that_ends_within_a_write_is_torn(records: list[str], data: some.DataObject) -> None:
    frame = encode_frame(0, [record.encode() for record in records])
    cut = data.draw(some.integers(1, len(frame) - 1))
    assert read_frame(frame[:cut], 0) == Ending(End.TORN, 0)


def test_a_missing_frame_before_a_whole_one_is_damage() -> None:
    first, second = encode_frame(0, [b"a" * 600]), encode_frame(1, [b"b"])
    with pytest.raises(Broken, match="was written after it"):
        read_frame(bytes(len(first)) + second, 0)

"""Framing: lengths are checked before they are believed, and rows go through as spans."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.messages import frame
from ostiary.protocols.postgres.wire import Inbox, client_caps, server_caps, skip_rows, skip_run


def taken(inbox: Inbox) -> list[bytes]:
    found = []
    while inbox.next():
        found.append(inbox.data[inbox.at : inbox.end])
        inbox.at = inbox.end
    return found


@given(st.lists(st.binary(max_size=30_000), max_size=6), st.lists(st.integers(1, 20_000), max_size=12))
def test_messages_come_out_whole_however_they_come_in(bodies: list[bytes], sizes: list[int]) -> None:
    sent = [frame(b"Q", body) for body in bodies]
    stream, inbox, found = b"".join(sent), Inbox(client_caps()), []
    for size in [*sizes, len(stream)]:
        inbox.feed(stream[:size])
        stream = stream[size:]
        found += taken(inbox)
    assert found == sent
    assert inbox.held == 0


@pytest.mark.parametrize("length", [0, 1, 2, 3, -1, -0x80000000, 0x7FFFFFFF, 64 * 1024 * 1024 + 1])
def test_a_length_that_cannot_be_is_a_violation(length: int) -> None:
    inbox = Inbox(client_caps())
    inbox.feed(b"Q" + pack(">i", length))
    with pytest.raises(ProtocolViolation):
        inbox.next()


@pytest.mark.parametrize("kind", b"SHXcfDCE")
def test_messages_without_payload_are_small(kind: int) -> None:
    inbox = Inbox(client_caps())
    inbox.feed(bytes((kind,)) + pack(">i", 10_001))
    with pytest.raises(ProtocolViolation):
        inbox.next()


@pytest.mark.parametrize("kind", [kind for kind in range(256) if kind not in b"QPBFdSHXcfDCE"])
def test_any_other_type_is_a_violation_at_its_first_byte(kind: int) -> None:
    inbox = Inbox(client_caps())
    inbox.feed(bytes((kind,)))
    with pytest.raises(ProtocolViolation):
        inbox.next()


def test_a_long_message_is_gathered_without_being_copied_for_each_piece() -> None:
    inbox = Inbox(client_caps())
    inbox.feed(b"Q" + pack(">i", 4 + 8_000_000))
    assert not inbox.next()
    for _ in range(8_000):
        inbox.feed(b"x" * 1_000)
        assert inbox.underway() == 8_000_005 or inbox.next()
    assert [len(one) for one in taken(inbox)] == [8_000_005]


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=20), st.integers(0, 60), st.integers(0, 25))
def test_a_run_of_rows_ends_before_what_is_not_whole_or_not_a_row(rows: list[bytes], cut: int, most: int) -> None:
    run = b"".join(frame(b"D", row) for row in rows)
    data = run + frame(b"C", b"SELECT 1\0")
    assert skip_run(data, 0, len(data)) == len(run)
    short = data[: max(0, len(run) - cut)]
    position = skip_run(short, 0, len(short))
    whole = [len(b"".join(frame(b"D", row) for row in rows[:count])) for count in range(len(rows) + 1)]
    assert position == max(end for end in whole if end <= len(short))
    assert skip_rows(data, 0, len(data), most) == (whole[min(most, len(rows))], min(most, len(rows)))


def test_a_run_is_of_one_type() -> None:
    data = frame(b"D", b"\0\0") + frame(b"d", b"x")
    assert skip_run(data, 0, len(data)) == len(frame(b"D", b"\0\0"))


@pytest.mark.parametrize("length", [3, -1, 0x40000000])
def test_a_row_with_a_length_that_cannot_be_is_a_violation(length: int) -> None:
    data = b"D" + pack(">i", length) + b"x" * 10
    with pytest.raises(ProtocolViolation):
        skip_run(data, 0, len(data))


def test_a_long_row_may_go_through_as_it_comes() -> None:
    inbox = Inbox(server_caps())
    row = frame(b"D", b"x" * 100_000)
    inbox.feed(row[:70_000])
    assert not inbox.next()
    assert inbox.underway() == len(row)
    passed = inbox.pass_rest()
    part, rest = inbox.through(row[70_000:] + messages.ready(73))
    assert passed + part == row
    inbox.feed(rest)
    assert taken(inbox) == [messages.ready(73)]


@given(st.binary(max_size=200))
def test_content_is_never_read_past_its_end(junk: bytes) -> None:
    for read in (
        messages.read_parse,
        messages.read_bind,
        messages.read_target,
        messages.read_execute,
        messages.read_function_call,
        messages.read_fields,
        messages.read_ready,
        messages.read_parameter_status,
        messages.read_backend_key_data,
        messages.read_negotiation,
        messages.origins,
        messages.one_value,
        messages.tag,
    ):
        try:
            read(junk, 0, len(junk))
        except ProtocolViolation:
            continue


def test_an_encoder_packs_no_length_that_wraps() -> None:
    # A gibibyte of zeros that nobody has touched costs no memory.
    with pytest.raises(ProtocolViolation):
        frame(b"Q", bytes(0x40000000))


def test_origins_are_read_from_a_row_description() -> None:
    columns = b"".join(
        name + b"\0" + pack(">IhIhih", oid, number, 25, -1, -1, 0)
        for name, oid, number in ((b"a", 4294967295, 3), (b"b", 0, 0))
    )
    assert messages.origins(b"\0\2" + columns, 0, len(columns) + 2) == [(4294967295, 3), (0, 0)]


@pytest.mark.parametrize(
    ("tag", "rows"), [("INSERT 0 5", 5), ("UPDATE 3", 3), ("BEGIN", None), ("CREATE TABLE", None), ("SELECT ²", None)]
)
def test_a_tag_tells_its_rows(tag: str, rows: int | None) -> None:
    assert messages.tag_rows(tag) == rows

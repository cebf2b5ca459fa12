"""Before the session: nothing that came before TLS counts after it, and nothing is allocated by what a header says."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocols.postgres import messages
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

SSL = pack(">ii", 8, 80877103)
GSS = pack(">ii", 8, 80877104)
STARTUP = messages.startup({"user": "ann", "database": "orders"}, 0)


def greeting(*, tls: bool = True, encrypted: bool = False, plaintext: bool = True) -> Greeting:
    return Greeting(tls_available=tls, encrypted=encrypted, plaintext_allowed=plaintext)


def refused(steps: list[Step]) -> Refuse:
    last = steps[-1]
    assert isinstance(last, Refuse)
    return last


def sqlstate(steps: list[Step]) -> str:
    data = refused(steps).data
    return messages.read_fields(data, 5, len(data))["C"]


def test_an_ssl_request_is_answered_as_tls_is_configured() -> None:
    assert greeting().receive(SSL) == [StartTls()]
    assert greeting(tls=False).receive(SSL) == [SendPlain(b"N")]


@pytest.mark.parametrize("behind", [STARTUP, b"x", SSL, b"\x16\x03\x01"])
def test_bytes_behind_an_ssl_request_abort_it(behind: bytes) -> None:
    assert refused(greeting().receive(SSL + behind)) == Refuse(b"", "bytes-before-tls")
    assert refused(greeting(tls=False).receive(SSL + behind)) == Refuse(b"", "bytes-before-tls")


def test_gss_encryption_is_declined_and_tls_may_follow() -> None:
    machine = greeting()
    assert machine.receive(GSS) == [SendPlain(b"N")]
    assert machine.receive(SSL) == [StartTls()]


def test_bytes_behind_a_gss_request_abort_it() -> None:
    assert refused(greeting().receive(GSS + STARTUP)) == Refuse(b"", "bytes-before-tls")


def test_encryption_is_asked_for_once() -> None:
    machine = greeting(tls=False)
    machine.receive(SSL)
    assert refused(machine.receive(SSL)).reason == "encryption-request"


@pytest.mark.parametrize("request_", [SSL, GSS])
def test_encryption_inside_of_tls_is_a_violation(request_: bytes) -> None:
    assert sqlstate(greeting(encrypted=True).receive(request_)) == "08P01"


def test_direct_tls_is_reported_with_its_first_bytes() -> None:
    assert greeting().receive(b"\x16\x03\x01") == [DirectTls(b"\x16\x03\x01")]
    assert refused(greeting(tls=False).receive(b"\x16")).reason == "tls-not-configured"
    assert refused(greeting(encrypted=True).receive(b"\x16\x03")).reason == "tls-inside-tls"


@pytest.mark.parametrize("length", [0, 1, 7, 10_001, 0x7FFFFFFF, -0x80000000, -1, 0x47455420])
def test_a_length_that_cannot_be_ends_it_without_an_answer(length: int) -> None:
    assert greeting().receive(pack(">i", length)) == [Refuse(b"", "startup-length")]


def test_a_session_starts_with_its_parameters_and_what_came_behind() -> None:
    assert greeting().receive(STARTUP + b"rest") == [Started({"user": "ann", "database": "orders"}, 0, b"rest")]


@given(st.lists(st.integers(1, 20), max_size=10))
def test_it_may_come_in_pieces(sizes: list[int]) -> None:
    machine, left, steps = greeting(), STARTUP, []
    for size in [*sizes, len(STARTUP)]:
        if left:
            steps += machine.receive(left[:size])
        left = left[size:]
    assert steps == [Started({"user": "ann", "database": "orders"}, 0, b"")]


@pytest.mark.parametrize("plaintext", [True, False])
def test_a_session_without_tls_needs_leave(plaintext: bool) -> None:
    steps = greeting(plaintext=plaintext).receive(STARTUP)
    if plaintext:
        assert isinstance(steps[-1], Started)
    else:
        assert sqlstate(steps) == "28000"


@pytest.mark.parametrize(
    ("minor", "negotiated", "told"),
    [(0, 0, False), (1, 1, False), (2, 2, False), (3, 2, True), (9999, 2, True)],
)
def test_an_unknown_minor_version_is_negotiated(minor: int, negotiated: int, told: bool) -> None:
    steps = greeting().receive(messages.startup({"user": "ann"}, minor))
    assert [type(step) for step in steps] == ([SendPlain, Started] if told else [Started])
    assert steps[-1] == Started({"user": "ann"}, negotiated, b"")


def test_an_unknown_protocol_option_is_named() -> None:
    first, last = greeting().receive(messages.startup({"user": "ann", "_pq_.foo": "1"}, 0))
    assert isinstance(first, SendPlain)
    assert messages.read_negotiation(first.data, 5, len(first.data)) == (0, ("_pq_.foo",))
    assert last == Started({"user": "ann"}, 0, b"")


@pytest.mark.parametrize("major", [1, 2, 4, 1234])
def test_another_major_version_is_refused(major: int) -> None:
    body = pack(">i", major << 16) + b"user\0ann\0\0"
    assert sqlstate(greeting().receive(pack(">i", len(body) + 4) + body)) == "0A000"


@pytest.mark.parametrize("value", ["true", "on", "YES", "1", "database", "false", ""])
@pytest.mark.parametrize("name", ["replication", "Replication"])
def test_replication_is_refused_in_any_form(name: str, value: str) -> None:
    assert sqlstate(greeting().receive(messages.startup({"user": "ann", name: value}, 0))) == "42501"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (b"user\0ann\0", "08P01"),
        (b"user\0ann\0\0x", "08P01"),
        (b"user\0ann\0user\0bob\0\0", "08P01"),
        (b"user\0\xff\0\0", "22021"),
        (b"database\0orders\0\0", "28000"),
        (b"user\0\0\0", "28000"),
    ],
)
def test_a_malformed_packet_is_refused(pairs: bytes, expected: str) -> None:
    body = pack(">i", 3 << 16) + pairs
    assert sqlstate(greeting().receive(pack(">i", len(body) + 4) + body)) == expected


@pytest.mark.parametrize("key", [b"1234", b"k" * 32, b"k" * 256])
def test_a_cancel_request_is_told_with_its_key(key: bytes) -> None:
    packet = pack(">iii", 12 + len(key), 80877102, 4711) + key
    assert greeting().receive(packet) == [CancelRequested(4711, key)]
    assert refused(greeting().receive(packet + b"x")) == Refuse(b"", "cancel-request")
    assert refused(greeting(plaintext=False).receive(packet)) == Refuse(b"", "cancel-without-tls")


@pytest.mark.parametrize("key", [b"", b"123", b"k" * 257])
def test_a_cancel_key_of_another_length_is_none(key: bytes) -> None:
    assert refused(greeting().receive(pack(">iii", 12 + len(key), 80877102, 1) + key)) == Refuse(b"", "cancel-request")


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_refused(junk: bytes) -> None:
    assert all(len(repr(step)) < 100_000 for step in greeting().receive(junk))

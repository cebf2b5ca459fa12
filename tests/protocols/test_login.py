"""Logging in to a database: the password goes out only in a way as strong as was asked for."""

import hashlib
from collections.abc import Callable
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramMechanism

from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.login import LoggedIn, LoginFailed, LoginStep, SendToUpstream, Strength, UpstreamLogin
from ostiary.protocols.postgres.messages import frame

PASSWORD = "correct horse"
NONCE = "rOprNGfwEbeRWgbNEkqO"
WELCOME = (
    messages.AUTHENTICATION_OK
    + messages.parameter_status("server_version", "15.18")
    + messages.backend_key_data(4711, b"1234")
    + messages.ready(73)
)


def login(
    *,
    password: str | None = PASSWORD,
    required: Strength = Strength.TRUST,
    confidential: bool = False,
    binding: bytes | None = None,
    minor: int = 0,
) -> UpstreamLogin:
    return UpstreamLogin(
        user="gate",
        password=password,
        database="orders",
        settings={"application_name": "psql"},
        nonce=NONCE,
        minor=minor,
        required=required,
        confidential=confidential,
        channel_binding=binding,
    )


def request(code: int, body: bytes = b"") -> bytes:
    return frame(b"R", pack(">i", code) + body)


def denied(steps: list[LoginStep]) -> str:
    last = steps[-1]
    assert isinstance(last, LoginFailed)
    return last.denial.message


def test_it_begins_with_user_database_and_settings() -> None:
    assert login(minor=2).start() == messages.startup(
        {"user": "gate", "database": "orders", "application_name": "psql"}, 2
    )


def test_a_setting_cannot_be_another_user() -> None:
    machine = UpstreamLogin(user="gate", password=None, database="d", settings={"User": "postgres"}, nonce=NONCE)
    with pytest.raises(ProtocolViolation):
        machine.start()


def test_trust_needs_no_password() -> None:
    assert login(password=None).receive(WELCOME + b"rest") == [
        LoggedIn({"server_version": "15.18"}, 4711, b"1234", 0, b"rest")
    ]


@given(st.lists(st.integers(1, 30), max_size=10))
def test_it_may_come_in_pieces(sizes: list[int]) -> None:
    machine, left, steps = login(), WELCOME, []
    for size in [*sizes, len(WELCOME)]:
        if left:
            steps += machine.receive(left[:size])
        left = left[size:]
    assert [type(step) for step in steps] == [LoggedIn]


def test_a_cleartext_password_goes_over_a_confidential_link_only() -> None:
    assert login(confidential=True).receive(request(3)) == [SendToUpstream(messages.password(PASSWORD.encode()))]
    assert "others can read" in denied(login().receive(request(3)))


def test_md5_is_salted() -> None:
    inner = hashlib.md5((PASSWORD + "gate").encode(), usedforsecurity=False).hexdigest()
    expected = b"md5" + hashlib.md5(inner.encode() + b"salt", usedforsecurity=False).hexdigest().encode()
    assert login().receive(request(5, b"salt")) == [SendToUpstream(messages.password(expected))]


@pytest.mark.parametrize(
    ("offer", "name"),
    [(WELCOME, "trust"), (request(3), "cleartext"), (request(5, b"salt"), "md5")],
)
def test_a_server_that_asks_for_less_than_required_gets_nothing(offer: bytes, name: str) -> None:
    steps = login(required=Strength.SCRAM, confidential=True).receive(offer)
    assert [type(step) for step in steps] == [LoginFailed]
    assert f"offers {name} where scram is required" in denied(steps)


def test_no_password_is_configured() -> None:
    assert "none is configured" in denied(login(password=None).receive(request(5, b"salt")))


def scram(
    machine: UpstreamLogin, mechanism: str = "SCRAM-SHA-256", password: str = PASSWORD, binding: bytes | None = None
) -> tuple[bytes, Callable[[bytes], bytes]]:
    """The server's side: its first message, and what turns the client's final message into the server's."""
    steps = machine.receive(request(10, mechanism.encode() + b"\0\0"))
    assert isinstance(steps[0], SendToUpstream), steps
    name, _, rest = steps[0].data[5:].partition(b"\0")
    assert name.decode() == mechanism
    known = ScramMechanism(mechanism)
    auth = known.make_auth_info(password)
    channel = ("tls-server-end-point", binding) if binding is not None else None
    server = known.make_server(lambda _: auth, channel_binding=channel)
    server.set_client_first(rest[4:].decode())

    def final(data: bytes) -> bytes:
        server.set_client_final(data[5:].decode())
        return bytes(server.get_server_final().encode())

    return server.get_server_first().encode(), final


@pytest.mark.parametrize(("mechanism", "binding"), [("SCRAM-SHA-256", None), ("SCRAM-SHA-256-PLUS", b"certificate")])
def test_scram_proves_both_sides(mechanism: str, binding: bytes | None) -> None:
    machine = login(required=Strength.SCRAM_PLUS if binding else Strength.SCRAM, binding=binding)
    first, final = scram(machine, mechanism, binding=binding)
    steps = machine.receive(request(11, first))
    assert isinstance(steps[0], SendToUpstream)
    assert machine.receive(request(12, final(steps[0].data))) == []
    assert [type(step) for step in machine.receive(WELCOME)] == [LoggedIn]


def test_a_server_that_lets_us_in_without_its_proof_is_not_believed() -> None:
    machine = login()
    first, _ = scram(machine)
    machine.receive(request(11, first))
    assert "without proving" in denied(machine.receive(WELCOME))


def test_a_server_with_a_wrong_proof_is_not_believed() -> None:
    machine = login()
    first, _ = scram(machine)
    machine.receive(request(11, first))
    assert "SCRAM" in denied(machine.receive(request(12, b"v=AAAA")))


@pytest.mark.parametrize("iterations", ["100001", "2147483647", "9" * 5000, "-1", "x", ""])
def test_iterations_are_capped(iterations: str) -> None:
    machine = login()
    scram(machine)
    first = f"r={NONCE}abc,s=MTIzNDU2Nzg5MDEyMzQ1Ng==,i={iterations}".encode()
    assert "iterations" in denied(machine.receive(request(11, first)))


def test_a_server_that_answers_another_nonce_is_not_believed() -> None:
    machine = login()
    scram(machine)
    assert "nonce" in denied(machine.receive(request(11, b"r=other,s=MTIzNDU2Nzg5MDEyMzQ1Ng==,i=4096")))


def test_binding_that_is_required_is_not_given_up() -> None:
    machine = login(required=Strength.SCRAM_PLUS, binding=b"certificate")
    assert "scram_plus is required" in denied(machine.receive(request(10, b"SCRAM-SHA-256\0\0")))


def test_an_error_is_told_with_its_sqlstate() -> None:
    error = messages.fields({"S": "FATAL", "V": "FATAL", "C": "53300", "M": "sorry, too many clients already"})
    (step,) = login().receive(error)
    assert isinstance(step, LoginFailed)
    assert (step.denial.sqlstate, step.denial.message) == ("53300", "sorry, too many clients already")


@pytest.mark.parametrize(
    "data",
    [
        messages.ready(73),
        messages.parameter_status("a", "b"),
        messages.AUTHENTICATION_OK * 2,
        messages.AUTHENTICATION_OK + messages.ready(73),
        messages.AUTHENTICATION_OK + messages.backend_key_data(1, b"1234") + messages.ready(84),
        request(7),
        request(10, b"SCRAM-SHA-1\0\0"),
        request(11, b"r="),
        frame(b"D", b"\0\0"),
        b"R\x00\x00\x00\x03",
        b"E\x7f\xff\xff\xff",
        b"not PostgreSQL at all",
        messages.negotiate_protocol_version(0, ["_pq_.x"]),
    ],
)
def test_a_server_that_does_not_keep_the_order_is_left(data: bytes) -> None:
    assert denied(login().receive(data))


def test_a_server_that_never_comes_to_the_point_is_left() -> None:
    notice = messages.fields({"S": "NOTICE", "C": "00000", "M": "wait"}, b"N")
    assert "without end" in denied(login().receive(notice * 501))


def test_an_older_server_is_taken_at_its_minor_version() -> None:
    (step,) = login(minor=2).receive(messages.negotiate_protocol_version(0, []) + WELCOME)
    assert isinstance(step, LoggedIn)
    assert step.minor == 0

"""Hostile input on a running gate: a clear answer or a closed door, a record of it, and the next one is served."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import psycopg
import pytest
from joserfc.jwk import OKPKey
from knocking import GSSENC_REQUEST, SSL_REQUEST, Client, errors, message, query, startup
from rig import DATABASE, Gate, Server, datasource, gate

from ostiary.identity.local import ALGORITHM, TYPE, Grantee, LocalIssuer, open_issuer
from ostiary.model.identity import PrincipalKind
from ostiary.store.reader import newest_first

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]

DEADLINE = 20.0


@pytest.fixture(scope="module")
def door(server_18: Server) -> Iterator[Gate]:
    with gate(server_18, datasource(DATABASE, server_18.url()), tls=True) as made:
        made.start()
        yield made


@pytest.fixture
def alive(door: Gate) -> Iterator[Gate]:
    """The gate; afterwards it serves the next client, in plaintext and over TLS, and has said nothing of a fault."""
    yield door
    for listener in (0, 1):
        with psycopg.connect(**door.target(listener=listener).libpq()) as connection:
            assert connection.execute("select 40 + 2").fetchone() == (42,)
    assert "Traceback" not in door.complaints()


def recorded(made: Gate, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The newest record of that kind. What nobody waited for is in the record soon, not at once."""
    limit = time.monotonic() + DEADLINE
    while time.monotonic() < limit:
        for _, leaf in newest_first(made.state):
            record: dict[str, Any] = orjson.loads(leaf)
            if wanted(record):
                return record
    raise AssertionError("no such record")


def denied(code: str) -> Callable[[dict[str, Any]], bool]:
    return lambda record: record.get("verdict") == "deny" and record["code"] == code


def event(kind: str, **fields: str) -> Callable[[dict[str, Any]], bool]:
    def wanted(record: dict[str, Any]) -> bool:
        said = record.get("fields") or {}
        return record.get("event") == kind and all(value in str(said.get(key)) for key, value in fields.items())

    return wanted


STATEMENTS = {
    "10 MiB": (b"select '" + b"x" * (10 << 20) + b"'", "54000", "sql-too-long"),
    "100,000 nested parentheses": (b"select " + b"(" * 100_000 + b"1" + b")" * 100_000, "54001", "sql-too-deep"),
    "60 kB of 1+1+…": (b"select 1" + b"+1" * 30_000, "54001", "sql-too-deep"),
    "200 kB of 1+1+…": (b"select 1" + b"+1" * 100_000, "54001", "sql-too-deep"),
    "60 kB of operators": (b"select 1 " + b"/*" * 30_000, "54001", "sql-too-deep"),
    "not UTF-8": (b"select '\xff\xfe'", "22021", "sql-not-utf8"),
    "half a statement": (b"select (", "42601", "sql-syntax"),
}


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
def test_a_hostile_statement_is_refused_and_the_session_goes_on(name: str, extended: bool, alive: Gate) -> None:
    text, sqlstate, code = STATEMENTS[name]
    with Client(alive.ports[0]) as client:
        assert client.log_in(alive.token("mallory"))[-1] == ("Z", b"I")
        client.send(message("P", b"\0" + text + b"\0\0\0") + message("S") if extended else query(text))
        (error,) = errors(client.until("Z"))
        assert (error["C"], error["R"], error["S"]) == (sqlstate, code, "ERROR")
        assert error["M"]
        client.send(query(b"select 1"))
        assert [kind for kind, _ in client.until("Z")] == ["T", "D", "C", "Z"]
    assert recorded(alive, denied(code))["principal"]["name"] == "mallory"


@pytest.mark.parametrize(
    "sent",
    [query(b"select 1\0; drop table anything"), message("P", b"\0select 1\0; drop table anything\0\0\0")],
    ids=["simple", "extended"],
)
def test_a_nul_byte_hides_nothing(sent: bytes, alive: Gate) -> None:
    with Client(alive.ports[0]) as client:
        client.log_in(alive.token("mallory"))
        client.send(sent + message("S"))
        error = errors(client.until("Z"))[0]
    assert error["C"] in ("08P01", "22021")
    assert error["M"]
    recorded(alive, lambda one: denied("sql-nul")(one) or event("session-closed", reason="protocol-violation")(one))


def test_what_analysis_cannot_take_still_runs_for_somebody_trusted(alive: Gate) -> None:
    with psycopg.connect(**alive.target().as_trusted().libpq(), autocommit=True) as connection:
        row = connection.execute(b"select length('" + b"x" * (1 << 20) + b"')").fetchone()
        assert row == (1 << 20,)
        with pytest.raises((psycopg.errors.StatementTooComplex, psycopg.errors.SyntaxError), match=r"exhausted|depth"):
            connection.execute(STATEMENTS["100,000 nested parentheses"][0])
        assert connection.execute("select 1").fetchone() == (1,)
    assert recorded(alive, lambda one: one.get("unanalysed") is True)["verdict"] == "permit"


MESSAGES = {
    "an unknown type": message("z", b"whatever"),
    "a type of the server's": message("T", b"\0\0"),
    "type zero": b"\0\0\0\0\4",
    **{f"length {length}": message("Q", b"", length=length) for length in (0, 1, 2, 3, -1, -(2**31), 2**31 - 1)},
    "a Sync with content": message("S", b"more"),
    "a Parse that ends early": message("P", b"name"),
    "a Bind with more parameters than it has": message("B", b"\0\0\0\0\x7f\xff"),
    "an Execute of nothing": message("E", b""),
    "a Describe of neither": message("D", b"Xname\0"),
    "a password, again": message("p", b"again\0"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_that_is_none_ends_the_session(name: str, alive: Gate) -> None:
    with Client(alive.ports[0]) as client:
        client.log_in(alive.token("mallory"))
        client.send(MESSAGES[name])
        client.send(query(b"select 1"))
        (error,) = errors(client.until("none"))
    assert (error["C"], error["S"]) == ("08P01", "FATAL")
    assert error["M"]
    recorded(alive, event("session-closed", reason="protocol-violation"))


GREETINGS = {
    **{f"length {length}": length.to_bytes(4, "big") + b"\0" * 64 for length in (0, 7, 10_001, 2**31, 2**32 - 1)},
    "HTTP": b"GET / HTTP/1.1\r\nHost: example\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a TLS ClientHello that is none": b"\x16\x03\x01\x00\x05hello",
}


@pytest.mark.parametrize("name", GREETINGS)
@pytest.mark.parametrize("listener", [0, 1], ids=["plaintext", "TLS"])
def test_a_greeting_that_is_none_is_not_answered(name: str, listener: int, alive: Gate) -> None:
    with Client(alive.ports[listener]) as client:
        client.send(GREETINGS[name])
        answer = client.raw(1)
    # A TLS alert (type 21) is what a broken handshake gets, if anything.
    assert answer in (b"", b"\x15")
    recorded(alive, event("connection-refused"))


@pytest.mark.parametrize(
    ("version", "sqlstate"), [(2 << 16, "0A000"), (4 << 16, "0A000"), (0, "0A000"), (80877101, "0A000")]
)
def test_another_protocol_is_refused_in_words(version: int, sqlstate: str, alive: Gate) -> None:
    with Client(alive.ports[0]) as client:
        packet = startup(user="anybody")
        client.send(packet[:4] + version.to_bytes(4, "big") + packet[8:])
        (error,) = errors(client.until("none"))
    assert (error["C"], error["S"]) == (sqlstate, "FATAL")
    recorded(alive, event("connection-refused", reason="protocol-version"))


def _issued(issuer: LocalIssuer, *, age: float = 0.0) -> str:
    return issuer.issue(Grantee("mallory", PrincipalKind.HUMAN, ("staff",)), now=time.time() - age, lifetime=600)


def _unsigned(token: str, algorithm: str) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": TYPE}).encode()).rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


def _confused(token: str, issuer: LocalIssuer) -> str:
    """HS256 with the public key as the secret."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": TYPE}).encode()).rstrip(b"=")
    signed = head + b"." + token.split(".")[1].encode()
    digest = hmac.digest(issuer.key.as_pem(private=False), signed, "sha256")
    return (signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode()


TOKENS: dict[str, Callable[[LocalIssuer], str]] = {
    "expired": lambda issuer: _issued(issuer, age=700),
    "not valid yet": lambda issuer: _issued(issuer, age=-700),
    "for another audience": lambda issuer: _issued(LocalIssuer(issuer.key, "somebody-else")),
    "of another key": lambda issuer: _issued(LocalIssuer(OKPKey.generate_key(ALGORITHM, private=True))),
    "alg none": lambda issuer: _unsigned(_issued(issuer), "none"),
    "alg NONE": lambda issuer: _unsigned(_issued(issuer), "NONE"),
    "HS256 with the public key": lambda issuer: _confused(_issued(issuer), issuer),
    "without its signature": lambda issuer: _issued(issuer).rpartition(".")[0] + ".",
    "one character changed": lambda issuer: _issued(issuer)[:-3] + "AAA",
    "garbage": lambda issuer: "correct horse battery staple",
    "three dots": lambda issuer: "...",
    "20 kB": lambda issuer: "x" * 20_000,
    "60 kB of a token": lambda issuer: _issued(issuer) + "A" * 60_000,
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_that_proves_nothing_opens_nothing(name: str, alive: Gate) -> None:
    token = TOKENS[name](open_issuer(alive.state))
    with Client(alive.ports[0]) as client:
        (error,) = errors(client.log_in(token))
        assert client.receive() is None
    assert (error["C"], error["R"], error["S"]) == ("28P01", "token-refused", "FATAL")
    assert error["M"]
    assert token not in str(error)
    recorded(alive, event("login-refused", code="token-refused"))


@pytest.mark.parametrize("password", [b"", b"\0\0", b"x" * 70_000 + b"\0"], ids=["none", "two", "70 kB"])
def test_a_password_message_that_is_none_is_refused(password: bytes, alive: Gate) -> None:
    with Client(alive.ports[0]) as client:
        client.send(startup(user="anybody", database=DATABASE))
        client.until("R")
        client.send(message("p", password))
        (error,) = errors(client.until("none"))
    assert error["C"] in ("08P01", "28P01")


REFUSED_STARTUPS = {
    "replication": ({"replication": "true"}, "42501"),
    "replication, in capitals": ({"Replication": "database"}, "42501"),
    "replication, in the options": ({"options": "-c replication=true"}, "42501"),
    "SJIS": ({"client_encoding": "SJIS"}, "22023"),
    "SJIS, in the options": ({"options": "-c client_encoding=SJIS"}, "22023"),
    "SJIS, with escapes": ({"options": r"-c cl\ient_encoding=S\JIS"}, "22023"),
    "backslashes": ({"options": "-c standard_conforming_strings=off"}, "22023"),
    "a role": ({"options": "-c role=postgres"}, "42501"),
    "a role, as a parameter": ({"role": "postgres"}, "42501"),
    "a role, with escapes": ({"options": r"-c r\ole=postgres"}, "42501"),
    "a role, in capitals": ({"options": "--ROLE=postgres"}, "42501"),
    "a role, behind tabs": ({"options": "-c\tsearch_path=a\\ b\v-crole=postgres"}, "42501"),
    "another identity": ({"options": "--session-authorization=postgres"}, "42501"),
    "a switch": ({"options": "-d 5"}, "42501"),
    "another switch": ({"options": "-fs"}, "42501"),
    "half a switch": ({"options": "-c"}, "42601"),
    "no such database": ({"database": "no_such_database"}, "3D000"),
    "a claim that is none": ({"options": "-c ostiary.proved=yes"}, "42704"),
}


@pytest.mark.parametrize("name", REFUSED_STARTUPS)
def test_a_startup_that_asks_too_much_is_refused_in_words(name: str, alive: Gate) -> None:
    parameters, sqlstate = REFUSED_STARTUPS[name]
    with Client(alive.ports[0]) as client:
        (error,) = errors(client.log_in(alive.token("mallory"), **parameters))
        assert client.receive() is None
    assert (error["C"], error["S"]) == (sqlstate, "FATAL")
    assert error["M"]


def test_options_mean_to_the_gate_what_they_mean_to_the_server(alive: Gate) -> None:
    options = r"-c search_path=a\,public  --application-name=it\'s\ \\me -c  work_mem=7MB -cTimeZone=Asia/Tokyo"
    shown = "select array(select current_setting(one) from unnest($1::text[]) one)"
    names = ["search_path", "application_name", "work_mem", "TimeZone"]
    seen = []
    for target in (alive.server.direct(), alive.target()):
        with psycopg.connect(**target.libpq(), options=options, cursor_factory=psycopg.RawCursor) as connection:
            seen.append(connection.execute(shown, [names]).fetchone())
    assert seen[0] == seen[1] == (["a,public", r"it's \me", "7MB", "Asia/Tokyo"],)


def test_the_encoding_stays_what_analysis_reads(alive: Gate) -> None:
    with psycopg.connect(**alive.target().libpq(), autocommit=True) as connection:
        for text in ("set client_encoding to 'SJIS'", "set names 'SJIS'", "set standard_conforming_strings to off"):
            with pytest.raises(psycopg.errors.InvalidParameterValue):
                connection.execute(text.encode())
        assert connection.execute("show client_encoding").fetchone() == ("UTF8",)
    recorded(alive, denied("encoding-refused"))


@pytest.mark.parametrize("listener", [0, 1], ids=["plaintext", "TLS"])
@pytest.mark.parametrize("request_bytes", [SSL_REQUEST, GSSENC_REQUEST], ids=["SSLRequest", "GSSENCRequest"])
def test_nothing_is_smuggled_in_behind_a_request_to_encrypt(listener: int, request_bytes: bytes, alive: Gate) -> None:
    with Client(alive.ports[listener]) as client:
        client.send(request_bytes + startup(user="anybody", database=DATABASE) + message("p", b"x\0"))
        answer = client.raw(2)
    assert answer == b""
    recorded(alive, event("connection-refused", reason="bytes-b"))


def test_encryption_is_asked_for_once(alive: Gate) -> None:
    ca = alive.target(listener=1).ca
    assert ca is not None
    with Client(alive.ports[1]) as client:
        client.encrypt(ca)
        client.send(SSL_REQUEST)
        assert errors(client.until("none"))[0]["C"] == "08P01"
    with Client(alive.ports[0]) as client:
        client.send(SSL_REQUEST)
        assert client.raw(1) == b"N"
        client.send(SSL_REQUEST)
        assert client.raw(1) == b""


def test_the_record_of_it_all_is_found_by_the_command(alive: Gate) -> None:
    with Client(alive.ports[0]) as client:
        client.log_in(alive.token("eve"))
        client.send(query(STATEMENTS["60 kB of 1+1+…"][0]))
        client.until("Z")
        client.send(message("z"))
        client.until("none")
    with Client(alive.ports[0]) as client:
        client.log_in("garbage")
    with Client(alive.ports[0]) as client:
        client.send(GREETINGS["HTTP"])
        client.raw(1)
    recorded(alive, event("session-closed", reason="protocol-violation"))
    (intent,) = alive.records("--principal", "eve", "--type", "intent")
    assert (intent["verdict"], intent["code"]) == ("deny", "sql-too-deep")
    (login,) = alive.records("--principal", "eve", "--type", "login")
    closed = alive.records("--session", str(login["session"]), "--type", "session-closed")
    assert closed[0]["fields"]["reason"].startswith("protocol-violation")
    assert alive.records("--type", "login-refused")
    assert alive.records("--type", "connection-refused")

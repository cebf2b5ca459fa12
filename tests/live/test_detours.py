"""What was decided is what runs, whichever way it is run: by EXECUTE, by FETCH, through another name, inside WITH."""

import os
import signal
import struct
import time
from collections.abc import Iterator

import psycopg
import pytest
from knocking import Client, errors, message, query
from rig import DATABASE, Gate, Server, datasource, gate

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]

CLEAR = '@id("clear") permit (principal, action == Ostiary::Action::"read_unmasked", resource);'
POLICY = """
@id("work")
permit (
  principal,
  action in [Ostiary::Action::"connect", Ostiary::Action::"read", Ostiary::Action::"update"],
  resource
);

@id("few-rows")
@max_rows("2")
permit (principal, action == Ostiary::Action::"update_without_approval", resource);
"""
CLASSES = """
[columns]
"public.detours.id" = "none"
"public.detours.state" = "none"
"public.detours.secret" = "pii.secret"

[masks]
"pii.secret" = { mask = "constant", value = "(hidden)" }
"""
MANY = b"update detours set state = 'changed' where id > 10 returning id"
SYNC = message("S")


def parse(name: bytes, text: bytes) -> bytes:
    return message("P", name + b"\0" + text + b"\0\0\0")


def bind(portal: bytes, name: bytes) -> bytes:
    return message("B", portal + b"\0" + name + b"\0" + bytes(6))


def execute(portal: bytes = b"") -> bytes:
    return message("E", portal + b"\0" + struct.pack("!i", 0))


@pytest.fixture(scope="module")
def made(server_18: Server) -> Iterator[Gate]:
    with server_18.truth() as connection:
        connection.execute(
            "create table detours (id bigint primary key, state text, secret text);"
            "insert into detours select n, 'new', 'raw-' || n from generate_series(1, 100) n;"
            "grant all on detours to public"
        )
    database = datasource(DATABASE, server_18.url(), classes="classes.toml", unclassified="deny")
    with gate(server_18, database, policy=POLICY) as door:
        (door.folder / "classes.toml").write_text(CLASSES)
        (door.folder / "policy" / "clear.cedar").write_text(CLEAR)
        door.start()
        yield door


@pytest.fixture
def client(made: Gate) -> Iterator[Client]:
    """A session; afterwards none of the many rows is changed."""
    with Client(made.ports[0]) as one:
        assert one.log_in(made.token("mallory"))[-1] == ("Z", b"I")
        yield one
    with made.server.truth() as connection:
        assert connection.execute("select count(*) from detours where state <> 'new'").fetchone() == (0,)


def asked(client: Client, *messages: bytes) -> list[tuple[str, bytes]]:
    client.send(b"".join(messages))
    return client.until("Z")


def reload(made: Gate) -> None:
    """SIGHUP, and wait until the record says that the policies were read again."""
    before = len(made.records("--type", "reload"))
    os.kill(made.running.pid, signal.SIGHUP)
    limit = time.monotonic() + 20
    while len(made.records("--type", "reload")) == before:
        assert time.monotonic() < limit


def code(said: list[tuple[str, bytes]]) -> str:
    (error,) = errors(said)
    return error["R"]


@pytest.mark.parametrize("word", [b"fetch all from p", b"move all from p"])
@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
def test_fetch_does_not_run_what_was_bound(word: bytes, extended: bool, client: Client) -> None:
    asked(client, query(b"begin"))
    assert not errors(asked(client, parse(b"", MANY), bind(b"p", b""), SYNC))
    messages = [parse(b"", word), bind(b"", b""), execute(), SYNC] if extended else [query(word)]
    assert code(asked(client, *messages)) == "portal-fetched"
    asked(client, query(b"commit"))


def test_fetch_takes_rows_from_cursors_beside_portals(client: Client) -> None:
    asked(client, query(b"begin"))
    asked(client, query(b"declare c cursor for select id from detours"))
    assert not errors(asked(client, parse(b"", b"select 1"), bind(b"p", b""), SYNC))
    assert [kind for kind, _ in asked(client, query(b"fetch 2 from c"))] == ["T", "D", "D", "C", "Z"]
    said = asked(client, parse(b"", b"fetch 2 from c"), bind(b"", b""), execute(), SYNC)
    assert [kind for kind, _ in said if kind in "DEC"] == ["D", "D", "C"]
    asked(client, query(b"rollback"))


def test_execute_runs_nothing_that_prepare_does_not_take(client: Client) -> None:
    for name, text in ((b"r", MANY), (b"q", b"execute r"), (b"c", b"commit")):
        assert not errors(asked(client, parse(name, text), SYNC))
    for text in (b"execute q", b"execute c"):
        assert code(asked(client, query(text))) == "not-for-execute"
    assert code(asked(client, query(b"execute r"))) == "too-many-rows"


def test_an_execute_that_was_bound_runs_what_its_name_meant_then(client: Client) -> None:
    asked(client, query(b"begin"))
    asked(client, parse(b"q", b"select 1::bigint as id"), parse(b"", b"execute q"), bind(b"p", b""), SYNC)
    asked(client, message("C", b"Sq\0"), SYNC)
    assert not errors(asked(client, parse(b"q", MANY), SYNC))
    assert code(asked(client, execute(b"p"), SYNC)) == "plan-changed"
    asked(client, query(b"commit"))


def test_rows_that_with_changes_are_not_overlooked(client: Client) -> None:
    text = b"with more as (" + MANY + b") update detours set state = 'new' where id = 1"
    assert code(asked(client, query(text))) == "row-bound-unenforceable"
    asked(client, parse(b"w", text), SYNC)
    assert code(asked(client, query(b"execute w"))) == "row-bound-unenforceable"


def test_a_name_that_the_server_would_cut_off_is_refused(client: Client) -> None:
    long = b"n" * 64
    for sent in (parse(long, b"select 1"), message("C", b"S" + long + b"\0"), message("D", b"S" + long + b"\0")):
        assert code(asked(client, sent, SYNC)) == "long-name"
    assert not errors(asked(client, parse(long[:63], b"select 1"), SYNC))
    assert code(asked(client, parse(b"", b"select 1"), bind(long, b""), SYNC)) == "long-name"


def test_what_was_parsed_in_clear_is_not_executed_when_it_has_to_be_masked(made: Gate) -> None:
    clear = made.folder / "policy" / "clear.cedar"
    with Client(made.ports[0]) as client:
        client.log_in(made.token("mallory"))
        text = b"select secret || '!' from detours where id = 7"
        asked(client, parse(b"q", text), SYNC)
        assert b"raw-7!" in asked(client, query(b"execute q"))[1][1]
        clear.unlink()
        try:
            reload(made)
            assert b"(hidden)!" in b"".join(content for _, content in asked(client, query(text)))
            said = asked(client, query(b"execute q"))
        finally:
            clear.write_text(CLEAR)
            reload(made)
    assert code(said)
    assert b"raw-7" not in b"".join(content for _, content in said)


def test_psycopg_still_prepares_and_executes(made: Gate) -> None:
    with psycopg.connect(**made.target().libpq(), autocommit=True) as connection:
        connection.execute("prepare one (int) as select $1 + 1")
        assert connection.execute("execute one (41)").fetchone() == (42,)
        assert connection.execute("execute one (42)", prepare=True).fetchone() == (43,)
        assert connection.execute("update detours set state = 'new' where id < 2").rowcount == 1


def test_a_parameter_of_a_type_that_somebody_made_runs_nothing_while_columns_are_masked(made: Gate) -> None:
    clear = made.folder / "policy" / "clear.cedar"
    declared = message("P", b"own\0select $1\0" + struct.pack("!hI", 1, 99_999))
    clear.unlink()
    try:
        reload(made)
        with Client(made.ports[0]) as client:
            client.log_in(made.token("mallory"))
            said = asked(client, declared, SYNC)
    finally:
        clear.write_text(CLEAR)
        reload(made)
    assert code(said) == "parameter-type"

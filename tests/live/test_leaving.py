"""Clients that leave without a word: whatever they were at, their backend is gone within seconds, and recorded so."""

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from knocking import Client, message, query
from rig import DATABASE, Gate, Server

from ostiary.store.reader import newest_first

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]

GONE_WITHIN = 8.0
LOCK = 4711


@contextlib.contextmanager
def backend(made: Gate, name: str) -> Iterator[Client]:
    """A client whose backend holds a lock for as long as it lives."""
    with Client(made.ports[0]) as client:
        client.log_in(made.token(name))
        client.send(query(f"select pg_advisory_lock({LOCK})".encode()))
        assert client.until("Z")[-1] == ("Z", b"I")
        yield client


def gone(server: Server) -> float:
    """Seconds until the backend was gone: until its lock could be had."""
    begun = time.monotonic()
    with server.truth() as truth:
        truth.execute(f"set lock_timeout = '{int(GONE_WITHIN)}s'".encode())
        truth.execute(f"select pg_advisory_lock({LOCK})".encode())
    return time.monotonic() - begun


def ended(made: Gate, name: str) -> list[str]:
    """How this principal's statements ended, once its session is closed."""
    limit = time.monotonic() + GONE_WITHIN
    while time.monotonic() < limit:
        records: list[dict[str, Any]] = [orjson.loads(leaf) for _, leaf in newest_first(made.state)]
        sessions = {one["session"] for one in records if (one.get("fields") or {}).get("principal") == name}
        if any(one.get("event") == "session-closed" and one["session"] in sessions for one in records):
            outcomes = [one for one in records if one["type"] == "outcome" and one["session"] in sessions]
            return [one["kind"] for one in reversed(outcomes)]
    raise AssertionError("the session is not closed")


def reset(client: Client) -> None:
    """Close so that the other side gets a reset, as from a machine that has gone."""
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()


def close(client: Client) -> None:
    client.sock.close()


def nothing(client: Client) -> None:
    """Idle."""


def a_transaction(client: Client) -> None:
    client.send(query(b"begin; create temporary table left_behind (id int)"))
    client.until("Z")


def a_long_statement(client: Client) -> None:
    client.send(query(b"select pg_sleep(600)"))


def a_busy_statement(client: Client) -> None:
    client.send(query(b"select count(*) from generate_series(1, 100000000000)"))


def a_result_that_nobody_reads(client: Client) -> None:
    client.send(query(b"select repeat('x', 10000) from generate_series(1, 1000000)"))
    client.raw(100_000)


def a_copy_that_never_ends(client: Client) -> None:
    client.send(query(b"create temporary table filling (id int)"))
    client.until("Z")
    client.send(query(b"copy filling from stdin"))
    client.until("G")
    client.send(message("d", b"1\n"))


def a_pipeline(client: Client) -> None:
    one = (
        message("P", b"\0select pg_sleep(0.5)\0\0\0") + message("B", b"\0\0\0\0\0\0\0\0") + message("E", b"\0\0\0\0\0")
    )
    client.send(one * 1000 + message("S"))


def a_statement_that_takes_long_to_decide(client: Client) -> None:
    client.send(query(b"select 1 where 1 in (" + b",".join(str(n).encode() for n in range(30_000)) + b")"))


def half_a_message(client: Client) -> None:
    client.send(query(b"select pg_sleep(600)")[:10])


def a_batch_without_sync(client: Client) -> None:
    client.send(message("P", b"\0select pg_sleep(600)\0\0\0") + message("B", b"\0\0\0\0\0\0\0\0"))
    client.send(message("E", b"\0\0\0\0\0") + message("H"))


ATS = (
    nothing, a_transaction, a_long_statement, a_busy_statement, a_result_that_nobody_reads, a_copy_that_never_ends,
    a_pipeline, a_statement_that_takes_long_to_decide, half_a_message, a_batch_without_sync,
)  # fmt: skip


@pytest.mark.parametrize("leave", [close, reset], ids=["closes", "resets"])
@pytest.mark.parametrize("at", ATS, ids=[one.__name__.replace("_", " ") for one in ATS])
@pytest.mark.parametrize("name", ["gate_18", "gate_15"])
def test_a_client_that_leaves_takes_its_backend_with_it(
    name: str, at: Callable[[Client], None], leave: Callable[[Client], None], request: pytest.FixtureRequest
) -> None:
    made: Gate = request.getfixturevalue(name)
    who = f"leaving-{time.monotonic_ns()}"
    with backend(made, who) as client:
        at(client)
        leave(client)
        assert gone(made.server) < GONE_WITHIN
    assert ended(made, who)[0] == "done"
    assert "Traceback" not in made.complaints()


def test_what_was_cancelled_because_its_client_left_is_recorded_as_cancelled(gate_18: Gate) -> None:
    who = f"cancelled-{time.monotonic_ns()}"
    with backend(gate_18, who) as client:
        client.send(query(b"select pg_sleep(600)"))
        _running(gate_18.server)
        close(client)
        gone(gate_18.server)
    assert ended(gate_18, who) == ["done", "cancelled"]


def _running(server: Server) -> None:
    limit = time.monotonic() + GONE_WITHIN
    text = "select count(*) from pg_stat_activity where datname = %s and state = 'active' and query like '%%(600)'"
    with server.truth() as truth:
        while time.monotonic() < limit:
            if truth.execute(text, (DATABASE,)).fetchone() == (1,):
                return
    raise AssertionError("it does not run")

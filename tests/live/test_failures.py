"""What breaks: the gate killed under load, its volume full, its database crashing. Nothing runs unrecorded."""

import contextlib
import os
import re
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil
import psycopg
import pytest
from knocking import Client, errors, query
from rig import DATABASE, ROLE, Gate, Server, Target, datasource, embedded_programs, gate, server

from ostiary.audit.encoding import Commitments
from ostiary.store.keys import open_record_key
from ostiary.store.reader import newest_first

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]

DEADLINE = 30.0
VOLUME = 24 << 20
UNRECORDABLE = ("58030", "53100")
CLIENTS = 6


def _commitments(made: Gate) -> set[str]:
    """What stands in the record as decided and permitted, by the commitment to its text."""
    records = (orjson.loads(leaf) for _, leaf in newest_first(made.state))
    return {one["commitment"] for one in records if one["type"] == "intent" and one["verdict"] == "permit"}


class Load:
    """Clients that insert one row after the other, until they cannot."""

    def __init__(self, target: Target, enough: int) -> None:
        self.enough = threading.Event()
        self.answered: list[list[int]] = [[] for _ in range(CLIENTS)]
        self._wanted = enough
        self._threads = [threading.Thread(target=self._insert, args=(target, one)) for one in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _insert(self, target: Target, client: int) -> None:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(**target.libpq(), autocommit=True) as made:
            for number in range(1_000_000):
                made.execute(f"insert into load values ({client}, {number})".encode())
                self.answered[client].append(number)
                if len(self.answered[client]) >= self._wanted:
                    self.enough.set()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()


@pytest.fixture
def loaded(server_18: Server) -> Iterator[Server]:
    """The server logs every statement of the gate's role."""
    with server_18.truth() as truth:
        truth.execute(f"create table load (client int, number int); alter table load owner to {ROLE}".encode())
        truth.execute(f"alter role {ROLE} set log_statement = 'all'".encode())
        yield server_18
        truth.execute(f"alter role {ROLE} reset log_statement; drop table load".encode())


def _backends(server: Server) -> set[int]:
    """The sessions of the gate's role."""
    with server.truth() as truth:
        return {row[0] for row in truth.execute("select pid from pg_stat_activity where usename = %s", (ROLE,))}


def _without_backends(server: Server, others: set[int]) -> None:
    """Wait until no session is left besides those of other gates: what was sent has run."""
    limit = time.monotonic() + DEADLINE
    while time.monotonic() < limit:
        if _backends(server) <= others:
            return
    raise AssertionError("backends are left")


def test_whatever_ran_before_the_gate_was_killed_stands_in_its_record(loaded: Server) -> None:
    before, others = len(loaded.cluster.log()), _backends(loaded)
    with gate(loaded, datasource(DATABASE, loaded.url())) as made:
        made.start()
        load = Load(made.target(), 60)
        assert load.enough.wait(DEADLINE)
        made.kill()
        load.join()
        _without_backends(loaded, others)
        logged = re.findall(r"statement: (insert into load values \(\d+, \d+\))", loaded.cluster.log()[before:])
        with loaded.truth() as truth:
            rows = set(truth.execute("select client, number from load").fetchall())
        assert rows
        assert rows >= {(client, number) for client, numbers in enumerate(load.answered) for number in numbers}
        commit = Commitments(open_record_key(made.state)).commit
        assert len(logged) == len(set(logged)) >= len(rows)
        assert {commit(text.encode()) for text in logged} <= _commitments(made)
        made.start()
        with psycopg.connect(**made.target().libpq(), autocommit=True) as connection:
            connection.execute("insert into load values (-1, -1)")
        assert made.stop() == 0
        assert made.verified()["ok"], made.verified()["damages"]
        assert {commit(text.encode()) for text in logged} <= _commitments(made)


Fill = Callable[[Gate], Callable[[], None]]
"""Makes the volume of a gate full; what it returns makes room again."""


@contextlib.contextmanager
def small_volume() -> Iterator[tuple[Path, Fill]]:
    """A real small volume when we may mount one; else the process's own limit on the size of files."""
    folder = Path(tempfile.mkdtemp(prefix="ostiary-live-volume-"))
    mounted = os.geteuid() == 0 and _mount(folder)
    try:
        yield folder, _fill_volume if mounted else _limit_files
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        else:
            subprocess.run(["rm", "-rf", str(folder)], check=True)
        if folder.exists() and mounted:
            folder.rmdir()


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={VOLUME}", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _fill_volume(made: Gate) -> Callable[[], None]:
    ballast = made.state.resolve() / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast.unlink


def _limit_files(made: Gate) -> Callable[[], None]:
    gate_process = psutil.Process(made.running.pid)
    processes = [one.pid for one in (gate_process, *gate_process.children(recursive=True))]
    soft, hard = resource.prlimit(processes[0], resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        for process in processes:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))

    limit(4096)
    return lambda: limit(soft)


@pytest.mark.parametrize("durability", ["strict", "batched"])
def test_a_full_volume_stops_statements_and_room_lets_them_run_again(durability: str, loaded: Server) -> None:
    tables = f'[audit]\ndurability = "{durability}"\n'
    with (
        small_volume() as (folder, fill),
        gate(loaded, datasource(DATABASE, loaded.url()), tables=tables, state=folder) as made,
    ):
        made.start()
        with psycopg.connect(**made.target().libpq(), autocommit=True) as connection:
            connection.execute(_long(0, 0))
            make_room = fill(made)
            ran, refused = _until_refused(connection)
            assert refused.sqlstate in UNRECORDABLE
            assert refused.diag.message_primary
        again = _until_refused_or_not(made.target(), ran)
        assert again is not None
        assert again.sqlstate in UNRECORDABLE
        make_room()
        _until_it_runs(made.target())
        with loaded.truth() as truth:
            rows = set(truth.execute("select client, number from load").fetchall())
        assert made.stop() == 0
        commit = Commitments(open_record_key(made.state)).commit
        known = _commitments(made)
        missing = [row for row in rows if commit(_long(*row)) not in known]
        assert missing == []
        assert made.verified()["ok"], made.verified()["damages"]
        found = {one["event"] for one in made.records("--type", "event")}
        assert "log-recovered" in found
        # The room kept for it in a segment is no room when no file may be written at all.
        assert "log-unavailable" in found or fill is _limit_files


def _long(client: int, number: int) -> bytes:
    """One row, in a text that takes 6 kB of a record."""
    return f"insert into load select {client}, {number} where {' and '.join(['true'] * 700)}".encode()


def _until_refused(connection: "psycopg.Connection[Any]") -> tuple[int, psycopg.Error]:
    """What room there is in files that exist already is used up first."""
    limit, number = time.monotonic() + 60, 0
    while time.monotonic() < limit:
        number += 1
        try:
            connection.execute(_long(1, number))
        except psycopg.Error as error:
            return number, error
    raise AssertionError("nothing was refused on a full volume")


def _until_refused_or_not(target: Target, number: int) -> psycopg.Error | None:
    """A new client, on the full volume: its login cannot be recorded either."""
    try:
        with psycopg.connect(**target.libpq(), autocommit=True) as connection:
            connection.execute(_long(2, number))
    except psycopg.Error as error:
        # libpq keeps no SQLSTATE of a connection that failed.
        if error.sqlstate is None and "cannot be made durable" in str(error):
            error.sqlstate = UNRECORDABLE[0]
        return error
    return None


def _until_it_runs(target: Target) -> None:
    limit = time.monotonic() + DEADLINE
    while time.monotonic() < limit:
        with contextlib.suppress(psycopg.Error), psycopg.connect(**target.libpq(), autocommit=True) as connection:
            connection.execute(_long(3, 3))
            return
    raise AssertionError("it does not recover")


@pytest.fixture(scope="module")
def fragile() -> Iterator[Gate]:
    """A server that may crash, and the gate before it, in both ways of reaching a backend."""
    with server(embedded_programs(), tls=False) as made:
        databases = datasource(DATABASE, made.url()) + datasource("lazy", made.url(), upstream="lazy")
        with gate(made, databases) as before:
            before.start()
            yield before


def _in_transaction(made: Gate, database: str) -> tuple[Client, int]:
    client = Client(made.ports[0])
    client.log_in(made.token(), database=database)
    client.send(query(b"begin; create table if not exists kept (id int); select pg_backend_pid()"))
    said = client.until("Z")
    assert said[-1] == ("Z", b"T")
    (row,) = [content for kind, content in said if kind == "D"]
    return client, int(row[6:])


def _serves_again(made: Gate, database: str) -> None:
    limit = time.monotonic() + DEADLINE
    while time.monotonic() < limit:
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(**made.target(database).libpq(), autocommit=True) as connection,
        ):
            connection.execute("create table again (id int)")
            assert connection.execute("select count(*) from again").fetchone() == (0,)
            connection.execute("drop table again")
            return
    raise AssertionError(f"the gate does not serve again: {made.complaints()[-2000:]}")


@pytest.mark.parametrize("database", [DATABASE, "lazy"])
@pytest.mark.parametrize("how", ["terminated", "crashed"])
def test_a_server_that_goes_away_in_a_transaction_is_told_once(how: str, database: str, fragile: Gate) -> None:
    client, backend = _in_transaction(fragile, database)
    with client:
        if how == "terminated":
            with fragile.server.truth() as truth:
                truth.execute("select pg_terminate_backend(%s)", (backend,))
        else:
            # A child of the server that this test started: the postmaster restarts everything after it.
            os.kill(backend, signal.SIGKILL)
        client.send(query(b"select 1"))
        found = errors(client.until("none"))
    assert len(found) == 1, found
    assert found[0]["S"] == "FATAL"
    assert found[0]["C"] in ("57P01", "57P02", "08006")
    _serves_again(fragile, database)
    assert "Traceback" not in fragile.complaints()

"""Real drivers through a gate that permits everything, to real servers: SCRAM, TLS on both sides, cancel, departure."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import psycopg
import pytest
from relay import SOMEBODY, Certificate, OpenDesk, Reply, Run, certificate_in, server, until

from ostiary.demo.cluster import THROWAWAY, UNPRIVILEGED, Cluster, embedded_binaries
from ostiary.model.analysis import CopyRoute, StatementAnalysis
from ostiary.model.decision import Permit, Permitted, Versions
from ostiary.protocols.postgres.conversation import Conversation
from ostiary.protocols.postgres.login import Strength
from ostiary.server.cancels import CancelKey
from ostiary.server.listener import Listener, listen
from ostiary.server.reception import ServerLimits
from ostiary.server.tls import server_context
from ostiary.server.upstream import Target
from ostiary.session import actions, events
from ostiary.settings import SslMode

pytest_plugins = ["loops"]
pytestmark = pytest.mark.live

COPY = StatementAnalysis("CopyStmt", "COPY", 0, 0, copy=CopyRoute.FROM_CLIENT)
KNOWN = {"server_version": "15.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
SYSTEM = Path("/usr/lib/postgresql/15/bin")


class PermissiveDesk(OpenDesk):
    """Permits every text as it is."""

    def authenticate(self, action: actions.Authenticate, reply: Reply) -> None:
        reply(events.Authenticated(SOMEBODY, ("pg_catalog", "public")))

    def target(self, action: actions.Connect) -> Target:
        return replace(self.backend, settings=dict(action.settings), minor=action.minor)

    def decide(self, action: actions.Decide, reply: Reply) -> None:
        text = action.submission.text
        copied = (COPY,) if text.startswith(b"copy") else ()
        reply(events.Decided(action.ticket, Permitted(Permit(text, Versions("1", "1", "1")), copied)))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One that the unprivileged user of the server can reach too."""
    made = Path(tempfile.mkdtemp(prefix="ostiary-live-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def own_certificate(folder: Path) -> Certificate:
    made = certificate_in(folder)
    made.key.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(made.key, UNPRIVILEGED, UNPRIVILEGED)
    return made


@pytest.fixture(scope="module", params=["18", "15 with TLS"])
def backend(request: pytest.FixtureRequest, own_certificate: Certificate) -> Iterator[Target]:
    encrypted = "TLS" in request.param
    if encrypted and not SYSTEM.is_dir():
        pytest.skip(f"no server in {SYSTEM}")
    files = {"ssl": "on", "ssl_cert_file": own_certificate.certificate, "ssl_key_file": own_certificate.key}
    settings: Mapping[str, str] = {key: str(value) for key, value in files.items()} if encrypted else {}
    cluster = Cluster(binaries=SYSTEM if encrypted else embedded_binaries(), settings={**THROWAWAY, **settings})
    with cluster:
        yield server(
            cluster.port,
            password=cluster.password,
            sslmode=SslMode.VERIFY_FULL if encrypted else SslMode.DISABLE,
            ca_file=own_certificate.certificate if encrypted else None,
            required=Strength.SCRAM_PLUS if encrypted else Strength.SCRAM,
        )


@asynccontextmanager
async def gate_to(backend: Target, certificate: Certificate) -> AsyncIterator[Listener]:
    def lazy_or_not(parameters: Mapping[str, str], minor: int, key: CancelKey) -> Conversation:
        if parameters.get("application_name") == "lazy":
            key_data = (key.process_id, key.secret)
            return Conversation(parameters, minor, lazy=True, known_parameters=KNOWN, key_data=key_data)
        return Conversation(parameters, minor)

    listener = await listen(
        "127.0.0.1",
        0,
        tls=server_context(certificate.certificate, certificate.key, None),
        make_desk=lambda _: PermissiveDesk(backend),
        make_session=lazy_or_not,
        limits=ServerLimits(),
    )
    try:
        yield listener
    finally:
        await listener.close()


def address(listener: Listener, mode: str, **more: str) -> str:
    words = {"host": "127.0.0.1", "port": str(listener.port), "user": "me", "password": "token", "dbname": "postgres"}
    return " ".join(f"{key}={value}" for key, value in (words | {"sslmode": mode} | more).items())


@pytest.mark.parametrize("mode", ["disable", "require", "verify-full"])
def test_psycopg_works_through_the_gate(run: Run, backend: Target, own_certificate: Certificate, mode: str) -> None:
    def work(conninfo: str) -> None:
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("select %s::int + 1", (41,)).fetchone() == (42,)
            connection.execute("create temp table t (a int, b text)")
            with connection.cursor().copy("copy t from stdin") as copy:
                for number in range(1000):
                    copy.write_row((number, "x" * 100))
            assert connection.execute("select count(*), sum(length(b)) from t").fetchone() == (1000, 100_000)
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute("select 1/0")

    async def test() -> None:
        async with gate_to(backend, own_certificate) as listener:
            conninfo = address(listener, mode, sslrootcert=str(own_certificate.certificate))
            await asyncio.to_thread(work, conninfo)
            await until(lambda: not listener.sessions)

    run(test())


@pytest.mark.parametrize("name", ["asyncpg", "lazy"])
def test_asyncpg_works_through_the_gate(run: Run, backend: Target, own_certificate: Certificate, name: str) -> None:
    async def test() -> None:
        async with gate_to(backend, own_certificate) as listener:
            connection = await entered(listener, name)
            try:
                rows = await connection.fetch("select n, repeat('y', $1) y from generate_series(1, 20000) n", 200)
                assert sum(len(row["y"]) for row in rows) == 4_000_000
                async with connection.transaction():
                    assert await connection.fetchval("select current_setting('application_name')") == name
            finally:
                await connection.close()

    run(test())


def test_psql_with_direct_tls_or_without_gets_its_answer(
    run: Run, backend: Target, own_certificate: Certificate
) -> None:
    async def test() -> None:
        async with gate_to(backend, own_certificate) as listener:
            done = await asyncio.to_thread(
                subprocess.run,
                ["psql", address(listener, "require"), "-Atc", "select 6*7", "-c", "\\conninfo"],
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout.startswith("42\n")
            assert "SSL" in done.stdout

    run(test())


@pytest.mark.parametrize("name", ["login", "lazy"])
def test_a_cancel_by_the_driver_stops_the_statement_and_leaves_the_session(
    run: Run, backend: Target, own_certificate: Certificate, name: str
) -> None:
    async def test() -> None:
        async with gate_to(backend, own_certificate) as listener:
            connection = await entered(listener, name)
            # asyncpg sends a cancel request when its own time is up.
            with pytest.raises(TimeoutError):
                await connection.execute("select pg_sleep(60)", timeout=0.3)
            async with asyncio.timeout(5):
                assert await connection.fetchval("select 1") == 1
            await connection.close()

    run(test())


def test_the_statement_of_a_client_that_left_is_cancelled(
    run: Run, backend: Target, own_certificate: Certificate
) -> None:
    """PG-RES-003."""

    async def test() -> None:
        async with gate_to(backend, own_certificate) as listener:
            watcher = await entered(listener, "watcher")
            leaver = subprocess.Popen(
                ["psql", address(listener, "require", application_name="leaver"), "-c", "select pg_sleep(60)"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            there = "select count(*) from pg_stat_activity where application_name = 'leaver' and state = 'active'"
            while not await watcher.fetchval(there):
                await asyncio.sleep(0.01)
            leaver.kill()
            await asyncio.to_thread(leaver.wait)
            async with asyncio.timeout(5):
                while await watcher.fetchval(there):
                    await asyncio.sleep(0.01)
            await until(lambda: listener.sessions == 1)
            await watcher.close()

    run(test())


def test_draining_waits_for_a_transaction_and_not_for_idle_clients(
    run: Run, backend: Target, own_certificate: Certificate
) -> None:
    async def test() -> None:
        async with gate_to(backend, own_certificate) as listener:
            idle, busy = await entered(listener, "idle"), await entered(listener, "busy")
            await busy.execute("begin")
            draining = asyncio.ensure_future(listener.drain(10))
            await until(lambda: listener.sessions == 1)
            assert await busy.fetchval("select 1") == 1
            await busy.execute("commit")
            async with asyncio.timeout(5):
                assert await draining == 0
            await until(idle.is_closed)
            idle.terminate()
            busy.terminate()

    run(test())


async def entered(listener: Listener, name: str) -> "asyncpg.Connection":
    return await asyncpg.connect(
        host="127.0.0.1", port=listener.port, user="me", password="token", database="postgres", ssl=False,
        server_settings={"application_name": name},
    )  # fmt: skip

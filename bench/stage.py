"""What the benchmarks run on: a PostgreSQL of their own, PgBouncer, and gates, all started here and stopped again."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import asyncpg
import orjson

from ostiary.demo.cluster import Cluster, embedded_binaries, free_port

DATABASE = "bench"
ROLE = "gate"
SCALE = 10
WIDE_ROWS = 50_000
PGBOUNCER = "/usr/sbin/pgbouncer"
NOBODY = 65534
READY_SECONDS = 60.0

SETTINGS = {
    "max_connections": "300",
    "shared_buffers": "256MB",
    "synchronous_commit": "off",
    "fsync": "off",
    "autovacuum": "off",
}

SCHEMA = f"""
create table wide_rows as select n as id, md5(n::text) as a, md5((n + 1)::text) as b, n * 7 as c, 'row ' || n as d
  from generate_series(1, {WIDE_ROWS}) n;
create table people (id int primary key, email text not null, ssn text not null);
insert into people select n, 'person' || n || '@example.com', '900-00-' || lpad(n::text, 4, '0')
  from generate_series(1, 9999) n;
create table audit_probe (id bigint generated always as identity, said text);
grant select, insert, update, delete on all tables in schema public to {ROLE};
grant usage on all sequences in schema public to {ROLE};
vacuum analyze;
"""

CLASSES = """
[columns]
"public.pgbench_accounts.*" = "none"
"public.pgbench_branches.*" = "none"
"public.pgbench_tellers.*" = "none"
"public.pgbench_history.*" = "none"
"public.wide_rows.*" = "none"
"public.people.id" = "none"
"public.people.email" = "pii.email"
"public.people.ssn" = "pii.ssn"
[masks]
"pii.email" = { mask = "partial", keep_first = 1, keep_last = 4 }
"pii.ssn" = { mask = "partial", keep_last = 4 }
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One way to the database. `process` is what stands in between, if anything does."""

    name: str
    url: str
    process: int | None


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that was started. `pgbench` is the program that matches the server."""

    targets: tuple[Target, ...]
    pgbench: Path
    server: int


@contextlib.asynccontextmanager
async def stage(durabilities: tuple[str, ...]) -> AsyncIterator[Stage]:
    """Start it all; stop it and throw it away at the end."""
    pgbench = embedded_binaries() / "pgbench"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-bench-")))
        cluster = stack.enter_context(Cluster(settings=SETTINGS))
        password = await _fill(cluster, pgbench)
        targets = [Target("direct", cluster.url(DATABASE, ROLE, password), None)]
        if Path(PGBOUNCER).exists():
            targets.append(stack.enter_context(_pgbouncer(cluster, password)))
        targets.extend(stack.enter_context(_gate(folder / mode, cluster, password, mode)) for mode in durabilities)
        yield Stage(tuple(targets), pgbench, cluster.process_id)


async def _fill(cluster: Cluster, pgbench: Path) -> str:
    password = cluster.password
    connection = await asyncpg.connect(cluster.url())
    await connection.execute(f"create role {ROLE} login password '{password}'")
    await connection.execute(f"create database {DATABASE}")
    await connection.close()
    filling = await asyncio.create_subprocess_exec(
        pgbench, "-i", "-q", "-s", str(SCALE), cluster.url(DATABASE), stderr=asyncio.subprocess.DEVNULL
    )
    if await filling.wait() != 0:
        raise RuntimeError("pgbench -i failed")
    connection = await asyncpg.connect(cluster.url(DATABASE))
    for statement in SCHEMA.strip().removesuffix(";").split(";"):
        await connection.execute(statement)
    await connection.close()
    return password


@contextlib.contextmanager
def _pgbouncer(cluster: Cluster, password: str) -> Iterator[Target]:
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="ostiary-pgbouncer-"))
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{DATABASE} = host={cluster.host} port={cluster.port} user={ROLE} password={password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = session\nmax_client_conn = 500\ndefault_pool_size = 200\nlog_connections = 0\n"
        "log_disconnections = 0\nserver_round_robin = 0\nignore_startup_parameters = extra_float_digits\n"
    )
    # PgBouncer, like PostgreSQL, refuses to run as root.
    owner = NOBODY if os.geteuid() == 0 else None
    if owner is not None:
        for path in (folder, folder / "pgbouncer.ini"):
            os.chown(path, owner, owner)
    process = subprocess.Popen(
        [PGBOUNCER, "-q", str(folder / "pgbouncer.ini")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=owner, group=owner,
        extra_groups=None if owner is None else (),
    )  # fmt: skip
    try:
        _accepts(port)
        yield Target("pgbouncer", f"postgresql://{ROLE}@127.0.0.1:{port}/{DATABASE}", process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _gate(folder: Path, cluster: Cluster, password: str, durability: str) -> Iterator[Target]:
    (folder / "policy").mkdir(parents=True)
    for source in (resources.files("ostiary.policy") / "starter").iterdir():
        if source.name.endswith(".cedar"):
            (folder / "policy" / source.name).write_text(source.read_text())
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    (folder / "classes.toml").write_text(CLASSES)
    (folder / "ostiary.toml").write_text(
        f'[[listen]]\nprotocol = "postgresql"\naddress = "127.0.0.1:0"\n[audit]\ndurability = "{durability}"\n'
        f'[database.{DATABASE}]\nurl = "postgresql://{ROLE}@{cluster.host}:{cluster.port}/{DATABASE}"\n'
        'password_file = "password"\nclasses = "classes.toml"\nrow_cap = 0\n'
        "[limits]\nconnections_per_principal = 1000\n"
    )
    command = [sys.executable, "-m", "ostiary"]
    configuration = ["--config", str(folder / "ostiary.toml")]
    with (folder / "gate.log").open("wb") as log:
        gate = subprocess.Popen([*command, "serve", *configuration, "--json"], stdout=subprocess.PIPE, stderr=log)
    try:
        port = _said(gate, folder / "gate.log")
        token = subprocess.run(
            [*command, "token", *configuration, "--as", "bench", "--kind", "agent", "--group", "agents", "--ttl", "8h"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        yield Target(f"gate {durability}", f"postgresql://bench:{token}@127.0.0.1:{port}/{DATABASE}", gate.pid)
    finally:
        gate.send_signal(signal.SIGTERM)
        gate.wait(60)


def _said(gate: subprocess.Popen[bytes], log: Path) -> int:
    if gate.stdout is None:
        raise RuntimeError("the gate has no standard output")
    for line in gate.stdout:
        if line.startswith(b"{"):
            return int(str(orjson.loads(line)["listen"][0]).rpartition(":")[2])
    raise RuntimeError(f"the gate did not start: {log.read_text(errors='replace')[-2000:]}")


def _accepts(port: int) -> None:
    import socket

    limit = time.monotonic() + READY_SECONDS
    while time.monotonic() < limit:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing accepts connections on port {port}")

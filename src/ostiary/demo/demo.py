"""The demo: everything started, what to paste printed, until Ctrl-C. It tells nothing that did not happen."""

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from shutil import which

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

from ostiary.demo.cluster import embedded_binaries
from ostiary.demo.people import ADMINISTRATOR, AGENT, SUPPORT
from ostiary.demo.premises import Premises, opened, usual_port
from ostiary.demo.shop import DATABASE
from ostiary.model.errors import OstiaryError

LIFETIME = ("--ttl", "8h")
SIGNAL_SECONDS = 0.2

TRIES = (
    ("masked, and searched masked", "select id, email, full_name, ssn from customers where id <= 5;"),
    ("free text too", "select id, subject, body from tickets limit 5;"),
    ("refused by policy, and told why", "drop table customers;"),
    ("refused: nobody permitted it", "update products set price = 0.01 where id = 1;"),
)


async def demo(console: Console) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP."""
    begun = time.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    console.print("starting a PostgreSQL with a shop's data, and the gate in front of it …")
    try:
        await _shown(console, begun, stop)
    except OstiaryError:
        # Ctrl-C reaches initdb too, and what fails of it while we stop is no news. The loop may not have seen it yet.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SIGNAL_SECONDS)
        if not stop.is_set():
            raise
        console.print("stopped before it was ready")


async def _shown(console: Console, begun: float, stop: asyncio.Event) -> None:
    async with opened(usual_port()) as premises:
        agent, support, administrator = await asyncio.gather(
            premises.token("shop-agent", *AGENT, *LIFETIME),
            premises.token("support-agent", *SUPPORT, *LIFETIME),
            premises.token("dora", *ADMINISTRATOR, *LIFETIME),
        )
        tell(console, premises, agent, support, administrator, time.monotonic() - begun)
        await _until(stop, premises.gate)
        console.print("\nstopping, and throwing the data away …")
    if not stop.is_set():
        console.print("[red]the gate ended by itself[/]")


async def _until(stop: asyncio.Event, gate: asyncio.subprocess.Process) -> None:
    """Until somebody wants to stop, or the gate ends by itself."""
    waits = {asyncio.create_task(stop.wait()), asyncio.create_task(gate.wait())}
    _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def tell(console: Console, premises: Premises, agent: str, support: str, administrator: str, seconds: float) -> None:
    """What to paste, and what to try."""
    console.print(f"[green]ready after {seconds:.1f} s[/], listening on {premises.host}:{premises.port}\n")
    people = (
        ("an agent: reads, masked", "shop-agent", agent),
        ("an agent for Maria of support, under ticket SHOP-1042: may also mend a ticket", "support-agent", support),
        ("a database administrator: everything in clear", "dora", administrator),
    )
    for title, user, token in people:
        console.print(Rule(title, align="left", style="cyan"))
        console.print(paste(premises, user, token), soft_wrap=True, markup=False, highlight=False)
        console.print()
    console.print(Rule("try", align="left", style="cyan"))
    for what, statement in TRIES:
        console.print(f"  {escape(statement):<70} [dim]-- {what}[/]", highlight=False, soft_wrap=True)
    console.print(
        "  [dim]and for Maria's agent:[/] update tickets set status = 'solved' where id = 4711;\n", soft_wrap=True
    )
    console.print(Rule("the record", align="left", style="cyan"))
    command = Path(".venv/bin/ostiary") if Path(".venv/bin/ostiary").exists() else Path("ostiary")
    console.print(f"  {command} audit search --config {premises.configuration}", soft_wrap=True, highlight=False)
    console.print(f"  {command} audit verify {premises.state}\n", soft_wrap=True, highlight=False)
    console.print(f"Change the policies beside that file, then: kill -HUP {premises.gate.pid}", highlight=False)
    console.print("[bold]Ctrl-C[/] stops everything and throws the data away.")


def paste(premises: Premises, user: str, token: str) -> str:
    """One line for a shell: psql with the token as password."""
    client = "psql" if which("psql") else str(embedded_binaries() / "psql")
    return f"PGPASSWORD={token} {client} -h {premises.host} -p {premises.port} -U {user} -d {DATABASE}"

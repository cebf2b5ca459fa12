"""How a gate stops: no more clients, time for those inside, then the end for the rest.

The rule: it is over by its deadline, whatever clients and servers do.
"""

import asyncio
from collections.abc import Hashable, Sequence
from typing import Protocol

from ostiary.model.decision import Denial

STOPPING = Denial(
    "gate-stopping",
    "terminating connection because the gate is stopping",
    hint="connect again; another gate or the next start of this one will answer",
    sqlstate="57P01",
)

LOOK = 0.05
"""Seconds between looks at what is left."""

LAST = 10.0
"""Seconds for sessions that were told to end; above `ServerLimits.closing`, which ends them by force."""


class Ending(Hashable, Protocol):
    """A session that can be told to end."""

    @property
    def is_resting(self) -> bool:
        """Whether it is between statements and outside a transaction, so that ending it loses nothing."""
        ...

    def end(self, denial: Denial) -> None:
        """End it, telling its client why."""
        ...


class Door(Protocol):
    """What holds the sessions to wait for."""

    def runners(self) -> Sequence[Ending]:
        """Those that are left."""
        ...


async def drained(door: Door, seconds: float) -> int:
    """Wait for the sessions of a door that takes no more; how many were ended amid a statement or transaction."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    told: set[Ending] = set()
    while loop.time() < deadline and door.runners():
        for runner in door.runners():
            # A client that rests would rest past any deadline: a connection pool keeps its connections for hours.
            if runner.is_resting and runner not in told:
                told.add(runner)
                runner.end(STOPPING)
        await asyncio.sleep(LOOK)
    cut = [runner for runner in door.runners() if runner not in told]
    for runner in cut:
        runner.end(STOPPING)
    last = loop.time() + LAST
    while door.runners() and loop.time() < last:
        await asyncio.sleep(LOOK)
    return len(cut)

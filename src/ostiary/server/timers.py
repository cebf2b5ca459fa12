"""Times at which a session has to do something. The rule: the wall clock decides, however it is set meanwhile."""

import asyncio
import time
from collections.abc import Callable

RECHECK = 30.0
"""Seconds between looks at the wall clock: a clock that was set forward ends a session at most this much late."""


class WallClockTimer:
    """Calls `fire` once, when the wall clock reads `at` (POSIX seconds) or later.

    An event loop counts monotonic time, which stands still while a machine sleeps and knows nothing of a clock that
    is set; a token's end is a date. So a long wait is cut into short ones.
    """

    __slots__ = ("_at", "_clock", "_fire", "_handle", "_loop")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        at: float,
        fire: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._loop = loop
        self._at = at
        self._fire = fire
        self._clock = clock
        self._handle = self._arm(at - clock())

    def stop(self) -> None:
        """Never fire."""
        self._handle.cancel()

    def _arm(self, remaining: float) -> asyncio.TimerHandle:
        return self._loop.call_later(max(0.0, min(remaining, RECHECK)), self._look)

    def _look(self) -> None:
        remaining = self._at - self._clock()
        if remaining > 0:
            self._handle = self._arm(remaining)
        else:
            self._fire()

"""Times at which a session has to do something. The rule: the wall clock decides, however it is set meanwhile."""

import asyncio
import time
from collections.abc import Callable

RECHECK = 30.0
"""Seconds between looks at the wall clock: a clock that was set forward ends a session at most this much late."""


class Deadline:
    """At most one thing to be done later. A new one takes the place of the old."""

    __slots__ = ("_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def at(self, when: float, fire: Callable[[], None]) -> None:
        """Do it at a time of the loop's clock."""
        self.stop()
        self._handle = self._loop.call_at(when, fire)

    def after(self, seconds: float, fire: Callable[[], None]) -> None:
        """Do it in so many seconds."""
        self.at(self._loop.time() + seconds, fire)

    def stop(self) -> None:
        """Do nothing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


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

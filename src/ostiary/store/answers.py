"""Brings what became of records to the thread that waits for it: one call there for a whole group.

Nobody is told inside of their own call of `append`, so nobody is told before they know what they asked.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial

from ostiary.model.errors import LogUnavailable

Done = Callable[[LogUnavailable | None], None]


class Answers:
    """`call_soon` brings a call to the thread where callbacks belong."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], None]) -> None:
        self._call_soon = call_soon
        self._lock = threading.Lock()
        self._at_once: list[tuple[Done, LogUnavailable | None]] = []

    def tell(self, group: Sequence[Done | None], failure: LogUnavailable | None) -> None:
        """Tell a whole group the same."""
        waiting = [(done, failure) for done in group if done is not None]
        if waiting:
            self.schedule(partial(_call_all, waiting))

    def at_once(self, done: Done, failure: LogUnavailable | None) -> None:
        """Tell one that does not have to wait, together with others that come before it is told."""
        with self._lock:
            self._at_once.append((done, failure))
            scheduled = len(self._at_once) > 1
        if not scheduled:
            self.schedule(self._tell_those)

    def schedule(self, call: Callable[[], None]) -> None:
        """Bring any call to that thread."""
        try:
            self._call_soon(call)
        except RuntimeError:
            # The event loop is closed, and with it everybody who could have waited.
            return

    def _tell_those(self) -> None:
        with self._lock:
            waiting, self._at_once = self._at_once, []
        _call_all(waiting)


def _call_all(waiting: Sequence[tuple[Done, LogUnavailable | None]]) -> None:
    """Call each, even when one of them raises; the first such error is raised at the end."""
    raised: Exception | None = None
    for done, failure in waiting:
        try:
            done(failure)
        except Exception as error:
            raised = raised or error
    if raised is not None:
        raise raised

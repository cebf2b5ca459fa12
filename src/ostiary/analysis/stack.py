"""A thread with a very large stack, for C code that recurses as deep as its input says.

Only computation runs on it, one piece at a time, and the caller waits for it.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any

STACK_BYTES = 512 << 20
"""Committed by the kernel only as it is touched. With it libpg_query survived 500,000 nested levels; the guard in
newer releases of libpg_query makes it unnecessary one day (pganalyze/libpg_query#348, #366)."""

_Job = tuple[Callable[[], Any], "queue.SimpleQueue[tuple[Any, BaseException | None]]"]


class BigStack:
    """One worker, started when it is first needed and kept: a new 512 MiB mapping per statement would cost more."""

    def __init__(self, size: int = STACK_BYTES) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Any]) -> Any:
        """Do `work` on the large stack and give back what it returns, or raise what it raised."""
        self._start()
        answer: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._jobs.put((work, answer))
        value, error = answer.get()
        if error is not None:
            raise error
        return value

    def _start(self) -> None:
        with self._lock:
            # A forked child inherits the object but not the thread.
            if self._thread is not None and self._thread.is_alive():
                return
            previous = threading.stack_size(self._size)
            try:
                self._thread = threading.Thread(target=self._work, name="big-stack", daemon=True)
                self._thread.start()
            finally:
                threading.stack_size(previous)

    def _work(self) -> None:
        while True:
            work, answer = self._jobs.get()
            try:
                answer.put((work(), None))
            except BaseException as error:
                answer.put((None, error))

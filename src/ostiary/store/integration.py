"""Moves what the segments hold into the tree, beside the commits and never in their way.

It reads only what is durable, and removes a segment only when a signed checkpoint covers it.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ostiary.audit.segment import HEADER_SIZE, Ending
from ostiary.store.recovery import frames
from ostiary.store.segments import Segments, segment_path
from ostiary.store.tree import Tree

CHUNK = 4 << 20
CHECKPOINT_INTERVAL = 0.8
"""Seconds between checkpoints while there is something new."""

TICK = 0.05
YIELD = 0.00005
"""Seconds given away between steps. It has to be a real sleep: a thread that lets go of the interpreter only for a
moment has it back before the one that waits for it has woken up."""


class Integration:
    """The place up to which segments have been read, and the tree they are read into.

    With `lend`, the interpreter is lent to an event loop in the same process between steps.
    """

    def __init__(self, state: Path, segments: Segments, tree: Tree, *, lend: bool = True) -> None:
        self._lend = lend
        self._state = state
        self._segments = segments
        self._tree = tree
        self._number = 0
        self._offset = HEADER_SIZE

    def run(self, between: Callable[[], None]) -> None:
        """Integrate everything durable and sign it; `between` is called now and then on the way.

        Raises:
            OSError: some of it is not done yet; the next run goes on with it.
        """
        ends = self._segments.ends()
        for number, end in ends.items():
            if number > self._number:
                self._number, self._offset = number, HEADER_SIZE
            if number == self._number:
                self._read(end, between)
        if self._tree.size > self._tree.published:
            self._tree.publish()
        # What is older than the one being written to gets no more records.
        self._segments.retire([number for number in ends if number < self._number])

    def _read(self, end: int, between: Callable[[], None]) -> None:
        fd = os.open(segment_path(self._state, self._number), os.O_RDONLY | os.O_CLOEXEC)
        try:
            while self._offset < end:
                self._read_chunk(fd, end)
                between()
        finally:
            os.close(fd)

    def _read_chunk(self, fd: int, end: int) -> None:
        length = min(CHUNK, end - self._offset)
        data = os.pread(fd, length, self._offset)
        start = self._offset
        for frame in frames(data, 0):
            # The last frame of a chunk may be cut off; the next chunk begins with it.
            if isinstance(frame, Ending):
                break
            if frame.first != self._tree.size:
                raise ValueError(f"frame {frame.first} follows a tree of {self._tree.size}")
            position = 0
            while position < len(frame.payload):
                position = self._tree.add(frame.payload, position)
                if self._lend:
                    time.sleep(YIELD)
            self._offset += frame.end - frame.start
        if self._offset == start:
            raise ValueError(f"no frame at offset {start} of segment {self._number}, where one was durable")
        self._tree.write_tiles()


class Integrator:
    """The thread that integrates now and then, and has the next segment ready.

    `writable` says whether there is any use in preparing one; `broken` is told what must not happen.
    """

    def __init__(
        self,
        integration: Integration,
        segments: Segments,
        writable: Callable[[], bool],
        broken: Callable[[Exception], None],
    ) -> None:
        self._integration = integration
        self._segments = segments
        self._writable = writable
        self._broken = broken
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ostiary-tree", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is being done is done."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic() + CHECKPOINT_INTERVAL
        try:
            while not self._stop.wait(TICK):
                self._prepare()
                if time.monotonic() >= due:
                    # The segments hold the records meanwhile; when they are full too, the writer says so.
                    with contextlib.suppress(OSError):
                        self._integration.run(self._prepare)
                    due = time.monotonic() + CHECKPOINT_INTERVAL
        except Exception as error:
            self._broken(error)

    def _prepare(self) -> None:
        if self._writable():
            with contextlib.suppress(OSError):
                self._segments.prepare()

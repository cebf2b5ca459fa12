"""A gate's side of its log: hands records to the process that keeps it, and tells who waits when they are durable.

What is appended during one turn of the event loop goes out with one system call. When the process is lost, everything
that waits is told so, and so is everything that comes later: nothing is ever taken for durable that nobody said was.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ostiary.audit.encoding import event
from ostiary.audit.tiles import MAX_ENTRY
from ostiary.model.errors import LogUnavailable
from ostiary.settings import Durability
from ostiary.store.pipe import FAILED, READY, Answer, Answers, framed

Done = Callable[[LogUnavailable | None], None]

QUEUE = 65_536
"""Records that `async` lets wait; what comes while they do is counted and lost."""

READ = 1 << 16
LOST = LogUnavailable("the process that keeps the log has ended", hint="restart the gate; the log's files are kept")


class Recording:
    """The log of a running gate. For the event loop's thread only."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        process: "subprocess.Popen[bytes]",
        pipe: socket.socket,
        lossy: bool,
        on_failure: Callable[[LogUnavailable], None],
    ) -> None:
        self._loop = loop
        self._process = process
        self._pipe = pipe
        self._lossy = lossy
        self._on_failure = on_failure
        self._answers = Answers()
        self._batch: list[bytes] = []
        self._unsent = b""
        self._waiting: deque[Done | None] = deque()
        self._lost = 0
        self._failure: LogUnavailable | None = None
        self._broken = False
        pipe.setblocking(False)
        loop.add_reader(pipe.fileno(), self._readable)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        durability: Durability,
        loop: asyncio.AbstractEventLoop,
        on_failure: Callable[[LogUnavailable], None],
    ) -> "Recording":
        """Start the process and wait until it has opened the log.

        Raises:
            LogUnavailable: another gate writes there, or what is there cannot be continued; says where.
        """
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "ostiary.store.recorder", str(folder), durability.value, str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
        theirs.close()
        answer = _first_answer(ours)
        if answer.kind != READY:
            ours.close()
            process.wait()
            raise LogUnavailable(
                answer.text or "the process that keeps the log did not start",
                hint="one gate to a state folder; if none runs there, `ostiary audit verify` says what is damaged",
            )
        return cls(loop, process, ours, durability is Durability.ASYNC, on_failure)

    @property
    def failure(self) -> LogUnavailable | None:
        """Why nothing can be recorded now; None when it can."""
        return self._failure

    @property
    def process_id(self) -> int:
        """The process that keeps the log."""
        return self._process.pid

    def append(self, leaf: bytes, done: Done | None = None) -> None:
        """Append a record; `done` is told when it is durable, or that it is not; in `async` at once.

        Raises:
            ValueError: the leaf is longer than an entry can be.
        """
        if len(leaf) > MAX_ENTRY:
            raise ValueError(f"a leaf has at most {MAX_ENTRY} bytes, not {len(leaf)}")
        if self._broken:
            if done is not None:
                self._loop.call_soon(done, LOST)
            return
        if self._lossy:
            if done is not None:
                self._loop.call_soon(done, None)
            if len(self._waiting) >= QUEUE:
                self._lost += 1
                return
            done = None
        if not self._batch:
            self._loop.call_soon(self._send)
        self._batch.append(leaf)
        self._waiting.append(done)

    def _send(self) -> None:
        batch, self._batch = self._batch, []
        if self._broken:
            return
        if self._unsent:
            # The socket is full; the writer goes on where it stopped.
            self._unsent += framed(batch)
            return
        self._write(framed(batch))

    def _write(self, data: bytes) -> None:
        try:
            sent = self._pipe.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._break()
            return
        if sent < len(data):
            self._unsent = data[sent:]
            self._loop.add_writer(self._pipe.fileno(), self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._pipe.fileno())
        data, self._unsent = self._unsent, b""
        self._write(data)

    def _readable(self) -> None:
        try:
            data = self._pipe.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._break()
            return
        for answer in self._answers.taken(data):
            self._answered(answer)

    def _answered(self, answer: Answer) -> None:
        failure = None
        if answer.kind == FAILED:
            failure = LogUnavailable(answer.text, hint="free space on the log's volume, or replace the disk")
            if self._failure is None:
                self._on_failure(failure)
        self._failure = failure
        waiting = self._waiting
        for _ in range(answer.records):
            done = waiting.popleft()
            if done is not None:
                done(failure)
        if self._lost and failure is None and len(waiting) < QUEUE // 2:
            lost, self._lost = self._lost, 0
            self.append(event("log-gap", session=None, time_ns=time.time_ns(), fields={"lost": lost}))

    def _break(self) -> None:
        """The process is gone, and with it every answer that has not come."""
        if self._broken:
            return
        self._broken = True
        self._failure = LOST
        self._forget_pipe()
        self._on_failure(LOST)
        waiting, self._waiting = self._waiting, deque()
        for done in waiting:
            if done is not None:
                done(LOST)

    def _forget_pipe(self) -> None:
        self._loop.remove_reader(self._pipe.fileno())
        self._loop.remove_writer(self._pipe.fileno())

    def close(self) -> None:
        """Have everything made durable and signed; the folder is free for another gate then.

        Raises:
            LogUnavailable: not everything could be.
        """
        if not self._broken:
            self._broken = True
            self._forget_pipe()
            self._pipe.setblocking(True)
            with contextlib.suppress(OSError):
                self._pipe.sendall(self._unsent + framed(self._batch))
                self._pipe.shutdown(socket.SHUT_WR)
                # Its answers have no reader any more, but it must not wait for somebody to take them.
                while self._pipe.recv(READ):
                    pass
        self._pipe.close()
        if self._process.wait() != 0:
            raise LogUnavailable("the log could not be completed", hint="run: ostiary audit verify")


def _first_answer(pipe: socket.socket) -> Answer:
    answers = Answers()
    while data := pipe.recv(READ):
        found = answers.taken(data)
        if found:
            return found[0]
    return Answer(FAILED)

"""The process that keeps a gate's log. It ends when its gate does, after everything it was given is durable.

A process of its own, because what makes records durable and builds the tree would take the interpreter from the gate's
event loop again and again. It is started by `store.recording` and by nobody else.
"""

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ostiary.model.errors import LogUnavailable
from ostiary.settings import Durability
from ostiary.store.log import PROBE_INTERVAL, WINDOW, Log
from ostiary.store.pipe import DURABLE, FAILED, READY, REFUSED, Answer, Records

READ = 1 << 20
SWITCH_INTERVAL = 0.0005


class Reporter:
    """Counts what became of records and tells the gate once for each group. Called by the log's threads."""

    def __init__(self, gate: socket.socket) -> None:
        self._gate = gate
        self._lock = threading.Lock()
        self._durable = 0
        self._failed = 0
        self._why = ""

    def done(self, failure: LogUnavailable | None) -> None:
        """One record's fate, in the order of the records."""
        if failure is None:
            if self._failed:
                self._tell()
            self._durable += 1
        else:
            if self._durable or self._why != failure.message:
                self._tell()
            self._failed += 1
            self._why = failure.message

    def in_order(self, call: Callable[[], None]) -> None:
        """What the log wants called for a group, and the answer behind it."""
        with self._lock:
            call()
            self._tell()

    def _tell(self) -> None:
        said = b""
        if self._durable:
            said += Answer(DURABLE, self._durable).encoded()
        if self._failed:
            said += Answer(FAILED, self._failed, self._why).encoded()
        self._durable = self._failed = 0
        if said:
            try:
                self._gate.sendall(said)
            except OSError:
                # The gate is gone; what is durable stays so, and nobody is left to be told.
                return


def main(arguments: list[str]) -> int:
    """Keep the log of a folder for the gate at the other end of a descriptor."""
    folder, durability, descriptor = Path(arguments[0]), Durability(arguments[1]), int(arguments[2])
    # A terminal's Ctrl-C and a service manager's stop reach every process; this one ends by its gate's end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gate = socket.socket(fileno=descriptor)
    reporter = Reporter(gate)
    # The gate itself answers at once in `async`; here every record is made durable all the same.
    kept = Durability.BATCHED if durability is Durability.ASYNC else durability
    try:
        log = Log.open(folder, durability=kept, call_soon=reporter.in_order, inline=True)
    except LogUnavailable as error:
        gate.sendall(Answer(REFUSED, text=error.message).encoded())
        return 1
    gate.sendall(Answer(READY).encoded())
    # The tree is built beside this thread, which must not wait long for the interpreter when records come in.
    sys.setswitchinterval(SWITCH_INTERVAL)
    _keep(log, gate, reporter, WINDOW if kept is Durability.BATCHED else 0.0)
    try:
        log.close()
    except LogUnavailable as error:
        print(f"ostiary: {error.message}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _keep(log: Log, gate: socket.socket, reporter: Reporter, window: float) -> None:
    """Commit what comes until nothing comes any more. What comes during a commit is the next group."""
    records = Records()
    while True:
        gate.settimeout(None if log.failure is None else PROBE_INTERVAL)
        try:
            data = gate.recv(READ)
        except TimeoutError:
            log.commit()
            continue
        except OSError:
            return
        if not data:
            return
        if window:
            time.sleep(window)
            data += _what_else(gate)
        for record in records.taken(data):
            log.append(record, reporter.done)
        log.commit()


def _what_else(gate: socket.socket) -> bytes:
    gate.setblocking(False)
    try:
        return gate.recv(READ)
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

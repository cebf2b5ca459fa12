"""The log: what is appended is durable before anybody is told so, and if it cannot be, everybody waiting is told that.

One thread writes groups and makes them durable; another turns them into the tree. Appending only puts a record into a
list, so it may be done on an event loop.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ostiary.audit.encoding import event
from ostiary.audit.tiles import MAX_ENTRY
from ostiary.model.errors import LogUnavailable
from ostiary.settings import Durability
from ostiary.store.answers import Answers, Done
from ostiary.store.files import Files
from ostiary.store.integration import Integration, Integrator
from ostiary.store.recovery import lock_folder, recover, unlock_folder
from ostiary.store.segments import FOLDER, SEGMENT_BYTES, Segments

ORIGIN = "ostiary"
WINDOW = 0.002
"""Seconds that `batched` gathers before it makes a group durable."""

PROBE_INTERVAL = 1.0
"""Seconds between attempts to write again while nothing can be."""

RETRY_INTERVAL = 0.1
"""Seconds during which a failure answers for the next group too: trying means writing a whole segment of zeros."""

QUEUE = 65_536
"""Records that `async` lets wait; what comes while they do is counted and lost."""

Waiting = tuple[bytes, Done | None]


class Log:
    """The one writer of a state folder."""

    def __init__(
        self,
        lock_fd: int,
        segments: Segments,
        integration: Integration,
        size: int,
        durability: Durability,
        call_soon: Callable[[Callable[[], None]], None],
        on_failure: Callable[[LogUnavailable], None] | None,
    ) -> None:
        self._lock_fd = lock_fd
        self._segments = segments
        self._integration = integration
        self._durability = durability
        self._answers = Answers(call_soon)
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._pending: list[Waiting] = []
        self._next = size
        self._durable = size
        self._inline = False
        self._asleep = False
        self._wake = threading.Lock()
        self._wake.acquire()
        self._lost = 0
        self._outage: Outage | None = None
        self._broken: LogUnavailable | None = None
        self._closing = False
        self._writer = threading.Thread(target=self._write, name="ostiary-log", daemon=True)
        self._integrator = Integrator(integration, segments, lambda: self._outage is None, self._break)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        durability: Durability,
        call_soon: Callable[[Callable[[], None]], None],
        on_failure: Callable[[LogUnavailable], None] | None = None,
        origin: str = ORIGIN,
        files: Files | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        inline: bool = False,
    ) -> "Log":
        """Open the log of a state folder, making it when there is none.

        `call_soon` brings a call to the thread where `done` belongs (an event loop's call_soon_threadsafe). With
        `inline` there is no writer thread: whoever appends calls `commit`, in a process that has nothing else to do.

        Raises:
            LogUnavailable: another gate writes here, or what is here cannot be continued; says where.
        """
        files = files or Files()
        lock_fd = -1
        try:
            files.make_folder(folder / FOLDER)
            lock_fd = lock_folder(folder)
            tree, number = recover(folder, files, origin)
            segments = Segments(folder, files, number, segment_bytes)
            segments.begin(tree.size)
        except OSError as error:
            unlock_folder(lock_fd)
            raise LogUnavailable(f"the log in {folder} cannot be opened: {error}") from error
        except LogUnavailable:
            unlock_folder(lock_fd)
            raise
        integration = Integration(folder, segments, tree, lend=not inline)
        log = cls(lock_fd, segments, integration, tree.size, durability, call_soon, on_failure)
        log._inline = inline
        if not inline:
            log._writer.start()
        log._integrator.start()
        return log

    @property
    def size(self) -> int:
        """How many records are durable."""
        return self._durable

    @property
    def failure(self) -> LogUnavailable | None:
        """Why nothing can be recorded at the moment; None: it can."""
        if self._broken is not None:
            return self._broken
        return self._outage.failure if self._outage is not None else None

    def append(self, leaf: bytes, done: Done | None = None) -> int:
        """Append a record; `done` is told when it is durable, or that it is not. Returns its index.

        The index holds only for a record that became durable; it is -1 for one that is known to be lost (`async`).

        Raises:
            LogUnavailable: the log is closed.
            ValueError: the leaf is longer than an entry can be.
        """
        if len(leaf) > MAX_ENTRY:
            raise ValueError(f"a leaf has at most {MAX_ENTRY} bytes, not {len(leaf)}")
        lossy = self._durability is Durability.ASYNC
        with self._lock:
            if self._closing:
                raise LogUnavailable("the log is closed")
            index = self._next
            if self._broken is not None or (lossy and len(self._pending) >= QUEUE):
                self._lost += 1
                index = -1
            else:
                self._next = index + 1
                self._pending.append((leaf, None if lossy else done))
                if self._asleep:
                    self._asleep = False
                    self._wake.release()
        if done is not None and (lossy or index < 0):
            self._answers.at_once(done, self._broken)
        return index

    def close(self) -> None:
        """Make everything durable, sign it, and let another gate open the folder.

        Raises:
            LogUnavailable: not everything could be; those concerned were told one by one.
        """
        with self._lock:
            if self._closing:
                return
            self._closing = True
            if self._asleep:
                self._asleep = False
                self._wake.release()
        if self._inline:
            self.commit()
        else:
            self._writer.join()
        self._integrator.stop()
        failure = self.failure
        try:
            self._segments.close()
            if self._broken is None:
                self._integration.run(lambda: None)
                self._segments.retire(list(self._segments.ends()))
        except (OSError, ValueError) as error:
            # The segments stay, and the next opening goes on with them.
            failure = failure or LogUnavailable(f"the log's tree could not be completed: {error}")
        finally:
            unlock_folder(self._lock_fd)
        if failure is not None:
            raise failure

    def commit(self) -> None:
        """Make what was appended durable, in this thread; when nothing could be, see whether it can be again."""
        try:
            if self._pending:
                self._commit_pending()
            elif self._outage is not None:
                self._probe()
        except Exception as error:
            self._break(error)

    def _write(self) -> None:
        try:
            while self._wait():
                if self._durability is Durability.BATCHED and not self._closing:
                    time.sleep(WINDOW)
                self._commit_pending()
        except Exception as error:
            self._break(error)

    def _wait(self) -> bool:
        """Sleep until there is something to write; False at the end."""
        while True:
            with self._lock:
                if self._pending:
                    return True
                if self._closing:
                    return False
                # A wake-up that came after the last sleep had timed out is still here.
                self._wake.acquire(blocking=False)
                self._asleep = True
            if not self._wake.acquire(timeout=-1 if self._outage is None else PROBE_INTERVAL):
                with self._lock:
                    self._asleep = False
                self._probe()

    def _commit_pending(self) -> None:
        with self._lock:
            batch, self._pending = self._pending, []
            first = self._next - len(batch)
        if self._outage is not None and time.monotonic() < self._outage.retry_at:
            self._fail_again(self._outage, batch)
            return
        records = [leaf for leaf, _ in batch]
        position = 0
        try:
            while position < len(batch):
                taken = self._segments.commit(first + position, records[position:] if position else records)
                self._durable = first + position + taken
                self._answers.tell([done for _, done in batch[position : position + taken]], None)
                position += taken
        except OSError as error:
            self._fail(error, batch[position:])
            return
        if self._outage is not None:
            self._end_outage()
        if self._lost:
            with self._lock:
                lost, self._lost = self._lost, 0
            self._append_event("log-gap", {"lost": lost})

    def _fail(self, error: OSError, casualties: Sequence[Waiting]) -> None:
        """Tell everybody who waits, and from then on try again at each group and now and then."""
        failure = LogUnavailable(
            f"records cannot be made durable: {error}", hint="free space on the log's volume, or replace the disk"
        )
        outage = self._outage
        if outage is not None:
            outage.retry_at = time.monotonic() + RETRY_INTERVAL
            self._fail_again(outage, casualties)
            return
        outage = self._outage = Outage(failure, time.time_ns(), time.monotonic() + RETRY_INTERVAL)
        # The first record after the failure is the outage's own, if there is room for it.
        self._fail_again(outage, casualties, reserved=1)
        self._record_outage(outage)
        if self._on_failure is not None:
            self._answers.schedule(partial(self._on_failure, failure))

    def _fail_again(self, outage: "Outage", casualties: Sequence[Waiting], reserved: int = 0) -> None:
        """Refuse these and everything that came after them: an index is given again only after all later ones fell."""
        with self._lock:
            batch = [*casualties, *self._pending]
            self._pending = []
            self._next = self._durable + reserved
            if self._durability is Durability.ASYNC:
                self._lost += len(batch)
        outage.refused += len(batch)
        self._answers.tell([done for _, done in batch], outage.failure)

    def _record_outage(self, outage: "Outage") -> None:
        leaf = event("log-unavailable", session=None, time_ns=outage.since, fields={"because": outage.failure.message})
        if self._segments.commit_reserved(self._durable, leaf):
            self._durable += 1
            return
        self._fail_again(outage, [])

    def _probe(self) -> None:
        """Nothing waits and nothing could be written: see whether it can be again."""
        try:
            self._segments.begin(self._durable)
        except OSError:
            return
        self._end_outage()

    def _end_outage(self) -> None:
        outage, self._outage = self._outage, None
        if outage is not None:
            fields = {"because": outage.failure.message, "refused": outage.refused}
            self._append_event("log-recovered", fields)

    def _append_event(self, kind: str, fields: dict[str, object]) -> None:
        """A record of the writer's own: it is behind those that already have an index."""
        leaf = event(kind, session=None, time_ns=time.time_ns(), fields=fields)
        with self._lock:
            self._pending.append((leaf, None))
            self._next += 1

    def _break(self, error: BaseException) -> None:
        """Something happened that must not: nothing is written or signed any more."""
        failure = LogUnavailable(
            f"the log stopped: {error!r}", hint="run: ostiary audit verify, then start the gate again"
        )
        with self._lock:
            self._broken = self._broken or failure
            batch, self._pending = self._pending, []
        self._answers.tell([done for _, done in batch], failure)
        if self._on_failure is not None:
            self._answers.schedule(partial(self._on_failure, failure))


class Outage:
    """A time during which nothing can be recorded."""

    __slots__ = ("failure", "refused", "retry_at", "since")

    def __init__(self, failure: LogUnavailable, since: int, retry_at: float) -> None:
        self.failure = failure
        self.retry_at = retry_at
        self.since = since
        self.refused = 0

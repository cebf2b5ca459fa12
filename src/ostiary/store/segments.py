"""The segments on disk: where a group of records becomes durable.

A descriptor whose write or sync failed is never used again: after an error the kernel may have dropped the pages that
it could not write and say "done" to the next sync (PostgreSQL's fsync lesson of 2018). The segment is cut back to what
was durable before, and a new one is begun.
"""

import contextlib
import errno
import threading
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from ostiary.audit.segment import HEADER_SIZE, OVERHEAD, Header, encode_frame, encode_header
from ostiary.store.files import TEMPORARY, Files

FOLDER = "segments"
SEGMENT_BYTES = 8 << 20
SMALLEST = 256 << 10
"""A volume without room for this is full."""

GROUP_BYTES = 1 << 20
"""What one frame holds at most, so that nobody waits for more than that to be written."""

SPACIOUS = 8
"""A segment takes at most this part of what is free on its volume, and none is made in advance on a smaller rest."""

RESERVE = 4096
"""Room at the end of each segment for the record of an outage: on a full volume it is the only room left."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def segment_path(state: Path, number: int) -> Path:
    """Where a segment lies."""
    return state / FOLDER / f"{number:012}.log"


def segment_numbers(state: Path) -> list[int]:
    """The segments that are there, in order."""
    return sorted(int(path.stem) for path in (state / FOLDER).glob("*.log") if path.stem.isdigit())


class Segments:
    """Writes frames. One thread commits; another may call `prepare`, `ends` and `retire` meanwhile."""

    def __init__(self, state: Path, files: Files, next_number: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._state = state
        self._files = files
        self._wanted = max(segment_bytes, SMALLEST)
        self._number = next_number - 1
        self._fd: int | None = None
        self._offset = 0
        self._size = 0
        self._uncut: tuple[Path, int] | None = None
        self._lock = threading.Lock()
        self._spare: tuple[Path, int] | None = None
        self._names = count()
        self._ends: dict[int, int] = {}
        """Each segment's durable end."""

    def ends(self) -> dict[int, int]:
        """The durable part of each segment, in order."""
        with self._lock:
            return dict(self._ends)

    def commit(self, first: int, records: Sequence[bytes]) -> int:
        """Make records durable, beginning with index `first`; returns how many were.

        Raises:
            OSError: none of them is.
        """
        room = self._size - self._offset - OVERHEAD - RESERVE
        if self._fd is None or room < 2 + len(records[0]):
            self.begin(first)
            room = self._size - self._offset - OVERHEAD - RESERVE
        room = min(room, GROUP_BYTES)
        taken = 0
        for record in records:
            room -= 2 + len(record)
            if room < 0:
                break
            taken += 1
        self._write(encode_frame(first, records[:taken]))
        return taken

    def commit_reserved(self, index: int, record: bytes) -> bool:
        """Use the reserve for one record; False when it cannot be."""
        if self._fd is None or self._size - self._offset < OVERHEAD + 2 + len(record):
            return False
        try:
            self._write(encode_frame(index, [record]))
        except OSError:
            return False
        return True

    def begin(self, first: int) -> None:
        """Go over to a new segment whose first record will be `first`. After an error it can be tried again."""
        if self._uncut is not None:
            self._cut(*self._uncut)
        path, size = self._take_spare() or self._create()
        number = self._number + 1
        fd: int | None = None
        try:
            fd = self._files.open(path)
            self._files.write(fd, encode_header(Header(number, first)), 0)
            self._files.sync(fd)
            self._files.rename(path, segment_path(self._state, number))
        except OSError:
            if fd is not None:
                self._files.close(fd)
            self._files.remove(path)
            self._files.remove(segment_path(self._state, number))
            raise
        if self._fd is not None:
            self._files.close(self._fd)
        self._fd, self._number, self._offset, self._size = fd, number, HEADER_SIZE, size
        with self._lock:
            self._ends[number] = HEADER_SIZE

    def prepare(self) -> None:
        """Have the next segment ready, so that going over to it does not wait for its zeros."""
        # The tree needs room too, and it is what makes segments go away.
        if self._spare is None and self._files.free(self._state) > SPACIOUS * self._wanted:
            made = self._create()
            with self._lock:
                self._spare = made

    def retire(self, numbers: Sequence[int]) -> None:
        """Remove segments whose records are all part of the tree."""
        for number in numbers:
            self._files.remove(segment_path(self._state, number))
            with self._lock:
                del self._ends[number]
        if numbers:
            self._files.sync_folder(self._state / FOLDER)

    def close(self) -> None:
        """Let go of the files, and of the space that was taken in advance.

        Raises:
            OSError: some of that space could not be given back.
        """
        if self._fd is not None:
            self._files.close(self._fd)
            self._fd = None
            self._files.truncate(segment_path(self._state, self._number), self._offset)
        spare = self._take_spare()
        if spare is not None:
            self._files.remove(spare[0])

    @property
    def current(self) -> int:
        """The number of the segment that is written to, or was last."""
        return self._number

    def _write(self, frame: bytes) -> None:
        if self._fd is None:
            raise OSError(errno.EBADF, "no segment is open")
        try:
            self._files.write(self._fd, frame, self._offset)
            self._files.sync(self._fd)
        except OSError:
            self._files.close(self._fd)
            self._fd = None
            self._uncut = (segment_path(self._state, self._number), self._offset)
            raise
        self._offset += len(frame)
        with self._lock:
            self._ends[self._number] = self._offset

    def _cut(self, path: Path, end: int) -> None:
        # What the failed write left behind must not be read as records later: nobody was told that they are kept.
        with contextlib.suppress(FileNotFoundError):
            self._files.truncate(path, end)
        self._uncut = None

    def _take_spare(self) -> tuple[Path, int] | None:
        with self._lock:
            spare, self._spare = self._spare, None
        return spare

    def _create(self) -> tuple[Path, int]:
        # Two threads may be here at once, the writer in need and the other preparing: no name is used twice.
        path = self._state / FOLDER / f"spare-{next(self._names)}{TEMPORARY}"
        size = min(self._wanted, max(self._files.free(self._state) // SPACIOUS, SMALLEST))
        while True:
            try:
                self._files.create(path, size)
            except OSError as error:
                if error.errno not in _FULL or size <= SMALLEST:
                    raise
                size = max(size // 4, SMALLEST)
            else:
                return path, size

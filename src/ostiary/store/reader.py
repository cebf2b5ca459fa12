"""Reads the log in a state folder, without writing anything and without asking the gate that may be running.

A running gate replaces partial tiles and removes segments; whoever reads meanwhile looks again, and never mistakes that
for damage.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ostiary.audit.notes import NoteRefused, VerifierKey
from ostiary.audit.segment import HEADER_SIZE, Broken, End, Ending, decode_header
from ostiary.audit.tiles import CHECKPOINT, ENTRIES, WIDTH, Tile, split_bundle
from ostiary.audit.verify import Damage, Report, verify
from ostiary.store.files import TEMPORARY
from ostiary.store.keys import LOG_VERIFIER, read_verifier
from ostiary.store.recovery import frames
from ostiary.store.segments import FOLDER, segment_numbers, segment_path

ATTEMPTS = 20
PAUSE = 0.02
"""Seconds between looks at a log that is being written."""


class Folder:
    """The files of one log."""

    def __init__(self, state: Path) -> None:
        self.state = state

    @property
    def running(self) -> bool:
        """Whether a gate writes to it."""
        try:
            fd = os.open(self.state / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def read(self, path: str) -> bytes | None:
        """A file's content; None when it is not there."""
        try:
            return (self.state / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def widths(self, tile: Tile) -> Sequence[int]:
        """The widths in which a tile is there."""
        path = self.state / Tile(tile.level, tile.index).path
        partial = path.with_name(path.name + ".p")
        found = [int(one.name) for one in partial.iterdir() if one.name.isdigit()] if partial.is_dir() else []
        return [*sorted(width for width in found if 0 < width < WIDTH), *([WIDTH] if path.is_file() else [])]

    def tile_files(self) -> Iterable[str]:
        """All files below ``tile/``, without what a crash left unfinished."""
        for folder, _, names in os.walk(self.state / "tile"):
            for name in names:
                if not name.endswith(TEMPORARY):
                    yield (Path(folder) / name).relative_to(self.state).as_posix()

    def segments(self) -> Sequence[tuple[str, bytes]]:
        """Paths and contents of the segments, in order."""
        for _ in range(ATTEMPTS):
            found = self._segments()
            if not found or not self.running or _is_whole(found[-1][1]):
                break
            # The writer is in the middle of a frame; what still looks so in a while is not being written.
            time.sleep(PAUSE)
        return found

    def _segments(self) -> Sequence[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        for number in segment_numbers(self.state):
            path = segment_path(self.state, number)
            data = self.read(path.relative_to(self.state).as_posix())
            if data is not None:
                found.append((f"{FOLDER}/{path.name}", data))
        return found


def _is_whole(segment: bytes) -> bool:
    try:
        decode_header(segment)
        *_, ending = frames(segment, HEADER_SIZE)
    except Broken:
        return False
    return isinstance(ending, Ending) and ending.how is End.CLEAN


def verify_folder(
    state: Path, key: VerifierKey | None = None, progress: Callable[[int, int], None] | None = None
) -> Report:
    """Verify a state folder, whether or not a gate runs on it. `key` defaults to the public key in the folder."""
    folder = Folder(state)
    try:
        key = key or read_verifier(state)
    except NoteRefused as error:
        return Report(damages=[Damage(LOG_VERIFIER, error.message)])
    return verify(folder, key, progress, live=folder.running)


def newest_first(state: Path) -> Iterator[tuple[int, bytes]]:
    """All records with their index, from the newest back; those not yet in the tree too."""
    folder = Folder(state)
    # Segments first: one that is removed meanwhile is covered by the checkpoint that is read after it.
    first, tail = _tail(folder)
    if tail:
        yield from zip(range(first + len(tail) - 1, first - 1, -1), reversed(tail), strict=True)
    size = _signed_size(folder)
    end = min(size, first) if tail else size
    for number in range((end - 1) // WIDTH, -1, -1):
        entries = split_bundle(_bundle(folder, number))[: end - number * WIDTH]
        yield from zip(range(number * WIDTH + len(entries) - 1, -1, -1), reversed(entries), strict=False)


def _tail(folder: Folder) -> tuple[int, list[bytes]]:
    """The records in segments as far as they read, and the index of the first."""
    first: int | None = None
    tail: list[bytes] = []
    for _, data in folder.segments():
        try:
            header = decode_header(data)
            if first is None or header.first != first + len(tail):
                first, tail = header.first, []
            for frame in frames(data, HEADER_SIZE):
                if not isinstance(frame, Ending):
                    tail += frame.entries()
        except Broken:
            continue
    return first or 0, tail


def _signed_size(folder: Folder) -> int:
    lines = (folder.read(CHECKPOINT) or b"").split(b"\n")
    return int(lines[1]) if len(lines) > 2 and lines[1].isdigit() else 0


def _bundle(folder: Folder, number: int) -> bytes:
    """A bundle in its widest form. Looked for twice: a partial one may have just been replaced."""
    for _ in range(2):
        for width in reversed(folder.widths(Tile(ENTRIES, number))):
            data = folder.read(Tile(ENTRIES, number, width).path)
            if data is not None:
                return data
    raise FileNotFoundError(folder.state / Tile(ENTRIES, number).path)

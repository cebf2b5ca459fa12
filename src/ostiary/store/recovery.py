"""What a log does when it is opened: finds what the segments hold beyond the tree, and refuses what it cannot explain.

Only a torn last write is passed over; nobody was told that it is durable.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ostiary.audit.segment import HEADER_SIZE, Broken, End, Ending, Frame, decode_header, read_frame
from ostiary.audit.tiles import CHECKPOINT, encode_bundle
from ostiary.model.errors import LogUnavailable
from ostiary.store.files import TEMPORARY, Files
from ostiary.store.keys import MARK, open_log_key
from ostiary.store.segments import FOLDER, segment_numbers, segment_path
from ostiary.store.tree import Tree


@dataclass(frozen=True, slots=True)
class Recovered:
    """One segment as it was found: its records from `first` on, and how it ended."""

    path: Path
    first: int
    entries: list[bytes]
    ending: End


def recover(folder: Path, files: Files, origin: str) -> tuple[Tree, int]:
    """The tree with everything that the segments held, signed; and the number of the next segment.

    Raises:
        LogUnavailable: what is there cannot be continued; says where.
    """
    for leftover in (folder / FOLDER).glob(f"*{TEMPORARY}"):
        files.remove(leftover)
    numbers = segment_numbers(folder)
    fresh = not numbers and not (folder / CHECKPOINT).exists() and not (folder / MARK).exists()
    tree = Tree(folder, files, open_log_key(folder, origin, fresh=fresh, files=files))
    tree.load()
    for found in recovered_segments(folder, tree.size):
        if found.first <= tree.size:
            tree.add_all(encode_bundle(found.entries[tree.size - found.first :]))
            tree.write_tiles()
    tree.require_mark()
    if tree.size > tree.published or not (folder / CHECKPOINT).exists():
        tree.publish()
    tree.remove_leftovers()
    for number in numbers:
        files.remove(segment_path(folder, number))
    files.sync_folder(folder / FOLDER)
    return tree, numbers[-1] + 1 if numbers else 1


def recovered_segments(state: Path, size: int) -> Iterator[Recovered]:
    """The segments in order; those of a tree of `size` must continue it without a gap.

    Raises:
        LogUnavailable: a segment is damaged or missing; names file and offset.
    """
    numbers = segment_numbers(state)
    expected: int | None = None
    for number in numbers:
        path = segment_path(state, number)
        try:
            found = read_segment(path, number, path.read_bytes())
        except Broken as error:
            raise damaged(path, error.offset, error.because) from error
        if (found.first > size) if expected is None else (found.first != expected):
            wanted = size if expected is None else expected
            raise damaged(path, 0, f"it begins with record {found.first}, and record {wanted} is missing")
        if found.ending is End.TORN and number != numbers[-1]:
            raise damaged(path, 0, "it ends in a torn write, while a later segment was begun")
        expected = found.first + len(found.entries)
        yield found


def read_segment(path: Path, number: int, data: bytes) -> Recovered:
    """All records of a segment.

    Raises:
        Broken: its bytes are not what was written.
    """
    header = decode_header(data)
    if header.number != number:
        raise Broken(0, f"this is segment {header.number} under another's name")
    entries: list[bytes] = []
    for found in frames(data, HEADER_SIZE):
        if isinstance(found, Ending):
            return Recovered(path, header.first, entries, found.how)
        if found.first != header.first + len(entries):
            raise Broken(found.start, f"record {header.first + len(entries)} is missing, {found.first} follows")
        entries += found.entries()
    raise Broken(len(data), "it has no end")


def frames(data: bytes, start: int) -> Iterator[Frame | Ending]:
    """The frames from `start` on, and last how they end."""
    while True:
        found = read_frame(data, start)
        yield found
        if isinstance(found, Ending):
            return
        start = found.end


def damaged(path: Path, offset: int, because: str) -> LogUnavailable:
    """An error that says where."""
    return LogUnavailable(
        f"{path}, offset {offset}: {because}",
        hint="the log does not go on over damage; run: ostiary audit verify, then restore the file from a copy",
    )


def lock_folder(folder: Path) -> int:
    """Be the only writer of a folder, until `unlock_folder`.

    Raises:
        LogUnavailable: somebody else is.
    """
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise LogUnavailable(
            f"another gate writes the log in {folder}", hint="give each gate a state folder of its own"
        ) from error
    return fd


def unlock_folder(fd: int) -> None:
    """Let somebody else write; -1 is no lock."""
    if fd >= 0:
        os.close(fd)

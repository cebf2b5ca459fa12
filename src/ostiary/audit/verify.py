"""Is this log what was signed? Reads all of it, recomputes everything, and says where it differs.

Nothing that was not recomputed is believed: a file that is damaged is named, and the walk goes on with what the rest of
the tree proves to be right, so that one damage is reported once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ostiary.audit.checkpoint import Checkpoint, open_checkpoint
from ostiary.audit.merkle import EMPTY_ROOT, HASH_SIZE, Frontier, leaf_hash, tree_hash
from ostiary.audit.notes import NoteRefused, VerifierKey
from ostiary.audit.segment import HEADER_SIZE, Broken, End, Ending, decode_header, read_frame
from ostiary.audit.tiles import (
    CHECKPOINT,
    ENTRIES,
    HEIGHT,
    WIDTH,
    BundleBroken,
    Tile,
    encode_bundle,
    parse_path,
    split_bundle,
    split_hashes,
    widest,
)

MARK = "keys/log.mark"


class Source(Protocol):
    """A log to read, by paths below its folder."""

    def read(self, path: str) -> bytes | None:
        """A file's content; None when it is not there."""
        ...

    def widths(self, tile: Tile) -> Sequence[int]:
        """The widths in which a tile is there."""
        ...

    def tile_files(self) -> Iterable[str]:
        """All files below ``tile/``."""
        ...

    def segments(self) -> Sequence[tuple[str, bytes]]:
        """Paths and contents of the segments, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was written. `entry` is the index of the record concerned, where there is one."""

    file: str
    because: str
    entry: int | None = None
    offset: int | None = None

    def __str__(self) -> str:
        place = self.file
        if self.entry is not None:
            place += f", record {self.entry}"
        if self.offset is not None:
            place += f", offset {self.offset}"
        return f"{place}: {self.because}"


@dataclass(slots=True)
class Report:
    """What was found. `signed` records are under the checkpoint, `waiting` ones only in segments."""

    signed: int = 0
    waiting: int = 0
    root: bytes = EMPTY_ROOT
    origin: str = ""
    damages: list[Damage] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether everything is as it was written."""
        return not self.damages


def verify(
    source: Source, key: VerifierKey, progress: Callable[[int, int], None] | None = None, *, live: bool = False
) -> Report:
    """Verify a log. `live`: it is being written to, so a wider tile may stand for a partial one, and newer be there."""
    return _Walk(source, key, progress or (lambda done, total: None), live).run()


LOOKS = 20
"""How often a log that is being written is looked at for a moment at which its files agree."""


class _Walk:
    def __init__(self, source: Source, key: VerifierKey, progress: Callable[[int, int], None], live: bool) -> None:
        self._live = live
        self._reached = 0
        self._source = source
        self._key = key
        self._progress = progress
        self._edge = Frontier()
        self._levels: list[list[bytes]] = [[]]
        self._signed = 0
        self._total = 0
        self._awaited: list[tuple[str, Checkpoint]] = []
        self.report = Report(origin=key.name)

    def run(self) -> Report:
        notes, segments = self._look()
        checkpoint, mark = (self._note(path, data) for path, data in zip((CHECKPOINT, MARK), notes, strict=True))
        known = checkpoint or mark
        if known is None:
            return self.report
        self._signed = self.report.signed = known.size
        self.report.root = known.root
        tail = self._tail(segments)
        self._total = self._signed + len(tail)
        self.report.waiting = len(tail)
        self._awaited = [(name, note) for name, note in ((CHECKPOINT, checkpoint), (MARK, mark)) if note is not None]
        if checkpoint is not None and mark is not None and mark.size < checkpoint.size:
            self._damage(MARK, f"it was made for {mark.size} records, the checkpoint for {checkpoint.size}")
        if self._records(tail):
            self._compare_awaited()
            for level, hashes in enumerate(self._levels):
                if hashes:
                    self._check_tile(level, (self._total >> HEIGHT * level) // WIDTH, hashes)
            for name, note in self._awaited:
                self._damage(name, f"it was signed for {note.size} records and only {self._total} are there")
        self._strangers()
        return self.report

    def _damage(self, file: str, because: str, entry: int | None = None, offset: int | None = None) -> None:
        self.report.damages.append(Damage(file, because, entry, offset))

    def _look(self) -> tuple[tuple[bytes | None, bytes | None], Sequence[tuple[str, bytes]]]:
        """What was signed last, and the segments as they were at that time."""
        for _ in range(LOOKS if self._live else 1):
            checkpoint, segments = self._source.read(CHECKPOINT), self._source.segments()
            mark = self._source.read(MARK)
            if mark == checkpoint == self._source.read(CHECKPOINT):
                break
        return (checkpoint, mark), segments

    def _note(self, path: str, data: bytes | None) -> Checkpoint | None:
        if data is None:
            self._damage(path, "the file is missing")
            return None
        try:
            checkpoint = open_checkpoint(data, [self._key], self._key.name)
        except NoteRefused as error:
            self._damage(path, error.message)
            return None
        if data.count(b"\n") != checkpoint.text.count("\n") + 2:
            self._damage(path, "somebody added to it")
        return checkpoint

    # The waiting records

    def _tail(self, segments: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """The records in segments that are not signed yet."""
        tail: list[bytes] = []
        expected: int | None = None
        for path, data in segments:
            last = path == segments[-1][0]
            try:
                expected = self._segment(path, data, expected, tail, last)
            except Broken as error:
                self._damage(path, error.because, self._reached, error.offset)
                break
        return tail

    def _segment(self, path: str, data: bytes, expected: int | None, tail: list[bytes], last: bool) -> int:
        header = decode_header(data)
        if path.rpartition("/")[2] != f"{header.number:012}.log":
            raise Broken(0, f"this is segment {header.number} under another's name")
        if header.first > self._signed if expected is None else header.first != expected:
            raise Broken(0, f"it begins with record {header.first}, so records are missing before it")
        index, start = header.first, HEADER_SIZE
        while True:
            self._reached = index
            frame = read_frame(data, start)
            if isinstance(frame, Ending):
                if frame.how is End.TORN:
                    ends = "the gate cuts it off when it starts" if last else "a later segment was begun nevertheless"
                    self._damage(
                        path, f"an unfinished write, or what was cut off of a finished one; {ends}", index, start
                    )
                return index
            if frame.first != index:
                raise Broken(start, f"record {frame.first} follows where {index} should")
            entries = frame.entries()
            skipped = min(max(self._signed + len(tail) - index, 0), len(entries))
            tail += entries[skipped:]
            index += len(entries)
            start = frame.end

    # The tree

    def _records(self, tail: list[bytes]) -> bool:
        """Walk all records; False when it was not possible to go on."""
        for number in range((self._total + WIDTH - 1) // WIDTH):
            first = number * WIDTH
            signed = widest(ENTRIES, number, self._signed)
            waiting = tail[max(0, first - self._signed) : max(0, first + WIDTH - self._signed)]
            hashes = self._bundle(number, signed, waiting) if signed else [leaf_hash(entry) for entry in waiting]
            if hashes is None:
                self._damage(Tile(ENTRIES, number).path, "nothing after this could be verified", first)
                return False
            if not signed:
                self._check_files(Tile(ENTRIES, number), encode_bundle(waiting), 0, _entry_ends(waiting))
            self._grow(hashes)
            self._progress(min(first + WIDTH, self._total), self._total)
        return True

    def _bundle(self, number: int, signed: int, waiting: list[bytes]) -> list[bytes] | None:
        """The leaf hashes of a bundle that has signed records, out of whichever of its two files is right."""
        bundle = self._widest_file(Tile(ENTRIES, number, signed))
        tile = self._widest_file(Tile(0, number, signed))
        entries = self._entries(number, signed, bundle)
        hashes = (
            split_hashes(tile[: signed * HASH_SIZE]) if tile is not None and len(tile) >= signed * HASH_SIZE else None
        )
        if entries is None:
            return None if hashes is None else hashes + [leaf_hash(entry) for entry in waiting]
        computed = [leaf_hash(entry) for entry in entries]
        if hashes is not None and hashes != computed and self._proved(number, signed, hashes, computed):
            for at, (stored, made) in enumerate(zip(hashes, computed, strict=True)):
                if stored != made:
                    path = Tile(ENTRIES, number, signed).path
                    self._damage(path, "it is not the record that was signed", number * WIDTH + at)
            computed = hashes
        elif bundle is not None:
            whole = encode_bundle([*entries, *waiting])
            self._check_files(Tile(ENTRIES, number), whole, signed, _entry_ends([*entries, *waiting]))
        return computed + [leaf_hash(entry) for entry in waiting]

    def _entries(self, number: int, signed: int, bundle: bytes | None) -> list[bytes] | None:
        """The signed records of a bundle; None, and said why, when they cannot be read."""
        path = Tile(ENTRIES, number, signed).path
        if bundle is None:
            self._damage(path, "the file is missing", number * WIDTH)
            return None
        try:
            entries = split_bundle(bundle)
        except BundleBroken as error:
            self._damage(path, str(error), number * WIDTH + error.index)
            return None
        if len(entries) < signed:
            self._damage(path, f"it has {len(entries)} records instead of {signed}", number * WIDTH + len(entries))
            return None
        return entries[:signed]

    def _proved(self, number: int, signed: int, hashes: list[bytes], computed: list[bytes]) -> bool:
        """Whether the rest of the tree proves the stored hashes, and so the records wrong; if in doubt it is so."""
        parents = self._widest_file(Tile(1, number // WIDTH, widest(1, number // WIDTH, self._signed)))
        if signed == WIDTH and parents is not None:
            at = number % WIDTH * HASH_SIZE
            return tree_hash(computed) != parents[at : at + HASH_SIZE]
        edge = self._edge.copy()
        for one in computed:
            edge.append(one)
        return edge.root() != self.report.root

    def _grow(self, hashes: Sequence[bytes]) -> None:
        for name, note in list(self._awaited):
            if self._edge.size <= note.size < self._edge.size + len(hashes):
                self._compare(name, note, hashes[: note.size - self._edge.size])
        for one in hashes:
            self._edge.append(one)
        self._levels[0] = list(hashes)
        level = 0
        while len(self._levels[level]) == WIDTH:
            self._check_tile(level, (self._edge.size >> HEIGHT * (level + 1)) - 1, self._levels[level])
            parent = tree_hash(self._levels[level])
            self._levels[level] = []
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(parent)

    def _compare_awaited(self) -> None:
        for name, note in list(self._awaited):
            if note.size == self._edge.size:
                self._compare(name, note, ())

    def _compare(self, name: str, note: Checkpoint, rest: Sequence[bytes]) -> None:
        edge = self._edge.copy()
        for one in rest:
            edge.append(one)
        self._awaited.remove((name, note))
        if edge.root() != note.root:
            self._damage(name, f"the first {note.size} records do not have the root that was signed")

    def _check_tile(self, level: int, index: int, hashes: Sequence[bytes]) -> None:
        ends = [HASH_SIZE * (at + 1) for at in range(len(hashes))]
        self._check_files(Tile(level, index), b"".join(hashes), widest(level, index, self._signed), ends)

    # Files

    def _widest_file(self, tile: Tile) -> bytes | None:
        """The file of the signed width; failing that, of any greater one."""
        for width in sorted(width for width in self._source.widths(tile) if width >= tile.width > 0):
            return self._source.read(Tile(tile.level, tile.index, width).path)
        return None

    def _check_files(self, tile: Tile, content: bytes, signed: int, ends: Sequence[int]) -> None:
        """Compare every file of a tile, of whichever width, with what it must hold. The signed one must be there."""
        widths = self._source.widths(tile)
        if signed and signed not in widths and not (self._live and any(width > signed for width in widths)):
            self._damage(Tile(tile.level, tile.index, signed).path, "the file is missing")
        for width in widths:
            path = Tile(tile.level, tile.index, width).path
            if width > len(ends):
                if self._live:
                    continue
                self._damage(path, f"it is for {width} {_held(tile)}, and there are {len(ends)}")
                continue
            stored, wanted = self._source.read(path), content[: ends[width - 1]]
            if stored is not None and stored != wanted:
                self._differs(tile, path, stored, wanted, ends)

    def _differs(self, tile: Tile, path: str, stored: bytes, wanted: bytes, ends: Sequence[int]) -> None:
        pairs = enumerate(zip(stored, wanted, strict=False))
        offset = next((at for at, (one, other) in pairs if one != other), min(len(stored), len(wanted)))
        within = next((at for at, end in enumerate(ends) if offset < end), len(ends))
        if tile.level == ENTRIES:
            because = "it is not the record that was signed"
        else:
            because = f"hash {within} is not that of the records below it"
        self._damage(path, because, (tile.index * WIDTH + within) << HEIGHT * max(tile.level, 0), offset)

    def _strangers(self) -> None:
        for path in self._source.tile_files():
            tile = parse_path(path)
            if tile is None or (not self._live and tile.width > widest(tile.level, tile.index, self._total)):
                self._damage(path, "this file does not belong to the log")


def _held(tile: Tile) -> str:
    return "records" if tile.level == ENTRIES else "hashes"


def _entry_ends(entries: Sequence[bytes]) -> list[int]:
    ends: list[int] = []
    position = 0
    for entry in entries:
        position += 2 + len(entry)
        ends.append(position)
    return ends

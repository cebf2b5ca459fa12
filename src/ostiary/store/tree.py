"""The tree on disk: turns committed records into tiles and signs checkpoints over them.

Nothing is signed that does not continue what was signed before: the mark beside the key is durable before a checkpoint
is published, and a tree that does not reach it, or reaches it with another root, is refused.
"""

import shutil
from hashlib import sha256
from pathlib import Path

from ostiary.audit.checkpoint import Checkpoint, open_checkpoint
from ostiary.audit.merkle import EMPTY_ROOT, HASH_SIZE, Frontier, leaf_hash, tree_hash
from ostiary.audit.notes import NoteRefused, SignerKey
from ostiary.audit.tiles import (
    CHECKPOINT,
    ENTRIES,
    HEIGHT,
    WIDTH,
    BundleBroken,
    Tile,
    partial_tiles,
    split_bundle,
    split_hashes,
)
from ostiary.model.errors import LogUnavailable
from ostiary.store.files import TEMPORARY, Files
from ostiary.store.keys import MARK

STEP = 128
"""Records added at once: about 0.3 ms."""


class Tree:
    """The right edge in memory, everything left of it in files."""

    def __init__(self, state: Path, files: Files, signer: SignerKey) -> None:
        self._state = state
        self._files = files
        self._signer = signer
        self._bundle: list[bytes] = []
        self._levels: list[list[bytes]] = [[]]
        self._unwritten: dict[Path, bytes] = {}
        self._filled: list[Tile] = []
        self._kept: set[Path] = set()
        self._mark: Checkpoint | None = None
        self.size = 0
        self.published = 0

    def load(self) -> None:
        """Go on where the last checkpoint stands.

        Raises:
            LogUnavailable: what is there cannot be continued; names the file.
        """
        self._mark = self._read(self._state / MARK)
        checkpoint = self._read(self._state / CHECKPOINT)
        if checkpoint is None:
            self._load_nothing()
            return
        if self._mark is None:
            raise LogUnavailable(f"{self._state / MARK} is missing: what was signed last is not known")
        if self._mark.size < checkpoint.size or (
            self._mark.size == checkpoint.size and self._mark.root != checkpoint.root
        ):
            raise LogUnavailable(f"{self._state / CHECKPOINT} is not what {self._state / MARK} says was signed last")
        self._load_edge(checkpoint)

    def require_mark(self) -> None:
        """Refuse when the tree is shorter than what was signed.

        Raises:
            LogUnavailable: records are missing.
        """
        if self._mark is not None and self.size < self._mark.size:
            raise LogUnavailable(
                f"the log in {self._state} was signed with {self._mark.size} records and only {self.size} are left",
                hint="the folder was cut short or put back to an earlier state; restore a newer copy",
            )

    def add(self, records: bytes, position: int = 0) -> int:
        """Append some of the records of a bundle, in memory only, and return where the next one begins.

        Only `STEP` of them, so that other threads get their turn in between. They are not signed before `publish`.

        Raises:
            LogUnavailable: these are not the records that were signed.
        """
        ahead = self._mark.size - self.size if self._mark else 0
        position = self._append(records, position, min(STEP, ahead) if ahead > 0 else STEP)
        if self._mark is not None and ahead > 0 and self.size == self._mark.size and self.root() != self._mark.root:
            raise LogUnavailable(
                f"the first {self.size} records are not those that {self._state / MARK} was signed for"
            )
        return position

    def add_all(self, records: bytes) -> None:
        """Append all records of a bundle."""
        position = 0
        while position < len(records):
            position = self.add(records, position)

    def root(self) -> bytes:
        """The root over everything added."""
        edge = Frontier()
        for level in range(len(self._levels) - 1, -1, -1):
            for one in self._levels[level]:
                edge.append(one, HEIGHT * level)
        return edge.root()

    def write_tiles(self) -> None:
        """Write the tiles that became full, so that they are not all in memory.

        Raises:
            OSError: not all of them are written; it can be tried again.
        """
        if self._unwritten:
            self._files.put(self._unwritten)
            self._unwritten = {}

    def publish(self) -> None:
        """Make everything added durable as tiles, then sign it.

        Raises:
            OSError: nothing was signed; it can be tried again.
        """
        kept = set()
        for tile in partial_tiles(self.size):
            path = self._state / tile.path
            kept.add(path)
            self._unwritten[path] = b"".join(self._bundle if tile.level == ENTRIES else self._levels[tile.level])
        self.write_tiles()
        checkpoint = Checkpoint(self._signer.name, self.size, self.root())
        note = checkpoint.signed([self._signer])
        self._files.put({self._state / MARK: note})
        self._mark = checkpoint
        self._files.put({self._state / CHECKPOINT: note})
        self.published = self.size
        self._remove_superseded(kept)

    def remove_leftovers(self) -> None:
        """Remove what a crash left at the right edge."""
        for tile in partial_tiles(self.size):
            path = self._state / tile.path
            folder = path.parent.parent
            for one in folder.glob("*.p") if folder.is_dir() else ():
                if one != path.parent and one.name < path.parent.name:
                    shutil.rmtree(one, ignore_errors=True)
            for one in folder.rglob(f"*{TEMPORARY}") if folder.is_dir() else ():
                one.unlink(missing_ok=True)

    def _append(self, records: bytes, position: int, limit: int) -> int:
        hashes = self._levels[0]
        first, end = position, len(records)
        for _ in range(min(limit, WIDTH - len(hashes))):
            if position >= end:
                break
            start = position + 2
            position = start + (records[start - 2] << 8 | records[start - 1])
            if position > end:
                raise BundleBroken(len(hashes))
            # Written out: a call for each record is a third of what integration costs.
            hashes.append(sha256(b"\x00" + records[start:position]).digest())
            self.size += 1
        self._bundle.append(records[first:position])
        if len(hashes) == WIDTH:
            self._put(Tile(ENTRIES, self.size // WIDTH - 1), b"".join(self._bundle))
            self._bundle = []
            self._carry()
        return position

    def _carry(self) -> None:
        level = 0
        while len(self._levels[level]) == WIDTH:
            hashes = self._levels[level]
            self._put(Tile(level, (self.size >> HEIGHT * (level + 1)) - 1), b"".join(hashes))
            self._levels[level] = []
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(tree_hash(hashes))

    def _put(self, tile: Tile, content: bytes) -> None:
        self._unwritten[self._state / tile.path] = content
        self._filled.append(tile)

    def _remove_superseded(self, kept: set[Path]) -> None:
        """Partial tiles stay until the full one is there, or two checkpoints later: a reader may hold the last one."""
        for tile in self._filled:
            path = self._state / tile.path
            shutil.rmtree(path.with_name(path.name + ".p"), ignore_errors=True)
        self._filled = []
        for path in kept:
            for one in path.parent.iterdir():
                if one not in kept and one not in self._kept:
                    one.unlink(missing_ok=True)
        self._kept = kept

    def _read(self, path: Path) -> Checkpoint | None:
        try:
            return open_checkpoint(path.read_bytes(), [self._signer.verifier], self._signer.name)
        except FileNotFoundError:
            return None
        except NoteRefused as error:
            raise LogUnavailable(f"{path}: {error.message}", hint="run: ostiary audit verify") from error

    def _load_nothing(self) -> None:
        if (self._state / "tile").exists() or (self._mark is not None and self._mark.size):
            raise LogUnavailable(f"{self._state / CHECKPOINT} is missing, but there is a log", hint="restore the file")
        self._mark = None

    def _load_edge(self, checkpoint: Checkpoint) -> None:
        levels: list[list[bytes]] = []
        for level in range(max(1, (max(checkpoint.size, 1).bit_length() + HEIGHT - 1) // HEIGHT)):
            held = checkpoint.size >> HEIGHT * level
            tile = Tile(level, held // WIDTH, held % WIDTH)
            levels.append(split_hashes(self._stored(tile, HASH_SIZE * tile.width)) if tile.width else [])
        self._levels = levels
        self.size = self.published = checkpoint.size
        if self.size % WIDTH:
            tile = Tile(ENTRIES, self.size // WIDTH, self.size % WIDTH)
            self._bundle = [self._stored(tile, None)]
            try:
                entries = split_bundle(self._bundle[0])
            except BundleBroken as error:
                raise LogUnavailable(f"{self._state / tile.path}: {error}") from error
            if [leaf_hash(entry) for entry in entries] != levels[0]:
                raise LogUnavailable(f"{self._state / tile.path} does not hold the records that were signed")
        if self.root() != (checkpoint.root if self.size else EMPTY_ROOT):
            raise LogUnavailable(
                f"the tiles in {self._state} do not have the root that was signed", hint="run: ostiary audit verify"
            )
        self._kept = {self._state / tile.path for tile in partial_tiles(self.size)}

    def _stored(self, tile: Tile, length: int | None) -> bytes:
        path = self._state / tile.path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise LogUnavailable(f"{path} cannot be read: {error}") from error
        if length is not None and len(content) != length:
            raise LogUnavailable(f"{path} has {len(content)} bytes instead of {length}")
        return content

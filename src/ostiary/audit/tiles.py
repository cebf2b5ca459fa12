"""Where the tree lies in files: the layout of C2SP tlog-tiles.

A path names one tile of one width and nothing else: what does not parse back to itself is not a tile.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ostiary.audit.merkle import HASH_SIZE, NodeReader, tree_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes in a full tile, and entries in a full bundle (tlog-tiles, "Merkle Tree")."""

MAX_ENTRY = 0xFFFF
"""An entry's length is a uint16 (tlog-tiles, "Log entries")."""

ENTRIES = -1
"""The level that stands for entry bundles."""

CHECKPOINT = "checkpoint"
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
_MAX_LEVEL = 63


class BundleBroken(ValueError):
    """The bytes are not a sequence of length-prefixed entries. `index` is the first entry that does not read."""

    def __init__(self, index: int) -> None:
        super().__init__(f"entry {index} of the bundle does not end where its length says")
        self.index = index


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile of hashes at `level`, or with level `ENTRIES` a bundle of entries."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below the log's folder."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{partial}"


def _index_path(index: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))


def parse_path(path: str) -> Tile | None:
    """The tile that a path names, or None when it names none."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = ENTRIES if match[1] == "entries" else int(match[1])
    tile = Tile(level, int(re.sub("[x/]", "", match[2])), int(match[3]) if match[3] else WIDTH)
    # Leading zero groups and widths past 255 are other spellings of something else.
    return tile if tile.level <= _MAX_LEVEL and tile.path == path and tile.width <= WIDTH else None


def partial_tiles(size: int) -> Iterator[Tile]:
    """The partial tiles that a tree of `size` needs: none is empty."""
    if size % WIDTH:
        yield Tile(ENTRIES, size // WIDTH, size % WIDTH)
    level = 0
    while size:
        if size % WIDTH:
            yield Tile(level, size // WIDTH, size % WIDTH)
        size //= WIDTH
        level += 1


def widest(level: int, index: int, size: int) -> int:
    """How many hashes (or entries) of this tile a tree of `size` has: 0 to 256."""
    held = size >> HEIGHT * max(level, 0)
    return max(0, min(WIDTH, held - index * WIDTH))


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each with its length in two bytes before it."""
    return b"".join([part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry)])


def split_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle, or `BundleBroken`."""
    entries: list[bytes] = []
    position, end = 0, len(data)
    while position < end:
        start = position + 2
        position = start + (data[start - 2] << 8 | data[start - 1]) if start <= end else end + 1
        if position > end:
            raise BundleBroken(len(entries))
        entries.append(data[start:position])
    return entries


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile; the caller has checked the length."""
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def node_reader(read: Callable[[int, int], bytes]) -> NodeReader:
    """Any perfect subtree's root, out of tiles: `read(level, index)` gives the widest known form of a tile."""

    def node(height: int, index: int) -> bytes:
        level, within = divmod(height, HEIGHT)
        first = index << within
        start = first % WIDTH * HASH_SIZE
        hashes = split_hashes(read(level, first // WIDTH)[start : start + (HASH_SIZE << within)])
        if len(hashes) != 1 << within:
            raise ValueError(f"{Tile(level, first // WIDTH).path} is too short for what is asked of it")
        return tree_hash(hashes)

    return node

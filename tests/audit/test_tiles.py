"""Paths and bundles, by the vectors of the specification and of Tessera."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ostiary.audit.merkle import inclusion_proof, leaf_hash, tree_hash, verify_inclusion
from ostiary.audit.tiles import (
    ENTRIES,
    WIDTH,
    BundleBroken,
    Tile,
    encode_bundle,
    node_reader,
    parse_path,
    partial_tiles,
    split_bundle,
    widest,
)

PATHS = {
    "tile/entries/000.p/8": Tile(ENTRIES, 0, 8),
    "tile/entries/000": Tile(ENTRIES, 0),
    "tile/entries/001.p/1": Tile(ENTRIES, 1, 1),
    "tile/entries/x001/x234/067": Tile(ENTRIES, 1234067),
    "tile/15/x455/667": Tile(15, 455667),
    "tile/15/x123/x456/789.p/41": Tile(15, 123456789, 41),
    "tile/0/000": Tile(0, 0),
    "tile/63/x001/000": Tile(63, 1000),
}


@pytest.mark.parametrize("path", PATHS)
def test_paths_of_the_specification(path: str) -> None:
    assert PATHS[path].path == path
    assert parse_path(path) == PATHS[path]


@pytest.mark.parametrize(
    "path",
    ["tile/0/0", "tile/00/000", "tile/0/x000/001", "tile/64/000", "tile/0/000.p/0", "tile/0/000.p/256",
     "tile/0/000.p/01", "tile/8/0/000", "tile/entries/x001", "tile/0/001/002", "tile/0/000.p/", "tile/0/000\n",
     "tile/0/٠٠٠", "checkpoint"],
)  # fmt: skip
def test_other_paths_are_no_tiles(path: str) -> None:
    assert parse_path(path) is None


@given(some.integers(-1, 63), some.integers(0, 10**12), some.integers(1, WIDTH))
def test_every_tile_reads_back(level: int, index: int, width: int) -> None:
    assert parse_path(Tile(level, index, width).path) == Tile(level, index, width)


def test_partial_tiles_of_seventy_thousand_entries() -> None:
    assert {tile.path for tile in partial_tiles(70_000)} == {
        "tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1",
    }  # fmt: skip
    assert list(partial_tiles(0)) == []
    assert [tile.path for tile in partial_tiles(256)] == ["tile/1/000.p/1"]


def test_widths_of_a_tree() -> None:
    assert [widest(level, 0, 70_000) for level in (ENTRIES, 0, 1, 2, 3)] == [256, 256, 256, 1, 0]
    assert (widest(0, 273, 70_000), widest(0, 274, 70_000)) == (112, 0)


def test_the_bundle_of_the_specification() -> None:
    entries = [b"", b"\x00", b"\x10", b"\x20\x21"]
    assert encode_bundle(entries).hex() == "000000010000011000022021"
    assert split_bundle(bytes.fromhex("000000010000011000022021")) == entries


@given(some.lists(some.binary(max_size=300), max_size=20))
def test_every_bundle_reads_back(entries: list[bytes]) -> None:
    assert split_bundle(encode_bundle(entries)) == entries


@pytest.mark.parametrize(("data", "index"), [(b"\0", 0), (b"\0\x01", 0), (b"\0\x01a\0", 1), (b"\0\x01a\0\x02b", 1)])
def test_a_cut_bundle_says_which_entry(data: bytes, index: int) -> None:
    with pytest.raises(BundleBroken) as raised:
        split_bundle(data)
    assert raised.value.index == index


def test_proofs_come_out_of_tiles() -> None:
    size = 66_000
    rows = [[leaf_hash(b"%d" % index) for index in range(size)]]
    while len(rows[-1]) >= WIDTH:
        below = rows[-1]
        rows.append([tree_hash(below[at : at + WIDTH]) for at in range(0, len(below) - WIDTH + 1, WIDTH)])
    node = node_reader(lambda level, index: b"".join(rows[level][index * WIDTH : (index + 1) * WIDTH]))
    root = tree_hash(rows[0])
    for index in (0, 255, 256, 65_535, 65_536, size - 1):
        assert verify_inclusion(index, size, rows[0][index], inclusion_proof(index, size, node), root)
    with pytest.raises(ValueError, match="too short"):
        node(3, size // 8)

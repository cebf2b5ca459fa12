"""The tree's hashes and proofs: by the published vectors, for every small tree, and against every wrong proof."""

import base64
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ostiary.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_root,
    tree_hash,
    verify_consistency,
    verify_inclusion,
)

# transparency-dev/merkle, testonly/constants.go (Apache-2.0): the leaves and roots of Certificate Transparency.
LEAVES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    bytes.fromhex(one)
    for one in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
# golang.org/x/mod, sumdb/tlog: the roots over the leaves "leaf 0", "leaf 1" …
GO_ROOTS = {
    1: "G7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU=",
    2: "/F9riP+FVPdbsvnm85wxsZNtRLaSdu33sSBalVuXYeM=",
    3: "1Pksj7uJcg6ztVZ3x9fvrd/rENEaGoSguo8aIzN/qpU=",
    7: "WmH8K1T5z6cXdPJDIUPdQMbLKxGUf69lp9PaXLZRmcg=",
    100: "E/iJFcVg3JEaHaD7IJ2EoglxBR8pTr60KPs/wpOvJ0M=",
}
SIZES = range(1, 34)


def leaf(index: int) -> bytes:
    return leaf_hash(b"leaf %d" % index)


@cache
def node(height: int, index: int) -> bytes:
    return leaf(index) if height == 0 else node_hash(node(height - 1, 2 * index), node(height - 1, 2 * index + 1))


def root(size: int) -> bytes:
    return tree_hash([leaf(index) for index in range(size)])


def test_leaf_hash_is_that_of_go() -> None:
    assert base64.b64encode(leaf_hash(b"hello world")).decode() == "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0="


@pytest.mark.parametrize("size", range(9))
def test_roots_of_certificate_transparency(size: int) -> None:
    frontier = Frontier()
    for entry in LEAVES[:size]:
        frontier.append(leaf_hash(entry))
    assert frontier.root() == ROOTS[size]
    assert tree_hash([leaf_hash(entry) for entry in LEAVES[:size]]) == ROOTS[size]
    assert frontier.copy().root() == ROOTS[size]


@pytest.mark.parametrize("size", GO_ROOTS)
def test_roots_of_go(size: int) -> None:
    assert base64.b64encode(root(size)).decode() == GO_ROOTS[size]
    assert range_root(0, size, node) == root(size)


def test_the_inclusion_path_of_the_worked_example() -> None:
    hashes = [leaf_hash(entry) for entry in LEAVES]
    proof = inclusion_proof(5, 8, lambda height, index: tree_hash(hashes[index << height : (index + 1) << height]))
    assert [base64.b64encode(one).decode() for one in proof] == [
        "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
        "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
    ]
    assert verify_inclusion(5, 8, hashes[5], proof, ROOTS[8])


@pytest.mark.parametrize("size", SIZES)
def test_every_inclusion_is_proved_and_nothing_else_is(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(index, size, node)
        assert verify_inclusion(index, size, leaf(index), proof, root(size))
        wrong = (index + 1) % (size + 1)
        assert not verify_inclusion(index, size, leaf(size), proof, root(size))
        assert not verify_inclusion(index, size, leaf(index), proof, root(size + 1))
        assert not verify_inclusion(wrong, size, leaf(index), proof, root(size))
        assert not verify_inclusion(index, size, leaf(index), [*proof, leaf(0)], root(size))
        assert not verify_inclusion(index, size, leaf(index), [leaf(size), *proof], root(size))
        assert not verify_inclusion(index, size, leaf(index), [b"", *proof], root(size))
        for at in range(len(proof)):
            assert not verify_inclusion(index, size, leaf(index), proof[:at] + proof[at + 1 :], root(size))
            assert not verify_inclusion(index, size, leaf(index), _changed(proof, at), root(size))
    assert not verify_inclusion(size, size, leaf(size), [], root(size))
    assert not verify_inclusion(-1, size, leaf(0), [], root(size))
    with pytest.raises(ValueError, match="no entry"):
        inclusion_proof(size, size, node)


@pytest.mark.parametrize("new", SIZES)
def test_every_continuation_is_proved_and_nothing_else_is(new: int) -> None:
    for old in range(new + 1):
        proof = consistency_proof(old, new, node)
        before, after = (root(old) if old else EMPTY_ROOT), root(new)
        assert verify_consistency(old, new, before, after, proof)
        assert not verify_consistency(old, new, leaf(99), after, proof)
        assert not verify_consistency(old, new, before, after, [*proof, leaf(0)])
        if old:
            assert not verify_consistency(old, new, before, leaf(99), proof)
            assert not verify_consistency(new, old, after, before, proof) or new == old
        for at in range(len(proof)):
            assert not verify_consistency(old, new, before, after, proof[:at] + proof[at + 1 :])
            assert not verify_consistency(old, new, before, after, _changed(proof, at))
    with pytest.raises(ValueError, match="does not continue"):
        consistency_proof(new + 1, new, node)


def _changed(proof: list[bytes], at: int) -> list[bytes]:
    return [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]


@given(some.lists(some.sampled_from([0, 0, 0, 1, 2, 3]), max_size=60))
def test_subtrees_and_leaves_give_the_same_edge(heights: list[int]) -> None:
    frontier = Frontier()
    for height in heights:
        if frontier.size % (1 << height):
            with pytest.raises(ValueError, match="does not fit"):
                frontier.append(leaf(0), height)
        else:
            frontier.append(node(height, frontier.size >> height), height)
    assert frontier.root() == (root(frontier.size) if frontier.size else EMPTY_ROOT)

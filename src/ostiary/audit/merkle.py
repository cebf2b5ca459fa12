"""The Merkle tree of RFC 6962, section 2.1: hashes, the growing right edge, proofs and their verification.

A hash is only ever made by `leaf_hash` or `node_hash`: the two prefixes keep a leaf from being taken for a node.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]
"""`node(height, index)`: the root of the perfect subtree over leaves ``index << height`` to the next one's first."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def tree_hash(hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes (or over the roots of equally high perfect subtrees)."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        # An odd last node moves up as it is: this gives the split at the largest power of two of the RFC's recursion.
        paired = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        if len(row) % 2:
            paired.append(row[-1])
        row = paired
    return row[0]


class Frontier:
    """The right edge of a growing tree: one perfect subtree for each set bit of the size, largest first."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, subtree: bytes, height: int = 0) -> None:
        """Add a leaf hash, or the root of a perfect subtree of that height where one fits."""
        if self.size & ((1 << height) - 1):
            raise ValueError(f"a subtree of height {height} does not fit at size {self.size}")
        carry = self.size >> height
        peak = subtree
        while carry & 1:
            peak = node_hash(self._peaks.pop(), peak)
            carry >>= 1
        self._peaks.append(peak)
        self.size += 1 << height

    def root(self) -> bytes:
        """The root of everything appended so far."""
        return _folded(self._peaks) if self._peaks else EMPTY_ROOT

    def copy(self) -> "Frontier":
        """The same edge, to go on from twice."""
        other = Frontier()
        other.size = self.size
        other._peaks = self._peaks.copy()
        return other


def _folded(peaks: Sequence[bytes]) -> bytes:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def range_root(start: int, end: int, node: NodeReader) -> bytes:
    """The root over leaves `start` to `end`, where `start` is a multiple of the largest power of two in the range."""
    peaks: list[bytes] = []
    position = start
    for height in range((end - start).bit_length() - 1, -1, -1):
        if (end - start) >> height & 1:
            peaks.append(node(height, position >> height))
            position += 1 << height
    return _folded(peaks) if peaks else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962, section 2.1.1: the leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError(f"no entry {index} in a tree of {size}")
    low, high = 0, size
    siblings: list[tuple[int, int]] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            siblings.append((middle, high))
            high = middle
        else:
            siblings.append((low, middle))
            low = middle
    return [range_root(start, end, node) for start, end in reversed(siblings)]


def consistency_proof(old: int, new: int, node: NodeReader) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962, section 2.1.2. Empty when `old` is, or when both are equal."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not continue one of {old}")
    if old in (0, new):
        return []
    low, high = 0, new
    parts: list[tuple[int, int]] = []
    known = True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            parts.append((middle, high))
            high = middle
        else:
            parts.append((low, middle))
            low = middle
            known = False
    if not known:
        parts.append((low, high))
    return [range_root(start, end, node) for start, end in reversed(parts)]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that `leaf` is entry `index` of the tree of `size` with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or any(len(one) != HASH_SIZE for one in (leaf, root, *proof)):
        return False
    at, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            computed = node_hash(sibling, computed)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and computed == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `new` continues the one of `old` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new or any(len(one) != HASH_SIZE for one in (old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not proof:
        return False
    # A complete old tree is itself the first node of the path.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_computed = new_computed = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_computed = node_hash(sibling, old_computed)
            new_computed = node_hash(sibling, new_computed)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new_computed = node_hash(new_computed, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old_computed == old_root and new_computed == new_root

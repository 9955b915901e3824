"""The Merkle tree of RFC 6962 §2.1 over all sealed events: frontier, inclusion and consistency
proofs.

Pure functions of hashes; it must not know events, keys or the database. Leaves are numbered from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from engine.errors import HistoryBroken
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 + data); `data` is the hash of an event."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 + left + right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass
class Frontier:
    """All that is needed to go on growing a tree: its size and the roots of its perfect subtrees,
    largest first.

    HistoryBroken: the number of nodes is not the number of one-bits in the size.
    """

    size: int = 0
    nodes: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if (
            self.size < 0
            or self.size.bit_count() != len(self.nodes)
            or any(len(n) != HASH_BYTES for n in self.nodes)
        ):
            raise HistoryBroken(
                _("哈希树的前沿与其大小不符"), size=self.size, nodes=len(self.nodes)
            )

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash (32 bytes, from `leaf_hash`)."""
        if len(leaf) != HASH_BYTES:
            raise HistoryBroken(_("叶哈希须为 32 字节"))
        bits = self.size
        while bits & 1:
            leaf = node_hash(self.nodes.pop(), leaf)
            bits >>= 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree so far; SHA-256 of nothing for an empty tree."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root

    def to_bytes(self) -> bytes:
        """Size as 8 bytes, big-endian, then the nodes: at most 2 KB."""
        return self.size.to_bytes(8, "big") + b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """The frontier that `to_bytes` wrote. HistoryBroken: anything else."""
        nodes = [data[at : at + HASH_BYTES] for at in range(8, len(data), HASH_BYTES)]
        return cls(int.from_bytes(data[:8], "big"), nodes) if len(data) >= 8 else cls(-1)


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    return _levels(leaves)[-1][0] if leaves else EMPTY_ROOT


def inclusion_proof(leaves: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """The path from leaf `index` to the root of the first `size` leaves, lowest sibling first."""
    return inclusion_proofs(leaves, [index], size)[index]


def inclusion_proofs(
    leaves: Sequence[bytes], indexes: Iterable[int], size: int
) -> dict[int, list[bytes]]:
    """The paths of many leaves for one pass over the tree. HistoryBroken: an index or size outside
    the leaves.
    """
    wanted = list(indexes)
    if not 0 <= size <= len(leaves) or any(not 0 <= index < size for index in wanted):
        raise HistoryBroken(_("证明的叶序号或大小超出哈希树"), size=size, leaves=len(leaves))
    levels = _levels(leaves[:size]) if wanted else []
    return {index: _path(levels, index) for index in wanted}


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels, leaves first. A last node without a sibling moves up as it is, which gives the
    tree of RFC 6962.
    """
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
        levels.append(above + below[-1:] if len(below) % 2 else above)
    return levels


def _path(levels: list[list[bytes]], index: int) -> list[bytes]:
    path = []
    for height, level in enumerate(levels):
        sibling = (index >> height) ^ 1
        if sibling < len(level):
            path.append(level[sibling])
    return path


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], tree_root: bytes
) -> bool:
    """True if `leaf` stands at `index` in the tree of `size` leaves with that root (RFC 9162
    §2.1.3.2).
    """
    if not 0 <= index < size or any(len(node) != HASH_BYTES for node in path):
        return False
    last = size - 1
    for node in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            leaf = node_hash(node, leaf)
            while not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = node_hash(leaf, node)
        index, last = index >> 1, last >> 1
    return last == 0 and leaf == tree_root


def consistency_proof(leaves: Sequence[bytes], old: int, new: int) -> list[bytes]:
    """The proof that the first `old` leaves begin the first `new` (RFC 6962 §2.1.2); empty if old
    is 0 or equal to new.

    HistoryBroken: not 0 <= old <= new <= number of leaves.
    """
    if not 0 <= old <= new <= len(leaves):
        raise HistoryBroken(_("证明的大小超出哈希树"), old=old, new=new, leaves=len(leaves))
    return _subproof(leaves[:new], old, whole=True) if old else []


def _subproof(leaves: Sequence[bytes], old: int, *, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1  # the largest power of two below the size
    if old <= split:
        return [*_subproof(leaves[:split], old, whole=whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], old - split, whole=False), root(leaves[:split])]


def verify_consistency(
    old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """True if the tree (old, old_root) is the beginning of the tree (new, new_root) (RFC 9162
    §2.1.4.2).
    """
    if not 0 <= old <= new or any(len(node) != HASH_BYTES for node in path):
        return False
    if old in (0, new):
        return (
            not path
            and old_root == (EMPTY_ROOT if old == 0 else new_root)
            and (new > 0 or new_root == EMPTY_ROOT)
        )
    nodes = iter([old_root, *path] if old & (old - 1) == 0 else path)
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_seen = new_seen = next(nodes, b"")
    for node in nodes:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_seen, new_seen = node_hash(node, old_seen), node_hash(node, new_seen)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new_seen = node_hash(new_seen, node)
        first, last = first >> 1, last >> 1
    return last == 0 and old_seen == old_root and new_seen == new_root

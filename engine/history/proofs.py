"""The Merkle proofs of a pack, gathered in one pass over all leaves: memory grows with the pack,
not with the tree.

It knows leaves and numbers, not what the events say. The proofs themselves are those of `merkle`
(RFC 6962 §2.1).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import text

from engine.errors import HistoryBroken
from engine.history import merkle
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.db import Session

GAP = _("历史记录有缺失，不能出具证据；请先运行 yixing verify。")
Range = tuple[int, int]  # the leaves from the first number up to, not with, the second
_LEAVES = text("""
SELECT min(leaf_no) AS first, count(*) AS n, string_agg(hash, ''::bytea ORDER BY leaf_no) AS hashes
  FROM event WHERE leaf_no < :size GROUP BY leaf_no / 8192 ORDER BY 1
""")


def prove(session: Session, leaves: Iterable[int], sizes: Sequence[int]) -> dict[str, object]:
    """proofs.json of a pack: paths from the leaves to the last of the sizes, and from each size to
    the next.

    `sizes` grow; empty: no proofs. Raises HistoryBroken when leaves are missing.
    """
    if not sizes:
        return {"size": 0, "inclusion": {}, "consistency": []}
    inclusion = {index: inclusion_ranges(index, sizes[-1]) for index in leaves}
    steps = [(old, new) for old, new in pairwise(sizes) if 0 < old < new]
    consistency = {step: consistency_ranges(*step) for step in steps}
    spans = {span for ranges in (*inclusion.values(), *consistency.values()) for span in ranges}
    wanted = {part for span in spans for part in blocks(span)}
    found = _gather(_leaves(session, sizes[-1]), wanted)

    def path(ranges: list[Range]) -> list[str]:
        return [_root([found[part] for part in blocks(span)]).hex() for span in ranges]

    return {
        "size": sizes[-1],
        "inclusion": {str(index): path(ranges) for index, ranges in sorted(inclusion.items())},
        "consistency": [
            {"from": old, "to": new, "path": path(r)} for (old, new), r in consistency.items()
        ],
    }


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Which subtrees stand beside the way from a leaf up to the root, lowest first."""
    start, found = 0, list[Range]()
    while size - start > 1:
        half = start + (1 << (size - start - 1).bit_length() - 1)
        found.append((half, size) if index < half else (start, half))
        start, size = (start, half) if index < half else (half, size)
    return found[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Which subtrees show that the first `old` leaves begin the first `new`, lowest first; 0 < old
    < new.
    """
    start, whole, found = 0, True, list[Range]()
    while old < new:
        half = start + (1 << (new - start - 1).bit_length() - 1)
        if old <= half:
            found.append((half, new))
            new = half
        else:
            found.append((start, half))
            start, whole = half, False
    return found[::-1] if whole else [(start, new), *found[::-1]]


def blocks(span: Range) -> list[Range]:
    """The perfect subtrees that make up a range of leaves, largest first."""
    start, end = span
    found = []
    while start < end:
        step = 1 << (end - start).bit_length() - 1
        found.append((start, start + step))
        start += step
    return found


def _root(parts: list[bytes]) -> bytes:
    root = parts[-1]
    for part in reversed(parts[:-1]):
        root = merkle.node_hash(part, root)
    return root


def _leaves(session: Session, size: int) -> Iterator[bytes]:
    """The leaf hashes in order. Raises HistoryBroken at the first gap."""
    at = 0
    for row in session.execute(_LEAVES, {"size": size}):
        hashes = bytes(row.hashes)
        if row.first != at or len(hashes) != row.n * merkle.HASH_BYTES or row.n > 8192:
            raise HistoryBroken(GAP, leaf=at)
        for place in range(0, len(hashes), merkle.HASH_BYTES):
            yield merkle.leaf_hash(hashes[place : place + merkle.HASH_BYTES])
        at += row.n
    if at != size:
        raise HistoryBroken(GAP, leaf=at)


def _gather(leaves: Iterable[bytes], wanted: set[Range]) -> dict[Range, bytes]:
    """The hashes of the wanted perfect subtrees, while the tree grows leaf by leaf."""
    found: dict[Range, bytes] = {}
    open_: list[
        tuple[int, bytes]
    ] = []  # start and hash of the perfect subtrees that wait for a sibling
    for number, leaf in enumerate(leaves):
        start, node, end = number, leaf, number + 1
        if (start, end) in wanted:
            found[start, end] = node
        bits = number
        while bits & 1:
            start, left = open_.pop()
            node = merkle.node_hash(left, node)
            if (start, end) in wanted:
                found[start, end] = node
            bits >>= 1
        open_.append((start, node))
    return found

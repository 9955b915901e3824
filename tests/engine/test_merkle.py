"""The tree against the published vectors of RFC 6962 and, for any size, against the RFC's own recursive definition."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import HistoryBroken
from engine.history import verify_pack
from engine.history.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    inclusion_proofs,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# Inputs, roots and paths of the certificate-transparency reference implementation.
INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
LEAVES = [leaf_hash(bytes.fromhex(data)) for data in INPUTS]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N01 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
N4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

sizes = st.integers(min_value=1, max_value=130)


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def included_by_the_pack(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], tree: bytes
) -> bool:
    return verify_pack.included(leaf, index, size, list(path), tree.hex())


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(defined_root(leaves[:half]), defined_root(leaves[half:]))


def grown(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier


def test_the_roots_are_those_of_the_reference() -> None:
    assert Frontier().root() == root([]) == EMPTY_ROOT == sha256(b"").digest()
    for size, expected in enumerate(ROOTS, 1):
        assert grown(LEAVES[:size]).root().hex() == root(LEAVES[:size]).hex() == expected


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, [N01, N23, N47]),
        (5, 8, [N4, N67, ROOTS[3]]),
        (2, 3, [ROOTS[1]]),
        (1, 5, [ROOTS[0], N23, N4]),
    ],
)
def test_inclusion_paths_are_those_of_the_reference(index: int, size: int, path: list[str]) -> None:
    assert [node.hex() for node in inclusion_proof(LEAVES, index, size)] == path


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [(1, 1, []), (1, 8, [N01, N23, N47]), (6, 8, [N45, N67, ROOTS[3]]), (2, 5, [N23, N4])],
)
def test_consistency_paths_are_those_of_the_reference(old: int, new: int, path: list[str]) -> None:
    assert [node.hex() for node in consistency_proof(LEAVES, old, new)] == path


@given(sizes)
def test_frontier_and_levels_give_the_defined_root(size: int) -> None:
    leaves = leaves_of(size)
    frontier = grown(leaves)
    assert frontier.root() == root(leaves) == defined_root(leaves)
    assert Frontier.from_bytes(frontier.to_bytes()) == frontier


@given(sizes, st.data())
def test_a_frontier_goes_on_from_its_bytes(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    stopped = data.draw(st.integers(0, size))
    frontier = Frontier.from_bytes(grown(leaves[:stopped]).to_bytes())
    for leaf in leaves[stopped:]:
        frontier.append(leaf)
    assert frontier.root() == root(leaves)


@given(sizes, st.data())
def test_inclusion_holds_for_this_leaf_place_size_and_path_only(
    size: int, data: st.DataObject
) -> None:
    leaves = leaves_of(size + 3)
    index = data.draw(st.integers(0, size - 1))
    path, tree = inclusion_proof(leaves, index, size), root(leaves[:size])
    for check in (verify_inclusion, included_by_the_pack):
        assert check(leaves[index], index, size, path, tree)
        assert not check(leaves[index + 1], index, size, path, tree)
        assert not any(
            check(leaves[index], other, size, path, tree)
            for other in range(-1, size + 2)
            if other != index
        )
        assert not check(leaves[index], index, size, [*path, tree], tree)
        assert not check(leaves[index], index, size, path, root(leaves))
        for place in range(len(path)):
            assert not check(leaves[index], index, size, path[:place] + path[place + 1 :], tree)
            assert not check(
                leaves[index], index, size, [*path[:place], bytes(32), *path[place + 1 :]], tree
            )


@given(sizes, st.data())
def test_consistency_holds_for_the_true_beginning_only(new: int, data: st.DataObject) -> None:
    leaves = leaves_of(new)
    old = data.draw(st.integers(1, new))
    path = consistency_proof(leaves, old, new)
    roots = root(leaves[:old]), root(leaves)
    for check in (verify_consistency, verify_pack.continues):
        assert check(old, new, path, *roots)
        assert not check(old, new, [*path, bytes(32)], *roots)
        assert not check(old, new, path, bytes(32), roots[1])
        assert not check(old, new, path, roots[0], bytes(32))
        for place in range(len(path)):
            assert not check(old, new, path[:place] + path[place + 1 :], *roots)
            assert not check(old, new, [*path[:place], bytes(32), *path[place + 1 :]], *roots)


@settings(max_examples=60)
@given(sizes, st.data())
def test_a_rewritten_beginning_has_no_proof(new: int, data: st.DataObject) -> None:
    leaves = leaves_of(new)
    old = data.draw(st.integers(1, new))
    rewritten = list(leaves)
    rewritten[data.draw(st.integers(0, old - 1))] = leaf_hash(b"forged")
    for path in (consistency_proof(leaves, old, new), consistency_proof(rewritten, old, new)):
        assert not verify_consistency(old, new, path, root(leaves[:old]), root(rewritten))


def test_from_an_empty_tree_anything_may_grow() -> None:
    assert consistency_proof(LEAVES, 0, 8) == []
    assert verify_consistency(0, 8, [], EMPTY_ROOT, root(LEAVES))
    assert verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    assert not verify_consistency(0, 0, [], EMPTY_ROOT, root(LEAVES))
    assert not verify_consistency(0, 8, [], root(LEAVES), root(LEAVES))
    assert not verify_consistency(0, 8, [bytes(32)], EMPTY_ROOT, root(LEAVES))
    assert not verify_consistency(8, 7, [], root(LEAVES), root(LEAVES))
    assert not verify_consistency(3, 8, [], root(LEAVES[:3]), root(LEAVES))


def test_many_paths_are_made_in_one_pass() -> None:
    leaves = leaves_of(77)
    assert inclusion_proofs(leaves, range(77), 77) == {
        i: inclusion_proof(leaves, i, 77) for i in range(77)
    }
    assert inclusion_proofs(leaves, [], 0) == {}


def test_a_path_of_odd_pieces_is_refused() -> None:
    path = inclusion_proof(LEAVES, 0, 8)
    assert not verify_inclusion(LEAVES[0], 0, 8, [path[0] + b"x", *path[1:]], root(LEAVES))
    assert not verify_consistency(6, 8, [b""], root(LEAVES[:6]), root(LEAVES))


def test_places_outside_the_tree_are_refused() -> None:
    for call in (
        lambda: inclusion_proof(LEAVES, 8, 8),
        lambda: inclusion_proof(LEAVES, -1, 8),
        lambda: inclusion_proof(LEAVES, 0, 9),
        lambda: consistency_proof(LEAVES, 5, 4),
        lambda: consistency_proof(LEAVES, 1, 9),
        lambda: Frontier().append(b"short"),
        lambda: Frontier(3, [bytes(32)]),
        lambda: Frontier(1, [bytes(31)]),
        lambda: Frontier.from_bytes(b""),
        lambda: Frontier.from_bytes(bytes(7) + b"\x01"),
        lambda: Frontier.from_bytes(bytes(7) + b"\x01" + bytes(33)),
    ):
        with pytest.raises(HistoryBroken):
            call()

"""Shamir's scheme: the shares of PyCryptodome's, byte for byte; any k of n give the secret, fewer give another one."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ballots import shamir

# (secret, its k-1 random coefficients in the order in which they were drawn, the shares at 1, 2, ...), all by
# PyCryptodome 4.4.0's Shamir.split with its random source replaced.
VECTORS = (
    ("fea1d7ff736554f405e621c36baddaad", (), ("fea1d7ff736554f405e621c36baddaad",)),
    (
        "85307c9da0b691f4d4adcac5427c4d65",
        ("88a0dd2da21b643aa09ab8386988e2dc",),
        ("0d90a1b002adf5ce743772fd2bf4afb9", "9471c6c6e48059819598bab5916d885a"),
    ),
    (
        "8bc3ee732607b27d922c45c39f4f3a33",
        ("e0ea30f97f41fa5c041f00dc1b7eca3d",),
        (
            "6b29de8a594648219633451f8431f00e",
            "4a178f81d88446c59a12447ba9b2aece",
            "aafdbf78a7c5bc999e0d44a7b2cc64f3",
        ),
    ),
    (
        "f731062f3392498b9432786ba2254f23",
        ("2d2bd447fe8b6da11d88871bc9e41677", "393100c88de66bf06837ba1c2214cda0"),
        (
            "e32bd2a040ff4fdae18d456c49d594f4",
            "31fc56a1d27328ef327f103cc19c8dbf",
            "25e6822ea11e2ebe47c02d3b2a6c5668",
            "c1484172ecbd3c5bec64e1a7b4371fdd",
            "d55295fd9fd03a0a99dbdca05fc7c40a",
        ),
    ),
    (
        "ef378586f5bbe70a31f648e09788ca03",
        (
            "53a430a43928e4f16d875426911cd44b",
            "0663673377c9e6e661a82afb3d887dc7",
            "02c1dab3ed92c63d467a5ea9aa389809",
            "96ff610fb9892cb8d845d4a455c868bb",
        ),
        (
            "2ece69adef410f98a3e6bc30c4ec933d",
            "c0961e8e1c23deab4da08ebe6974d3c5",
            "1424a00e366d606c9a408474b7218669",
            "a43ec262102e7ec8da1a68b51debfb0f",
            "1a7cc1b3a96d63a5d428983a6029895d",
            "21c5cc337c14f5c389cb5e3f8a9f8659",
            "8acc9d49f5e3befbc20950aa7a6cf899",
        ),
    ),
)


@pytest.mark.parametrize(("secret", "drawn", "shares"), VECTORS)
def test_the_shares_are_those_of_pycryptodome(
    secret: str, drawn: tuple[str, ...], shares: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = iter(drawn)
    monkeypatch.setattr(shamir.secrets, "token_bytes", lambda _size: bytes.fromhex(next(source)))
    made = shamir.split(bytes.fromhex(secret), len(drawn) + 1, len(shares))
    assert {place: share.hex() for place, share in made.items()} == dict(enumerate(shares, 1))
    for chosen in combinations(made.items(), len(drawn) + 1):
        assert shamir.combine(dict(chosen)).hex() == secret


NUMBERS = st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n)))


@settings(deadline=None, max_examples=15)
@given(NUMBERS, st.binary(min_size=16, max_size=16), st.randoms(use_true_random=False))
def test_any_k_of_n_give_the_secret_and_fewer_do_not(
    numbers: tuple[int, int], secret: bytes, chance: random.Random
) -> None:
    needed, number = numbers
    shares = shamir.split(secret, needed, number)
    assert list(shares) == list(range(1, number + 1))
    for size in range(needed, number + 1):
        assert shamir.combine(dict(chance.sample(sorted(shares.items()), size))) == secret
    if needed > 1:
        assert shamir.combine(dict(chance.sample(sorted(shares.items()), needed - 1))) != secret


def test_a_share_alone_may_belong_to_any_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    share = bytes(range(16))
    for secret in (bytes(16), b"\xff" * 16, b"the other secret"):
        drawn = bytes(a ^ b for a, b in zip(share, secret, strict=True))
        monkeypatch.setattr(shamir.secrets, "token_bytes", lambda _size, drawn=drawn: drawn)
        assert shamir.split(secret, 2, 2)[1] == share


@pytest.mark.parametrize(
    ("size", "needed", "number"), [(15, 1, 1), (17, 1, 1), (16, 0, 1), (16, 2, 1), (16, 1, 256)]
)
def test_what_cannot_be_split_is_refused(size: int, needed: int, number: int) -> None:
    with pytest.raises(ValueError):
        shamir.split(bytes(size), needed, number)


def test_the_most_shares_can_be_made_and_a_cut_one_is_refused() -> None:
    shares = shamir.split(b"0123456789abcdef", 2, 255)
    assert shamir.combine({1: shares[1], 255: shares[255]}) == b"0123456789abcdef"
    with pytest.raises(ValueError):
        shamir.combine({1: shares[1], 255: shares[255][:-1]})

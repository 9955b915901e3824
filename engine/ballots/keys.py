"""The key of a poll: made once, split among the tellers, put together again by enough of them. It
is never stored whole.

A teller's own key is derived from a passphrase by argon2id, so that neither is stored: only salt
and public half are. The poll's key comes from a seed of 16 bytes (X25519 has 126 bits of strength),
which Shamir's scheme over GF(2^128) splits; a part, one byte for its place and 16 for the share, is
sealed to a teller's public half.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from nacl import pwhash
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from engine.ballots import shamir

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SALT_BYTES = pwhash.argon2id.SALTBYTES
SEED_BYTES = shamir.SIZE
MOST_TELLERS = 32
PASSES, MEMORY = 4, 64 << 20  # a guess costs what a login costs; several tellers may type at once
_PERSON = b"yixing/ballot/1"


class WrongPassphrase(Exception):
    """The passphrase is not the one with which the key was taken."""


class BrokenPart(Exception):
    """A sealed part is not what was sealed."""


@dataclass(frozen=True)
class BallotKey:
    """A poll's fresh key: the public half, 32 bytes, and one sealed part for each teller by id."""

    public: bytes
    parts: Mapping[str, bytes] = field(repr=False)


def public_of(passphrase: str, salt: bytes) -> bytes:
    """The public half, 32 bytes, of the key that a passphrase (NFKC, see engine.password) and a
    salt of 16 bytes give.
    """
    return bytes(_teller_key(passphrase, salt).public_key)


def _teller_key(passphrase: str, salt: bytes) -> PrivateKey:
    return PrivateKey(
        pwhash.argon2id.kdf(32, passphrase.encode(), salt, opslimit=PASSES, memlimit=MEMORY)
    )


def make(tellers: Mapping[str, bytes], needed: int) -> BallotKey:
    """A new key, split so that any `needed` of the tellers (id -> public half) open it together;
    the seed is forgotten.

    ValueError: more needed than there are, none, or more than 32.
    """
    if not 1 <= needed <= len(tellers) <= MOST_TELLERS:
        raise ValueError("needed must lie between 1 and the number of tellers")
    seed = os.urandom(SEED_BYTES)
    shares = shamir.split(seed, needed, len(tellers))
    sealed = {
        teller: hand_over(place.to_bytes(1, "big") + share, tellers[teller])
        for teller, (place, share) in zip(sorted(tellers), shares.items(), strict=True)
    }
    return BallotKey(bytes(_poll_key(seed).public_key), sealed)


def hand_over(part: bytes, public: bytes) -> bytes:
    """A part sealed to somebody's public half."""
    return bytes(SealedBox(PublicKey(public)).encrypt(part))


def unwrap(sealed: Iterable[bytes], passphrase: str, salt: bytes, public: bytes) -> list[bytes]:
    """The parts that were sealed to this teller. WrongPassphrase, BrokenPart."""
    key = _teller_key(passphrase, salt)
    if bytes(key.public_key) != public:
        raise WrongPassphrase
    try:
        return [bytes(SealedBox(key).decrypt(part)) for part in sealed]
    except CryptoError as fault:
        raise BrokenPart from fault


def join(parts: Iterable[bytes], public: bytes) -> PrivateKey | None:
    """The private key from enough parts; None when they are too few, or not those of this public
    key.
    """
    shares = {part[0]: part[1:] for part in parts if len(part) == SEED_BYTES + 1}
    if not shares:
        return None
    key = _poll_key(shamir.combine(shares))
    return key if bytes(key.public_key) == public else None


def _poll_key(seed: bytes) -> PrivateKey:
    return PrivateKey(blake2b(seed, digest_size=32, person=_PERSON).digest())

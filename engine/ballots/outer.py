"""The outer envelope: what a voter sealed to the tellers is sealed once more, to a key that is
destroyed with the count, before it is written anywhere.

A file, a log or a backup then holds who voted, and a ciphertext that nobody can open any more, the
tellers' passphrases known or not.
"""

from __future__ import annotations

from hashlib import blake2b

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

_PERSON = b"yixing/mark/1"


def new_key() -> tuple[bytes, bytes]:
    """A private key and its public half, 32 bytes each."""
    key = PrivateKey.generate()
    return bytes(key), bytes(key.public_key)


def wrap(sealed: bytes, public: bytes) -> bytes:
    """A voter's envelope in its outer one."""
    return bytes(SealedBox(PublicKey(public)).encrypt(sealed))


def unwrap_outer(wrapped: bytes, private: bytes) -> bytes | None:
    """The voter's envelope; None when the outer one was altered or is another key's."""
    try:
        return bytes(SealedBox(PrivateKey(private)).decrypt(wrapped))
    except CryptoError:
        return None


def mark_of(sealed: bytes) -> str:
    """By what an envelope is known again while the box is shut, 64 hex digits: like the receipt a
    digest of the whole envelope, but nobody gets from the one to the other without the envelope.
    """
    return blake2b(sealed, digest_size=32, person=_PERSON).hexdigest()

"""What is inside an envelope and how it is sealed: all envelopes of a poll have one size, whatever
was chosen.

Inside: JSON {"poll", "choices", "nonce"} in UTF-8, filled up with spaces to the poll's size, in a
sealed box (X25519, XSalsa20-Poly1305, nonce BLAKE2b of both public keys: libsodium's
crypto_box_seal).
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nacl.public import PrivateKey

STEP = 256  # sizes grow in these steps
SEAL_BYTES = 48  # what a sealed box adds
_NONCE = re.compile(r"[0-9a-f]{32}")
_FRAME = len('{"poll":"","choices":[],"nonce":""}') + 36 + 32


@dataclass(frozen=True)
class Slip:
    """What a voter may choose in one poll, at least `least` and at most `most`: of `choices`, and
    where it is `writable` of `write_in`, which only the count has to know.
    """

    poll: str
    choices: tuple[str, ...]
    least: int = 1
    most: int = 1
    writable: bool = False
    write_in: frozenset[str] = frozenset()

    def allows(self, chosen: object) -> bool:
        """Is this a list of as many choices as a voter may make, each on the slip and none
        twice?
        """
        if not isinstance(chosen, list) or not self.least <= len(chosen) <= self.most:
            return False
        known = all(isinstance(choice, str) and self._knows(choice) for choice in chosen)
        return known and len(set(chosen)) == len(chosen)

    def _knows(self, choice: str) -> bool:
        return choice in self.choices or choice in self.write_in


@dataclass(frozen=True)
class Ballot:
    """One well-formed ballot: the check code that only its voter knows, and the choices, sorted."""

    code: str
    choices: tuple[str, ...]


def size_for(slip: Slip) -> int:
    """The bytes inside every envelope of a poll: room for the longest choice that is allowed, in
    steps of 256.
    """
    lengths = sorted(
        (len(json.dumps(c, ensure_ascii=False).encode()) + 1 for c in slip.choices), reverse=True
    )
    # who is written in has an id as long as a candidate's, and may be chosen where these are few
    longest = lengths[:1] * slip.most if slip.writable else lengths[: slip.most]
    return -(-(_FRAME + sum(longest)) // STEP) * STEP


def envelope_size(size: int) -> int:
    """The bytes of a sealed envelope."""
    return size + SEAL_BYTES


def seal(poll: str, choices: Sequence[str], nonce: bytes, public: bytes, size: int) -> bytes:
    """A sealed envelope, as the voter's browser makes it (webui/static/ballot.js). `nonce`: 16
    random bytes.
    """
    inside = {"poll": poll, "choices": list(choices), "nonce": nonce.hex()}
    text = json.dumps(inside, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > size:
        raise ValueError("the choices do not fit")
    return bytes(SealedBox(PublicKey(public)).encrypt(text.ljust(size)))


def is_envelope(sealed: bytes, size: int) -> bool:
    """Has it the one size of this poll? More cannot be seen from outside."""
    return len(sealed) == envelope_size(size)


def from_text(text: str) -> bytes:
    """An envelope that was sent as base64; empty when it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def receipt_of(sealed: bytes) -> str:
    """The receipt: SHA-256 of the sealed envelope, hex."""
    return sha256(sealed).hexdigest()


def code_of(nonce: bytes) -> str:
    """The check code: SHA-256 of the nonce, hex."""
    return sha256(nonce).hexdigest()


def unseal(sealed: bytes, key: PrivateKey, slip: Slip) -> Ballot | None:
    """What is inside; None when it is ill-formed: another key, another poll, choices that are not
    on the slip.
    """
    try:
        inside = SealedBox(key).decrypt(sealed)
        content = json.loads(inside.decode("utf-8"), object_pairs_hook=_once)
    except (CryptoError, ValueError, RecursionError, TypeError):
        return None
    return _ballot(content, slip)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _ballot(content: object, slip: Slip) -> Ballot | None:
    if (
        not isinstance(content, dict)
        or set(content) != {"poll", "choices", "nonce"}
        or content["poll"] != slip.poll
    ):
        return None
    choices, nonce = content["choices"], content["nonce"]
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce) or not slip.allows(choices):
        return None
    in_no_order = tuple(sorted(choices))  # the order chosen could be a mark
    return Ballot(code_of(bytes.fromhex(nonce)), in_no_order)

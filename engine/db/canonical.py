"""The one byte form of a value, and the hashes made of it: RFC 8785 (JCS) for dict, list, str, int,
bool and None.

This room knows bytes and hashes; it must not know the database, the tree (`merkle`) or the keys
(`keys`).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from engine.errors import Invalid
from engine.messages import _

if TYPE_CHECKING:
    from uuid import UUID

HASH_BYTES = 32
_PLAIN = frozenset({str, bool})  # most values, told by one look
SALT_BYTES = 16
MAX_DEPTH = 64
MAX_INTEGER = 2**53 - 1  # beyond it other readers of JSON (RFC 8785 §3.2.2.3) would round
_GENESIS = b"yixing/1"
# json escapes exactly what RFC 8785 §3.2.2.2 asks for. It sorts keys by code point where the RFC
# sorts by UTF-16 unit; the two agree for ASCII, so `_check` lets only ASCII keys pass.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def dumps(value: object) -> bytes:
    """Canonical JSON in UTF-8. Texts are taken as they are: NFC is made where they enter.

    Invalid: a float, another type, a key that is not ASCII text, an integer beyond 2^53-1, a lone
    surrogate, more than 64 levels.
    """
    _check(value, 0)
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError as error:
        raise Invalid(_("文字中含有无法编码的字符"), reason=str(error)) from error


def _check(value: object, depth: int) -> None:
    if value is None or type(value) in _PLAIN or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise Invalid(_("整数过大，无法存入历史记录"))
        return
    if depth >= MAX_DEPTH:
        raise Invalid(_("内容嵌套超过 {most} 层", most=MAX_DEPTH))
    if isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise Invalid(_("字段名须为 ASCII 文字"), key=repr(key)[:80])
            _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, depth + 1)
    else:
        raise Invalid(_("历史记录不接受 {type} 类型的值", type=type(value).__name__))


def digest(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return sha256(data).digest()


def genesis(instance: UUID) -> bytes:
    """What stands before the first event of an instance, so that no chain can be moved to another
    instance.
    """
    return sha256(_GENESIS + instance.bytes).digest()


def event_hash(prev: bytes, body: bytes) -> bytes:
    """SHA-256(prev + body); `prev` is the hash of the event before, or `genesis(instance)`.

    `body` must itself say chain, seq, kind, at, actor and on_behalf_of: columns beside it are not
    covered by the hash. Invalid: prev is not 32 bytes.
    """
    if len(prev) != HASH_BYTES:  # a shorter one would let bytes wander between prev and body
        raise Invalid(_("前一事件的哈希须为 32 字节"))
    return sha256(prev + body).digest()


def salted(value: object, salt: bytes) -> str:
    """Hex SHA-256(salt + canonical value): history keeps this, so the text itself can be erased.

    The salt is random, kept beside the text and erased with it; never in an event, or short answers
    could be guessed. Invalid: salt not 16 bytes. The length is fixed, or the same hash could be
    shown for (salt, 12) and (salt + "1", 2).
    """
    if len(salt) != SALT_BYTES:
        raise Invalid(_("盐值须为 {n} 字节", n=SALT_BYTES))
    return sha256(salt + dumps(value)).hexdigest()

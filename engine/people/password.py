"""Passwords: the rules for choosing one, argon2id hashes, a check that takes as long when there is
none.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from nacl import pwhash
from nacl.exceptions import CryptoError

from engine.errors import Invalid
from engine.messages import _
from engine.people.commonness import is_common

SHORTEST, LONGEST = 8, 256
PASSES, MEMORY = (
    3,
    64 << 20,
)  # argon2id: t, and m in bytes; p is 1. A hash says by which settings it was made


def _normal(password: str) -> str:
    text = unicodedata.normalize("NFKC", password)
    return text.encode(
        "utf-8", "backslashreplace"
    ).decode()  # halves of characters cannot be hashed


def _hash(text: str) -> str:
    return pwhash.argon2id.str(text.encode(), opslimit=PASSES, memlimit=MEMORY).decode()


def check_rules(password: str, username: str) -> None:
    """Raise Invalid unless it has 8 to 256 characters, is not the user name and is not common."""
    text = _normal(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise Invalid(
            {
                "password": [
                    _(
                        "密码应为 {shortest} 至 {longest} 个字符。",
                        shortest=SHORTEST,
                        longest=LONGEST,
                    )
                ]
            }
        )
    plain = text.casefold()
    if plain == _normal(username).casefold():
        raise Invalid({"password": [_("密码不能与用户名相同。")]})
    if is_common(plain):
        raise Invalid({"password": [_("这个密码太常见，请换一个。")]})


def hash_password(password: str) -> str:
    """The argon2id hash to be stored."""
    return _hash(_normal(password))


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hash("nobody has this password")


def verify(stored: str | None, password: str) -> bool:
    """Is this the password? Without a stored hash: no, after as long a time. Over-long input is
    never hashed.

    Hashes with other settings are read too: those with p=4, which argon2-cffi made before, stay
    valid for ever.
    """
    text = _normal(password[: LONGEST * 4])
    if len(text) > LONGEST:
        text = ""
    try:
        matches = pwhash.verify((stored or _nobody()).encode(), text.encode())
    except CryptoError:  # another password, or no argon2 hash
        return False
    return matches and bool(stored)


def outdated(stored: str) -> bool:
    """Was this hash made with other settings than today's?"""
    return not stored.startswith(f"$argon2id$v=19$m={MEMORY >> 10},t={PASSES},p=1$")

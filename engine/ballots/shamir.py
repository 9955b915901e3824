"""Shamir's secret sharing over GF(2^128): any `needed` shares give the secret, fewer say nothing at
all about it.

A share is the value, at a place x = 1, 2, ..., of a polynomial whose constant term is the secret
and whose other coefficients are random; enough points determine the polynomial, and so its value at
0. A number stands for an element of the field by its bits, the lowest bit being the constant
coefficient, modulo x^128 + x^7 + x^2 + x + 1; 16 bytes are such a number, big end first. These are
the shares that PyCryptodome's SecretSharing makes and reads (its `ssss` off): running polls hold
some that it made.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE = 16  # bytes of a secret and of each share
_MODULUS = 1 << 128 | 1 << 7 | 1 << 2 | 1 << 1 | 1


def split(secret: bytes, needed: int, number: int) -> dict[int, bytes]:
    """`number` shares of a secret of 16 bytes by their places 1, 2, ..., any `needed` of which give
    it back.

    ValueError: a secret of another size, none needed, more than there are, or more than 255.
    """
    if len(secret) != SIZE or not 1 <= needed <= number <= 255:
        raise ValueError("16 bytes, and 1 <= needed <= number <= 255")
    drawn = [secrets.token_bytes(SIZE) for _ in range(needed - 1)]
    coefficients = [int.from_bytes(each, "big") for each in (*drawn, secret)]
    return {place: _value(coefficients, place) for place in range(1, number + 1)}


def _value(coefficients: list[int], place: int) -> bytes:
    """The polynomial's value, its highest coefficient first."""
    value = 0
    for coefficient in coefficients:
        value = _times(value, place) ^ coefficient
    return value.to_bytes(SIZE, "big")


def combine(shares: Mapping[int, bytes]) -> bytes:
    """The secret, of 16 bytes, from shares by their places; something else, unmarked, when they are
    too few or mixed.

    ValueError: a share of another size.
    """
    secret = 0
    for place, share in shares.items():
        if len(share) != SIZE:
            raise ValueError("a share has 16 bytes")
        above = below = 1  # Lagrange's basis polynomial of this place, at 0
        for other in shares.keys() - {place}:
            above = _times(above, other)
            below = _times(below, place ^ other)
        secret ^= _times(int.from_bytes(share, "big"), _times(above, _inverse(below)))
    return secret.to_bytes(SIZE, "big")


def _times(a: int, b: int) -> int:
    """The product in the field, by the same steps whatever the numbers are."""
    product = 0
    for _ in range(128):
        product ^= a & -(b & 1)
        b >>= 1
        a <<= 1
        a ^= _MODULUS & -(a >> 128)
    return product


def _inverse(a: int) -> int:
    """a^(2^128 - 2): by Fermat, the element which times a (not 0) gives 1."""
    power, inverse = a, 1
    for _ in range(127):
        power = _times(power, power)
        inverse = _times(inverse, power)
    return inverse

"""A cell of conditions: its tests, read from text, and whether a value meets them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

NULLS = frozenset({"null", "None"})
_ORDERINGS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class _Test:
    """`sign` is "=", an ordering, or "[]", "[)", "(]", "()" for a range; `operands` are one or two
    expressions.
    """

    sign: str
    operands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Met if one of its tests is (or, negated, if none is); without tests it is always met."""

    tests: tuple[_Test, ...] = ()
    negated: bool = False

    @property
    def operands(self) -> tuple[str, ...]:
        return tuple(operand for test in self.tests for operand in test.operands)


class Incomparable(Exception):
    """A value that the sign of a test cannot be applied to."""


@lru_cache(maxsize=4096)
def cell_of(text: str) -> Cell:
    """The cell that `text` describes."""
    if text in {"", "-"}:
        return Cell()
    parts = split(text, ",")
    negated = len(parts) == 1 and text.startswith("not(") and text.endswith(")")
    return Cell(
        tuple(_test(each) for each in (split(text[4:-1], ",") if negated else parts)), negated
    )


def _test(text: str) -> _Test:
    for sign in ("<=", ">=", "<", ">"):
        if text.startswith(sign):
            return _Test(sign, (text[len(sign) :].strip(),))
    if text[:1] in {"[", "("} and text[-1:] in {"]", ")"}:
        ends = split(text[1:-1], "..")
        if len(ends) == 2:
            return _Test(text[0] + text[-1], tuple(ends))
    return _Test("=", (text,))


def split(text: str, separator: str) -> list[str]:
    """`text` cut at each `separator` that stands outside quotes and brackets."""
    parts, quote, depth, start, at = [], "", 0, 0, 0
    while at < len(text):
        character = text[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif depth == 0 and text.startswith(separator, at):
            parts.append(text[start:at].strip())
            at += len(separator)
            start = at
            continue
        at += 1
    return [*parts, text[start:].strip()]


def meets(cell: Cell, value: object, worth: Callable[[str], Any]) -> bool:
    """True if `value` meets the cell; `worth` gives the value of an operand. Incomparable if that
    cannot be known.
    """
    if not cell.tests:
        return True
    met, comparable = False, True
    for test in cell.tests:
        try:
            met = met or _passes(test, value, [worth(each) for each in test.operands])
        except Incomparable:
            comparable = False
    if not met and not comparable:
        raise Incomparable
    return met != cell.negated


def _passes(test: _Test, value: Any, bounds: list[Any]) -> bool:
    if test.sign == "=":
        return _same(value, bounds[0])
    if value is None or any(_family(bound) != _family(value) for bound in bounds):
        raise Incomparable
    if len(bounds) == 1:
        (bound,) = bounds
        return bool(_ORDERINGS[test.sign](value, bound))
    low, high = bounds
    above_low = value > low or (test.sign[0] == "[" and value == low)
    below_high = value < high or (test.sign[1] == "]" and value == high)
    return bool(above_low and below_high)


def _same(value: object, other: object) -> bool:
    return (type(value) is bool) == (type(other) is bool) and bool(value == other)


def _family(value: object) -> str:
    """Values are ordered only inside one family."""
    families = {int: "number", Fraction: "number", str: "text", date: "day", datetime: "moment"}
    return families.get(type(value), f"no order for {type(value).__name__}")

"""The shapes of short texts that a form may ask for, matched in time that grows with the text and
no faster.

Python's own engine tries one way after the other, so that a shape like `^(\\w+)+$` can keep it busy
for hours. Here a shape is read by Python, taken apart, and walked with all ways at once (Thompson's
construction): each character is looked at once for each place in the shape. What is not among the
parts below is no shape: references, looks ahead, flags.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as reading  # type: ignore[attr-defined]
from typing import Any

MOST_PLACES = 2000  # in a shape, repetitions written out
Test = Callable[[str], bool]


class Unfit(ValueError):
    """No shape: it cannot be read, has a part that is not allowed, or is too large."""


@dataclass
class _Net:
    """Places with the tests that lead on from them; `skips` lead on without a character."""

    tests: list[Test | None] = field(default_factory=list)
    skips: list[list[int]] = field(default_factory=list)

    def place(self, test: Test | None = None) -> int:
        if len(self.tests) >= MOST_PLACES:
            raise Unfit
        self.tests.append(test)
        self.skips.append([])
        return len(self.tests) - 1


@dataclass(frozen=True)
class Shape:
    """A shape that texts can be held against."""

    net: _Net
    last: int

    def fits(self, text: str) -> bool:
        """Is the whole text of this shape?"""
        here = self._reach({0})
        for char in text:
            tests = self.net.tests
            on = {p + 1 for p in here if (test := tests[p]) is not None and test(char)}
            if not on:
                return False
            here = self._reach(on)
        return self.last in here

    def _reach(self, places: set[int]) -> set[int]:
        """These places, and those that they lead to without a character."""
        found, waiting = set(places), list(places)
        while waiting:
            for after in self.net.skips[waiting.pop()]:
                if after not in found:
                    found.add(after)
                    waiting.append(after)
        return found


@lru_cache(maxsize=500)
def shape(pattern: str) -> Shape:
    """Read a shape, such as `^[0-9]{4}$`. Raises Unfit."""
    try:
        parsed = reading.parse(pattern)
    except (re.error, OverflowError, RecursionError) as fault:
        raise Unfit from fault
    if parsed.state.flags & ~re.UNICODE.value:
        raise Unfit
    net = _Net()
    net.place()
    last = _sequence(net, 0, parsed)
    return Shape(net, last)


def is_shape(pattern: str) -> bool:
    """Can it be walked this way?"""
    try:
        shape(pattern)
    except Unfit:
        return False
    return True


def matcher(pattern: str) -> Test:
    """What tells whether a whole text fits; a version of before may have what is no shape, and
    keeps its meaning.
    """
    try:
        return shape(pattern).fits
    except Unfit:
        return lambda text: re.fullmatch(pattern, text) is not None


def _sequence(net: _Net, at: int, parts: Any) -> int:
    """Write the parts one after another from a place on; gives the place behind them."""
    for name, what in parts:
        at = _part(net, at, name, what)
    return at


def _part(net: _Net, at: int, name: object, what: Any) -> int:
    if name is op.AT:
        if what not in (op.AT_BEGINNING, op.AT_END):
            raise Unfit
        return at  # the whole text is held against the shape
    if name is op.SUBPATTERN:
        _group, add, remove, inner = what
        if add or remove:
            raise Unfit
        return _sequence(net, at, inner)
    if name is op.BRANCH:
        return _branch(net, at, what[1])
    if name in (op.MAX_REPEAT, op.MIN_REPEAT):
        return _repeat(net, at, *what)
    return _char(net, at, _test(name, what))


def _char(net: _Net, at: int, test: Test) -> int:
    """A character that passes the test; its place stands right before the one it leads to."""
    here = net.place(test)
    net.skips[at].append(here)
    return net.place()


def _branch(net: _Net, at: int, ways: Any) -> int:
    ends = []
    for way in ways:
        begin = net.place()
        net.skips[at].append(begin)
        ends.append(_sequence(net, begin, way))
    last = net.place()
    for end in ends:
        net.skips[end].append(last)
    return last


def _repeat(net: _Net, at: int, least: int, most: Any, inner: Any) -> int:
    for _ in range(least):
        at = _sequence(net, at, inner)
    if most is op.MAXREPEAT:
        begin = net.place()
        net.skips[at].append(begin)
        end = _sequence(net, begin, inner)
        net.skips[end].append(begin)
        last = net.place()
        net.skips[begin].append(last)
        return last
    ends = [at]
    for _ in range(most - least):
        at = _sequence(net, at, inner)
        ends.append(at)
    last = net.place()
    for end in ends:
        net.skips[end].append(last)
    return last


def _test(name: object, what: Any) -> Test:
    if name is op.LITERAL:
        return lambda char: ord(char) == what
    if name is op.NOT_LITERAL:
        return lambda char: ord(char) != what
    if name is op.ANY:
        return lambda char: char != "\n"
    if name is op.IN:
        negated = bool(what) and what[0][0] is op.NEGATE
        tests = [_member(*each) for each in (what[1:] if negated else what)]
        return lambda char: any(test(char) for test in tests) is not negated
    raise Unfit


_CATEGORIES: dict[Any, Test] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
}
_NOT: dict[Any, Any] = {
    op.CATEGORY_NOT_DIGIT: op.CATEGORY_DIGIT,
    op.CATEGORY_NOT_SPACE: op.CATEGORY_SPACE,
    op.CATEGORY_NOT_WORD: op.CATEGORY_WORD,
}


def _member(name: object, what: Any) -> Test:
    """One item of a set of characters."""
    if name is op.RANGE:
        first, last = what
        return lambda char: first <= ord(char) <= last
    if name is op.CATEGORY and what in _CATEGORIES:
        return _CATEGORIES[what]
    if name is op.CATEGORY and what in _NOT:
        meant = _CATEGORIES[_NOT[what]]
        return lambda char: not meant(char)
    return _test(name, what)

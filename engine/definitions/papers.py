"""Which facts the template of a document reads, its imports included.

A template reads a fact by a literal path behind the data: `fact(d, "case.person")`, `text-of(d,
"launch.place")`. Templates of older versions also put a path together, `"board_vote." + key`:
that reads the fact before the dot.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_IMPORT = re.compile(r"#import\s+\"([a-z_][a-z0-9_]{0,59}\.typ)\"")
_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
_LET = re.compile(r"^#let ([a-zA-Z][\w-]*)", re.MULTILINE)
_WORD = re.compile(r"[a-zA-Z][\w-]*")
_PATH = re.compile(r"\(\s*d\s*,\s*\"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)\"")
_ROW = re.compile(r"row-if\(\s*d\s*,\s*\"[^\"]*\"\s*,\s*\"([a-z][a-z0-9_.]*)\"")
_JOINED = re.compile(r"\"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)\.\"\s*\+")
# a number that stands in for a missing fact: only templates of older versions have such
_ASSUMED = re.compile(
    r"\"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)\.?\"(?:\s*\+\s*[a-z]+)?\s*,\s*otherwise:\s*\"\d+\""
)


def reads(files: Mapping[str, str], document: str) -> frozenset[str]:
    """The dotted facts that documents/<document>.typ and what it imports read."""
    return _found(files, document, _PATH, _ROW, _JOINED)


def assumed(files: Mapping[str, str], document: str) -> frozenset[str]:
    """Those facts in whose place the template would print a number."""
    return _found(files, document, _ASSUMED)


def _found(files: Mapping[str, str], document: str, *patterns: re.Pattern[str]) -> frozenset[str]:
    texts = reached(files, f"documents/{document}.typ")
    return frozenset(
        path for text in texts for pattern in patterns for path in pattern.findall(text)
    )


def reached(files: Mapping[str, str], name: str) -> list[str]:
    """The template, and of what it imports the definitions that it uses, directly or by one
    another.
    """
    if name not in files:
        return []
    template = _COMMENT.sub("", files[name])
    known = dict(_definitions(files, template, {name}))
    used, waiting = [template], [template]
    while waiting:
        words = set(_WORD.findall(waiting.pop()))
        for word in words & known.keys():
            text = known.pop(word)
            used.append(text)
            waiting.append(text)
    return used


def _definitions(files: Mapping[str, str], text: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """(name, text) of each `#let` at the beginning of a line in what a text imports."""
    for imported in _IMPORT.findall(text):
        name = f"documents/{imported}"
        if name in seen or name not in files:
            continue
        seen.add(name)
        inside = _COMMENT.sub("", files[name])
        starts = [found.start() for found in _LET.finditer(inside)] + [len(inside)]
        for start, end in pairwise(starts):
            found = _LET.match(inside, start)
            assert found is not None
            yield found[1], inside[start:end]
        yield from _definitions(files, inside, seen)

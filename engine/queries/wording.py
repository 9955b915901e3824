"""The difference of two texts, by words; of Chinese, by characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[A-Za-z0-9][\w.,:%/-]*[A-Za-z0-9%]|\w|\s+|.", re.ASCII | re.DOTALL)
_SENTENCE = re.compile(r"[^。！？；\n]*[。！？；\n]|.+", re.DOTALL)
MOST_WORDS = 4_000  # of both texts together; longer ones are compared by sentences
KEPT = 2  # so few characters between two changes are no common ground


@dataclass(frozen=True)
class Piece:
    """A part of a text: `sign` is " " where both agree, "-" gone, "+" come."""

    sign: str
    text: str


def pieces(old: str, new: str) -> tuple[Piece, ...]:
    """The new text with what is gone and what has come, in reading order; empty when both are the
    same.
    """
    if old == new:
        return ()
    return tuple(_joined(_compared(*_split(old, new))))


def _split(old: str, new: str) -> tuple[list[str], list[str]]:
    words = _WORD.findall(old), _WORD.findall(new)
    if len(words[0]) + len(words[1]) <= MOST_WORDS:
        return words
    return _SENTENCE.findall(old), _SENTENCE.findall(new)


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    codes = matcher.get_opcodes()
    for n, (what, i, j, k, m) in enumerate(codes):
        gone, come = "".join(old[i:j]), "".join(new[k:m])
        if what == "equal" and (len(come) > KEPT or n in (0, len(codes) - 1)):
            yield Piece(" ", come)
        else:
            yield Piece("-", gone)
            yield Piece("+", come)


def _joined(found: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbours of a kind as one; between two parts that agree, first all that is gone."""
    texts = {"-": "", "+": ""}
    for piece in found:
        if piece.sign != " ":
            texts[piece.sign] += piece.text
            continue
        yield from _flushed(texts)
        yield piece
    yield from _flushed(texts)


def _flushed(texts: dict[str, str]) -> Iterator[Piece]:
    for sign, text in texts.items():
        if text:
            yield Piece(sign, text)
        texts[sign] = ""

"""How a character is written, stroke by stroke, from the data that the set-up installs.

cnchar keeps the strokes of a character as letters (cnchar-order: simplified, cnchar-trad:
traditional). What they stand for comes with them. The five kinds are those of the national norm:
横 1, 竖 2, 撇 3, 点 4, 折 5; 提 counts as 横, 竖钩 as 竖, 捺 as 点.
Without the data (engine/people/ordering.py) lists go by 拼音, which start, /readyz and page say.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from engine import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = settings.ROOT / "webui" / "static" / "vendor" / "strokes"
FILES = ("cnchar.order.min.js", "cnchar.trad.min.js")
_LITERAL = re.compile(r"JSON\.parse\('([^']*)'\)")
_KINDS = {"横": 1, "提": 1, "竖": 2, "竖钩": 2, "撇": 3, "点": 4, "点2": 4, "捺": 4}
_SECONDARY = frozenset({"提", "竖钩", "捺"})  # come after 横, 竖, 点 where all else is equal
FOLD = 5


class Strokes(NamedTuple):
    """How a character is written: `kinds` 1 to 5 of its strokes in their order; `forms` tells
    strokes of one kind apart, the plain one first, folds by how often they turn.
    """

    kinds: tuple[int, ...]
    forms: tuple[int, ...]


def installed() -> bool:
    """Did the set-up bring the data?"""
    return bool(_known())


def of(character: str) -> Strokes | None:
    """The strokes of a character; None where the data do not know it, or are not there."""
    return _known().get(character)


def unknown(text: str) -> str:
    """The Chinese characters of a text whose strokes nobody told, each once, in their order."""
    return "".join(c for c in dict.fromkeys(text) if is_chinese(c) and of(c) is None)


def is_chinese(character: str) -> bool:
    """Is it a Chinese character, a rare or a compatible one too?"""
    return character == "〇" or unicodedata.name(character, "").startswith("CJK ")


def _known() -> Mapping[str, Strokes]:
    return _read(FOLDER)


@lru_cache(maxsize=2)
def _read(folder: Path) -> Mapping[str, Strokes]:
    """All characters of the folder's files; none where a file is missing or not as we know it."""
    try:
        texts = [(folder / name).read_text(encoding="utf-8") for name in FILES]
    except (OSError, UnicodeDecodeError):
        return {}
    tables = [table for text in texts for table in _tables(text)]
    letters = next((_letters(table) for table in tables if _tells_letters(table)), {})
    written = [table for table in tables if _is_written(table, letters)]
    return {c: _strokes(word, letters) for table in reversed(written) for c, word in table.items()}


def _tables(text: str) -> Iterator[dict[str, object]]:
    for literal in _LITERAL.findall(text):
        try:
            table = json.loads(literal)
        except ValueError:
            continue
        if isinstance(table, dict):
            yield table


def _tells_letters(table: Mapping[str, object]) -> bool:
    return bool(table) and all(
        isinstance(each, dict) and {"name", "foldCount"} <= each.keys() for each in table.values()
    )


def _letters(table: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    """Letter -> kind and form."""
    found = {}
    for letter, each in table.items():
        assert isinstance(each, dict)
        name = str(each["name"]).partition("|")[0]
        kind = _KINDS.get(name, FOLD)
        found[letter] = kind, int(each["foldCount"]) if kind == FOLD else int(name in _SECONDARY)
    return found


def _is_written(table: Mapping[str, object], letters: Mapping[str, object]) -> bool:
    """Does it tell of characters which letters they are written with?"""
    return bool(table and letters) and all(
        len(character) == 1 and isinstance(word, str) and word and set(word) <= letters.keys()
        for character, word in table.items()
    )


def _strokes(word: object, letters: Mapping[str, tuple[int, int]]) -> Strokes:
    both = [letters[letter] for letter in str(word)]
    return Strokes(tuple(kind for kind, _form in both), tuple(form for _kind, form in both))

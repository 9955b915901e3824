"""Decision tables that belong to no single process, and what people call the tables, columns and
codes of all of them.

A table is known by its id: `regime` is processes/decisions/regime.dmn, `booking.escalation`
a table of that folder. The words stand in processes/decisions/decisions.toml; no result depends on
them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine import decisions
from engine.definitions.words import Words
from engine.errors import ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHARED = "decisions"
WORDS = "decisions.toml"


@dataclass(frozen=True)
class Ask:
    """A fact that stands behind a computed column; `type` is number, boolean, date or string."""

    title: Words
    type: str


@dataclass(frozen=True)
class Sheet:
    """What people call a table. `number` is its D-number or ""; `on` the day of law that a trial
    starts with, None: today.
    """

    id: str
    number: str
    title: Words
    summary: Words
    on: date | None
    asks: Mapping[str, Ask]
    codes: Mapping[str, Words]

    def code(self, column: str, code: str) -> Words | None:
        """What a code means in a column: `column.code` before `code`."""
        return self.codes.get(f"{column}.{code}") or self.codes.get(code)


@dataclass(frozen=True)
class Lexicon:
    """The words of decisions.toml."""

    sheets: Mapping[str, Sheet]
    english: Mapping[str, str]
    computed: Mapping[str, Words]

    def sheet(self, table_id: str, table: decisions.DecisionTable) -> Sheet:
        """What the table is called; by its own name where nothing is written about it."""
        nothing = Words("", "")
        return self.sheets.get(table_id) or Sheet(
            id=table_id,
            number="",
            title=Words(table.name or table.id, ""),
            summary=nothing,
            on=None,
            asks={},
            codes={},
        )

    def translated(self, text: str, lang: str) -> str:
        """A text of a table in the language asked for; as it stands where there is no English."""
        return self.english.get(text, text) if lang == "en" else text


def read_words(root: Path) -> Lexicon:
    """The words beside the shared tables of a processes folder. ProcessFault if they cannot be
    read.
    """
    path = root / SHARED / WORDS
    if not path.is_file():
        return Lexicon({}, {}, {})
    try:
        return _lexicon(path.read_text("utf-8"))
    except (
        OSError,
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        KeyError,
        TypeError,
        AttributeError,
    ) as fault:
        raise ProcessFault(
            _("{words} 读不懂：{fault}", words=WORDS, fault=fault), file=WORDS
        ) from fault


@lru_cache(maxsize=4)  # every look at a table asks for it, and it seldom changes
def _lexicon(text: str) -> Lexicon:
    raw = tomllib.loads(text)
    sheets = {key: _sheet(key, each) for key, each in raw.get("tables", {}).items()}
    computed = {key: Words(*each) for key, each in raw.get("computed", {}).items()}
    return Lexicon(sheets, dict(raw.get("english", {})), computed)


def _sheet(key: str, raw: Mapping[str, Any]) -> Sheet:
    return Sheet(
        id=key,
        number=str(raw.get("number", "")),
        title=Words(raw["title"], raw["title_en"]),
        summary=Words(raw.get("summary", ""), raw.get("summary_en", "")),
        on=raw.get("on"),
        asks={
            k: Ask(Words(v["title"], v["title_en"]), v["type"])
            for k, v in raw.get("asks", {}).items()
        },
        codes={k: Words(*v) for k, v in raw.get("codes", {}).items()},
    )


def read_tables(root: Path) -> dict[str, decisions.DecisionTable]:
    """Every table on disk by its id, shared ones first. ProcessFault for one that cannot be
    read.
    """
    return {key: _parsed(path) for key, path in paths(root).items()}


def read_shared(root: Path) -> dict[str, decisions.DecisionTable]:
    """The tables that stand in no process folder, by id: decisions/ and organisation/."""
    own = {path.parent.name for path in root.glob("*/process.toml")}
    return {key: _parsed(path) for key, path in paths(root).items() if path.parent.name not in own}


def paths(root: Path) -> dict[str, Path]:
    """Where each table on disk stands, by its id."""
    shared = {path.stem: path for path in sorted((root / SHARED).glob("*.dmn"))}
    others = sorted(root.glob("*/*.dmn"))
    return {**shared, **{f"{p.parent.name}.{p.stem}": p for p in others if p.parent.name != SHARED}}


def _parsed(path: Path) -> decisions.DecisionTable:
    try:
        return decisions.parse(path.read_bytes())
    except ProcessFault as fault:
        raise ProcessFault(
            fault.message, file=f"{path.parent.name}/{path.name}", advice=fault.advice
        ) from fault


@lru_cache(maxsize=4)
def _known(
    root: Path, _stamp: tuple[tuple[str, int], ...]
) -> tuple[Lexicon, dict[str, decisions.DecisionTable]]:
    return read_words(root), read_shared(root)


def known(root: Path) -> tuple[Lexicon, dict[str, decisions.DecisionTable]]:
    """The words and the shared tables, read again when a file has changed."""
    files = [*(root / SHARED).glob("*"), *paths(root).values()]
    return _known(
        root, tuple(sorted((str(f), f.stat().st_mtime_ns) for f in set(files) if f.is_file()))
    )

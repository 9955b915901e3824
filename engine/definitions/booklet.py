"""How many matters of a process are bound into one volume: its parts, what stands of each matter,
its indexes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.definitions.words import Words

KIND = "booklet"  # its template is documents/booklet.typ, of the folder or the common one
_DECLARED = re.compile(r"^\[booklet\]", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """Those matters of which `which` holds, an expression over their facts, `state` and `outcome`;
    `apart`: whoever makes the booklet may leave the part out.
    """

    key: str
    title: Words
    which: str
    apart: bool


@dataclass(frozen=True)
class Section:
    """What stands of a matter under one title: dotted facts as they are now; with `document` as the
    last paper of this kind says them, nothing where none was issued.
    """

    key: str
    title: Words
    facts: tuple[str, ...]
    document: str


@dataclass(frozen=True)
class Index:
    """The matters by what some columns say; `under`: those that stand under another too."""

    key: str
    title: Words
    columns: tuple[str, ...]
    under: bool


@dataclass(frozen=True)
class Booklet:
    """`session`: the fact that the cover bears; `number`: the column by which matters are numbered
    and ordered; `columns` stand in the table at the head of each; `under`: the fact with the id of
    the matter under which one of no part stands, called `under_title` there.
    """

    title: Words
    session: str
    number: str
    columns: tuple[str, ...]
    under: str
    under_title: Words
    parts: tuple[Part, ...]
    sections: tuple[Section, ...]
    indexes: tuple[Index, ...]


def is_declared(files: Mapping[str, str]) -> bool:
    """Does a folder declare a booklet?"""
    return bool(_DECLARED.search(files.get("process.toml", "")))


def booklet_of(table: Mapping[str, Any] | None, words: Any) -> Booklet | None:
    """The booklet as process.toml writes it; `words` reads a text in both languages."""
    if table is None:
        return None
    return Booklet(
        title=words(table, "title"),
        session=str(table.get("session", "")),
        number=str(table.get("number", "")),
        columns=tuple(table.get("columns", ())),
        under=str(table.get("under", "")),
        under_title=words(table, "under_title"),
        parts=tuple(
            Part(key, words(told, "title"), str(told["which"]), bool(told.get("apart", False)))
            for key, told in table["parts"].items()
        ),
        sections=tuple(
            Section(key, words(told, "title"), tuple(told["facts"]), str(told.get("document", "")))
            for key, told in table.get("sections", {}).items()
        ),
        indexes=tuple(
            Index(key, words(told, "title"), tuple(told["columns"]), bool(told.get("under", False)))
            for key, told in table.get("indexes", {}).items()
        ),
    )

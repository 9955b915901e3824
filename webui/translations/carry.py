"""Carries English over to texts whose holes were renamed, and takes in tables of
`source<TAB>English`.

    python -m webui.translations.carry NEW.pot CATALOGUE.po [TABLE.tsv …]

A text of the template that the catalogue does not know takes the English of the known text that
differs in the names of its holes only. A table fills what is still empty; the English of a counted
text is `one|several`. `make words` runs it before Babel drops what nobody says any more.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

HOLE = re.compile(r"\{(\w+)\}")


def carry(template: Catalog, known: Catalog, tables: dict[str, str]) -> int:
    """Add to `known` what of `template` can be translated without a person; gives how many
    texts that were.
    """
    alike = {_shape(str(m.id)): m for m in known if m.id and m.string and isinstance(m.id, str)}
    added = 0
    for message in template:
        source = message.id
        old = known.get(source) if source else None
        if not source or (old and _is_whole(old)):
            continue
        english = (
            _plain(source, alike, tables)
            if isinstance(source, str)
            else _counted(tuple(source), tables)
        )
        if english:
            if old:  # adding to an entry leaves its text as it is
                known.delete(source)
            known.add(source, english)
            added += 1
    return added


def _is_whole(message: Message) -> bool:
    """Does it have its English, of a counted text both forms?"""
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def _plain(source: str, alike: dict[str, Message], tables: dict[str, str]) -> str | None:
    twin = alike.get(_shape(source))
    return _renamed(str(twin.id), str(twin.string), source) if twin else tables.get(source)


def _counted(source: tuple[str, ...], tables: dict[str, str]) -> tuple[str, ...] | None:
    """The forms for one and for several."""
    english = tables.get(source[0])
    return tuple(english.split("|")) if english else None


def _shape(text: str) -> str:
    return HOLE.sub("{}", text)


def _renamed(old: str, english: str, new: str) -> str:
    """The English of the old text with the holes of the new one, which stand in the same order."""
    names = dict(zip(HOLE.findall(old), HOLE.findall(new), strict=True))
    return HOLE.sub(lambda hole: f"{{{names[hole[1]]}}}", english)


def main(template: str, catalogue: str, *tables: str) -> None:
    """Change the catalogue where something can be carried over."""
    with open(template, "rb") as file:
        wanted = read_po(file)
    with open(catalogue, "rb") as file:
        known = read_po(file, locale=Path(catalogue).parts[-3])
    rows: dict[str, str] = {}
    for table in tables:
        with open(table, encoding="utf-8", newline="") as lines:
            for source, english in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                rows[source] = english
    if carry(wanted, known, rows):
        with open(catalogue, "wb") as changed:
            write_po(changed, known, width=118)


if __name__ == "__main__":
    main(*sys.argv[1:])

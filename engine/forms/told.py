"""Answers in words: labels for codes, names for ids, amounts with their unit, tables by rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.forms.form import Field


@dataclass(frozen=True)
class Column:
    """A column of a table; of a `number`, its cells stand to the right."""

    label: str
    number: bool


@dataclass(frozen=True)
class Lines:
    """The rows of a table in words, and under each column its sum, "" where there is none."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[str, ...] = ()

    def lines(self, lang: str = "zh") -> str:
        """A numbered line for each row, and the sums."""
        mark, sums = (", ", "Sum") if lang.startswith("en") else ("，", "合计")
        rows = [f"{n}. {mark.join(filter(None, row))}" for n, row in enumerate(self.rows, 1)]
        summed = [f"{sums} {mark.join(filter(None, self.sums))}"] if self.sums else []
        return "\n".join([*rows, *summed])


def text_of(field: Field, value: object, names: Mapping[str, str], lang: str = "zh") -> str:
    """An answer in words; `names` are those of the things that a source offers, by id."""
    english = lang.startswith("en")
    if isinstance(value, bool):
        return ("Yes" if value else "No") if english else ("是" if value else "否")
    if field.unit and type(value) is int:
        return field.said(value, lang)
    labels = {c.value: (c.label_en if english and c.label_en else c.label) for c in field.choices}
    # an id that somebody typed into a text is that text: only a choice of things names them
    return joined(value, {**(names if field.source else {}), **labels}, lang)


def joined(value: object, names: Mapping[str, str], lang: str = "zh") -> str:
    """One value or several, each by its name, or as it is."""
    parts = map(str, value if isinstance(value, list) else [value])
    return (", " if lang.startswith("en") else "、").join(names.get(part) or part for part in parts)


def table_of(field: Field, rows: object, names: Mapping[str, str], lang: str = "zh") -> Lines:
    """The rows of a table in words."""
    given = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    english = lang.startswith("en")
    columns = tuple(
        Column(
            each.label_en if english and each.label_en else each.label,
            each.kind in ("number", "expression"),
        )
        for each in field.fields
    )
    cells = tuple(
        tuple(_cell(each, row.get(each.key), names, lang) for each in field.fields) for row in given
    )
    sums = tuple(_sum(each, given, lang) for each in field.fields)
    return Lines(columns, cells, sums if any(sums) else ())


def _cell(column: Field, value: object, names: Mapping[str, str], lang: str) -> str:
    return "" if value is None or value == "" else text_of(column, value, names, lang)


def _sum(column: Field, rows: Sequence[Mapping[str, Any]], lang: str) -> str:
    numbers = [row[column.key] for row in rows if type(row.get(column.key)) is int]
    return column.said(sum(numbers), lang) if column.summed else ""

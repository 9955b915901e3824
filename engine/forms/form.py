"""A form as data: its fields, what may be chosen in them, and the bounds of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.forms import amounts

KINDS = frozenset(
    {
        "textfield",
        "textarea",
        "number",
        "select",
        "radio",
        "checkbox",
        "checklist",
        "datetime",
        "text",
        "filepicker",
        "expression",
        "dynamiclist",
        "group",
    }
)
SHOWN = frozenset({"text", "group"})  # take no answer and have no key
IN_ROWS = frozenset(  # what may stand in a row of a table
    {
        *("textfield", "textarea", "number", "select", "radio", "checkbox", "datetime"),
        "expression",
    }
)
MAX_ROWS = 200
CHOOSING = frozenset({"select", "radio", "checklist"})
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
MAX_LENGTH = 20_000
MAX_NUMBER = 10**15  # every JSON reader keeps whole numbers up to here exact


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that may be chosen."""

    value: str
    label: str
    label_en: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of an answer: characters of a text, size of a number (in its smallest unit), rows of a
    table, shape of a text; None where there is none.
    """

    min_length: int | None = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which days a date lies: expressions over facts and answers, "" where there is none.

    What law says must come before or after refuses (`not_before`, `not_after`); an order that is
    only ours is noted (`usual_from`, `usual_to`). `holds`: of any field, what must be true of the
    answers. `words`: why, to whoever is refused.
    """

    not_before: str = ""
    not_after: str = ""
    usual_from: str = ""
    usual_to: str = ""
    holds: str = ""
    words: str = ""
    words_en: str = ""

    @property
    def days(self) -> tuple[str, ...]:
        """The days that are there."""
        return tuple(
            filter(None, (self.not_before, self.not_after, self.usual_from, self.usual_to))
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """In what a number is told: how many `decimals` it has, what stands behind it, and whether it
    is money. It is kept as a whole number of its smallest unit: 1,234.50 as 123450.
    """

    decimals: int = 0
    zh: str = ""
    en: str = ""
    money: bool = False

    def shown(self, value: int, lang: str = "zh") -> str:
        """123450 as "1,234.50 元"."""
        unit = self.en if lang.startswith("en") and self.en else self.zh
        return f"{amounts.written(value, self.decimals)} {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Field:
    """A component. A `text` is only shown, as is the heading of a `group`: its key is empty. A
    `dynamiclist` is a table: its `fields` are the columns, and its answer a list of rows.
    """

    key: str
    kind: str
    label: str
    label_en: str = ""
    description: str = ""
    description_en: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    source: str = ""
    hide: str = ""  # an expression; true means not shown, not asked, not kept
    multiple: bool = False  # of a filepicker
    limits: Limits = field(default_factory=Limits)
    bounds: Bounds = field(default_factory=Bounds)  # of a date
    room: tuple[str, ...] = ()  # the lanes that may read the answer; empty: all who see the matter
    once: str = ""  # of a text: a register in which a matter has each number once
    differs: bool = False  # in a later round one of these at least says something new
    among: str = ""  # a list before it, out of what was ticked in which this one is chosen
    unit: Unit | None = None  # of a number: without one it is a plain whole number
    expression: str = ""  # of what is calculated from other answers
    fields: tuple[Field, ...] = ()  # of a table
    summed: bool = False  # a column under which its sum stands
    fact: bool = False  # the date on which what is entered happened: pages offer today

    @property
    def row(self) -> Form:
        """The form of one row of a table."""
        return Form(self.key, self.fields)

    def typed(self, value: object) -> object:
        """An answer as somebody would have typed it; what he typed stays as it is."""
        return (
            amounts.written(value, self.unit.decimals)
            if self.unit and type(value) is int
            else value
        )

    def said(self, value: object, lang: str = "zh") -> str:
        """A number as it is read, with its unit; "" of what is none."""
        if type(value) is not int:
            return ""
        return self.unit.shown(value, lang) if self.unit else str(value)


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its id and its components from top to bottom."""

    id: str
    fields: tuple[Field, ...]

    def dated(self, key: str) -> Form:
        """The form in which this date is the day of the fact."""
        fields = (replace(each, fact=each.key == key) for each in self.fields)
        return replace(self, fields=tuple(fields))

    def without_files(self) -> Form:
        """The form as somebody fills it in who hands in no files."""
        return replace(self, fields=tuple(f for f in self.fields if f.kind != "filepicker"))

    def repeats(self, former: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
        """The first of the fields that must differ from a former round, where none of them does;
        else "". Blanks do not make a difference.
        """
        keys = [each.key for each in self.fields if each.differs]
        known = any(former.get(key) for key in keys)
        same = all(_bare(former.get(key)) == _bare(answers.get(key)) for key in keys)
        return keys[0] if known and same else ""

    @property
    def sources(self) -> dict[str, str]:
        """Where choices come from, by key; of the columns of a table by `table.column`."""
        of_tables = {
            f"{each.key}.{key}": source
            for each in self.fields
            if each.fields
            for key, source in each.row.sources.items()
        }
        return {each.key: each.source for each in self.fields if each.source} | of_tables

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields that take an answer."""
        return tuple(each for each in self.fields if each.key)


def _bare(text: object) -> str:
    """A text without its blanks."""
    return "".join(str(text or "").split())

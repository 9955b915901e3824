"""A form as data: its fields, what may be chosen in them, and the bounds of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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
    }
)
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
    """Bounds of an answer: characters of a text, size of a number, shape of a text; None where
    there is none.
    """

    min_length: int | None = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A component. A `text` is only shown: its label is the markdown and its key is empty."""

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


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its id and its components from top to bottom."""

    id: str
    fields: tuple[Field, ...]

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields that take an answer."""
        return tuple(each for each in self.fields if each.key)

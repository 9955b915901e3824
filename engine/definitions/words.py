"""A text as folders write it, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        return self.en or self.zh if lang.startswith("en") else self.zh


def words_of(table: Mapping[str, Any], key: str) -> Words:
    """The text that a table has under a key, and under its twin with _en."""
    return Words(str(table.get(key, "")), str(table.get(f"{key}_en", "")))

"""A text as folders write it, in both languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        return self.en or self.zh if lang.startswith("en") else self.zh

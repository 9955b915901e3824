"""Spans of time: so many of a unit, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.errors import Invalid
from engine.messages import Both, _

UNITS: Final = ("day", "working_day", "month", "year")
UNIT_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "day": ("日", "day"),
        "working_day": ("个工作日", "working day"),
        "month": ("个月", "month"),
        "year": ("年", "year"),
    }
)
# no limit of law comes near; a slip of the finger must not run the machine for hours
LONGEST: Final = 36_500


def in_words(amount: int, unit: str, lang: str = "zh") -> str:
    """A span of time in words: 10 个工作日， 10 working days. unit: one of UNITS."""
    zh, en = UNIT_WORDS[unit]
    return f"{amount} {en if amount == 1 else en + 's'}" if lang == "en" else f"{amount} {zh}"


def span(amount: int, unit: str) -> Both:
    """A span of time as a value of a message. unit: one of UNITS."""
    return Both(in_words(amount, unit), in_words(amount, unit, "en"))


def check_span(amount: int, unit: str) -> None:
    """Errors: Invalid for an unknown unit, a negative or absurd amount."""
    if unit not in UNITS:
        raise Invalid(_("不认识的期限单位“{unit}”。", unit=unit))
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= LONGEST:
        raise Invalid(
            _("期限须为 0 至 {most} 的整数，现为“{amount}”。", most=LONGEST, amount=amount)
        )

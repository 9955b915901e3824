"""The one clock. Moments are aware UTC; days are days in China. Tests and scenarios move it with
`set_to`.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

CHINA = ZoneInfo("Asia/Shanghai")
_fixed: ContextVar[datetime | None] = ContextVar("fixed_clock", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _fixed.get() or datetime.now(UTC)


def is_moved() -> bool:
    """Does `now()` give a moment that `set_to` chose, as in stories and in the demo?"""
    return _fixed.get() is not None


def today() -> date:
    """The present day in China."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The day in China on which an aware moment falls."""
    return moment.astimezone(CHINA).date()


def midnight(day: date) -> datetime:
    """The moment at which a day begins in China."""
    return datetime.combine(day, time(), CHINA)


@contextmanager
def set_to(moment: datetime) -> Iterator[None]:
    """Let `now()` give `moment` (aware) inside the block; blocks nest."""
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)

"""Which days a union works: the holiday notices, and its own vacations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from engine.calendar.moments import DAY
from engine.calendar.notices import Notice, rests, shipped
from engine.calendar.statutory import expected
from engine.errors import Invalid
from engine.messages import _


@dataclass(frozen=True)
class WorkingDays:
    """The working days of one union.

    notices: year -> deviations (see `Notice`); without it, the shipped ones. vacations: (first day,
    last day, name), both days included; working days skip them, calendar days do not, and the roll
    of 民法典203 ignores them, because a winter or summer vacation of a school is no statutory rest
    day. Errors: Invalid when a day stands under the wrong year or a vacation ends before it begins.
    """

    notices: Mapping[int, Notice] = field(default_factory=shipped, hash=False)
    vacations: tuple[tuple[date, date, str], ...] = ()

    def __post_init__(self) -> None:
        # what is frozen was looked at before
        loose = {y: n for y, n in self.notices.items() if not isinstance(n, MappingProxyType)}
        for year, notice in loose.items():
            _check_year(year, notice)
        for first, last, name in self.vacations:
            _check_vacation(first, last, name)
        if loose or not isinstance(self.notices, MappingProxyType):
            frozen = {year: MappingProxyType(dict(notice)) for year, notice in loose.items()}
            object.__setattr__(self, "notices", MappingProxyType({**self.notices, **frozen}))

    def is_known(self, year: int) -> bool:
        """Whether the holiday notice of that year is loaded."""
        return year in self.notices

    def is_rest(self, day: date) -> bool:
        """Whether that day is a statutory rest day: weekend or holiday, and no make-up working
        day. Without the notice of its year: weekend, or a day off that law fixes.
        """
        known = self.is_known(day.year)
        return rests(day, self.notices[day.year] if known else expected(day.year))

    def vacation_on(self, day: date) -> str | None:
        """The name of the unit's vacation on that day, or None."""
        return next((name for first, last, name in self.vacations if first <= day <= last), None)

    def is_working(self, day: date) -> bool:
        """Whether people of this unit work on that day: no statutory rest day and no vacation."""
        return not self.is_rest(day) and self.vacation_on(day) is None

    def working_days_between(self, a: date, b: date) -> int:
        """How many working days lie after `a` up to and including `b`; negative when b is before
        a.
        """
        if b < a:
            return -self.working_days_between(b, a)
        return sum(self.is_working(a + DAY * n) for n in range(1, (b - a).days + 1))


def _check_year(year: int, notice: Notice) -> None:
    if stray := [day for day in notice if day.year != year]:
        raise Invalid(_("{year} 年放假安排中有其他年份的日期：{day}。", year=year, day=stray[0]))


def _check_vacation(first: date, last: date, name: str) -> None:
    if last < first:
        raise Invalid(
            _(
                "假期“{name}”的结束日 {last} 早于开始日 {first}。",
                name=name,
                last=last,
                first=first,
            )
        )

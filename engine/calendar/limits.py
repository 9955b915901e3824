"""The calendar of a union: its working days, and where time limits end."""

from __future__ import annotations

from datetime import datetime

from engine.calendar.moments import Due, When, ending_day, starting_day
from engine.calendar.reckoning import Reckoning
from engine.calendar.spans import check_span
from engine.calendar.working_days import WorkingDays


class Calendar(WorkingDays):
    """The working days of one union, and the arithmetic of limits on them."""

    def add(self, start: When, amount: int, unit: str) -> Due:
        """The end of a limit of `amount` units that begins with `start`.

        start: aware moment (its day in China counts as the starting day), a day, or a Due (its last
        day). The starting day is not counted （民法典201）; a month or year ends on the
        corresponding day, or the last of the month （民法典202）; a last day that is a statutory
        rest day moves to the first day after the rest （民法典203）. Errors: Invalid for an unknown
        unit, a negative or absurd amount, a moment without a time zone.
        """
        check_span(amount, unit)
        reckoning = Reckoning(self, starting_day(start), start)
        reckoning.count(amount, unit)
        return reckoning.due()

    def subtract(self, moment: When, amount: int, unit: str, *, clear: bool = False) -> Due:
        """The last day that is `amount` units before `moment`; for warnings and for duties such as
        "seven days before".

        moment: a Due, a day, or an aware moment; a moment of exactly midnight belongs to the day
        that ends there, as due moments do. Never rolls: moving a warning past a weekend would
        shorten it. clear: whether that many whole days must lie between, which moves the day one
        earlier ("七日前" on D-7 is arguable, D-8 is not). Errors: as `add`.
        """
        check_span(amount, unit)
        reckoning = Reckoning(self, ending_day(moment), moment)
        reckoning.count_back(amount, unit, clear)
        return reckoning.due()

    def remaining(self, now: datetime, due: Due | datetime) -> tuple[int, int]:
        """(working days, calendar days) after today up to the last day: (0, 0) on that day,
        negative when overdue.
        """
        today, last = starting_day(now), ending_day(due)
        return self.working_days_between(today, last), (last - today).days

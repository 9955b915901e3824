"""Days and the moments at which they begin and end in China; a time limit's end."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

from engine import clock
from engine.errors import Invalid
from engine.messages import Both, Message, _

SATURDAY: Final = 5
DAY: Final = timedelta(days=1)
_WEEKDAYS: Final = "一二三四五六日"
_MONTHS: Final = {"month": 1, "year": 12}


@dataclass(frozen=True)
class Due:
    """The end of a time limit.

    moment: aware UTC, the instant at which `day` ends in China (24:00, 民法典203). day: the last
    day. provisional: some day that decided it lies in a year whose holiday notice is not loaded.
    steps: how it was computed, in words. rule: the rule that gave it, if one did.
    """

    moment: datetime
    day: date
    provisional: bool
    steps: tuple[Message, ...]
    rule: str = ""


When: TypeAlias = Due | datetime | date


def starting_day(when: When) -> date:
    """The day from which a limit is counted. Errors: Invalid for a moment without a time zone."""
    if isinstance(when, Due):
        return when.day
    return _aware(when).date() if isinstance(when, datetime) else when


def ending_day(when: When) -> date:
    """The day that ends with `when`: a moment of exactly midnight belongs to the day before.
    Errors: as `starting_day`.
    """
    if not isinstance(when, datetime):
        return starting_day(when)
    local = _aware(when)
    return moved(local.date(), -1) if local.time() == time(0) else local.date()


def _aware(moment: datetime) -> datetime:
    # a moment without a zone would be read in the zone of the server: eight hours late on most of
    # them
    if moment.tzinfo is None:
        raise Invalid(_("时刻缺少时区，无法计算期限。"))
    return moment.astimezone(clock.CHINA)


def end_of(day: date) -> datetime:
    """The instant at which a day ends in China, aware UTC."""
    return clock.midnight(moved(day, 1)).astimezone(UTC)


def shifted(day: date, amount: int, unit: str) -> date:
    """The day so many days, months or years away; of a shorter month its last. Errors: Invalid
    beyond the calendar.
    """
    if unit == "day":
        return moved(day, amount)
    months = day.year * 12 + day.month - 1 + amount * _MONTHS[unit]
    year, month = divmod(months, 12)
    if not date.min.year <= year < date.max.year:
        raise _out_of_range()
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def next_year(when: When, later: int) -> Due:
    """The end of the year after the one in which `when` lies, of years that begin `later` months
    after the calendar year. Never rolls: a rest day does not lengthen a year. Errors: as `shifted`.
    """
    first = starting_day(when)
    number = shifted(first, -later, "month").year
    begins = shifted(date(number, 1, 1), later + _MONTHS["year"], "month")
    ends = moved(shifted(begins, 1, "year"), -1)
    step = _(
        "{day}所在年度之后的年度自 {begins}起，至 {ends}止。",
        day=day_words(first),
        begins=day_words(begins),
        ends=day_words(ends),
    )
    return Due(end_of(ends), ends, provisional=False, steps=(step,))


def moved(day: date, days: int) -> date:
    """The day so many days later. Errors: Invalid beyond the calendar."""
    try:
        return day + DAY * days
    except OverflowError:
        raise _out_of_range() from None


def _out_of_range() -> Invalid:
    return Invalid(_("期限超出了日历的范围。"))


def day_words(day: date) -> Both:
    """A day as a value of a message, with its weekday in Chinese."""
    return Both(f"{day}（周{_WEEKDAYS[day.weekday()]}）", str(day))

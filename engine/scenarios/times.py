"""How far a step moves the clock: "3 days", "5 working days", "until due - 1 day", a moment. All in
China's time.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from engine import clock
from engine.errors import Invalid, ProcessFault
from engine.messages import _

if TYPE_CHECKING:
    from engine.calendar import Calendar

_SPAN = re.compile(r"(\d{1,5}) (minute|hour|day|week|working day)s?")
_UNTIL = re.compile(r"until due(?: ([+-]) (\d{1,5}) (minute|hour|day|working day)s?)?")
_EXACT = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
NOON = time(12)
ADVICE = _(
    '可以写 "3 days"、"5 working days"、"2 hours"、"until due"、"until due - 1 day"、"until due + 1 day"，或一个时刻。'
)


def target(
    after: str | datetime, now: datetime, due: datetime | None, calendar: Calendar
) -> datetime:
    """The moment that `after` means, seen from `now`. `due` is the end of the time limit in
    question, if there is one.

    Raises ProcessFault when it cannot be read, when there is no time limit, or when it lies in the
    past.
    """
    found = _moment(after, now, due, calendar)
    if found < now:
        if clock.day_of(found) == clock.day_of(now):
            return now  # noon of a day of which noon is over: later on the same day is meant
        raise ProcessFault(
            _(
                "after = {after} 是 {found}，已经过去了（现在是 {now}）。",
                after=repr(str(after)),
                found=_text(found),
                now=_text(now),
            ),
            advice=ADVICE,
        )
    return found


def _moment(
    after: str | datetime, now: datetime, due: datetime | None, calendar: Calendar
) -> datetime:
    if isinstance(after, datetime):
        return _aware(after)
    text = " ".join(after.split())
    if span := _SPAN.fullmatch(text):
        return _moved(now, int(span[1]), span[2], calendar)
    if until := _UNTIL.fullmatch(text):
        if due is None:
            wrong = _("after = {after}：现在没有期限。", after=repr(after))
            advice = _("请确认这一步之前打开的环节有 due，或写明 task。")
            raise ProcessFault(wrong, advice=advice)
        return _shifted(due, until[1] or "+", int(until[2] or 0), until[3] or "day", calendar)
    try:
        return _aware(datetime.fromisoformat(text))
    except ValueError:
        raise ProcessFault(
            _("after = {after} 读不懂。", after=repr(after)), advice=ADVICE
        ) from None


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ProcessFault(
            _("时刻 {moment} 没有时区。", moment=moment),
            advice=_("请写成 2026-04-01T09:00:00+08:00。"),
        )
    return moment


def _shifted(due: datetime, sign: str, amount: int, unit: str, calendar: Calendar) -> datetime:
    """Days count from noon of the last day on which the limit still runs; minutes and hours from
    its very end.
    """
    signed = amount if sign == "+" else -amount
    if unit in _EXACT:
        return due + _EXACT[unit] * signed
    last = clock.day_of(due - timedelta(seconds=1))
    day = (
        _working(last, signed, calendar) if unit == "working day" else last + timedelta(days=signed)
    )
    return datetime.combine(day, NOON, clock.CHINA)


def _moved(now: datetime, amount: int, unit: str, calendar: Calendar) -> datetime:
    if unit != "working day":
        return now + {**_EXACT, "day": timedelta(days=1), "week": timedelta(weeks=1)}[unit] * amount
    local = now.astimezone(clock.CHINA)
    return datetime.combine(_working(local.date(), amount, calendar), local.time(), clock.CHINA)


def _working(day: date, amount: int, calendar: Calendar) -> date:
    step = timedelta(days=1 if amount > 0 else -1)
    try:
        for _ in range(abs(amount)):
            day += step
            while not calendar.is_working(day):
                day += step
    except (OverflowError, Invalid):
        raise ProcessFault(_("工作日太多，超出了日历的范围。")) from None
    return day


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(clock.CHINA):%Y-%m-%d %H:%M}"

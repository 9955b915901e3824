"""One computation of a time limit on its way: the day reached, the years looked at, and the words
that explain it.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

from engine.calendar.moments import SATURDAY, Due, When, day_words, end_of, moved, shifted
from engine.calendar.spans import span
from engine.calendar.working_days import WorkingDays
from engine.messages import Listed, Message, _

BY_MONTHS = ("month", "year")


class Reckoning:
    """From `start` on, or back from it. `last`: the day reached so far."""

    def __init__(self, days: WorkingDays, start: date, origin: When) -> None:
        self.days, self.start, self.last = days, start, start
        self.from_provisional = isinstance(origin, Due) and origin.provisional
        self.steps: list[Message] = []
        self.unknown: set[int] = set()

    def count(self, amount: int, unit: str) -> None:
        """Count on from the day after the start; the last day moves past statutory rest
        （民法典201-203）.
        """
        self.steps.append(
            _(
                "起算： {day}当日不计入，自次日起算（民法典第201条）。",
                day=day_words(self.start),
            )
        )
        skipped = self._go(amount, unit)
        counted = {"span": span(amount, unit), "day": day_words(self.last)}
        if unit in BY_MONTHS:
            self.steps.append(_("满 {span}为 {day}（民法典第202条）。", **counted))
        else:
            self.steps.append(_("满 {span}为 {day}。", **counted))
        self.steps += skipped
        if unit != "working_day":
            self.steps += self._vacations_counted()
        self._roll()

    def count_back(self, amount: int, unit: str, clear: bool) -> None:
        """Count back, which never rolls; `clear`: so many whole days must lie between."""
        skipped = self._go(-amount, unit)
        self.steps.append(
            _(
                "自 {start}向前数 {span}，为 {day}；倒推的日期遇休息日不顺延。",
                start=day_words(self.start),
                span=span(amount, unit),
                day=day_words(self.last),
            )
        )
        self.steps += skipped
        if clear:
            self.last = moved(self.last, -1)
            self.steps.append(
                _(
                    "“{span}前”按中间足 {span}从严掌握，最迟为 {day}。",
                    span=span(amount, unit),
                    day=day_words(self.last),
                )
            )

    def _go(self, amount: int, unit: str) -> list[Message]:
        """Reach the day so far away; gives the words on what was skipped on the way."""
        if unit == "working_day":
            return self._walk(amount)
        self.last = shifted(self.start, amount, unit)
        return []

    def _walk(self, amount: int) -> list[Message]:
        step, left = (1, amount) if amount > 0 else (-1, -amount)
        rest, made_up, vacations = 0, list[date](), Counter[str]()
        while left:
            self.last = moved(self.last, step)
            self._look_at(self.last)
            if self.days.is_rest(self.last):
                rest += 1
            elif name := self.days.vacation_on(self.last):
                vacations[name] += 1
            else:
                left -= 1
                if self.last.weekday() >= SATURDAY:
                    made_up.append(self.last)
        return _skipped(rest, sorted(made_up), vacations)

    def _look_at(self, day: date) -> None:
        if not self.days.is_known(day.year):
            self.unknown.add(day.year)

    def _vacations_counted(self) -> list[Message]:
        return [
            _("本期限按日历日计算，本单位假期“{name}”照常计入。", name=name)
            for first, last, name in self.days.vacations
            if first <= self.last and last > self.start
        ]

    def _roll(self) -> None:
        ended = self.last
        self._look_at(self.last)
        while self.days.is_rest(self.last):
            self.last = moved(self.last, 1)
            self._look_at(self.last)
        if self.last != ended:
            self.steps.append(
                _(
                    "{ended}是法定休息日，顺延至休息日结束的次日 {day}（民法典第203条）。",
                    ended=day_words(ended),
                    day=day_words(self.last),
                )
            )

    def due(self) -> Due:
        """What came out."""
        steps = [*self.steps, _("截止： {day}24:00（北京时间）。", day=day_words(self.last))]
        steps += [
            _(
                "{year} 年放假安排尚未载入，该年按周末、法定节假日及其补假推算，调休未计；本日期为暂定，载入后重新计算。",
                year=year,
            )
            for year in sorted(self.unknown)
        ]
        if self.from_provisional:
            steps.append(_("起点本身是暂定日期，本日期随之暂定。"))
        return Due(
            moment=end_of(self.last),
            day=self.last,
            provisional=bool(self.unknown) or self.from_provisional,
            steps=tuple(steps),
        )


def _skipped(rest: int, made_up: list[date], vacations: Counter[str]) -> list[Message]:
    """What counting working days left out, and what it counted against expectation."""
    steps: list[Message] = []
    if rest:
        steps.append(_("其间周末和法定节假日 {n} 天不计。", n=rest))
    if made_up:
        days = Listed(map(day_words, made_up))
        steps.append(_("调休上班日计为工作日： {days}。", days=days))
    steps += [
        _("本单位假期“{name}”中的 {n} 个平日不计为工作日。", name=name, n=days_off)
        for name, days_off in vacations.items()
    ]
    return steps

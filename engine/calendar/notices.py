"""The State Council's yearly holiday notices: what a year deviates from "Monday to Friday are
worked".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

import chinese_calendar

from engine.calendar.moments import SATURDAY, day_words
from engine.errors import Invalid
from engine.messages import Message, _

Notice: TypeAlias = Mapping[date, bool]
"""A year's deviations: False = holiday on a weekday, True = make-up weekend day."""

HOLIDAY_WORDS: Final = frozenset({"休", "放假", "休息", "节假日", "holiday", "rest"})
WORK_WORDS: Final = frozenset({"班", "上班", "补班", "调休上班", "work", "workday"})
# 全国年节及纪念日放假办法: these are holidays in every year, so a notice without them is a torn-off
# piece of one
FIXED_FESTIVALS: Final = ((1, 1, _("元旦")), (5, 1, _("劳动节")), (10, 1, _("国庆节")))
_DAY: Final = re.compile(r"(\d+)\s*[-/.年]\s*(\d+)\s*[-/.月]\s*(\d+)\s*日?")


@lru_cache(maxsize=1)
def shipped() -> Mapping[int, Notice]:
    """The notices that come with the product (2004-2026): year -> deviations. Source: package
    chinesecalendar 1.11.
    """
    years: dict[int, dict[date, bool]] = {}
    for day in chinese_calendar.holidays:
        notice = years.setdefault(day.year, {})
        if not _is_weekend(day):
            notice[day] = False
    for day in chinese_calendar.workdays:
        if _is_weekend(day):
            years.setdefault(day.year, {})[day] = True
    # a year is known only if its whole notice is there: National Day is the last festival of each
    known = [year for year in sorted(years) if date(year, 10, 1) in chinese_calendar.holidays]
    return MappingProxyType({year: _sorted(years[year]) for year in known})


def shipped_years() -> frozenset[int]:
    """The years whose holiday notice comes with the product."""
    return frozenset(shipped())


def rests(day: date, notice: Notice) -> bool:
    """Whether a day is a statutory rest day by the notice of its year."""
    worked = notice.get(day)
    return _is_weekend(day) if worked is None else not worked


def _is_weekend(day: date) -> bool:
    return day.weekday() >= SATURDAY


def _sorted(notice: Notice) -> Notice:
    return MappingProxyType(dict(sorted(notice.items())))


def parse_notice(rows: Iterable[Sequence[object]], year: int | None = None) -> Notice:
    """A year's holiday notice as deviations, from rows (day, 休/班 or holiday/work, name of the
    festival).

    Days: date, or text such as 2027-01-01, 2027/1/1, 2027年1月1日. A first row with headings is
    skipped. year: by default the year of most rows. Holidays that fall on a weekend may be listed;
    they deviate from nothing and are left out. Errors: Invalid with all faulty rows by number:
    unreadable cells, days of another year, a day twice, work on a normal weekday, a festival with a
    fixed day that is missing or worked, an empty list.
    """
    lines = [_Line(number, row) for number, row in enumerate(rows, start=1)]
    if lines and lines[0].is_heading:
        del lines[0]
    faults = [fault for line in lines if (fault := line.fault())]
    if not lines:
        faults.append(_("放假安排是空的。"))
    entries = [entry for line in lines if (entry := line.entry())]
    year = _year_of_most(entries) if year is None else year
    listed = {entry.day: entry.worked for entry in reversed(entries)}  # of two the first
    faults += [*_misplaced(entries, year), *_missing(listed, year)]
    if faults:
        raise Invalid({"rows": [*faults]})
    return _sorted({day: worked for day, worked in listed.items() if worked == _is_weekend(day)})


class _Entry(NamedTuple):
    """A row that could be read: its number, the day, whether it is worked."""

    number: int
    day: date
    worked: bool


@dataclass(frozen=True)
class _Line:
    """A row as it was given."""

    number: int
    cells: Sequence[object]

    @property
    def day(self) -> date | None:
        return _read_day(self.cells[0]) if self.cells else None

    @property
    def what(self) -> str:
        return str(self.cells[1]).strip().lower() if len(self.cells) > 1 else ""

    @property
    def is_understood(self) -> bool:
        return self.what in HOLIDAY_WORDS | WORK_WORDS

    @property
    def is_heading(self) -> bool:
        return self.day is None and not self.is_understood

    def fault(self) -> Message | None:
        """What cannot be read."""
        if self.day is None:
            return _(
                "第 {number} 行：日期“{text}”无法识别，请写成 2027-01-01 的样子。",
                number=self.number,
                text=self.cells[0] if self.cells else "",
            )
        if not self.is_understood:
            return _(
                "第 {number} 行：第二列请填“休”或“班”，现为“{text}”。",
                number=self.number,
                text=self.what,
            )
        return None

    def entry(self) -> _Entry | None:
        day = self.day
        if day is None or not self.is_understood:
            return None
        return _Entry(self.number, day, self.what in WORK_WORDS)


def _read_day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _DAY.fullmatch(str(cell).strip())
    try:
        return date(*map(int, found.groups())) if found else None
    except (ValueError, OverflowError):
        return None


def _year_of_most(entries: Sequence[_Entry]) -> int | None:
    counts = Counter(entry.day.year for entry in entries)
    return max(counts, key=lambda year: (counts[year], year), default=None)


def _misplaced(entries: Sequence[_Entry], year: int | None) -> list[Message]:
    """Days of another year, days given twice, and work where work is normal."""
    faults: list[Message] = []
    seen: set[date] = set()
    for number, day, worked in entries:
        if day.year != year:
            wrong = _(
                "第 {number} 行：{day} 不在 {year} 年，请归入该年的放假安排。",
                number=number,
                day=day,
                year=year,
            )
            faults.append(wrong)
        elif day in seen:
            faults.append(_("第 {number} 行：{day} 重复。", number=number, day=day))
        elif worked and not _is_weekend(day):
            wrong = _(
                "第 {number} 行： {day}本来就是工作日，“班”只用于周末调休上班。",
                number=number,
                day=day_words(day),
            )
            faults.append(wrong)
        seen.add(day)
    return faults


def _missing(listed: Notice, year: int | None) -> list[Message]:
    """The festivals with a fixed day that are not among the holidays."""
    if year is None:
        return []
    fixed = [(date(year, month, number), name) for month, number, name in FIXED_FESTIVALS]
    return [
        _("缺少{name}({day})，请载入全年完整的放假安排。", name=name, day=day)
        for day, name in fixed
        if not rests(day, listed)
    ]

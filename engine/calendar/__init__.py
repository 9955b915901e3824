"""Working days of China and the arithmetic of time limits. Pure: reads no clock, stores nothing, counts in integers.

Law: Civil Code （民法典） arts. 200-203, 1259. A year whose State Council holiday notice is not loaded counts weekends
only and gives provisional dates, so that they can be computed again once the notice is there.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

import chinese_calendar

from engine import clock
from engine.errors import Invalid

Notice: TypeAlias = Mapping[date, bool]
"""A year's deviations from "Monday to Friday are worked": False = holiday on a weekday, True = make-up weekend day."""

UNITS: Final = ("day", "working_day", "month", "year")
UNIT_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "day": ("日", "day"),
        "working_day": ("个工作日", "working day"),
        "month": ("个月", "month"),
        "year": ("年", "year"),
    }
)
LONGEST: Final = (
    36_500  # no limit of law comes near; a slip of the finger must not run the machine for hours
)
SATURDAY: Final = 5
DAY: Final = timedelta(days=1)
WEEKDAYS: Final = "一二三四五六日"
HOLIDAY_WORDS: Final = frozenset({"休", "放假", "休息", "节假日", "holiday", "rest"})
WORK_WORDS: Final = frozenset({"班", "上班", "补班", "调休上班", "work", "workday"})
# 全国年节及纪念日放假办法: these are holidays in every year, so a notice without them is a torn-off piece of one
FIXED_FESTIVALS: Final = ((1, 1, "元旦"), (5, 1, "劳动节"), (10, 1, "国庆节"))


@dataclass(frozen=True)
class Due:
    """The end of a time limit.

    moment: aware UTC, the instant at which `day` ends in China (24:00, 民法典203). day: the last day. provisional: some
    day that decided it lies in a year whose holiday notice is not loaded. steps, steps_en: how it was computed, in
    words. rule: the rule that gave it, if one did.
    """

    moment: datetime
    day: date
    provisional: bool
    steps: tuple[str, ...]
    steps_en: tuple[str, ...]
    rule: str = ""


When: TypeAlias = Due | datetime | date


@lru_cache(maxsize=1)
def shipped() -> Mapping[int, Notice]:
    """The notices that come with the product (2004-2026): year -> deviations. Source: package chinesecalendar 1.11."""
    years: dict[int, dict[date, bool]] = {}
    for day in chinese_calendar.holidays:
        notice = years.setdefault(day.year, {})
        if day.weekday() < SATURDAY:
            notice[day] = False
    for day in chinese_calendar.workdays:
        if day.weekday() >= SATURDAY:
            years.setdefault(day.year, {})[day] = True
    # a year is known only if its whole notice is there: National Day is the last festival of each
    known = {
        year: notice
        for year, notice in years.items()
        if date(year, 10, 1) in chinese_calendar.holidays
    }
    return MappingProxyType(
        {year: MappingProxyType(dict(sorted(known[year].items()))) for year in sorted(known)}
    )


def shipped_years() -> frozenset[int]:
    """The years whose holiday notice comes with the product."""
    return frozenset(shipped())


@dataclass(frozen=True)
class Calendar:
    """The working days of one union.

    notices: year -> deviations (see `Notice`); without it, the shipped ones. vacations: (first day, last day, name),
    both days included; working days skip them, calendar days do not, and the roll of 民法典203 ignores them, because a
    winter or summer vacation of a school is no statutory rest day. Errors: Invalid when a day stands under the wrong
    year or a vacation ends before it begins.
    """

    notices: Mapping[int, Notice] = field(default_factory=shipped, hash=False)
    vacations: tuple[tuple[date, date, str], ...] = ()

    def __post_init__(self) -> None:
        loose = {
            y: n for y, n in self.notices.items() if not isinstance(n, MappingProxyType)
        }  # the rest was looked at before
        for year, notice in loose.items():
            if stray := [day for day in notice if day.year != year]:
                raise Invalid(f"{year} 年放假安排中有其他年份的日期：{stray[0]}。")
        for first, last, name in self.vacations:
            if last < first:
                raise Invalid(f"假期“{name}”的结束日 {last} 早于开始日 {first}。")
        if loose or not isinstance(self.notices, MappingProxyType):
            frozen = {year: MappingProxyType(dict(notice)) for year, notice in loose.items()}
            object.__setattr__(self, "notices", MappingProxyType({**self.notices, **frozen}))

    def is_known(self, year: int) -> bool:
        """Whether the holiday notice of that year is loaded."""
        return year in self.notices

    def is_rest(self, day: date) -> bool:
        """Whether that day is a statutory rest day: weekend or holiday, and no make-up working day."""
        return _rests(day, self.notices.get(day.year, {}))

    def vacation_on(self, day: date) -> str | None:
        """The name of the unit's vacation on that day, or None."""
        return next((name for first, last, name in self.vacations if first <= day <= last), None)

    def is_working(self, day: date) -> bool:
        """Whether people of this unit work on that day: no statutory rest day and no vacation."""
        return not self.is_rest(day) and self.vacation_on(day) is None

    def add(self, start: When, amount: int, unit: str) -> Due:
        """The end of a limit of `amount` units that begins with `start`.

        start: aware moment (its day in China counts as the starting day), a day, or a Due (its last day). The starting
        day is not counted （民法典201）; a month or year ends on the corresponding day, or the last of the month
        （民法典202）; a last day that is a statutory rest day moves to the first day after the rest （民法典203）.
        Errors: Invalid for an unknown unit, a negative or absurd amount, a moment without a time zone.
        """
        _check_amount(amount, unit)
        account = _Account(self, _starting_day(start), start)
        zh, en = in_words(amount, unit), in_words(amount, unit, "en")
        account.say(
            f"起算：{_zh(account.start)}当日不计入，自次日起算（民法典第201条）。",
            f"Start: {account.start} is not counted, day 1 is the next day (Civil Code, art. 201).",
        )
        account.last = (
            account.walk(amount, 1)
            if unit == "working_day"
            else _shift(account.start, amount, unit)
        )
        account.say(
            f"满 {zh}为{_zh(account.last)}{'（民法典第202条）' if unit in ('month', 'year') else ''}。",
            f"{en} end on {account.last}{' (Civil Code, art. 202)' if unit in ('month', 'year') else ''}.",
        )
        if unit == "working_day":
            account.explain_skipped()
        else:
            account.explain_vacations()
        account.roll()
        return account.due()

    def subtract(self, moment: When, amount: int, unit: str, *, clear: bool = False) -> Due:
        """The last day that is `amount` units before `moment`; for warnings and for duties such as "seven days before".

        moment: a Due, a day, or an aware moment; a moment of exactly midnight belongs to the day that ends there, as
        due moments do. Never rolls: moving a warning past a weekend would shorten it. clear: whether that many whole
        days must lie between, which moves the day one earlier ("七日前" on D-7 is arguable, D-8 is not). Errors: as
        `add`.
        """
        _check_amount(amount, unit)
        account = _Account(self, _ending_day(moment), moment)
        zh, en = in_words(amount, unit), in_words(amount, unit, "en")
        account.last = (
            account.walk(amount, -1)
            if unit == "working_day"
            else _shift(account.start, -amount, unit)
        )
        account.say(
            f"自{_zh(account.start)}向前数 {zh}，为{_zh(account.last)}；倒推的日期遇休息日不顺延。",
            f"{en} before {account.start} is {account.last}; counting back, rest days do not move it.",
        )
        if unit == "working_day":
            account.explain_skipped()
        if clear:
            account.last = _moved(account.last, -1)
            account.say(
                f"“{zh}前”按中间足 {zh}从严掌握，最迟为{_zh(account.last)}。",
                f"Read strictly, {en} must lie between in full, so the last day is {account.last}.",
            )
        return account.due()

    def working_days_between(self, a: date, b: date) -> int:
        """How many working days lie after `a` up to and including `b`; negative when b is before a."""
        if b < a:
            return -self.working_days_between(b, a)
        return sum(self.is_working(a + DAY * n) for n in range(1, (b - a).days + 1))

    def remaining(self, now: datetime, due: Due | datetime) -> tuple[int, int]:
        """(working days, calendar days) after today up to the last day: (0, 0) on that day, negative when overdue."""
        today, last = _starting_day(now), _ending_day(due)
        return self.working_days_between(today, last), (last - today).days


class _Account:
    """One computation on its way: the day reached, the years looked at, and the words."""

    def __init__(self, calendar: Calendar, start: date, origin: When) -> None:
        self.calendar, self.start, self.last = calendar, start, start
        self.shaky = isinstance(origin, Due) and origin.provisional
        self.zh: list[str] = []
        self.en: list[str] = []
        self.unknown: set[int] = set()
        self.rest = 0
        self.made_up: list[date] = []
        self.vacation: dict[str, int] = {}

    def say(self, zh: str, en: str) -> None:
        self.zh.append(zh.strip())
        self.en.append(en)

    def seen(self, day: date) -> None:
        if not self.calendar.is_known(day.year):
            self.unknown.add(day.year)

    def walk(self, amount: int, step: int) -> date:
        day = self.start
        while amount:
            day = _moved(day, step)
            self.seen(day)
            if self.calendar.is_rest(day):
                self.rest += 1
            elif name := self.calendar.vacation_on(day):
                self.vacation[name] = self.vacation.get(name, 0) + 1
            else:
                amount -= 1
                if day.weekday() >= SATURDAY:
                    self.made_up.append(day)
        return day

    def explain_skipped(self) -> None:
        if self.rest:
            self.say(
                f"其间周末和法定节假日 {self.rest} 天不计。",
                f"Weekends and holidays are skipped: {self.rest}.",
            )
        if self.made_up:
            days = sorted(self.made_up)
            self.say(
                f"调休上班日计为工作日：{'、'.join(_zh(day) for day in days)}。",
                f"Make-up working days count: {', '.join(map(str, days))}.",
            )
        for name, days_off in self.vacation.items():
            self.say(
                f"本单位假期“{name}”中的 {days_off} 个平日不计为工作日。",
                f'Weekdays of the unit\'s vacation "{name}" that are no working days: {days_off}.',
            )

    def explain_vacations(self) -> None:
        for first, last, name in self.calendar.vacations:
            if first <= self.last and last > self.start:
                self.say(
                    f"本期限按日历日计算，本单位假期“{name}”照常计入。",
                    f'This limit counts calendar days, so the unit\'s vacation "{name}" is counted as usual.',
                )

    def roll(self) -> None:
        ended = self.last
        self.seen(self.last)
        while self.calendar.is_rest(self.last):
            self.last = _moved(self.last, 1)
            self.seen(self.last)
        if self.last != ended:
            self.say(
                f"{_zh(ended)}是法定休息日，顺延至休息日结束的次日{_zh(self.last)}（民法典第203条）。",
                f"{ended} is a statutory rest day; the limit ends on {self.last} (Civil Code, art. 203).",
            )

    def due(self) -> Due:
        self.say(
            f"截止：{_zh(self.last)}24:00（北京时间）。", f"Ends: {self.last} 24:00, China time."
        )
        for year in sorted(self.unknown):
            self.say(
                f"{year} 年放假安排尚未载入，该年只按周末推算；本日期为暂定，载入后重新计算。",
                f"The holiday notice of {year} is not loaded; only weekends are counted, so this date is provisional.",
            )
        if self.shaky:
            self.say(
                "起点本身是暂定日期，本日期随之暂定。",
                "It is reckoned from a provisional date, so it is provisional too.",
            )
        return Due(
            _end_of(self.last),
            self.last,
            bool(self.unknown) or self.shaky,
            tuple(self.zh),
            tuple(self.en),
        )


def in_words(amount: int, unit: str, lang: str = "zh") -> str:
    """A span of time in words: 10 个工作日， 10 working days. unit: one of UNITS."""
    zh, en = UNIT_WORDS[unit]
    return f"{amount} {en if amount == 1 else en + 's'}" if lang == "en" else f"{amount} {zh}"


def parse_notice(rows: Iterable[Sequence[object]], year: int | None = None) -> Notice:
    """A year's holiday notice as deviations, from rows (day, 休/班 or holiday/work, name of the festival).

    Days: date, or text such as 2027-01-01, 2027/1/1, 2027年1月1日. A first row with headings is skipped. year: by
    default the year of most rows. Holidays that fall on a weekend may be listed; they deviate from nothing and are left
    out. Errors: Invalid with all faulty rows by number: unreadable cells, days of another year, a day twice, work on a
    normal weekday, a festival with a fixed day that is missing or worked, an empty list.
    """
    faults: list[str] = []
    read: list[tuple[int, date, bool]] = []
    for number, row in enumerate(rows, start=1):
        cells = [str(cell).strip().lower() for cell in row[1:2]]
        day = _read_day(row[0]) if row else None
        if number == 1 and day is None and not set(cells) & (HOLIDAY_WORDS | WORK_WORDS):
            continue
        if day is None:
            faults.append(
                f"第 {number} 行：日期“{row[0] if row else ''}”无法识别，请写成 2027-01-01 的样子。"
            )
        elif not set(cells) & (HOLIDAY_WORDS | WORK_WORDS):
            faults.append(f"第 {number} 行：第二列请填“休”或“班”，现为“{''.join(cells)}”。")
        else:
            read.append((number, day, cells[0] in WORK_WORDS))
    if not read and not faults:
        faults.append("放假安排是空的。")
    years = [day.year for _, day, _ in read]
    year = max(set(years), key=lambda y: (years.count(y), y)) if year is None and years else year
    listed: dict[date, bool] = {}
    for number, day, worked in read:
        if day.year != year:
            faults.append(f"第 {number} 行：{day} 不在 {year} 年，请归入该年的放假安排。")
        elif day in listed:
            faults.append(f"第 {number} 行：{day} 重复。")
        elif worked and day.weekday() < SATURDAY:
            faults.append(f"第 {number} 行：{_zh(day)}本来就是工作日，“班”只用于周末调休上班。")
        listed.setdefault(day, worked)
    faults += [
        f"缺少{name}({year}-{month:02}-{number:02})，请载入全年完整的放假安排。"
        for month, number, name in FIXED_FESTIVALS
        if year is not None and not _rests(date(year, month, number), listed)
    ]
    if faults:
        raise Invalid({"rows": faults})
    return MappingProxyType(
        {
            day: worked
            for day, worked in sorted(listed.items())
            if worked == (day.weekday() >= SATURDAY)
        }
    )


def _rests(day: date, notice: Notice) -> bool:
    worked = notice.get(day)
    return day.weekday() >= SATURDAY if worked is None else not worked


def _read_day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = (
        str(cell)
        .strip()
        .replace("年", "-")
        .replace("月", "-")
        .replace("日", "")
        .replace("/", "-")
        .replace(".", "-")
    )
    parts = text.split("-")
    try:
        return date(*(int(part) for part in parts)) if len(parts) == 3 else None
    except ValueError:
        return None


def _check_amount(amount: int, unit: str) -> None:
    if unit not in UNITS:
        raise Invalid(f"不认识的期限单位“{unit}”。")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= LONGEST:
        raise Invalid(f"期限须为 0 至 {LONGEST} 的整数，现为“{amount}”。")


def _aware(moment: datetime) -> datetime:
    # a moment without a zone would be read in the zone of the server: eight hours late on most of them
    if moment.tzinfo is None:
        raise Invalid("时刻缺少时区，无法计算期限。")
    return moment.astimezone(clock.CHINA)


def _starting_day(when: When) -> date:
    if isinstance(when, Due):
        return when.day
    return _aware(when).date() if isinstance(when, datetime) else when


def _ending_day(when: When) -> date:
    if not isinstance(when, datetime):
        return _starting_day(when)
    local = _aware(when)
    return _moved(local.date(), -1) if local.time() == time(0) else local.date()


def _end_of(day: date) -> datetime:
    return datetime.combine(_moved(day, 1), time(0), clock.CHINA).astimezone(UTC)


def _shift(day: date, amount: int, unit: str) -> date:
    if unit == "day":
        return _moved(day, amount)
    year, month = divmod(day.year * 12 + day.month - 1 + amount * (12 if unit == "year" else 1), 12)
    if not date.min.year <= year < date.max.year:
        raise Invalid("期限超出了日历的范围。")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _moved(day: date, days: int) -> date:
    try:
        return day + DAY * days
    except OverflowError:
        raise Invalid("期限超出了日历的范围。") from None


def _zh(day: date) -> str:
    return f" {day}（周{WEEKDAYS[day.weekday()]}）"

"""Time limits at their edges: midnight, 29 February, year end, make-up Saturdays, vacations, unknown years."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace

import pytest

from engine.calendar import Calendar, Due, in_words, next_year, parse_notice, shipped, shipped_years
from engine.clock import CHINA
from engine.errors import Invalid, ProcessFault
from engine.instance import functions

SHIPPED = Calendar()
SUMMER = (date(2026, 7, 10), date(2026, 8, 31), "暑假")
TERM = Calendar(vacations=(SUMMER,))


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=CHINA)


def rows_2027() -> list[list[object]]:
    return [
        ["日期", "休/班", "名称"],
        ["2027-01-01", "休", "元旦"],
        [date(2027, 2, 5), "holiday", "春节"],
        [datetime(2027, 2, 8, tzinfo=UTC), "休", "春节"],
        ["2027/2/6", "休", "春节"],
        ["2027年2月20日", "班", "春节调休"],
        ["2027.5.1", "休", "劳动节"],
        ["2027-05-03", "休", "劳动节"],
        ["2027-10-01", "休", "国庆节"],
    ]


class TestWhatIsShipped:
    def test_the_years_end_with_2026(self):
        assert max(shipped_years()) == 2026
        assert shipped_years() == frozenset(range(2004, 2027))
        assert not SHIPPED.is_known(2027)

    def test_only_deviations_are_kept(self):
        for year, notice in shipped().items():
            for day, worked in notice.items():
                assert day.year == year
                assert worked == (day.weekday() >= 5)

    @pytest.mark.parametrize(
        ("day", "working"),
        [
            (date(2026, 9, 30), True),
            (date(2026, 10, 1), False),
            (date(2026, 10, 7), False),
            (date(2026, 10, 8), True),
            (date(2026, 10, 10), True),  # make-up Saturday
            (date(2026, 10, 11), False),
            (date(2026, 9, 20), True),  # make-up Sunday
            (date(2026, 1, 4), True),
            (date(2027, 1, 1), False),  # not loaded, but a day off by law
        ],
    )
    def test_known_days(self, day, working):
        assert SHIPPED.is_working(day) is working

    def test_it_is_frozen_and_comparable(self):
        assert Calendar() == Calendar()
        assert hash(Calendar()) == hash(Calendar())
        with pytest.raises(TypeError):
            SHIPPED.notices[2027] = {}  # type: ignore[index]
        with pytest.raises(AttributeError):
            SHIPPED.vacations = ()  # type: ignore[misc]

    def test_wrong_material_is_refused(self):
        with pytest.raises(Invalid, match="2027"):
            Calendar({2027: {date(2026, 1, 1): False}})
        with pytest.raises(Invalid, match="早于"):
            Calendar(vacations=((date(2026, 2, 2), date(2026, 2, 1), "寒假"),))

    def test_a_vacation_may_be_one_day(self):
        calendar = Calendar(vacations=((date(2026, 3, 3), date(2026, 3, 3), "校庆"),))
        assert calendar.add(date(2026, 3, 2), 1, "working_day").day == date(2026, 3, 4)


class TestCalendarDays:
    def test_the_starting_day_is_not_counted(self):
        assert SHIPPED.add(noon(2026, 3, 2), 1, "day").day == date(2026, 3, 3)

    def test_the_moment_is_the_end_of_the_last_day_in_china(self):
        due = SHIPPED.add(noon(2026, 3, 2), 1, "day")
        assert due.moment == datetime(2026, 3, 3, 16, tzinfo=UTC)
        assert due.moment.tzinfo is UTC

    @pytest.mark.parametrize(
        ("moment", "day"),
        [
            (datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC), date(2026, 3, 5)),  # 23:59:59 in China
            (
                datetime(2026, 3, 2, 16, 0, 0, tzinfo=UTC),
                date(2026, 3, 6),
            ),  # 00:00 of 3 March in China
            (datetime(2026, 3, 2, 16, 0, 1, tzinfo=UTC), date(2026, 3, 6)),
        ],
    )
    def test_midnight_is_midnight_in_china(self, moment, day):
        assert SHIPPED.add(moment, 3, "day").day == day

    @pytest.mark.parametrize(
        ("start", "last"),
        [
            (
                date(2026, 9, 15),
                date(2026, 9, 30),
            ),  # a Wednesday, the day before the holiday: stays
            (date(2026, 9, 16), date(2026, 10, 8)),  # 1 October: rolls over the whole holiday
            (date(2026, 9, 22), date(2026, 10, 8)),  # 7 October, the last day of rest: rolls
            (date(2026, 9, 23), date(2026, 10, 8)),  # 8 October: stays
            (date(2026, 9, 25), date(2026, 10, 10)),  # a make-up Saturday is worked: stays
            (date(2026, 9, 26), date(2026, 10, 12)),  # the Sunday after it rolls to Monday
        ],
    )
    def test_a_last_day_of_rest_rolls(self, start, last):
        assert SHIPPED.add(start, 15, "day").day == last

    def test_a_vacation_does_not_roll_and_is_counted_and_said(self):
        due = TERM.add(date(2026, 7, 6), 15, "day")
        assert due.day == date(2026, 7, 21)
        assert any("暑假" in step and "照常计入" in step for step in due.steps)
        assert any(step.values.get("name") == "暑假" for step in due.steps)
        assert not any("暑假" in step for step in TERM.add(date(2026, 6, 1), 15, "day").steps)

    def test_nothing_is_zero_days(self):
        assert SHIPPED.add(date(2026, 3, 2), 0, "day").day == date(2026, 3, 2)
        assert SHIPPED.add(date(2026, 3, 1), 0, "day").day == date(2026, 3, 2)


class TestMonthsAndYears:
    @pytest.mark.parametrize(
        ("start", "amount", "unit", "last"),
        [
            (date(2024, 1, 31), 1, "month", date(2024, 2, 29)),
            (date(2025, 1, 31), 1, "month", date(2025, 2, 28)),
            (date(2024, 2, 29), 1, "year", date(2025, 2, 28)),
            (date(2020, 2, 29), 4, "year", date(2024, 2, 29)),
            (date(2025, 12, 15), 1, "month", date(2026, 1, 15)),
            (
                date(2025, 12, 31),
                2,
                "month",
                date(2026, 2, 28),
            ),  # a make-up Saturday: worked, stays
            (date(2026, 8, 1), 2, "month", date(2026, 10, 8)),  # National Day: rolls
            (date(2025, 3, 31), 12, "month", date(2026, 3, 31)),
        ],
    )
    def test_the_corresponding_day(self, start, amount, unit, last):
        assert SHIPPED.add(start, amount, unit).day == last

    def test_29_february_is_a_day_like_others(self):
        assert SHIPPED.add(date(2024, 2, 28), 1, "day").day == date(2024, 2, 29)
        assert SHIPPED.add(date(2024, 2, 29), 1, "day").day == date(2024, 3, 1)


class TestWorkingDays:
    @pytest.mark.parametrize(
        ("amount", "last"),
        [
            (1, date(2026, 9, 29)),
            (2, date(2026, 9, 30)),
            (3, date(2026, 10, 8)),
            (5, date(2026, 10, 10)),  # the make-up Saturday counts
            (6, date(2026, 10, 12)),
        ],
    )
    def test_over_national_day(self, amount, last):
        due = SHIPPED.add(noon(2026, 9, 28), amount, "working_day")
        assert (due.day, due.provisional) == (last, False)

    def test_the_make_up_day_is_said(self):
        due = SHIPPED.add(date(2026, 9, 28), 5, "working_day")
        assert any("2026-10-10（周六）" in step and "调休" in step for step in due.steps)

    def test_they_skip_vacations_and_say_so(self):
        due = TERM.add(date(2026, 7, 8), 3, "working_day")
        assert due.day == date(2026, 9, 2)
        assert any("暑假" in step and "不计为工作日" in step for step in due.steps)
        assert any(step.values.get("name") == "暑假" for step in due.steps)

    def test_year_end_within_known_years(self):
        assert SHIPPED.add(date(2025, 12, 31), 1, "working_day").day == date(
            2026, 1, 4
        )  # a make-up Sunday


class TestProvisional:
    @pytest.mark.parametrize(
        ("start", "amount", "unit", "provisional"),
        [
            (date(2026, 12, 24), 7, "day", False),  # ends on 31 December
            (date(2026, 12, 25), 7, "day", True),
            (date(2026, 12, 30), 1, "working_day", False),
            (date(2026, 12, 31), 1, "working_day", True),
            (date(2026, 12, 1), 1, "month", True),
        ],
    )
    def test_a_year_without_notice_is_provisional(self, start, amount, unit, provisional):
        due = SHIPPED.add(start, amount, unit)
        assert due.provisional is provisional
        assert any("暂定" in step for step in due.steps) is provisional

    def test_loading_the_notice_settles_the_date(self):
        start = date(2026, 12, 31)
        before = SHIPPED.add(start, 1, "working_day")
        after = Calendar({**shipped(), 2027: parse_notice(rows_2027())}).add(
            start, 1, "working_day"
        )
        assert (before.day, before.provisional) == (date(2027, 1, 4), True)
        assert (after.day, after.provisional) == (date(2027, 1, 4), False)

    def test_what_is_reckoned_from_a_provisional_date_is_provisional(self):
        due = SHIPPED.add(date(2026, 12, 25), 7, "day")
        assert SHIPPED.subtract(due, 7, "day").provisional
        assert SHIPPED.add(due, 1, "day").provisional


class TestYearsWithoutNotice:
    """The thirteen days of 全国年节及纪念日放假办法 (2024) art. 2, and art. 6 for weekends."""

    @pytest.mark.parametrize(
        ("day", "works"),
        [
            (date(2027, 1, 1), False),
            (date(2027, 1, 4), True),
            (date(2027, 2, 4), True),  # the day before the eve of the Spring Festival
            (date(2027, 2, 5), False),  # the eve
            (date(2027, 2, 8), False),
            (date(2027, 2, 10), False),  # for the second of two days on a weekend
            (date(2027, 2, 11), True),
            (date(2027, 4, 5), False),
            (date(2027, 5, 4), False),
            (date(2027, 5, 5), True),
            (date(2027, 6, 9), False),
            (date(2027, 9, 15), False),
            (date(2027, 10, 1), False),
            (date(2027, 10, 5), False),
            (date(2027, 10, 6), True),  # only the notice could make it a day off
            (date(2027, 10, 9), False),  # only the notice could make this Saturday worked
            (date(2028, 1, 3), False),
            (date(2028, 10, 4), False),  # Mid-Autumn falls on the third of National Day
            (date(2028, 10, 5), True),
        ],
    )
    def test_the_days_off_that_law_fixes_are_no_working_days(self, day, works):
        assert SHIPPED.is_working(day) is works

    def test_the_notice_decides_alone(self):
        """Also where it gives back what law would have made up for."""
        loaded = Calendar({**shipped(), 2027: {date(2027, 1, 1): False}})
        assert loaded.is_working(date(2027, 2, 9))
        assert not loaded.is_working(date(2027, 1, 1))

    def test_a_limit_that_ends_on_such_a_day_moves_on(self):
        due = SHIPPED.add(date(2027, 9, 1), 1, "month")
        assert (due.day, due.provisional) == (date(2027, 10, 6), True)


class TestBackwards:
    def test_seven_days_before_a_due_moment_and_its_due_agree(self):
        due = SHIPPED.add(date(2026, 3, 2), 45, "day")
        assert due.day == date(2026, 4, 16)
        by_due, by_moment, by_day = (
            SHIPPED.subtract(x, 7, "day") for x in (due, due.moment, due.day)
        )
        assert by_due.day == by_moment.day == by_day.day == date(2026, 4, 9)
        assert due.moment - by_due.moment == timedelta(days=7)

    def test_a_moment_inside_a_day_belongs_to_it(self):
        assert SHIPPED.subtract(noon(2026, 4, 16), 7, "day").day == date(2026, 4, 9)

    def test_it_never_rolls(self):
        assert SHIPPED.subtract(date(2026, 10, 10), 7, "day").day == date(2026, 10, 3)
        assert any(
            "不顺延" in step for step in SHIPPED.subtract(date(2026, 10, 10), 7, "day").steps
        )

    def test_clear_days_are_one_day_more(self):
        assert SHIPPED.subtract(date(2026, 4, 16), 7, "day", clear=True).day == date(2026, 4, 8)

    @pytest.mark.parametrize(
        ("amount", "unit", "day"),
        [
            (1, "working_day", date(2026, 9, 30)),
            (3, "working_day", date(2026, 9, 28)),
            (1, "month", date(2026, 9, 8)),
            (1, "year", date(2025, 10, 8)),
        ],
    )
    def test_other_units(self, amount, unit, day):
        assert SHIPPED.subtract(date(2026, 10, 8), amount, unit).day == day

    def test_months_backwards_end_with_the_month(self):
        assert SHIPPED.subtract(date(2026, 3, 31), 1, "month").day == date(2026, 2, 28)
        assert SHIPPED.subtract(date(2026, 1, 15), 1, "month").day == date(2025, 12, 15)


class TestRemaining:
    DUE = SHIPPED.add(date(2026, 9, 28), 5, "working_day")  # Saturday 10 October, worked

    @pytest.mark.parametrize(
        ("now", "left"),
        [
            (noon(2026, 10, 8), (2, 2)),
            (noon(2026, 10, 9), (1, 1)),
            (noon(2026, 10, 10), (0, 0)),
            (datetime(2026, 10, 10, 23, 59, 59, tzinfo=CHINA), (0, 0)),
            (datetime(2026, 10, 11, 0, 0, 0, tzinfo=CHINA), (0, -1)),
            (noon(2026, 10, 12), (-1, -2)),
            (noon(2026, 9, 30), (3, 10)),
        ],
    )
    def test_around_the_last_day(self, now, left):
        assert SHIPPED.remaining(now, self.DUE) == left
        assert SHIPPED.remaining(now, self.DUE.moment) == left

    def test_working_days_between(self):
        assert SHIPPED.working_days_between(date(2026, 9, 30), date(2026, 10, 8)) == 1
        assert SHIPPED.working_days_between(date(2026, 10, 8), date(2026, 9, 30)) == -1
        assert SHIPPED.working_days_between(date(2026, 10, 8), date(2026, 10, 8)) == 0
        assert TERM.working_days_between(date(2026, 7, 9), date(2026, 8, 31)) == 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("amount", "unit"),
        [(-1, "day"), (36_501, "day"), (True, "day"), (1.5, "day"), (1, "week"), ("1", "day")],
    )
    def test_no_amount_and_no_unit(self, amount, unit):
        for compute in (SHIPPED.add, SHIPPED.subtract):
            with pytest.raises(Invalid):
                compute(date(2026, 1, 5), amount, unit)

    def test_a_naive_moment(self):
        for compute in (SHIPPED.add, SHIPPED.subtract):
            with pytest.raises(Invalid, match="时区"):
                compute(datetime(2026, 1, 5), 1, "day")

    def test_the_ends_of_the_calendar(self):
        for unit in ("day", "month", "year", "working_day"):
            with pytest.raises(Invalid, match="范围"):
                SHIPPED.add(date(9999, 12, 30), 5, unit)
            with pytest.raises(Invalid, match="范围"):
                SHIPPED.subtract(date(1, 1, 2), 5, unit)


class TestNotice:
    def test_it_gives_deviations(self):
        assert dict(parse_notice(rows_2027())) == {
            date(2027, 1, 1): False,
            date(2027, 2, 5): False,
            date(2027, 2, 8): False,
            date(2027, 2, 20): True,
            date(2027, 5, 3): False,
            date(2027, 10, 1): False,
        }

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            (["2028-01-03", "休", ""], "不在 2027 年"),
            (["2026-12-31", "休", ""], "不在 2027 年"),
            (["2027-01-01", "休", "元旦"], "重复"),
            (["2027-03-01", "班", ""], "本来就是工作日"),
            (["2027-02-30", "休", ""], "无法识别"),
            (["", "休", ""], "无法识别"),
            ([], "无法识别"),
            (["2027-03-02", "也许", ""], "休"),
            (["2027-03-02"], "休"),
        ],
    )
    def test_a_wrong_row_is_named_by_its_number(self, row, said):
        with pytest.raises(Invalid) as refusal:
            parse_notice([*rows_2027(), row])
        assert [
            message
            for message in refusal.value.fields["rows"]
            if "第 10 行" in message and said in message
        ]

    def test_all_faults_come_at_once(self):
        with pytest.raises(Invalid) as refusal:
            parse_notice([*rows_2027(), ["2027-03-01", "班", ""], ["x", "休", ""]])
        assert len(refusal.value.fields["rows"]) == 2

    def test_half_a_notice_is_refused(self):
        with pytest.raises(Invalid, match="国庆节"):
            parse_notice(rows_2027()[:-1])
        with pytest.raises(Invalid, match="空"):
            parse_notice([])

    def test_the_year_may_be_given(self):
        with pytest.raises(Invalid, match="不在 2028 年"):
            parse_notice(rows_2027(), 2028)

    def test_every_shipped_year_would_pass(self):
        for year, notice in shipped().items():
            rows = [(day, "班" if worked else "休", "") for day, worked in notice.items()]
            assert dict(parse_notice(rows, year)) == dict(notice)


def test_a_span_in_words():
    assert in_words(10, "working_day") == "10 个工作日"
    assert in_words(1, "day", "en") == "1 day"
    assert in_words(10, "working_day", "en") == "10 working days"


def test_every_computation_explains_itself():
    for due in (
        SHIPPED.add(noon(2026, 9, 16), 15, "day"),
        TERM.add(date(2026, 7, 8), 3, "working_day"),
    ):
        assert isinstance(due, Due)
        assert "民法典第201条" in due.steps[0]
        assert due.steps[-1].endswith("24:00（北京时间）。")
        ends = due.steps[-1].rendered("en", lambda source: "Ends: {day} 24:00, China time.")
        assert ends == f"Ends: {due.day} 24:00, China time."


def test_working_days_agree_with_counting_them():
    for offset in range(0, 366, 3):
        start = date(2026, 1, 1) + timedelta(days=offset)
        for amount in (1, 5, 15):
            due = TERM.add(start, amount, "working_day")
            assert TERM.is_working(due.day)
            assert TERM.working_days_between(start, due.day) == amount
            assert TERM.subtract(due.day + timedelta(days=1), 1, "working_day").day == due.day


@pytest.mark.parametrize(
    ("day", "later", "ends"),
    [
        (date(2025, 8, 31), 8, date(2026, 8, 31)),  # the last day of a year
        (date(2025, 9, 1), 8, date(2027, 8, 31)),  # the first of the next
        (date(2029, 12, 1), 8, date(2031, 8, 31)),  # a Sunday: a year does not roll
        (date(2025, 12, 31), 0, date(2026, 12, 31)),
        (date(2026, 1, 1), 0, date(2027, 12, 31)),
        (datetime(2025, 8, 31, 15, 59, tzinfo=UTC), 8, date(2026, 8, 31)),
        (datetime(2025, 8, 31, 16, 0, tzinfo=UTC), 8, date(2027, 8, 31)),  # midnight in China
    ],
)
def test_the_next_year_ends_with_its_last_day(day, later, ends):
    due = next_year(day, later)
    assert (due.day, due.provisional) == (ends, False)
    assert due.moment == datetime.combine(ends + timedelta(days=1), time(), CHINA)
    assert str(ends) in str(due.steps[0])


@pytest.mark.parametrize("unit", ["day", "year", "working_day"])
def test_years_are_moved_by_whole_months_only(unit):
    """A union's own value in another unit is refused, not read as months."""
    ruling = SimpleNamespace(id="TT-YEAR", unit=unit, value=8)
    view = SimpleNamespace(law=SimpleNamespace(ruling=lambda *_: ruling), decisive_on=None)
    with pytest.raises(ProcessFault, match="须以月计"):
        functions.next_year_ends(view, date(2026, 3, 2), "TT-YEAR")


@pytest.mark.parametrize(
    ("start", "years", "last"),
    [
        ("2026-05-01", 1, "2027-04-30"),
        ("2026-05-01", 3, "2029-04-30"),
        ("2024-02-29", 1, "2025-02-27"),  # the corresponding day is the last of February
        ("2026-01-01", 1, "2026-12-31"),
        ("2026-03-01", 1, "2027-02-28"),
        (None, 1, None),
        ("2026-05-01", None, None),
    ],
)
def test_a_term_ends_the_day_before_its_corresponding_day(start, years, last):
    assert functions.term_ends(SimpleNamespace(), start, years) == last


@pytest.mark.parametrize("years", [-1, 100])
def test_a_term_is_of_years_that_there_are(years):
    with pytest.raises(ProcessFault, match="不是一个期限"):
        functions.term_ends(SimpleNamespace(), "2026-05-01", years)


@pytest.mark.parametrize(
    ("start", "end", "between"),
    [
        ("2026-03-20", "2026-05-18", 59),
        ("2026-03-20", "2026-03-20", 0),
        ("2026-03-20", "2026-03-19", -1),
        ("2026-03-20T15:59:00+00:00", "2026-03-21", 1),  # 23:59 in China
        ("2026-03-20T16:00:00+00:00", "2026-03-21", 0),
        (None, "2026-03-21", None),
        ("2026-03-20", None, None),
    ],
)
def test_days_lie_between_days(start, end, between):
    assert functions.days(SimpleNamespace(), start, end) == between

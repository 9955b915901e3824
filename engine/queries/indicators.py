"""The indicators of a process: shares and working days of a period, beside those of the one before,
for all and by columns. Every instance stands in one period, that in which it began.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.errors import NotFound
from engine.instance.union_law import UnionLaw
from engine.instance.view import dotted
from engine.people import access
from engine.people.ordering import on_screen
from engine.queries import cells, grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from engine.calendar import Calendar
    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions import indicators as declared
    from engine.people.organisation import Actor

NOW = "now"  # the period that has not ended
_instance = tables.instance.c


@dataclass(frozen=True)
class Figure:
    """`n` of `of` instances; of days their sum and the number of instances."""

    n: int = 0
    of: int = 0

    @property
    def value(self) -> Fraction | None:
        """The exact share or average; None of nothing."""
        return Fraction(self.n, self.of) if self.of else None


@dataclass(frozen=True)
class Measure:
    """`in_days`: an average of working days; else a share."""

    key: str
    title: str
    about: str
    in_days: bool


@dataclass(frozen=True)
class Group:
    """The figures of some instances by the key of the measure; `before`: of the period before.
    `count`: how many instances there are.
    """

    title: str
    count: int
    figures: Mapping[str, Figure]
    before: Mapping[str, Figure]


@dataclass(frozen=True)
class Groups:
    """The groups by what a column says."""

    key: str
    title: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Period:
    """`key` is that of the instance that ended it, a year, or NOW; `title` is empty of NOW."""

    key: str
    title: str


@dataclass(frozen=True)
class Told:
    """`before`: the period before, None for the first; `periods` from the newest."""

    process_id: str
    title: str
    period: Period
    before: Period | None
    periods: tuple[Period, ...]
    measures: tuple[Measure, ...]
    total: Group
    tables: tuple[Groups, ...]


@dataclass(frozen=True)
class _One:
    """An instance: its period by its place, what it counts for in each measure, its cells."""

    period: int
    figures: Mapping[str, Figure]
    cells: Mapping[str, tuple[str, ...]]


def measured(session: Session, actor: Actor, process_id: str) -> bool:
    """May this person see the indicators of the process, and are there any?"""
    process = grid.process_for(session, actor, process_id)
    return process.indicators is not None and access.may(actor, "see_desk", actor.union_id)


def indicators(
    session: Session, actor: Actor, process_id: str, period: str = "", lang: str = "zh"
) -> Told:
    """The indicators of a period, else of the newest that has any instance. Raises NotFound for a
    process without indicators or an unknown period, Refused for whoever may not see the desk.
    """
    process = grid.process_for(session, actor, process_id)
    access.check_own(actor, "see_desk", actor.union_id)
    rule = process.indicators
    if rule is None:
        raise NotFound
    rows = _rows(session, actor, process_id)
    ends, periods = _periods(session, actor.union_id, rule, rows)
    ones = _ones((session, actor, lang), process, rows, ends)
    at = _chosen(periods, period, ones)
    measures = tuple(
        Measure(m.key, m.title.in_(lang), m.about.in_(lang), m.in_days) for m in rule.measures
    )
    titles = {column.key: column.title.in_(lang) for column in process.columns}
    return Told(
        process_id=process_id,
        title=process.title.in_(lang),
        period=periods[at],
        before=periods[at - 1] if at else None,
        periods=tuple(reversed(periods)),
        measures=measures,
        total=_group("", ones, at),
        tables=tuple(Groups(key, titles[key], _groups(ones, key, at)) for key in rule.by),
    )


def _rows(session: Session, actor: Actor, process_id: str) -> list[Any]:
    """All instances of the process in this union that are not confidential, the oldest first."""
    columns = ("id", "version", "facts", "unit_id", "starter_id", "state", "outcome", "started_at")
    query = (
        select(*(_instance[name] for name in columns))
        .where(_instance.union_id == actor.union_id, _instance.process_id == process_id)
        .where(~_instance.confidential)
        .order_by(_instance.started_at)
    )
    return list(session.execute(query))


# --- periods --------------------------------------------------------------------------------------
def _periods(
    session: Session, union_id: UUID, rule: declared.Indicators, rows: Sequence[Any]
) -> tuple[list[datetime], list[Period]]:
    """When each period but the last ended, and the periods from the oldest."""
    if rule.periods:
        ended = list(_ended(session, union_id, rule))
        return [at for at, _period in ended], [*(p for _at, p in ended), Period(NOW, "")]
    this = clock.today().year
    first = clock.day_of(rows[0].started_at).year if rows else this
    years = range(first, this + 1)
    ends = [datetime(year + 1, 1, 1, tzinfo=clock.CHINA) for year in years[:-1]]
    return ends, [Period(str(year), str(year)) for year in years]


def _ended(
    session: Session, union_id: UUID, rule: declared.Indicators
) -> Iterable[tuple[datetime, Period]]:
    """The instances that each ended a period, in the order in which they did."""
    query = (
        select(_instance.id, _instance.title, _instance.facts, _instance.state, _instance.outcome)
        .add_columns(_instance.ended_at)
        .where(_instance.union_id == union_id, _instance.process_id == rule.periods)
        .where(_instance.ended_at.is_not(None), ~_instance.confidential)
        .order_by(_instance.ended_at)
    )
    for row in session.execute(query):
        if cells.holds(rule.which, row):
            yield row.ended_at, Period(str(row.id), row.title)


def _chosen(periods: Sequence[Period], key: str, ones: Iterable[_One]) -> int:
    """The place of the period that is asked for, else of the newest in which anything began."""
    if not key:
        return max((one.period for one in ones), default=len(periods) - 1)
    places = [n for n, period in enumerate(periods) if period.key == key]
    if not places:
        raise NotFound
    return places[0]


# --- what each counts for -------------------------------------------------------------------------
def _ones(
    reader: tuple[Session, Actor, str],
    process: Process,
    rows: Sequence[Any],
    ends: Sequence[datetime],
) -> list[_One]:
    """`reader`: the session, whoever asks, and their language."""
    session, actor, lang = reader
    rule = process.indicators
    assert rule is not None
    calendar = UnionLaw.of(session, actor.union_id).calendar
    columns = [column for column in process.columns if column.key in rule.by]
    said = cells.of(session, actor, columns, rows, lang)
    return [
        _One(
            period=bisect_left(ends, row.started_at),
            figures={m.key: _figure(m, row, calendar) for m in rule.measures},
            cells=said[row.id],
        )
        for row in rows
    ]


def _figure(measure: declared.Measure, row: cells.Counted, calendar: Calendar) -> Figure:
    if measure.in_days:
        since, until = (_day(dotted(row.facts, path)) for path in (measure.since, measure.until))
        if since is None or until is None:
            return Figure()
        return Figure(calendar.working_days_between(since, until), 1)
    if not cells.holds(measure.of, row):
        return Figure()
    return Figure(int(cells.holds(measure.holds, row)), 1)


def _day(said: object) -> date | None:
    """The day that a fact tells, be it a day or a moment in it."""
    if not isinstance(said, str) or not said:
        return None
    if moment := cells.moment(said):
        return clock.day_of(moment)
    return date.fromisoformat(said[:10])


# --- adding up ------------------------------------------------------------------------------------
def _groups(ones: Sequence[_One], key: str, at: int) -> tuple[Group, ...]:
    """By what a column says; an instance of which it names several counts for each of them."""
    found: dict[str, list[_One]] = defaultdict(list)
    for one in ones:
        for title in one.cells[key]:
            found[title].append(one)
    groups = (_group(title, each, at) for title, each in found.items())
    return tuple(on_screen([g for g in groups if g.count], lambda group: group.title))


def _group(title: str, ones: Sequence[_One], at: int) -> Group:
    now = [one for one in ones if one.period == at]
    before = [one for one in ones if one.period == at - 1]
    return Group(title, len(now), _added(now), _added(before))


def _added(ones: Iterable[_One]) -> dict[str, Figure]:
    sums: dict[str, Figure] = defaultdict(Figure)
    for one in ones:
        for key, figure in one.figures.items():
            sums[key] = Figure(sums[key].n + figure.n, sums[key].of + figure.of)
    return sums


def tenths(value: Fraction) -> int:
    """A number in tenths, rounded half up."""
    return (value.numerator * 20 + value.denominator) // (2 * value.denominator)

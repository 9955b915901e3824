"""The calendar of working days as a union's people read it: its years, their own vacations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine import calendar, clock
from engine.db import tables
from engine.errors import NotFound
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_vacation = tables.vacation.c


@dataclass(frozen=True)
class Year:
    """A year of the calendar: `state` is shipped, loaded or provisional; `days` its deviations
    (day, worked).
    """

    year: int
    state: str
    source: str
    by: str
    loaded_at: datetime | None
    days: tuple[tuple[date, bool], ...]


@dataclass(frozen=True)
class Vacation:
    id: UUID
    name: str
    from_on: date
    to_on: date


@dataclass(frozen=True)
class Calendar:
    """What working days rest on. `provisional` counts the running deadlines of this union that wait
    for a notice.
    """

    years: tuple[Year, ...]
    first_known: int
    vacations: tuple[Vacation, ...]
    provisional: int
    may_load: bool
    may_close: bool


def read(session: Session, actor: Actor, union_id: UUID) -> Calendar:
    """The last, this and the next two years of the calendar, and the union's vacations. Raises
    NotFound.
    """
    if not access.may(actor, "see_rules", union_id):
        raise NotFound
    loaded = {r.year: r for r in session.execute(select(tables.notice))}
    people = organisation.names(session, [r.member_id for r in loaded.values() if r.member_id])
    this = clock.today().year
    return Calendar(
        years=tuple(_year(y, loaded.get(y), people) for y in range(this - 1, this + 3)),
        first_known=min(calendar.shipped_years()),
        vacations=_vacations(session, union_id),
        provisional=_provisional(session, union_id),
        may_load=access.may_somewhere(actor, "propose_notice"),
        may_close=access.may(actor, "manage_vacations", union_id),
    )


def _year(year: int, notice: rows.Selected | None, people: Mapping[UUID, str]) -> Year:
    if notice is not None:
        days = tuple(
            (date.fromisoformat(day), bool(worked)) for day, worked in sorted(notice.days.items())
        )
        return Year(
            year=year,
            state="loaded",
            source=notice.source,
            by=people.get(notice.member_id, ""),
            loaded_at=notice.loaded_at,
            days=days,
        )
    known = calendar.shipped().get(year)
    return Year(
        year=year,
        state="shipped" if known else "provisional",
        source="",
        by="",
        loaded_at=None,
        days=tuple(sorted((known or {}).items())),
    )


def _vacations(session: Session, union_id: UUID) -> tuple[Vacation, ...]:
    """Those of a union, the latest first."""
    rows = session.execute(
        select(tables.vacation)
        .where(_vacation.unit_id == union_id)
        .order_by(_vacation.from_on.desc())
    )
    return tuple(Vacation(r.id, r.name, r.from_on, r.to_on) for r in rows)


def _provisional(session: Session, union_id: UUID) -> int:
    task, instance = tables.task.c, tables.instance.c
    waiting = (
        select(func.count())
        .select_from(tables.task)
        .join(tables.instance, instance.id == task.instance_id)
        .where(
            instance.union_id == union_id,
            instance.state.in_(("running", "suspended")),
            task.state == "open",
        )
        .where(task.due["provisional"].as_boolean(), ~instance.confidential)
    )
    return int(session.execute(waiting).scalar_one())

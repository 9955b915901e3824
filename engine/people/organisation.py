"""Who is who: units, posts with terms, who manages whom, and which seat or person a lane means."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    Date,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from engine import clock
from engine.calendar.moments import end_of
from engine.db import tables
from engine.errors import NotFound
from engine.messages import _
from engine.people.ordering import Order, ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import BindParameter, ColumnElement, FromClause, Select

    from engine.db import Session, rows


INSTALLATION = UUID(int=0)
"""What belongs to no union but to all of them: definitions, the calendar, checkpoints."""
RUNNER = "installation"
"""The post whose holders answer for what belongs to the installation, whatever unit it is held in."""


def seat_key(seat: str) -> UUID:
    """A seat ("<post>@<unit>") as a key of the table `share`."""
    return UUID(bytes=hashlib.md5(seat.encode(), usedforsecurity=False).digest())


@dataclass(frozen=True)
class Held:
    """A post that a member holds today: its kind (a key of posts.toml), its unit and the union this
    unit belongs to.
    """

    kind: str
    unit_id: UUID
    union_id: UUID | None


@dataclass(frozen=True)
class Lent:
    """What a person may do today in the place of another who is away: tasks of these seats in
    these processes, due by a moment where one is said.
    """

    by: UUID
    name: str
    seats: tuple[str, ...]
    processes: tuple[str, ...]
    due_by: datetime | None


@dataclass(frozen=True)
class Actor:
    """The person on whose word a command runs. `lent`: for whom they act as a deputy."""

    id: UUID
    name: str
    union_id: UUID
    unit_id: UUID
    posts: tuple[Held, ...]
    locale: str = "zh"
    lent: tuple[Lent, ...] = ()

    @cached_property
    def seats(self) -> frozenset[str]:
        """The seats this person sits on, as "<post>@<unit>"."""
        return frozenset(f"{p.kind}@{p.unit_id}" for p in self.posts)

    @cached_property
    def keys(self) -> list[UUID]:
        """Under which keys a share may name this person."""
        return [self.id, *(seat_key(seat) for seat in sorted(self.seats))]

    def holds(self, kind: str, union_id: UUID | None) -> bool:
        """Does this person hold such a post in that union? Nobody holds one in no union."""
        return union_id is not None and any(
            p.kind == kind and p.union_id == union_id for p in self.posts
        )

    @property
    def runs_installation(self) -> bool:
        """Does this person answer for what belongs to all unions?"""
        return any(p.kind == RUNNER for p in self.posts)

    def unions(self, *kinds: str) -> list[UUID]:
        """The unions in which this person holds one of these posts."""
        return sorted({p.union_id for p in self.posts if p.kind in kinds and p.union_id}, key=str)


def in_office(
    on: date | BindParameter[date], held: FromClause = tables.post
) -> ColumnElement[bool]:
    """The posts in force on a day; the last day counts."""
    post = held.c
    return and_(post.from_on <= on, or_(post.to_on.is_(None), post.to_on >= on))


def _lent() -> ColumnElement[Any]:
    """What a member may do for others who are away, as JSON; only what they hold themselves in the
    union, so that no power goes on from a deputy to another.
    """
    deputy = tables.deputy.c
    away, held, place = (
        table.alias(name)
        for table, name in ((tables.member, "away"), (tables.post, "lent"), (tables.unit, "place"))
    )
    seat = held.c.kind + "@" + cast(held.c.unit_id, Text)
    seats = (
        select(func.json_agg(seat))
        .join(place, place.c.id == held.c.unit_id)
        .where(held.c.member_id == away.c.id, in_office(_TODAY, held))
        .where(place.c.union_id == deputy.union_id)
        .scalar_subquery()
    )
    told = away.c.id, away.c.name, seats, deputy.processes, deputy.due_only, deputy.to_on
    found = (
        select(func.json_agg(func.json_build_array(*told)))
        .select_from(tables.deputy)
        .join(away, away.c.id == deputy.member_id)
        .where(deputy.deputy_id == tables.member.c.id, deputy.ended_at.is_(None), away.c.active)
        .where(deputy.from_on <= _TODAY, deputy.to_on >= _TODAY)
        .correlate(tables.member)
    )
    return found.scalar_subquery().label("lent")


def _with_posts() -> Select[Any]:
    member, post, unit = tables.member.c, tables.post.c, tables.unit.c
    return (
        select(
            member.id,
            member.name,
            member.union_id,
            member.unit_id,
            member.locale,
            post.kind,
            post.unit_id.label("post_unit"),
            unit.union_id.label("post_union"),
            _lent(),
        )
        .select_from(tables.member)
        .outerjoin(tables.post, and_(post.member_id == member.id, in_office(_TODAY)))
        .outerjoin(tables.unit, unit.id == post.unit_id)
        .where(member.active)
    )


# Every request asks who is here: the question is put together once, its day when it is asked.
_TODAY = bindparam("today", None, Date, callable_=clock.today)
_WITH_POSTS = _with_posts()
_ONE = _WITH_POSTS.where(tables.member.c.id == bindparam("member"))


def with_posts(*more: ColumnElement[Any]) -> Select[Any]:
    """Active members with the posts of today, a row a post, for `actor_of`; `more` are further
    columns.
    """
    return _WITH_POSTS.add_columns(*more)


def actor(session: Session, member_id: UUID) -> Actor:
    """Load an active member with the posts of today. Raises NotFound."""
    rows = session.execute(_ONE, {"member": member_id}).all()
    if not rows:
        raise NotFound(_("没有这个人，或已停用。"))
    return actor_of(rows)


def actor_of(rows: Sequence[rows.Selected]) -> Actor:
    """The member of the rows that `with_posts` gave for one member."""
    first = rows[0]
    held = tuple(Held(r.kind, r.post_unit, r.post_union) for r in rows if r.kind)
    lent = tuple(_lent_of(*each) for each in first.lent or ())
    person = (first.id, first.name, first.union_id, first.unit_id)
    return Actor(*person, held, locale=first.locale, lent=lent)


def _lent_of(
    key: str, name: str, seats: list[str] | None, processes: list[str], *when: Any
) -> Lent:
    due_only, to_on = when
    due_by = end_of(date.fromisoformat(to_on)) if due_only else None
    return Lent(UUID(key), name, tuple(sorted(seats or ())), tuple(processes), due_by)


def holders(session: Session, kind: str, unit_ids: Iterable[UUID], on: date) -> list[UUID]:
    """Who holds this post in these units on a day, in the order of taking office."""
    post = tables.post.c
    found = session.execute(
        select(post.member_id)
        .join(tables.member, tables.member.c.id == post.member_id)
        .where(
            post.kind == kind,
            post.unit_id.in_(list(unit_ids)),
            in_office(on),
            tables.member.c.active,
        )
        .order_by(post.from_on, post.id)
    ).scalars()
    return list(dict.fromkeys(found))


def in_union(session: Session, kind: str, union_id: UUID, on: date) -> list[UUID]:
    """Who holds this post in any unit of a union on a day."""
    post, unit = tables.post.c, tables.unit.c
    found = session.execute(
        select(post.member_id)
        .join(tables.unit, unit.id == post.unit_id)
        .join(tables.member, tables.member.c.id == post.member_id)
        .where(post.kind == kind, unit.union_id == union_id, in_office(on), tables.member.c.active)
        .order_by(post.member_id)
    ).scalars()
    return list(dict.fromkeys(found))


def seats(session: Session, kind: str, union_id: UUID, on: date) -> dict[UUID, list[str]]:
    """The units of a union in which somebody holds a post on a day: member -> ids of units, in the
    order of taking office.
    """
    post, unit = tables.post.c, tables.unit.c
    found = session.execute(
        select(post.member_id, post.unit_id)
        .join(tables.unit, unit.id == post.unit_id)
        .where(post.kind == kind, unit.union_id == union_id, in_office(on))
        .order_by(post.from_on, post.id)
    )
    held: dict[UUID, list[str]] = {}
    for member_id, unit_id in found:
        held.setdefault(member_id, []).append(str(unit_id))
    return held


def names(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of members by id; ids that are none are left out."""
    wanted = list(set(ids))
    if not wanted:
        return {}
    member = tables.member.c
    return {
        r.id: r.name
        for r in session.execute(select(member.id, member.name).where(member.id.in_(wanted)))
    }


def in_order(session: Session, ids: Iterable[str], order: Order) -> list[str]:
    """The ids of members as a list of them stands; those of one name by their ids."""
    listed = list(ids)
    if order is Order.GIVEN or len(listed) < 2:
        return listed
    known = {str(key): name for key, name in names(session, map(UUID, listed)).items()}
    return ordered(sorted(listed), lambda key: known.get(key, ""), order)


def unit_names(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of units by id."""
    wanted = list(set(ids))
    if not wanted:
        return {}
    unit = tables.unit.c
    return {
        r.id: r.name for r in session.execute(select(unit.id, unit.name).where(unit.id.in_(wanted)))
    }


def people_and_units(
    session: Session, ids: Iterable[UUID | None]
) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """The names of the members and those of the units among these ids, in one read."""
    wanted = {key for key in ids if key}
    if not wanted:
        return {}, {}
    member, unit = tables.member.c, tables.unit.c
    query = union_all(
        select(member.id, member.name, literal(True)).where(member.id.in_(wanted)),
        select(unit.id, unit.name, literal(False)).where(unit.id.in_(wanted)),
    )
    people: dict[UUID, str] = {}
    units: dict[UUID, str] = {}
    for key, name, is_member in session.execute(query):
        (people if is_member else units)[key] = name
    return people, units

"""Who is invited to a meeting and who is there: for those who run it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from engine.db import tables
from engine.db.states import MeetingState
from engine.instance.lanes import runs_task
from engine.people import access
from engine.people.ordering import on_screen
from engine.queries.meetings import KINDS, MOST, in_hall, seen
from engine.queries.mine import like

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from engine.db import Session, rows
    from engine.people.organisation import Actor

    Invited = ReadOnlyColumnCollection[str, Any]

_attendance, _presence = tables.attendance.c, tables.presence.c
_member, _unit = tables.member.c, tables.unit.c
MOST_PASTED = 2000
FARTHEST = 10**6


@dataclass(frozen=True)
class Person:
    """One who is invited; `since` and `way` (code, list, import) of the last arrival or
    departure.
    """

    id: UUID
    name: str
    username: str
    unit: str
    kind: str
    here: bool
    since: datetime | None
    way: str


@dataclass(frozen=True)
class People:
    items: tuple[Person, ...]
    total: int
    next: str | None


@dataclass(frozen=True)
class Matched:
    """A pasted list against the roll: found once, not on it at all, or a name that several bear."""

    found: tuple[Person, ...]
    unknown: tuple[str, ...]
    several: tuple[tuple[str, tuple[Person, ...]], ...]


def _people(meetings: Sequence[UUID]) -> tuple[Select[Any], Invited]:
    """Who is invited to meetings that share a hall, each once, and the columns that say how. Who is
    a formal member of one of them is shown as that.
    """
    kind = func.min(_attendance.kind).label("kind")  # "formal" comes first
    invited = (
        select(_attendance.member_id, kind, func.bool_or(_attendance.here).label("here"))
        .where(_attendance.meeting_id.in_(meetings))
        .group_by(_attendance.member_id)
        .subquery()
    )
    last = (
        select(_presence.member_id, _presence.at, _presence.way)
        .distinct(_presence.member_id)
        .where(_presence.meeting_id.in_(meetings))
        .order_by(_presence.member_id, _presence.no.desc())
        .subquery()
    )
    people = (
        select(
            _member.id,
            _member.name,
            _member.username,
            _unit.name.label("unit"),
            invited.c.kind,
            invited.c.here,
            last.c.at,
            last.c.way,
        )
        .select_from(invited)
        .join(tables.member, _member.id == invited.c.member_id)
        .outerjoin(tables.unit, _unit.id == _member.unit_id)
        .outerjoin(last, last.c.member_id == _member.id)
    )
    return people, invited.c


def _person(row: rows.Selected) -> Person:
    return Person(
        id=row.id,
        name=row.name,
        username=row.username,
        unit=row.unit or "",
        kind=row.kind,
        here=row.here,
        since=row.at,
        way=row.way or "",
    )


def _must_run(session: Session, actor: Actor, meeting_id: UUID) -> Sequence[UUID]:
    """The meetings in the hall of this one. NotFound for who does not run it."""
    read = seen(session, actor, meeting_id)
    access.must_see(read if runs_task(read.context, read.element) else None)
    return [each.row.id for each in in_hall(session, actor, read) or (read,)]


def people(
    session: Session,
    actor: Actor,
    meeting_id: UUID,
    *,
    words: str | None = None,
    here: bool | None = None,
    kind: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> People:
    """Who is invited, by name, narrowed by words (name, user name, unit), presence, kind. NotFound
    for who does not run it.

    `after` is the number of people to leave out, as the page before said.
    """
    query, invited = _people(_must_run(session, actor, meeting_id))
    found = _by_name(session, query.where(*_narrowed(invited, words, here, kind)))
    total = len(found)
    skip = min(int(after), FARTHEST) if after and after.isascii() and after.isdigit() else 0
    size = max(1, min(limit, MOST))
    further = str(skip + size) if skip + size < total else None
    return People(tuple(map(_person, found[skip : skip + size])), total, further)


def _by_name(session: Session, query: Select[Any]) -> list[rows.Selected]:
    return on_screen(session.execute(query.order_by(_member.id)), lambda row: row.name)


def _narrowed(
    invited: Invited, words: str | None, here: bool | None, kind: str | None
) -> Iterator[ColumnElement[bool]]:
    pattern = like(words)
    if pattern:
        yield or_(*(c.ilike(pattern) for c in (_member.name, _member.username, _unit.name)))
    if here is not None:
        yield invited.here == here
    if kind in KINDS:
        yield invited.kind == kind


def elsewhere(session: Session, actor: Actor, meeting_id: UUID) -> tuple[str, ...]:
    """The names of those in this hall who are marked as in another one, too: nobody is in two at
    once; meetings that share a hall are one. NotFound for who does not run the meeting.
    """
    within = _must_run(session, actor, meeting_id)
    other, held = tables.attendance.alias().c, tables.meeting.c
    also = (
        select(other.member_id)
        .join(tables.meeting, held.id == other.meeting_id)
        .where(other.meeting_id.not_in(within), other.here)
        .where(held.state.in_((MeetingState.CALLED, MeetingState.OPEN)))
    )
    both = (
        select(_member.name)
        .join(tables.attendance, _attendance.member_id == _member.id)
        .where(_attendance.meeting_id.in_(within), _attendance.here)
        .where(_attendance.member_id.in_(also))
        .distinct()
    )
    return tuple(on_screen(session.execute(both).scalars(), str))


def matched(session: Session, actor: Actor, meeting_id: UUID, pasted: str) -> Matched:
    """Whom a pasted list of names or user names means on the roll. NotFound for who does not run
    the meeting.
    """
    query, _invited = _people(_must_run(session, actor, meeting_id))
    roll = [_person(row) for row in _by_name(session, query)]
    by_word: dict[str, list[Person]] = {}
    for person in roll:
        for word in {person.name, person.username}:
            by_word.setdefault(word.casefold(), []).append(person)
    found: dict[UUID, Person] = {}
    unknown: list[str] = []
    several: dict[str, tuple[Person, ...]] = {}
    for word in _pieces(pasted, by_word):
        hits = by_word.get(word.casefold(), [])
        if len(hits) == 1:
            found[hits[0].id] = hits[0]
        elif hits:
            several[word] = tuple(hits)
        else:
            unknown.append(word)
    return Matched(tuple(found.values()), tuple(dict.fromkeys(unknown)), tuple(several.items()))


def _pieces(pasted: str, known: Mapping[str, Any]) -> list[str]:
    """The names of a pasted list: by lines and commas; by spaces too, unless the whole is a name on
    the roll.
    """
    parts = [" ".join(p.split()) for p in re.split(r"[\n\r\t,，、;；]+", pasted.replace("\0", ""))]
    words = [w for p in parts for w in ([p] if p.casefold() in known else p.split(" "))]
    return [w[:100] for w in words if w][:MOST_PASTED]

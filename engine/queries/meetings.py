"""A meeting as a page needs it: who is due and who is there, the quorum in words, my own presence, the votes under it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from engine.db import tables
from engine.definitions.store import process_of
from engine.instance import presence
from engine.instance.context import context_of
from engine.instance.lanes import runs_task
from engine.people import access
from engine.queries import polls as asked
from engine.queries import ruled
from engine.queries.inbox import like

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.db import Session
    from engine.instance.context import Context
    from engine.people.organisation import Actor
    from engine.queries.words import About

_meeting, _attendance, _presence = tables.meeting.c, tables.attendance.c, tables.presence.c
_instance, _task, _member, _unit = tables.instance.c, tables.task.c, tables.member.c, tables.unit.c
KINDS = ("formal", "observer", "guest")
MOST = 200
MOST_PASTED = 2000


@dataclass(frozen=True)
class Vote:
    """A poll under a meeting: no partial result, only how many have voted. `waits`: for my vote, and I am in the hall."""

    id: UUID
    title: str
    asks: str
    kind: str
    state: str
    secret: bool
    roll_size: int
    cast: int
    waits: bool
    passed: bool | None
    why: str
    elected: tuple[str, ...]
    opened_at: datetime
    closed_at: datetime | None
    about: About  # what is voted on


@dataclass(frozen=True)
class Meeting:
    """`invited` and `here` count by kind (formal, observer, guest); due, needed and present are formal members only.

    `runs`: this person opens it and checks people in, and so gets the `code`. `mine` is my kind, "" when not invited.
    """

    id: UUID
    instance_id: UUID
    task_id: UUID
    number: str
    subject: str
    process_title: str
    element: str
    title: str
    asks: str
    state: str
    due: int
    needed: int
    present: int
    quorate: bool
    invited: Mapping[str, int]
    here: Mapping[str, int]
    words: str
    rules: tuple[ruled.Ruled, ...]
    roll_hash: str
    called_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    runs: bool
    code: str | None
    mine: str
    am_here: bool
    votes: tuple[Vote, ...]

    @property
    def missing(self) -> int:
        """How many formal members are missing for the quorum."""
        return max(0, self.needed - self.present)


@dataclass(frozen=True)
class Brief:
    """A meeting in a list."""

    id: UUID
    instance_id: UUID
    task_id: UUID
    number: str
    subject: str
    title: str
    state: str
    due: int
    present: int
    opened_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Person:
    """One who is invited; `since` and `way` (code, list, import) of the last arrival or departure."""

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


def meeting(session: Session, actor: Actor, meeting_id: UUID, lang: str = "zh") -> Meeting:
    """One meeting. NotFound when its matter is not this person's to see."""
    row, context = _seen(session, actor, meeting_id)
    process, element = context.process, row.element
    rule = process.tasks[element]
    assert rule.meeting is not None
    told = _numbers(context, row)
    words = rule.meeting.words.in_(lang)
    known = ruled.rulings(
        session, context.row["union_id"], context.decisive_on, words, [rule.meeting.quorum]
    )
    runs = runs_task(context, element)
    mine = session.execute(
        select(_attendance.kind, _attendance.here).where(
            _attendance.meeting_id == meeting_id, _attendance.member_id == actor.id
        )
    ).first()
    am_here = bool(mine and mine.here)
    invited, here = _counts(session, meeting_id)
    return Meeting(
        id=row.id,
        instance_id=row.instance_id,
        task_id=row.task_id,
        number=context.row["number"],
        subject=context.row["title"],
        process_title=process.title.in_(lang),
        element=element,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        state=row.state,
        due=row.due,
        needed=told["needed"],
        present=row.present,
        quorate=told["quorate"],
        invited=invited,
        here=here,
        words=ruled.filled(words, known, {}, lang) or rule.meeting.quorum,
        rules=ruled.cited(known, lang),
        roll_hash=row.roll_hash,
        called_at=row.called_at,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        runs=runs,
        code=row.code if runs else None,
        mine=mine.kind if mine else "",
        am_here=am_here,
        votes=_votes(session, actor, context, meeting_id, am_here, lang),
    )


def _seen(session: Session, actor: Actor, meeting_id: UUID) -> tuple[Any, Context]:
    """The row of a meeting with its task's element, and its matter as expressions see it; nothing is locked."""
    row = session.execute(
        select(tables.meeting, _task.element)
        .join(tables.task, _task.id == _meeting.task_id)
        .join(tables.instance, _instance.id == _meeting.instance_id)
        .where(_meeting.id == meeting_id, access.visible(actor))
    ).first()
    return access.must_see(row), context_of(session, actor, access.must_see(row).instance_id)


def _numbers(context: Context, row: Any) -> dict[str, Any]:
    """{needed, quorate} now; of a meeting that is over, as they were put on record."""
    kept = (context.facts.get(row.element) or {}).get("meeting") if row.state == "closed" else None
    if isinstance(kept, dict) and kept.get("roll_hash") == row.roll_hash:
        return {"needed": kept["needed"], "quorate": kept["quorate"]}
    numbers = presence.numbers(context, row.element, row)
    return {"needed": numbers.needed, "quorate": numbers.quorate}


def _counts(session: Session, meeting_id: UUID) -> tuple[dict[str, int], dict[str, int]]:
    rows = session.execute(
        select(_attendance.kind, func.count(), func.count().filter(_attendance.here))
        .where(_attendance.meeting_id == meeting_id)
        .group_by(_attendance.kind)
    ).all()
    none = dict.fromkeys(KINDS, 0)
    return none | {r[0]: r[1] for r in rows}, none | {r[0]: r[2] for r in rows}


def _votes(
    session: Session, actor: Actor, context: Context, meeting_id: UUID, here: bool, lang: str
) -> tuple[Vote, ...]:
    """The polls under a meeting, the open ones first, then newest first."""
    poll, roll = tables.poll.c, tables.roll.c
    rows = session.execute(
        select(tables.poll, _task.element, roll.open.label("waits"))
        .join(tables.task, _task.id == poll.task_id)
        .outerjoin(tables.roll, and_(roll.poll_id == poll.id, roll.member_id == actor.id))
        .where(poll.meeting_id == meeting_id)
        .order_by(poll.id.desc())
    ).all()
    found = []
    for row in sorted(rows, key=lambda r: r.state not in ("open", "called", "counting")):
        rule, outcome = context.process.tasks[row.element], row.outcome or {}
        names = asked.labels(session, row, rule.poll)
        found.append(
            Vote(
                id=row.id,
                title=rule.title.in_(lang),
                asks=rule.asks.in_(lang),
                kind=row.kind,
                state=row.state,
                secret=row.secret,
                roll_size=row.roll_size,
                cast=asked.cast(session, row),
                waits=bool(row.waits) and row.state == "open" and here,
                passed=outcome.get("passed"),
                why=asked.why(outcome, lang),
                elected=tuple(names[e].in_(lang) for e in outcome.get("elected", ()) if e in names),
                opened_at=row.opened_at,
                closed_at=row.closed_at,
                about=asked.about(session, actor, context.process, row.rule, lang),
            )
        )
    return tuple(found)


# --- lists ------------------------------------------------------------------------------------------------------------
def _briefs() -> Any:
    return (
        select(
            _meeting.id,
            _meeting.instance_id,
            _meeting.task_id,
            _meeting.state,
            _meeting.due,
            _meeting.present,
            _meeting.opened_at,
            _meeting.closed_at,
            _task.element,
            _instance.number,
            _instance.title,
            _instance.version,
        )
        .join(tables.task, _task.id == _meeting.task_id)
        .join(tables.instance, _instance.id == _meeting.instance_id)
    )


def _brief(session: Session, row: Any, lang: str) -> Brief:
    title = process_of(session, row.version).tasks[row.element].title.in_(lang)
    return Brief(
        row.id,
        row.instance_id,
        row.task_id,
        row.number,
        row.title,
        title,
        row.state,
        row.due,
        row.present,
        row.opened_at,
        row.closed_at,
    )


def meetings(
    session: Session,
    actor: Actor,
    instance_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
    lang: str = "zh",
) -> tuple[tuple[Brief, ...], str | None]:
    """The meetings that this person may see, of one matter or of all, newest first."""
    query = _briefs().where(access.visible(actor))
    if instance_id is not None:
        query = query.where(_meeting.instance_id == instance_id)
    if after is not None:
        query = query.where(_meeting.id < after)
    size = max(1, min(limit, MOST))
    rows = session.execute(query.order_by(_meeting.id.desc()).limit(size + 1)).all()
    found = tuple(_brief(session, r, lang) for r in rows[:size])
    return found, str(found[-1].id) if len(rows) > size else None


def awaiting(session: Session, actor: Actor, lang: str = "zh") -> tuple[Brief, ...]:
    """Open meetings in which this person is due and not checked in."""
    due = and_(
        _attendance.meeting_id == _meeting.id, _attendance.member_id == actor.id, ~_attendance.here
    )
    rows = session.execute(
        _briefs()
        .join(tables.attendance, due)
        .where(_meeting.state == "open", _instance.state == "running", access.visible(actor))
        .order_by(_meeting.opened_at.desc())
        .limit(5)
    ).all()
    return tuple(_brief(session, r, lang) for r in rows)


def of_task(session: Session, actor: Actor, task_id: UUID) -> UUID | None:
    """The meeting that a task holds, if it holds one and this person may see it."""
    query = (
        select(_meeting.id)
        .join(tables.instance, _instance.id == _meeting.instance_id)
        .where(_meeting.task_id == task_id, access.visible(actor))
    )
    found: UUID | None = session.execute(query.order_by(_meeting.id.desc()).limit(1)).scalar()
    return found


# --- who is there: for those who run the meeting ------------------------------------------------------------------------
def _people(meeting_id: UUID) -> Any:
    last = (
        select(_presence.member_id, _presence.at, _presence.way)
        .distinct(_presence.member_id)
        .where(_presence.meeting_id == meeting_id)
        .order_by(_presence.member_id, _presence.no.desc())
        .subquery()
    )
    return (
        select(
            _member.id,
            _member.name,
            _member.username,
            _unit.name.label("unit"),
            _attendance.kind,
            _attendance.here,
            last.c.at,
            last.c.way,
        )
        .join(tables.member, _member.id == _attendance.member_id)
        .outerjoin(tables.unit, _unit.id == _member.unit_id)
        .outerjoin(last, last.c.member_id == _attendance.member_id)
        .where(_attendance.meeting_id == meeting_id)
    )


def _person(row: Any) -> Person:
    return Person(
        row.id, row.name, row.username, row.unit or "", row.kind, row.here, row.at, row.way or ""
    )


def _must_run(session: Session, actor: Actor, meeting_id: UUID) -> None:
    row, context = _seen(session, actor, meeting_id)
    access.must_see(row if runs_task(context, row.element) else None)


def people(
    session: Session,
    actor: Actor,
    meeting_id: UUID,
    words: str | None = None,
    here: bool | None = None,
    kind: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> People:
    """Who is invited, by name, narrowed by words (name, user name, unit), presence, kind. NotFound for who does not run it.

    `after` is the number of people to leave out, as the page before said.
    """
    _must_run(session, actor, meeting_id)
    query = _people(meeting_id)
    pattern = like(words)
    if pattern:
        query = query.where(
            or_(
                _member.name.ilike(pattern),
                _member.username.ilike(pattern),
                _unit.name.ilike(pattern),
            )
        )
    if here is not None:
        query = query.where(_attendance.here == here)
    if kind in KINDS:
        query = query.where(_attendance.kind == kind)
    total = int(session.execute(select(func.count()).select_from(query.subquery())).scalar_one())
    skip, size = (
        int(after) if after and after.isascii() and after.isdigit() else 0,
        max(1, min(limit, MOST)),
    )
    rows = session.execute(
        query.order_by(_member.name, _member.id).offset(min(skip, 10**6)).limit(size)
    ).all()
    return People(
        tuple(map(_person, rows)), total, str(skip + size) if skip + size < total else None
    )


def matched(session: Session, actor: Actor, meeting_id: UUID, pasted: str) -> Matched:
    """Whom a pasted list of names or user names means on the roll. NotFound for who does not run the meeting."""
    _must_run(session, actor, meeting_id)
    roll = [
        _person(r)
        for r in session.execute(_people(meeting_id).order_by(_member.name, _member.id)).all()
    ]
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
    """The names of a pasted list: by lines and commas; by spaces too, unless the whole is a name on the roll."""
    parts = [" ".join(p.split()) for p in re.split(r"[\n\r\t,，、;；]+", pasted.replace("\0", ""))]
    words = [w for p in parts for w in ([p] if p.casefold() in known else p.split(" "))]
    return [w[:100] for w in words if w][:MOST_PASTED]

"""What the calendar starts in somebody's unions: what it could not, what it will, what it did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, func, select

from engine import clock
from engine.db import tables
from engine.db.states import StartState
from engine.definitions.store import in_force, process_of
from engine.instance import starting
from engine.messages import restored
from engine.people import access, posts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ScalarSelect

    from engine.db import Session
    from engine.definitions.words import Words
    from engine.messages import Message
    from engine.people.organisation import Actor

AHEAD = timedelta(days=366)
MOST = 100  # of what was started, the newest
COMING = "coming"
_start, _instance = tables.calendar_start.c, tables.instance.c


@dataclass(frozen=True)
class Start:
    """`id`: None of what is still to come. `state`: coming, begun, missed or dropped; `why`:
    nothing was started, "" otherwise; `process`, `title`: in words; `post`: of whoever has it in
    hand.
    """

    id: UUID | None
    union_id: UUID
    process_id: str
    process: Words
    title: Words
    post: str
    day: date
    state: str
    why: Message | str
    instance_id: UUID | None
    number: str


def starts(session: Session, actor: Actor) -> tuple[Start, ...]:
    """Of the unions whose desk this actor keeps: what was missed first, then what comes, soonest
    first, then what was, newest first. Raises Refused for whoever keeps none.
    """
    unions = access.unions(actor, "see_desk")
    order = {StartState.MISSED: 0, COMING: 1, StartState.BEGUN: 2, StartState.DROPPED: 2}
    found = [*_noted(session, unions), *_coming(session, unions)]

    def place(each: Start) -> tuple[int, int]:
        days = each.day.toordinal()
        return order[each.state], days if each.state == COMING else -days

    return tuple(sorted(found, key=place))


def _coming(session: Session, unions: Iterable[UUID]) -> Iterable[Start]:
    first = clock.today() + timedelta(days=1)
    for each in starting.occasions(session, unions, first, first + AHEAD):
        yield Start(
            id=None,
            union_id=each.union_id,
            process_id=each.process.id,
            process=each.process.title,
            title=each.rule.title,
            post=each.rule.by,
            day=each.day,
            state=COMING,
            why="",
            instance_id=None,
            number="",
        )


def _noted(session: Session, unions: list[UUID]) -> Iterable[Start]:
    """What is on record, of processes that are still in force; without confidential matters."""
    known = in_force(session, unions)
    query = (
        select(tables.calendar_start, _instance.number, _instance.confidential)
        .outerjoin(tables.instance, _instance.id == _start.instance_id)
        .where(_start.union_id.in_(unions))
        .order_by(_start.day.desc(), _start.id)
        .limit(MOST)
    )
    for row in session.execute(query):
        version = known.of(row.process_id, row.union_id)
        process = process_of(session, version) if version else None
        rule = next((r for r in process.starts if r.key == row.key), None) if process else None
        if process is None or rule is None:
            continue
        shown = not row.confidential
        yield Start(
            id=row.id,
            union_id=row.union_id,
            process_id=row.process_id,
            process=process.title,
            title=rule.title,
            post=rule.by,
            day=row.day,
            state=row.state,
            why=restored(row.why) if row.why else "",
            instance_id=row.instance_id if shown else None,
            number=(row.number or "") if shown else "",
        )


def missed(actor: Actor) -> ScalarSelect[Any]:
    """How many could not be started in the unions whose office this actor keeps: a column."""
    theirs = _start.union_id.in_(access.desk_unions(actor, posts.OFFICE))
    waiting = and_(theirs, _start.state == StartState.MISSED)
    return select(func.count()).select_from(tables.calendar_start).where(waiting).scalar_subquery()

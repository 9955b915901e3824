"""Who acts for whom, as both may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import or_, select

from engine import clock
from engine.db import tables
from engine.definitions.store import process_of
from engine.people import organisation
from engine.people.ordering import Order, ordered

if TYPE_CHECKING:
    from datetime import date

    from engine.db import Session
    from engine.people.organisation import Actor

_deputy, _definition, _member = tables.deputy.c, tables.definition.c, tables.member.c
MOST = 50


@dataclass(frozen=True)
class Deputy:
    """Somebody acts for another. `mine`: this reader is the one who is away; `state`: "coming",
    "now" or "over".
    """

    id: UUID
    member_id: UUID
    deputy_id: UUID
    member: str
    deputy: str
    mine: bool
    from_on: date
    to_on: date
    processes: tuple[str, ...]  # titles
    due_only: bool
    state: str


@dataclass(frozen=True)
class Deputies:
    """Those of a reader, the newest first; the processes that may be lent, by id; who may be
    named.
    """

    found: tuple[Deputy, ...]
    processes: tuple[tuple[str, str], ...]
    people: tuple[tuple[UUID, str, str], ...]  # id, name, unit; by 拼音


def deputies(session: Session, actor: Actor, lang: str = "zh") -> Deputies:
    """Who acts for this reader, and for whom they act."""
    theirs = or_(_deputy.member_id == actor.id, _deputy.deputy_id == actor.id)
    query = select(tables.deputy).where(theirs).order_by(_deputy.named_at.desc()).limit(MOST)
    rows = session.execute(query).all()
    ids = {key for row in rows for key in (row.member_id, row.deputy_id)}
    names, titles = organisation.names(session, ids), lendable(session, lang)
    found = (
        Deputy(
            id=row.id,
            member_id=row.member_id,
            deputy_id=row.deputy_id,
            member=names[row.member_id],
            deputy=names[row.deputy_id],
            mine=row.member_id == actor.id,
            from_on=row.from_on,
            to_on=row.to_on,
            processes=tuple(titles.get(each, each) for each in row.processes),
            due_only=row.due_only,
            state=_state(row.from_on, row.to_on, ended=row.ended_at is not None),
        )
        for row in rows
    )
    return Deputies(tuple(found), tuple(titles.items()), _colleagues(session, actor))


def _state(from_on: date, to_on: date, *, ended: bool) -> str:
    if ended or to_on < clock.today():
        return "over"
    return "coming" if from_on > clock.today() else "now"


def lendable(session: Session, lang: str) -> dict[str, str]:
    """The processes of which some version has a task that a deputy may do: id -> title."""
    newest = (
        select(_definition.process_id, _definition.hash)
        .where(_definition.lent != [])
        .distinct(_definition.process_id)
        .order_by(_definition.process_id, _definition.rank.desc())
    )
    found = session.execute(newest).all()
    return {row.process_id: process_of(session, row.hash).title.in_(lang) for row in found}


def _colleagues(session: Session, actor: Actor) -> tuple[tuple[UUID, str, str], ...]:
    """Who holds a post in the reader's union today: those who know its business."""
    post, unit, own = tables.post.c, tables.unit.c, tables.unit.alias("own")
    query = (
        select(_member.id, _member.name, own.c.name)
        .join(own, own.c.id == _member.unit_id)
        .join(tables.post, post.member_id == _member.id)
        .join(tables.unit, unit.id == post.unit_id)
        .where(unit.union_id == actor.union_id, _member.union_id == actor.union_id)
        .where(_member.active, _member.id != actor.id, organisation.in_office(clock.today()))
        .distinct()
        .order_by(_member.id)
    )
    found = [(key, name, at) for key, name, at in session.execute(query)]
    return tuple(ordered(found, lambda row: row[1], Order.PINYIN))

"""Whom one may ask for something beside the decision of a task (委派, 加签), and whether it waits
for an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select

from engine import clock
from engine.db import tables
from engine.definitions.verbs import JOIN
from engine.instance import rights, verbs
from engine.instance.rights import Case
from engine.people import organisation

if TYPE_CHECKING:
    from engine.db import rows
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_ask, _member, _post = tables.ask.c, tables.member.c, tables.post.c
WAITS: ColumnElement[bool] = and_(_ask.answered_at.is_(None), _ask.withdrawn_at.is_(None))
"""Neither answered nor taken back; nothing is asked any more once its task is done."""


def awaited(task_id: Any) -> ColumnElement[bool]:
    """Does a task wait for an opinion that was asked for? A condition of a statement."""
    return exists().where(_ask.task_id == task_id, _ask.what == JOIN, WAITS)


def askable(context: Context, task: rows.Task) -> list[Actor]:
    """Whom the actor may ask about a task: those who may be named in its room, and unless the
    matter is confidential the people of the unit in which it is done; nobody who is to recuse
    himself.
    """
    more = [] if context.row["confidential"] else _colleagues(context, task)
    people = verbs.nameable(context, task.element, more)
    return [each for each in people if not conflicted(context, each, task.element)]


def conflicted(context: Context, person: Actor, element: str) -> bool:
    """Has this person stepped aside from the matter, or would have to recuse himself?"""
    case = Case(verbs.seen_by(context, person), "answer_ask", element)
    return any(bar.holds(person, case) for bar in rights.BARS["answer_ask"])


def _colleagues(context: Context, task: rows.Task) -> list[UUID]:
    """The people of the unit in which a task is done, and who holds a post there; of a person's
    own task, of their unit.
    """
    actor = context.actor
    unit = UUID(task.seat.partition("@")[2]) if task.seat else actor and actor.unit_id
    here = _post.unit_id == unit, organisation.in_office(clock.today())
    holding = select(_post.member_id).where(*here)
    theirs = or_(_member.unit_id == unit, _member.id.in_(holding))
    query = select(_member.id).where(theirs, _member.active).order_by(_member.name, _member.id)
    return list(context.session.execute(query).scalars())

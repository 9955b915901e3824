"""What a person has done: tasks, launches and messages, and polls answered; newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, false, literal, or_, select, true, tuple_, union_all

from engine import forms
from engine.db import tables
from engine.definitions.store import process_of
from engine.errors import Invalid
from engine.messages import _
from engine.people import access
from engine.queries.mine import like

if TYPE_CHECKING:
    from sqlalchemy import Select

    from engine.db import Session, rows
    from engine.people.organisation import Actor

MOST = 200
_task, _poll, _roll, _instance = tables.task.c, tables.poll.c, tables.roll.c, tables.instance.c


@dataclass(frozen=True)
class Done:
    """One thing done. `what` is "task", with the task's id; "poll", with the poll's; or "said" of a
    launch, a message or an objection, which have no page of their own.
    """

    what: str
    id: UUID
    instance_id: UUID
    number: str
    title: str
    element_title: str
    process_title: str
    confidential: bool
    state: str  # of the matter now
    at: datetime


def done(
    session: Session,
    actor: Actor,
    *,
    words: str | None = None,
    after: str | None = None,
    limit: int = 50,
    lang: str = "zh",
) -> tuple[tuple[Done, ...], str | None]:
    """A page of what this person did in matters that they may still see, and the cursor of the
    next. `words`: in number or title. Raises Invalid for a bad cursor.
    """
    size = max(1, min(limit, MOST))
    own = union_all(_tasks(actor), _polls(actor)).subquery()
    acts = own.c
    of_act = (
        select(_instance.number, _instance.title, _instance.version)
        .add_columns(_instance.state, _instance.confidential)
        .where(_instance.id == acts.instance_id, access.visible(actor))
    )
    if pattern := like(words):
        mark = forms.sought(words or "")
        numbered = _instance.grams.contains([mark]) if mark else false()
        said = _instance.title.ilike(pattern), _instance.number.ilike(pattern)
        of_act = of_act.where(or_(*said, numbered))
    # the limit keeps it a look-up for each act: what one did is little beside all instances
    instance = of_act.limit(1).lateral()
    query = select(*acts, *instance.c).select_from(own.join(instance, true()))
    if place := _cursor(after):
        query = query.where(tuple_(acts.at, acts.id) < tuple_(*map(literal, place)))
    found = session.execute(query.order_by(acts.at.desc(), acts.id.desc()).limit(size + 1)).all()
    shown = tuple(_done(session, row, lang) for row in found[:size])
    return shown, f"{shown[-1].at.isoformat()}~{shown[-1].id}" if len(found) > size else None


def _tasks(actor: Actor) -> Select[Any]:
    """Tasks finished, and what was said without one."""
    said = (_task.ref == tables.WITHOUT_TASK).label("said")
    query = select(_task.id, _task.instance_id, _task.element, _task.closed_at.label("at"), said)
    mine = and_(_task.closed_by == actor.id, _task.closed_at.is_not(None))
    return query.add_columns(literal("task").label("what")).where(mine)


def _polls(actor: Actor) -> Select[Any]:
    """Polls answered whose answer has a moment: a secret ballot has none."""
    element = _task.element
    query = select(_poll.id, _poll.instance_id, element, _roll.at, false().label("said"))
    return (
        query.add_columns(literal("poll").label("what"))
        .join_from(tables.roll, tables.poll, _poll.id == _roll.poll_id)
        .join(tables.task, _task.id == _poll.task_id)
        .where(_roll.member_id == actor.id, _roll.at.is_not(None))
    )


def _done(session: Session, row: rows.Selected, lang: str) -> Done:
    process = process_of(session, row.version)
    return Done(
        what="said" if row.said else row.what,
        id=row.id,
        instance_id=row.instance_id,
        number=row.number,
        title=row.title,
        element_title=process.tasks[row.element].title.in_(lang),
        process_title=process.title.in_(lang),
        confidential=row.confidential,
        state=row.state,
        at=row.at,
    )


def _cursor(after: str | None) -> tuple[datetime, UUID] | None:
    if not after:
        return None
    at, _mark, key = after.partition("~")
    try:
        return datetime.fromisoformat(at), UUID(key)
    except ValueError:
        raise Invalid({"after": [_("翻页标记无效。")]}) from None

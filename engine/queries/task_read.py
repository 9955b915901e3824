"""One task as one statement reads it, for its page and for those of the verbs beside its
decision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from engine.db import rows, tables
from engine.db.states import InstanceState, TaskState
from engine.instance import aside, deputies, lanes
from engine.instance import context as instance
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.instance.context import Context
    from engine.people.organisation import Actor, Lent

_task, _instance = tables.task.c, tables.instance.c
_draft, _meeting, _held = tables.draft.c, tables.meeting.c, tables.held_act.c
_ask, _by, _to = tables.ask.c, tables.member.alias("by"), tables.member.alias("asked")
ASKED = (
    *("id", "what", "at", "said", "answered_at", "answer", "withdrawn_at"),
    *("by_id", "to_id", "by", "to"),
)
_ASKS = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_array(
                    *(_ask.id, _ask.what, _ask.asked_at, _ask.said, _ask.answered_at),
                    *(_ask.answer, _ask.withdrawn_at, _ask.by_id, _ask.to_id),
                    *(_by.c.name, _to.c.name),
                ),
                _ask.asked_at,
                _ask.id,
            )
        )
    )
    .join(_by, _by.c.id == _ask.by_id)
    .join(_to, _to.c.id == _ask.to_id)
    .where(_ask.task_id == _task.id)
    .scalar_subquery()
)


def is_mine(actor: Actor) -> ColumnElement[bool]:
    """The condition on `task` and its `instance` under which it is or was this person's, or is lent
    to them. What stands nowhere in the diagram (a launch, a message, an objection) is nobody's
    task.
    """
    mine = or_(
        _task.assignee_id == actor.id,
        _task.seat.in_(sorted(actor.seats)),
        _task.closed_by == actor.id,
        *([access.lent_tasks(actor)] if actor.lent else []),
    )
    return and_(_task.ref != tables.WITHOUT_TASK, mine)


@dataclass(frozen=True)
class Read:
    """What one statement says of a task: its row, the actor's draft, the meeting it holds, and its
    instance.
    """

    task: rows.Task
    draft: Mapping[str, Any]
    draft_revision: int
    meeting: UUID | None
    held: tuple[UUID, datetime] | None  # by whom, until when
    context: Context
    asks: Sequence[Mapping[str, Any]] = ()  # what was asked beside its decision, see ASKED

    @property
    def rule(self) -> TaskRule:
        return self.context.process.tasks[self.task.element]

    @property
    def due(self) -> Mapping[str, Any]:
        return self.task.due or {}

    @property
    def is_open(self) -> bool:
        return self.task.state == TaskState.OPEN

    @property
    def lender(self) -> Lent | None:
        """In whose place this reader may do it."""
        return deputies.lender(self.context, self.task)

    @property
    def actionable(self) -> bool:
        running = self.context.row["state"] == InstanceState.RUNNING
        waits = self.is_open and running and self.held is None
        return waits and not self.aside and not lanes.taken_by_another(self.context, self.task)

    @property
    def aside(self) -> bool:
        """Has this reader stepped aside from the matter?"""
        actor, lender = self.context.actor, self.lender
        first = [actor.id] if actor else []
        mine = [*first, *([lender.by] if lender else [])]
        return any(aside.recorded(self.context, each) is not None for each in mine)


def read(session: Session, actor: Actor, task_id: UUID) -> Read:
    meeting = select(_meeting.id).where(_meeting.task_id == _task.id).order_by(_meeting.id.desc())
    draft = and_(_draft.member_id == actor.id, _draft.key == f"task:{task_id}")
    act = and_(_held.task_id == _task.id, _held.why.is_(None))
    query = (
        select(
            *tables.task.c,
            _draft.answers,
            _draft.revision,
            meeting.limit(1).scalar_subquery(),
            _held.member_id,
            _held.until,
            _ASKS,
            *instance.COLUMNS,
        )
        .select_from(tables.task)
        .join(tables.instance, _instance.id == _task.instance_id)
        .outerjoin(tables.draft, draft)
        .outerjoin(tables.held_act, act)
        .where(_task.id == task_id, is_mine(actor))
    )
    values = tuple(access.must_see(session.execute(query).first()))
    width = len(rows.Task._fields)
    row, (begun, revision, meeting_id, who, until, asked) = values[:width], values[width:][:6]
    context = instance.context_from(session, actor, values[width + 6 :])
    found = Read(
        rows.Task(*row), begun or {}, revision or 0, meeting_id, held=None, context=context
    )
    asks = tuple(dict(zip(ASKED, each, strict=True)) for each in asked or ())
    return replace(found, held=(who, until) if who else None, asks=asks)

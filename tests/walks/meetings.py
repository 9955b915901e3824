"""People come to a meeting that was called, and now and then go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.commands import meetings
from engine.db import tables

if TYPE_CHECKING:
    from uuid import UUID

    from engine.people.organisation import Actor
    from tests.walks.walker import Walk

_task, _meeting, _attendance = tables.task.c, tables.meeting.c, tables.attendance.c


def hold(on: Walk) -> None:
    """Open a meeting that was called, let people come to it, and now and then go."""
    query = (
        select(tables.meeting, _task.element)
        .join(tables.task, _task.id == _meeting.task_id)
        .where(
            _meeting.instance_id == on.scene.instance(),
            _meeting.state.in_(("called", "open")),
        )
        .order_by(_meeting.called_at)
    )
    found = on.session.execute(query).first()
    if found is None:
        return
    leading = on.in_lane(found.element)
    actor = on.actor(on.chance.choice(leading)) if leading else on.anybody()
    if found.state == "called":
        on.attempt(actor, lambda s: meetings.open_meeting(s, actor, found.id), "open_meeting")
    _come(on, actor, found)
    if on.chance.random() < 0.1:
        _go(on, found)


def _attending(on: Walk, meeting: Any, here: bool) -> list[UUID]:
    query = select(_attendance.member_id).where(
        _attendance.meeting_id == meeting.id, _attendance.here.is_(here)
    )
    return on.by_name(on.session.execute(query).scalars())


def _come(on: Walk, leading: Actor, meeting: Any) -> None:
    """Most of those who are due: on the list of whoever leads, or each by the code at the door."""
    coming = [m for m in _attending(on, meeting, False) if on.chance.random() < 0.85]
    if on.chance.random() < 0.7:
        on.attempt(leading, lambda s: meetings.seat(s, leading, meeting.id, coming), "seat")
        return
    for member in coming:
        actor = on.actor(member)
        on.attempt(
            actor,
            lambda s, who=actor: meetings.arrive(s, who, meeting.id, meeting.code),
            "arrive",
        )


def _go(on: Walk, meeting: Any) -> None:
    present = _attending(on, meeting, True)
    if present:
        actor = on.actor(on.chance.choice(present))
        on.attempt(actor, lambda s: meetings.leave(s, actor, meeting.id), "leave")

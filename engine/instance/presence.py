"""Who is in the hall: the numbers of a meeting as rules and pages need them. Writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import expressions
from engine.db import tables
from engine.errors import ProcessFault
from engine.instance import functions

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.definitions.process import MeetingRule
    from engine.instance.view import InstanceView

_meeting, _attendance = tables.meeting, tables.attendance


def latest(session: Session, instance_id: UUID, element: str, lock: bool = False) -> Any:
    """The newest meeting of a task, or None. With `lock` nobody arrives or leaves until this transaction ends."""
    task = tables.task.c
    query = (
        select(_meeting)
        .join(tables.task, task.id == _meeting.c.task_id)
        .where(_meeting.c.instance_id == instance_id, task.element == element)
        .order_by(_meeting.c.id.desc())
        .limit(1)
    )
    return session.execute(query.with_for_update(of=_meeting) if lock else query).first()


def standing(view: InstanceView, element: str) -> dict[str, Any]:
    """The meeting of a task as expressions see it; before it is called, nobody is due and it is not quorate."""
    found = latest(view.session, view.row["id"], element, lock=view.locks)
    return numbers(view, element, found)


def numbers(view: InstanceView, element: str, found: Any) -> dict[str, Any]:
    """{state, due, present, needed, quorate, formal, observers, guests, roll, here} of a meeting's row."""
    rule = view.process.tasks[element].meeting
    if rule is None:
        raise ProcessFault(f"{element} 不是开会的环节。", file="process.toml", element=element)
    if found is None:
        return {
            "state": "",
            "due": 0,
            "present": 0,
            "needed": 0,
            "quorate": False,
            "formal": 0,
            "observers": 0,
            "guests": 0,
            "roll": [],
            "here": [],
        }
    kinds = here(view.session, found.id)
    told = {
        "due": found.due,
        "present": found.present,
        "observers": kinds["observer"],
        "guests": kinds["guest"],
    }
    return {
        "state": found.state,
        **told,
        "needed": needed(view, rule, told),
        "formal": found.present,
        "quorate": found.state == "open" and _holds(view, rule, told),
        **_roll(view.session, found.id),
    }


def _roll(session: Session, meeting_id: UUID) -> dict[str, list[str]]:
    """The formal members on the roll, frozen once the meeting is open, and those of them who are in the hall."""
    formal = _attendance.c.meeting_id == meeting_id, _attendance.c.kind == "formal"
    due = (
        select(_attendance.c.member_id, _attendance.c.here)
        .where(*formal)
        .order_by(_attendance.c.member_id)
    )
    rows = session.execute(due).all()
    return {
        "roll": [str(r.member_id) for r in rows],
        "here": [str(r.member_id) for r in rows if r.here],
    }


def _holds(view: InstanceView, rule: MeetingRule, told: dict[str, int]) -> bool:
    known = {**view.names(**functions.names(view, rule.quorum)), **told}
    return bool(expressions.evaluate(rule.quorum, known, functions.functions(view)))


def needed(view: InstanceView, rule: MeetingRule, told: dict[str, int]) -> int:
    """The smallest number of formal members that makes the quorum; one more than are due when no number does."""
    low, high = 0, told["due"] + 1
    while low < high:
        middle = (low + high) // 2
        if _holds(view, rule, {**told, "present": middle}):
            high = middle
        else:
            low = middle + 1
    return low


def here(session: Session, meeting_id: UUID) -> dict[str, int]:
    """How many of each kind are in the hall."""
    rows = session.execute(
        select(_attendance.c.kind, func.count())
        .where(_attendance.c.meeting_id == meeting_id, _attendance.c.here)
        .group_by(_attendance.c.kind)
    ).all()
    return {"formal": 0, "observer": 0, "guest": 0} | {row[0]: row[1] for row in rows}


def is_here(session: Session, meeting_id: UUID, member_id: UUID) -> bool:
    """Is this formal member in the hall now?"""
    row = select(_attendance.c.here).where(
        _attendance.c.meeting_id == meeting_id, _attendance.c.member_id == member_id
    )
    return bool(session.execute(row.where(_attendance.c.kind == "formal")).scalar())

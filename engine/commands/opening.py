"""What a step opens: user tasks for their seats or persons, polls, meetings, timers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.commands import meetings, questions, timers
from engine.errors import ProcessFault
from engine.instance import lanes
from engine.people import organisation

if TYPE_CHECKING:
    from datetime import datetime

    from engine.calendar import Due
    from engine.commands.unit_of_work import UnitOfWork
    from engine.machine import Live


def open_all(work: UnitOfWork, opened: list[Live], body: dict[str, Any], now: datetime) -> None:
    """Open the user tasks of a step with their polls and meetings, and set its timers."""
    rows, found, held = [], {}, []
    for live in opened:
        if live.kind == "task":
            rule = work.process.tasks[live.element]
            due = work.moment(rule.due) if rule.due else None
            seat, person = (None, None) if rule.poll else _who(work, rule.lane, live.element)
            told = timers.due_json(due, rule.due, rule.basis)
            row = timers.task_row(work, live.element, live.ref, (seat, person), due, told, now)
            rows.append(row)
            found[live.element] = (UUID(row["id"]), due)
            if seat or person:
                work.shares.add(organisation.seat_key(seat) if seat else UUID(str(person)))
            body.setdefault("opened", []).append(
                {
                    "task": live.element,
                    **_for_whom(work, seat, person),
                    **({"due": due.day.isoformat()} if due else {}),
                }
            )
            if rule.poll or rule.meeting:
                held.append(rule)
    timers.add(work, rows, [])
    for rule in held:
        task_id, _ = found[rule.id]
        if rule.poll:
            questions.put(work, task_id, rule.id, rule.poll)
        if rule.meeting:
            meetings.call(work, task_id, rule.id, rule.meeting)
    set_off = [live for live in opened if live.kind == "timer"]
    timers.add(work, [], _timers(work, set_off, found, now))


def _for_whom(work: UnitOfWork, seat: str | None, assignee: UUID | None) -> dict[str, str]:
    return (
        {"seat": lanes.short_seat(work, seat)}
        if seat
        else {"for": str(assignee)}
        if assignee
        else {}
    )


def _who(work: UnitOfWork, lane_key: str, element: str) -> tuple[str | None, UUID | None]:
    lane = work.process.lanes.get(lane_key)
    if lane is None:
        raise ProcessFault(f"环节 {element} 不在任何泳道里。", file="process.bpmn", element=element)
    seat, persons = lanes.people_of(work, lane)
    if seat:
        return seat, None
    if len(persons) != 1:
        raise ProcessFault(
            f"环节“{work.process.title_of(element)}”找不到唯一的办理人。", element=element
        )
    return None, UUID(persons[0])


def _timers(
    work: UnitOfWork, opened: list[Live], dues: dict[str, tuple[UUID, Due | None]], now: datetime
) -> list[dict[str, Any]]:
    """The rows of timers; on a boundary, `task_due` is the due moment of the task they sit on."""
    rows = []
    for live in opened:
        task_id, task_due = dues.get(live.on, (None, None))
        due = work.moment(live.text, {"task_due": work.remember(task_due) if task_due else None})
        if due is not None:
            rows.append(
                timers.timer_row(work, live.element, live.ref, live.text, due, task_id, now)
            )
    return rows

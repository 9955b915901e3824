"""Meetings that share a hall: two bodies that sit together, each with its own roll and quorum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from engine.db import tables

if TYPE_CHECKING:
    from uuid import UUID

    from engine.definitions.process import Process
    from engine.instance.context import Context

_meeting, _task = tables.meeting, tables.task
_ELEMENT = (
    select(_task.c.element)
    .join(_meeting, _meeting.c.task_id == _task.c.id)
    .where(_meeting.c.id == bindparam("key"))
)


def of(process: Process, element: str) -> tuple[str, ...]:
    """The tasks whose meetings share the hall and the check-in of this one, the first one first."""
    held = process.tasks[element].meeting
    first = (held.beside if held else "") or element
    others = (key for key, task in process.tasks.items() if task.meeting)
    return (first, *(key for key in others if _beside(process, key) == first))


def _beside(process: Process, element: str) -> str:
    held = process.tasks[element].meeting
    return held.beside if held else ""


def deciding(context: Context, element: str) -> str:
    """The task in whose meeting a vote that is put under this one is taken now: one that shares its
    hall and whose `decides` holds, else this one; "" of "".
    """
    for other in of(context.process, element)[1:] if element else ():
        held = context.process.tasks[other].meeting
        if held and context.value(held.decides):
            return other
    return element


def held_in(context: Context, element: str, meeting_id: UUID | None) -> str:
    """Of the tasks whose meetings share the hall of this one, the one that holds this meeting."""
    if meeting_id is None or not element or len(of(context.process, element)) == 1:
        return element
    return str(context.session.execute(_ELEMENT, {"key": meeting_id}).scalar_one())

"""In whose place somebody does a task (代理), and did one: a fact of the matter, which no
expression of a process can read or write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.db.states import TaskState
from engine.definitions.verbs import DEPUTISE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import rows
    from engine.instance.context import Context
    from engine.instance.view import InstanceView
    from engine.people.organisation import Lent

DEPUTIES = "_deputies"  # task id -> {"task", "by", "for"}; no element can have this name


def lender(context: Context, task: rows.Task) -> Lent | None:
    """Who lends an open task to the actor; None where it is lent by nobody, or is the actor's own.
    The same as access.lent_tasks says of lists.
    """
    actor, row = context.actor, context.row
    if actor is None or not actor.lent or task.state != TaskState.OPEN or row["confidential"]:
        return None
    if task.seat in actor.seats or DEPUTISE not in context.process.tasks[task.element].verbs:
        return None
    return next((each for each in actor.lent if _lends(each, actor.id, task, row)), None)


def _lends(lent: Lent, to: UUID, task: rows.Task, row: rows.Instance) -> bool:
    in_time = lent.due_by is None or (task.due_at is not None and task.due_at <= lent.due_by)
    return (
        task.seat in lent.seats
        and task.assignee_id in (None, lent.by)
        and row["process_id"] in lent.processes
        and row["starter_id"] not in (lent.by, to)
        and in_time
    )


def recorded(view: InstanceView) -> Mapping[str, Mapping[str, str]]:
    """Task id -> what was done in whose place."""
    found: Any = view.facts.get(DEPUTIES)
    return found if isinstance(found, dict) else {}


def behalf(view: InstanceView, task_id: UUID | None) -> UUID | None:
    """In whose place a finished task was done; None: in nobody's."""
    told = recorded(view).get(str(task_id))
    return UUID(told["for"]) if told else None


def selves(view: InstanceView, member_id: UUID) -> frozenset[UUID]:
    """This person, those in whose place they acted in the matter, and who acted in theirs: what
    one of them has done is no other person's doing.
    """
    me = str(member_id)
    pairs = [(told["by"], told["for"]) for told in recorded(view).values()]
    kin = {other for pair in pairs if me in pair for other in pair}
    return frozenset({member_id, *map(UUID, kin)})


def done(view: InstanceView, members: frozenset[UUID]) -> frozenset[str]:
    """The elements that were done by one of these for another, or by another for one of these."""
    names = {str(each) for each in members}
    told = recorded(view).values()
    return frozenset(each["task"] for each in told if names & {each["by"], each["for"]})

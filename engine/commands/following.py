"""Open tasks go along with their lane: when a step changes whom a lane means, whoever it means now
has them and finds the matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, update

from engine import expressions
from engine.db import tables
from engine.db.states import TaskState
from engine.instance import lanes
from engine.people import organisation

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.process import Lane

_task = tables.task
_WHO = ("actor", "starter")  # names in expressions that no fact changes


def follow(work: UnitOfWork) -> None:
    """Hand open tasks of lanes that mean somebody else since this command to whom they mean now.

    A lane that means nobody, or several, keeps its tasks where they are.
    """
    moved = _moved(work)
    for lane in moved:
        _newcomers(work, lane)
    for lane in moved:
        if lane.leaves:
            _leavers(work, lane)
    if not moved:
        return
    elements = {key: lane for lane in moved for key in _elements(work, lane)}
    waiting = select(_task.c.id, _task.c.element, _task.c.assignee_id).where(
        _task.c.instance_id == work.row["id"],
        _task.c.state == TaskState.OPEN,
        _task.c.assignee_id.is_not(None),
        _task.c.seat.is_(None),
        _task.c.element.in_(elements),
    )
    for row in work.session.execute(waiting.order_by(_task.c.id)).all():
        persons = lanes.people_of(work, elements[row.element]).persons
        if len(persons) == 1 and persons[0] != str(row.assignee_id):
            _hand_on(work, row.id, row.element, row.assignee_id, UUID(persons[0]))


def _moved(work: UnitOfWork) -> list[Lane]:
    """The lanes of persons whose facts this command changed."""
    before, now = work.row["facts"], work.facts
    changed = {name for name in {*before, *now} if before.get(name) != now.get(name)}
    return [lane for lane in work.process.lanes.values() if _roots(lane.person) & changed]


def _roots(person: str) -> set[str]:
    names = expressions.names_in(person) if person else set()
    return {name.partition(".")[0] for name in names} - set(_WHO)


def _elements(work: UnitOfWork, lane: Lane) -> list[str]:
    return [key for key, rule in work.process.tasks.items() if rule.lane == lane.key]


def _newcomers(work: UnitOfWork, lane: Lane) -> None:
    """Whom a lane means anew finds the matter, if somebody of that lane had it before; in a lane
    that says that its people see the matter （当事人）, each of them.
    """
    now = lanes.people_of(work, lane).persons
    if lane.sees:  # by a live expression nobody is new, though a post has a new holder
        work.show(*(each for each in map(UUID, now) if each not in _shown(work)))
        return
    was = _before(work, lane)
    if was:
        work.show(*(UUID(person) for person in now if person not in was))


def _leavers(work: UnitOfWork, lane: Lane) -> None:
    """Whom a lane means no more does not find the matter any more, unless another one means
    them.
    """
    left = {UUID(person) for person in _before(work, lane)} & _shown(work)
    named = (each for each in work.process.lanes.values() if each.person)
    here = (lanes.people_of(work, each).persons for each in named)
    if gone := left - {UUID(person) for persons in here for person in persons}:
        work.hide(*gone)


def _before(work: UnitOfWork, lane: Lane) -> list[str]:
    """Whom a lane meant before this command."""
    facts = {root: work.row["facts"].get(root) for root in _roots(lane.person)}
    before = work.value(lane.person, facts)
    return list(map(str, before if isinstance(before, list) else [before] if before else []))


def _shown(work: UnitOfWork) -> set[UUID]:
    """To whom the matter was ever put."""
    share = tables.share.c
    known = select(share.key).where(share.instance_id == work.row["id"])
    return {*work.session.execute(known).scalars(), *work.shares}


def _hand_on(work: UnitOfWork, task_id: UUID, element: str, old: UUID, new: UUID) -> None:
    again = update(_task).where(_task.c.id == task_id)
    work.session.execute(
        again.values(assignee_id=new, handed_by=None, revision=_task.c.revision + 1)
    )
    work.shares.add(new)
    told: dict[str, Any] = {"old": str(old), "new": str(new), "id": str(task_id)}
    told |= {"name": organisation.names(work.session, [new]).get(new, ""), "reason": None}
    work.log.add("task_reassigned", work.actor, task=element, **told)

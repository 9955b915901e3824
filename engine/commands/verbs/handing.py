"""Handing a task over (转办) to somebody on the same seat, and giving it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands import reasons, tasks, unit_of_work
from engine.definitions.verbs import HAND_OVER
from engine.errors import Conflict, Invalid
from engine.instance import verbs
from engine.messages import _

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.tasks import InHand
    from engine.db import Session
    from engine.people.organisation import Actor


def hand_over(
    session: Session,
    actor: Actor,
    task_id: UUID,
    to: UUID,
    reason: str,
    *,
    revision: int | None = None,
) -> UUID:
    """Give my open task to somebody on its seat who may do it, with a reason; gives the instance's
    id. They may give it back.

    Raises NotFound, Conflict (as completing it does), Refused (not for this task; recused,
    separated), Invalid (the reason; a person who may not take it).
    """
    held = tasks.open_task(session, actor, task_id, revision)
    verbs.check(held.work, held.rule, HAND_OVER)
    held.check_bars(HAND_OVER)
    plain = reasons.plain(reason)
    taker = next((each for each in verbs.takers(held.work, held.task) if each.id == to), None)
    if taker is None:
        raise Invalid({"to": [_("只能转办给同一岗位上可以办理此项的人。")]})
    tasks.assign(held, taker.id, giver=actor.id)
    _tell(held, "task_handed_over", new=str(taker.id), name=taker.name, reason=plain)
    return held.task.instance_id


def give_back(session: Session, actor: Actor, task_id: UUID, reason: str) -> UUID:
    """Give a task back to who handed it over, with a reason; to all on its seat where they may do
    it no more. Gives the instance's id.

    Raises NotFound, Conflict (nobody handed it to me; as completing it does), Invalid.
    """
    held = tasks.open_task(session, actor, task_id, None)
    giver = held.task.handed_by
    if giver is None or held.task.assignee_id != actor.id:
        raise Conflict(_("此项不是别人转办给您的，不能交还。"), code="not_handed")
    plain = reasons.plain(reason)
    there = next((each for each in verbs.takers(held.work, held.task) if each.id == giver), None)
    tasks.assign(held, there.id if there else None)
    told = {"new": str(there.id), "name": there.name} if there else {"new": None, "name": None}
    _tell(held, "task_given_back", reason=plain, **told)
    return held.task.instance_id


def _tell(held: InHand, kind: str, **told: Any) -> None:
    """Put it on record, and save."""
    old = held.task.assignee_id
    about = {"id": str(held.task.id), "old": str(old) if old else None}
    held.work.log.add(kind, held.work.actor, task=held.rule.id, **about, **told)
    unit_of_work.save(held.work)

"""Declaring a poll void: alone before it opens, afterwards by who presides together with who
counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands import envelopes, locked_poll, poll_lifecycle, reasons, tasks, unit_of_work
from engine.commands.tasks import InHand
from engine.db.states import POLL_RUNNING, PollState
from engine.errors import Conflict
from engine.instance import rights, voids
from engine.instance.rights import Case
from engine.messages import _

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.locked_poll import LockedPoll
    from engine.db import Session
    from engine.people.organisation import Actor


def void(session: Session, actor: Actor, poll_id: UUID, reason: str) -> UUID:
    """Declare a poll void: who runs the task, or one of its tellers; once it has opened the first
    one's words wait for the other side of the table. The poll stays as it was.

    Raises NotFound, Refused, Conflict (it is over, or waits for somebody else), Invalid (no
    reason).
    """
    locked = locked_poll.lock(session, actor, poll_id)
    work, poll = locked.work, locked.poll
    rights.check(Case(work, "void_poll", locked.task.element, poll=poll))
    if poll.state not in POLL_RUNNING:
        raise Conflict(_("表决已经结束，不能宣布无效。"), code="closed")
    with work.answering():
        if not voids.takes_two(poll):
            carry_out(locked, reasons.plain(reason))
        elif (first := voids.proposed(work, poll)) is None:
            locked.log("poll_void_proposed", actor, reason=reasons.plain(reason))
            unit_of_work.save(work)
        else:
            _check_other_side(locked, actor)
            carry_out(locked, first.reason, proposed_by=str(first.by))
    return locked.instance_id


def _check_other_side(locked: LockedPoll, actor: Actor) -> None:
    """Raises Conflict for whoever sits where the first one sits, and for the first one."""
    if voids.agree(locked.work, actor, locked.poll, locked.task.element):
        return
    message = _("已有人提出本次表决无效，须由另一方（主持人或者监票人）的另一人确认。")
    raise Conflict(message, code="needs_other")


def carry_out(locked: LockedPoll, reason: str, **details: Any) -> None:
    """The poll is void; its question is put anew, or the matter goes back to the item, where its
    text can be mended. Saves.
    """
    work, poll, task = locked.work, locked.poll, locked.task
    poll_lifecycle.stop(locked, void=True).update(state=PollState.VOID)
    envelopes.shred(work.session, poll.id)
    locked.log("poll_voided", work.actor, counts=poll.counts, reason=reason, **details)
    if locked.poll_rule.void == "back":
        held = InHand(work, task, locked.rule)
        tasks.finish(held, {"void": True, "passed": False, "reason": str(reason)})
        return
    poll_lifecycle.put(work, task.id, task.element, locked.poll_rule)
    unit_of_work.save(work)

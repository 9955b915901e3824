"""Printing ballots: the numbers of a pad go on record before anybody can print it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands import locked_poll, unit_of_work
from engine.db.states import PollState
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import pads, polling, rights
from engine.instance.rights import Case
from engine.messages import _

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.locked_poll import LockedPoll
    from engine.db import Session
    from engine.people.organisation import Actor

MOST = 500  # ballots of one pad
_BEFORE = (PollState.CALLED, PollState.OPEN)


def print_pad(session: Session, actor: Actor, poll_id: UUID, ballots: int) -> UUID:
    """Note a pad of so many ballots, numbered on from the last one. For who counts the poll or
    presides over it, before the counting, of a poll that takes paper.

    Raises NotFound, Conflict, Invalid.
    """
    locked = locked_poll.lock(session, actor, poll_id)
    _check(locked, actor)
    before = pads.of(session, locked.poll, polling.papers_given(session, poll_id)).last
    most = min(MOST, 2 * locked.poll.roll_size - before)  # one each, and as many spoiled in print
    if not 1 <= ballots <= most:
        message = _(
            "名册 {roll} 人，已印 {printed} 张，这次请填 1 至 {most}。",
            roll=locked.poll.roll_size,
            printed=before,
            most=max(0, most),
        )
        raise Invalid({"ballots": [message]})
    locked.log("ballots_printed", actor, first=before + 1, last=before + ballots)
    unit_of_work.save(locked.work)
    return locked.instance_id


def _check(locked: LockedPoll, actor: Actor) -> None:
    poll = locked.poll
    case = Case(locked.work, "replace_teller", locked.task.element, poll=poll)
    if actor.id not in poll.tellers and not rights.may(case):
        raise NotFound(verb="count", **locked.place)
    if not poll.rule.get("paper"):
        raise Conflict(_("这项表决不用纸质票。"), code="no_paper")
    if poll.state not in _BEFORE:
        raise Conflict(_("表决已截止。"), code="not_counting")

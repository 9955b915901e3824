"""Printing ballots: the numbers of a pad go on record before anybody can print it; and taking back
those that were not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands import locked_poll, reasons, unit_of_work
from engine.db.states import POLL_RUNNING, PollState
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import pads, polling, rights
from engine.instance.rights import Case
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Collection
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


def take_back(
    session: Session, actor: Actor, poll_id: UUID, numbers: pads.Range, reason: str
) -> UUID:
    """Note that these ballots were taken back unused, from the first number to the last: spoiled in
    print, or left when all have theirs. They are handed out no more. For who may print them, until
    the poll is over.

    Raises NotFound, Conflict; Invalid for numbers that were not printed, were handed out or taken
    back already, and for no reason.
    """
    locked, (first, last) = locked_poll.lock(session, actor, poll_id), numbers
    _check(locked, actor, POLL_RUNNING)
    known = pads.of(session, locked.poll, polling.papers_given(session, poll_id))
    if not (1 <= first <= last and {*range(first, last + 1)} <= {*known.unused}):
        left = Listed((_between(each) for each in known.ranges_left), "、")
        message = _("未用的选票编号是：{left}。请填其中连续的一段。", left=left)
        raise Invalid({"first": [message if known.left else _("没有未用的选票。")]})
    locked.log("ballots_taken_back", actor, first=first, last=last, reason=reasons.plain(reason))
    unit_of_work.save(locked.work)
    return locked.instance_id


def _between(numbers: pads.Range) -> str:
    first, last = map(pads.numbered, numbers)
    return first if first == last else f"{first}—{last}"


def _check(locked: LockedPoll, actor: Actor, states: Collection[str] = _BEFORE) -> None:
    poll = locked.poll
    case = Case(locked.work, "replace_teller", locked.task.element, poll=poll)
    if actor.id not in poll.tellers and not rights.may(case):
        raise NotFound(verb="count", **locked.place)
    if not poll.rule.get("paper"):
        raise Conflict(_("这项表决不用纸质票。"), code="no_paper")
    if poll.state not in states:
        raise Conflict(_("表决已截止。"), code="not_counting")

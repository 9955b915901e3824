"""Polls on a frozen roll: answer, take back, close, publish. 1,000 members cost the diagram one
step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import and_, bindparam, select, update

from engine import clock, machine
from engine.commands import advance, locked_poll, poll_lifecycle, unit_of_work, voiding
from engine.db import canonical, tables
from engine.db.states import InstanceState, PollState, TaskState
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import polling, presence, rights
from engine.instance.counting import ABSTAIN, cast_in_system, tally
from engine.instance.rights import Case
from engine.messages import _
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.commands.locked_poll import LockedPoll
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.instance.counting import Outcome, PaperCount
    from engine.people.organisation import Actor

_poll, _roll, _attendance, _task = tables.poll, tables.roll, tables.attendance, tables.task
NAMED = 300  # up to so many answers the voters of a poll stand in the facts by choice
MAX_COMMENT = 500
MAX_REMARK = 2000  # of a poll whose outcome tells what was said
_OF_POLL = _roll.c.poll_id == bindparam("key")
_ENTRY = select(_roll).where(_OF_POLL, _roll.c.member_id == bindparam("who"))
_ANSWER = (
    update(_roll)
    .where(_OF_POLL, _roll.c.member_id == bindparam("who"))
    .values(
        open=bindparam("waits"),
        choice=bindparam("chosen"),
        comment=bindparam("remark"),
        at=bindparam("now"),
    )
)
_SAID = (
    select(_roll.c.member_id, _roll.c.choice, _roll.c.comment)
    .where(_OF_POLL)
    .order_by(_roll.c.position, _roll.c.member_id)
)
_NEXT = update(_roll).where(_OF_POLL, _roll.c.position == bindparam("no")).values(open=True)
_PRESENT = and_(
    _attendance.c.meeting_id == bindparam("meeting"),
    _attendance.c.member_id == _roll.c.member_id,
    _attendance.c.here,
)
_PRESENT_AND_SILENT = (
    select(_roll.c.member_id)
    .join(_attendance, _PRESENT)
    .where(_OF_POLL, _roll.c.choice.is_(None), ~_roll.c.paper)
    .limit(1)
)
_ANSWERS = (
    select(_roll.c.choice, _roll.c.member_id)
    .where(_OF_POLL, _roll.c.choice.is_not(None))
    .order_by(_roll.c.at, _roll.c.member_id)
)
_OPEN_OF_TASK = select(_poll.c.id).where(
    _poll.c.task_id == bindparam("task"), _poll.c.state == PollState.OPEN
)
_FINISH_TASK = (
    update(_task)
    .where(_task.c.id == bindparam("key"))
    .values(state=TaskState.DONE, closed_at=bindparam("now"), revision=_task.c.revision + 1)
)


# --- answers --------------------------------------------------------------------------------------
def respond(
    session: Session,
    actor: Actor,
    poll_id: UUID,
    choice: str = "",
    comment: str = "",
    choices: Sequence[str] | None = None,
) -> UUID:
    """Answer a poll once: `choice`, or in an election `choices` (ids of candidates; none of them is
    an abstention).

    NotFound when not on the roll, Refused when absent or recused, Conflict when closed or answered,
    Invalid for a choice.
    """
    locked = locked_poll.lock(session, actor, poll_id)
    entry = _roll_entry(locked, actor, "respond")
    _check_open(locked)
    _check_voter(locked)
    _check_quorum(locked)
    chosen = check_choice(locked.poll, choice, choices)
    remark = plain_comment(comment, MAX_REMARK if "remarks" in locked.poll.rule else MAX_COMMENT)
    _check_turn(entry)
    answered = _record(locked, actor, chosen, remark)
    # what may have to be erased stands on the roll alone
    shut = locked.work.row["confidential"] and remark
    kept = {"remark": canonical.salted({"remark": remark}, locked.work.salt)} if shut else {}
    locked.log(
        "poll_answered", actor, choice=chosen, comment=None if shut else remark or None, **kept
    )
    with locked.work.answering():
        _finish_or_save(answered, entry.position)
    return locked.instance_id


def take_back(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """Take my answer back while the poll is open. Raises NotFound, Conflict."""
    locked = locked_poll.lock(session, actor, poll_id)
    entry = _roll_entry(locked, actor, "take_back")
    _check_open(locked)
    terms = locked.poll.rule
    if entry.choice is None or not terms["withdrawal"] or terms.get("in_order"):
        raise Conflict(_("没有可以撤回的答复。"), code="not_answered")
    _erase(locked, actor, entry.choice)
    locked.log("poll_answer_withdrawn", actor, choice=entry.choice)
    unit_of_work.save(locked.work)
    return locked.instance_id


def _roll_entry(locked: LockedPoll, actor: Actor, verb: str) -> rows.RollEntry:
    """The actor's line on the roll. Raises NotFound."""
    entry = locked.session.execute(_ENTRY, {"key": locked.poll.id, "who": actor.id}).first()
    if entry is None:
        raise NotFound(verb=verb, **locked.place)
    return cast("rows.RollEntry", entry)


def _check_open(locked: LockedPoll) -> None:
    """Raises Conflict for a poll that takes no answers now."""
    state, poll = locked.work.row["state"], locked.poll
    if state != InstanceState.RUNNING:
        message = _("此件{state}，不能作答。", state=unit_of_work.STATES[state])
        raise Conflict(message, code="not_running")
    if poll.state == PollState.CALLED:
        raise Conflict(_("监票人还没有领取密钥，投票没有开始。"), code="not_open")
    if not polling.takes_answers(poll.state, poll.closes_at):
        raise Conflict(_("表决已截止。"), code="closed")


def _check_quorum(locked: LockedPoll) -> None:
    """Raises Conflict for a vote under a meeting that has fallen under its quorum."""
    present = presence.now_present(locked.session, locked.poll.meeting_id)
    presence.check_quorum(locked.poll.rule, present)


def _check_voter(locked: LockedPoll) -> None:
    """Raises Conflict for a sealed ballot, Refused for who is recused or absent."""
    work, poll = locked.work, locked.poll
    if poll.secret:
        raise Conflict(_("这是无记名投票，请在投票页上密封选票。"), code="sealed")
    rights.check_bars(Case(work, "respond", locked.rule.id, meeting_id=poll.meeting_id))


def _check_turn(entry: rows.RollEntry) -> None:
    """Raises Conflict for who has answered, was given paper, or must wait for another."""
    if entry.choice is not None:
        raise Conflict(_("您已作答。如需更改，请先撤回。"), code="answered")
    if entry.paper:
        raise Conflict(_("您领了纸质票，请投纸质票。"), code="on_paper")
    if not entry.open:
        raise Conflict(_("还没有轮到您。"), code="not_your_turn")


def check_choice(poll: rows.Poll, choice: str, choices: Sequence[str] | None) -> str:
    """What is stored of a ballot: the choice; of an election the ids chosen, in the order of the
    ballot. Raises Invalid.
    """
    if poll.kind == "election":
        alone = [choice] if choice else []
        return _check_candidates(poll, alone if choices is None else list(choices))
    if choice not in poll.choices or choices:
        raise Invalid({"choice": [_("没有这个选项。")]})
    return choice


def _check_candidates(poll: rows.Poll, chosen: list[str]) -> str:
    if len(set(chosen)) < len(chosen) or not set(chosen) <= set(poll.choices):
        raise Invalid({"choices": [_("有不在选票上的人，或重复选了同一人。")]})
    seats = poll.rule["seats"]
    if len(chosen) > seats:
        raise Invalid({"choices": [_("最多选 {seats} 人，多选的选票无效。", seats=seats)]})
    return " ".join(each for each in poll.choices if each in chosen) or ABSTAIN


def plain_comment(comment: str, most: int) -> str:
    """A comment as text: stripped, at most so many characters, without NUL. Raises Invalid."""
    plain = comment.strip()
    if len(plain) > most or "\0" in plain or any(0xD800 <= ord(c) <= 0xDFFF for c in plain):
        message = _("意见不得超过 {most} 字，也不得含有控制字符。", most=most)
        raise Invalid({"comment": [message]})
    return plain


def _record(locked: LockedPoll, actor: Actor, chosen: str, remark: str) -> LockedPoll:
    """Put an answer on the roll and into the counts."""
    _write(locked, actor, {"waits": False, "chosen": chosen, "remark": remark})
    return locked.update(counts=_counts(locked.poll, chosen, 1))


def _erase(locked: LockedPoll, actor: Actor, chosen: str) -> LockedPoll:
    """Take an answer from the roll and out of the counts."""
    _write(locked, actor, {"waits": True, "chosen": None, "remark": ""})
    return locked.update(counts=_counts(locked.poll, chosen, -1))


def _write(locked: LockedPoll, actor: Actor, answer: dict[str, Any]) -> None:
    mine = {"key": locked.poll.id, "who": actor.id, "now": clock.now()}
    locked.session.execute(_ANSWER, {**mine, **answer})


def _counts(poll: rows.Poll, chosen: str, change: int) -> dict[str, int]:
    """The counts with one ballot more (1) or less (-1)."""
    counts = dict(poll.counts)
    names = [*chosen.split(" "), *(["answered"] if poll.kind == "election" else [])]
    for name in names:
        counts[name] = counts.get(name, 0) + change
    return counts


# --- the end --------------------------------------------------------------------------------------
def _finish_or_save(locked: LockedPoll, position: int) -> None:
    """After an answer: the poll ends early by its rule, or the next one on the roll has the
    turn.
    """
    poll = locked.poll
    if why := _early_end(locked):
        finish(locked, why)
        return
    if poll.rule.get("in_order"):
        locked.session.execute(_NEXT, {"key": poll.id, "no": position + 1})
    unit_of_work.save(locked.work)


def _early_end(locked: LockedPoll) -> str:
    """Why the poll may close now by its rule: all have answered (under a meeting: all who are
    present), one answer is enough, or nothing can change the outcome any more. "" when it goes on.
    """
    poll, early = locked.poll, locked.poll.rule["early"]
    answered = cast_in_system(poll, poll.counts)
    silent = poll.roll_size - answered
    if silent == 0 and early in ("all", "decided", "first"):
        return "all_answered"
    if early == "all" and _all_present_answered(locked):
        return "all_answered"
    if early == "first" and answered:
        return "early"
    if early == "decided" and _decided(locked.work, poll, silent):
        return "early"
    return ""


def _all_present_answered(locked: LockedPoll) -> bool:
    """Has everybody answered who is in the hall? Without a meeting nobody is."""
    poll = locked.poll
    if poll.meeting_id is None:
        return False
    hall = {"key": poll.id, "meeting": poll.meeting_id}
    return locked.session.execute(_PRESENT_AND_SILENT, hall).first() is None


def _decided(work: UnitOfWork, poll: rows.Poll, silent: int) -> bool:
    """Would the outcome be the same whoever of the silent still chose what?"""
    if poll.kind == "election":
        return False
    counts: Mapping[str, int] = poll.counts
    ends = [{**counts, choice: counts[choice] + silent} for choice in poll.choices]
    passed = tally(work, poll, counts).passed
    return all(tally(work, poll, end).passed == passed for end in ends)


def close(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """Close before the window ends: who presides, and whose question it is when the rule holds."""
    locked = locked_poll.lock(session, actor, poll_id)
    work, poll = locked.work, locked.poll
    rights.check(Case(work, "close_poll", locked.task.element, poll=poll))
    _check_open(locked)
    if locked.poll_rule.void == "back":  # else there would be no way on
        _check_quorum(locked)
    if poll.rule["closable"] != "lane" and not _passes_already(locked):
        raise Conflict(_("还没有达到规定人数，不能提前截止。"), code="not_reached")
    by_chair = polling.presides(work, poll, locked.task.element)
    with work.answering():
        finish(locked, "closed_by_chair" if by_chair else "closed_by_owner")
    return locked.instance_id


def _passes_already(locked: LockedPoll) -> bool:
    """May the poll close as soon as its rule holds, and does it?"""
    poll = locked.poll
    return poll.rule["closable"] == "passes" and tally(locked.work, poll, poll.counts).passed


def end_window(work: UnitOfWork, task_id: UUID) -> None:
    """The time of the open poll of a task is over."""
    poll_id = work.session.execute(_OPEN_OF_TASK, {"task": task_id}).scalar_one()
    locked = locked_poll.read(work, poll_id)
    if locked.poll_rule.void == "back":
        try:
            _check_quorum(locked)
        except Conflict as short:
            voiding.carry_out(locked, short.message)
            return
    finish(locked, "window_ended")


def finish(locked: LockedPoll, why: str) -> None:
    """No more answers. Without tellers the outcome is there; with tellers they count and sign
    first.
    """
    stopped = poll_lifecycle.stop(locked)
    if not stopped.poll.tellers:
        publish(stopped, why, outcome(stopped, None))
        return
    stopped.update(state=PollState.COUNTING)
    stopped.log("poll_stopped", stopped.work.actor, why=why)
    unit_of_work.save(stopped.work)


def publish(locked: LockedPoll, why: str, outcome: Outcome) -> None:
    """Make the outcome a fact, finish the task and move on."""
    work, poll, task = locked.work, locked.poll, locked.task
    now, fact = clock.now(), outcome.stored()
    locked.update(state=PollState.CLOSED, closed_at=poll.closed_at or now, outcome=fact)
    work.session.execute(_FINISH_TASK, {"key": task.id, "now": now})
    work.say(task.element, fact)
    body = locked.log("poll_closed", work.actor, outcome=outcome.published(), why=why)
    step = work.drive(machine.complete(work.process.spec, work.position, task.ref))
    advance.advance(work, step, body, task.ref)


def outcome(locked: LockedPoll, paper: PaperCount | None) -> Outcome:
    """The count; who chose what is part of it in an open poll of not too many."""
    poll = locked.poll
    counted = tally(locked.work, poll, poll.counts, paper)
    if post := poll.rule.get("remarks"):
        counted = replace(counted, numbers={**counted.numbers, "remarks": _remarks(locked, post)})
    if poll.secret or counted.answered > NAMED:
        return counted
    return replace(counted, voters=_voters(locked.session, poll))


def _remarks(locked: LockedPoll, post: str) -> list[dict[str, Any]]:
    """What each of the roll said, in its order, with the units in which they hold the post;
    `choice` is None of who did not answer. A large roll has those who answered only.
    """
    work = locked.work
    said = locked.session.execute(_SAID, {"key": locked.poll.id}).all()
    seats = organisation.seats(locked.session, post, work.row["union_id"], work.today)
    return [
        {
            "who": str(each.member_id),
            "units": seats.get(each.member_id, []),
            "choice": each.choice,
            "said": each.comment,
        }
        for each in said
        if each.choice is not None or len(said) <= NAMED
    ]


def _voters(session: Session, poll: rows.Poll) -> dict[str, list[str]]:
    """Who chose what, in the order of their answers."""
    answers = session.execute(_ANSWERS, {"key": poll.id})
    ballots = [(answer.choice.split(" "), str(answer.member_id)) for answer in answers]
    return {
        choice: [member for chosen, member in ballots if choice in chosen]
        for choice in poll.choices
    }

"""Questions put to a frozen roll: open, answer, take back, close. 1,000 members cost the diagram one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, bindparam, select, update

from engine import clock, machine
from engine.commands import advance, questions, unit_of_work
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import rights
from engine.instance.counting import ABSTAIN, cast_in_system, tally
from engine.instance.rights import Case
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.people.organisation import Actor

_poll, _roll = tables.poll, tables.roll
NAMED = 300  # up to so many answers the voters of a poll stand in the facts by choice
_WHERE = select(_poll.c.instance_id).where(_poll.c.id == bindparam("key"))
_MINE = select(_roll).where(
    _roll.c.poll_id == bindparam("key"), _roll.c.member_id == bindparam("who")
)
_ANSWER = (
    update(_roll)
    .where(_roll.c.poll_id == bindparam("key"), _roll.c.member_id == bindparam("who"))
    .values(
        open=bindparam("waits"),
        choice=bindparam("chosen"),
        comment=bindparam("said"),
        at=bindparam("now"),
    )
)
_COUNT = update(_poll).where(_poll.c.id == bindparam("key")).values(counts=bindparam("now_counts"))
MAX_COMMENT = 500


def locked(session: Session, actor: Actor | None, poll_id: UUID) -> tuple[UnitOfWork, Any, Any]:
    """Lock the instance, then read the poll and its task."""
    work = unit_of_work.lock(
        session, actor, access.must_see(session.execute(_WHERE, {"key": poll_id}).scalar())
    )
    poll = session.execute(select(_poll).where(_poll.c.id == poll_id)).one()
    task = session.execute(select(tables.task).where(tables.task.c.id == poll.task_id)).one()
    return work, poll, task


def respond(
    session: Session,
    actor: Actor,
    poll_id: UUID,
    choice: str = "",
    comment: str = "",
    choices: Sequence[str] | None = None,
) -> UUID:
    """Answer a poll once: `choice`, or in an election `choices` (ids of candidates; none of them is an abstention).

    NotFound when not on the roll, Refused when absent or recused, Conflict when closed or answered, Invalid for a choice.
    """
    work, poll, task = locked(session, actor, poll_id)
    mine = session.execute(_MINE, {"key": poll_id, "who": actor.id}).first()
    if mine is None:
        raise NotFound(instance_id=str(work.row["id"]), verb="respond", element=task.element)
    _still_open(work, poll)
    rule = work.process.tasks[task.element]
    if poll.secret:
        raise Conflict("这是无记名投票，请在投票页上密封选票。", code="sealed")
    rights.check_bars(Case(work, "respond", rule.id, meeting_id=poll.meeting_id))
    chosen = check_choice(poll, choice, choices)
    comment = plain_comment(comment)
    if mine.choice is not None:
        raise Conflict("您已作答。如需更改，请先撤回。", code="answered")
    if mine.paper:
        raise Conflict("您领了纸质票，请投纸质票。", code="on_paper")
    if not mine.open:
        raise Conflict("还没有轮到您。", code="not_your_turn")
    _put(work, poll, actor, chosen, comment, 1)
    told = (
        None if work.row["confidential"] else comment or None
    )  # what may have to be erased stands on the roll alone
    work.log.add(
        "poll_answered", actor, task=task.element, poll=str(poll_id), choice=chosen, comment=told
    )
    with work.answering():
        _finish_or_save(work, poll_id, task, mine.position)
    return UUID(str(work.row["id"]))


def check_choice(poll: Any, choice: str, choices: Sequence[str] | None) -> str:
    """What is kept of a ballot: the choice; of an election the ids chosen, in the order of the ballot. Raises Invalid."""
    if poll.kind != "election":
        if choice not in poll.choices or choices:
            raise Invalid({"choice": ["没有这个选项。"]})
        return choice
    wanted = list(choices if choices is not None else [choice] if choice else [])
    if len(set(wanted)) < len(wanted) or not set(wanted) <= set(poll.choices):
        raise Invalid({"choices": ["有不在选票上的人，或重复选了同一人。"]})
    if len(wanted) > poll.rule["seats"]:
        raise Invalid({"choices": [f"最多选 {poll.rule['seats']} 人，多选的选票无效。"]})
    return " ".join(c for c in poll.choices if c in wanted) or ABSTAIN


def plain_comment(comment: str) -> str:
    """A comment as text: stripped, at most 500 characters, without NUL. Raises Invalid."""
    plain = comment.strip()
    if len(plain) > MAX_COMMENT or "\0" in plain or any(0xD800 <= ord(c) <= 0xDFFF for c in plain):
        raise Invalid({"comment": [f"意见不得超过 {MAX_COMMENT} 字，也不得含有控制字符。"]})
    return plain


def take_back(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """Take my answer back while the poll is open."""
    work, poll, task = locked(session, actor, poll_id)
    mine = session.execute(_MINE, {"key": poll_id, "who": actor.id}).first()
    if mine is None:
        raise NotFound(instance_id=str(work.row["id"]), verb="take_back", element=task.element)
    _still_open(work, poll)
    if mine.choice is None or not poll.rule["withdrawal"] or poll.rule.get("in_order"):
        raise Conflict("没有可以撤回的答复。", code="not_answered")
    _put(work, poll, actor, mine.choice, "", -1)
    work.log.add(
        "poll_answer_withdrawn", actor, task=task.element, poll=str(poll_id), choice=mine.choice
    )
    unit_of_work.save(work)
    return UUID(str(work.row["id"]))


def _still_open(work: UnitOfWork, poll: Any) -> None:
    if work.row["state"] != "running":
        raise Conflict(
            f"此件{unit_of_work.STATES.get(work.row['state'], '')}，不能作答。", code="not_running"
        )
    if poll.state == "called":
        raise Conflict("监票人还没有领取密钥，投票没有开始。", code="not_open")
    if poll.state != "open" or (poll.closes_at is not None and clock.now() >= poll.closes_at):
        raise Conflict("表决已截止。", code="closed")


def _put(work: UnitOfWork, poll: Any, actor: Actor, chosen: str, comment: str, change: int) -> None:
    """Put an answer into the roll and the counts, or take it out again."""
    counts = dict(poll.counts)
    for each in (*chosen.split(" "), *(["answered"] if poll.kind == "election" else [])):
        counts[each] = counts.get(each, 0) + change
    gone = change < 0
    values = {
        "key": poll.id,
        "who": actor.id,
        "waits": gone,
        "chosen": None if gone else chosen,
        "said": comment,
        "now": clock.now(),
    }
    work.session.execute(_ANSWER, values)
    work.session.execute(_COUNT, {"key": poll.id, "now_counts": counts})


def _finish_or_save(work: UnitOfWork, poll_id: UUID, task: Any, position: int) -> None:
    """Close early when the poll's rule says so: all have answered (under a meeting: all who are present), or nothing can
    change the outcome any more."""
    poll = work.session.execute(select(_poll).where(_poll.c.id == poll_id)).one()
    early, answered = poll.rule["early"], cast_in_system(poll, poll.counts)
    silent = poll.roll_size - answered
    if (silent == 0 and early in ("all", "decided", "first")) or (
        early == "all" and _all_present_answered(work, poll)
    ):
        finish_poll(work, poll, task, "all_answered")
        return
    if (early == "first" and answered) or (early == "decided" and _decided(work, poll, silent)):
        finish_poll(work, poll, task, "early")
        return
    if poll.rule.get("in_order"):
        following = _roll.c.poll_id == poll_id, _roll.c.position == position + 1
        work.session.execute(update(_roll).where(*following).values(open=True))
    unit_of_work.save(work)


def _all_present_answered(work: UnitOfWork, poll: Any) -> bool:
    """Has everybody answered who is in the hall? Without a meeting nobody is."""
    if poll.meeting_id is None:
        return False
    attendance = tables.attendance.c
    here = (
        attendance.meeting_id == poll.meeting_id,
        attendance.member_id == _roll.c.member_id,
        attendance.here,
    )
    waiting = select(_roll.c.member_id).join(tables.attendance, and_(*here))
    missing = waiting.where(
        _roll.c.poll_id == poll.id, _roll.c.choice.is_(None), ~_roll.c.paper
    ).limit(1)
    return work.session.execute(missing).first() is None


def _decided(work: UnitOfWork, poll: Any, silent: int) -> bool:
    """Would the outcome be the same whoever of the silent still chose what?"""
    if poll.kind == "election":
        return False
    now = tally(work, poll, poll.counts)["passed"]
    return all(
        tally(work, poll, {**poll.counts, choice: poll.counts[choice] + silent})["passed"] == now
        for choice in poll.choices
    )


def close(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """Close before the window ends: who launched the instance, when the rule holds; or, where it says so, the task's lane."""
    work, poll, task = locked(session, actor, poll_id)
    rights.check(Case(work, "close_poll", task.element, poll=poll))
    _still_open(work, poll)
    if poll.rule["closable"] == "lane":
        with work.answering():
            finish_poll(work, poll, task, "closed_by_chair")
        return UUID(str(work.row["id"]))
    if poll.rule["closable"] != "passes" or not tally(work, poll, poll.counts)["passed"]:
        raise Conflict("还没有达到规定人数，不能提前截止。", code="not_reached")
    with work.answering():
        finish_poll(work, poll, task, "closed_by_mover")
    return UUID(str(work.row["id"]))


def finish_poll(work: UnitOfWork, poll: Any, task: Any, why: str) -> None:
    """The window is over. Without tellers the outcome is there; with tellers they count and sign first."""
    questions.stop(work, poll)
    if not poll.tellers:
        publish(work, poll.id, task, why)
        return
    work.session.execute(update(_poll).where(_poll.c.id == poll.id).values(state="counting"))
    work.log.add("poll_stopped", work.actor, task=task.element, poll=str(poll.id), why=why)
    unit_of_work.save(work)


def publish(
    work: UnitOfWork, poll_id: UUID, task: Any, why: str, paper: dict[str, Any] | None = None
) -> None:
    """Count, make the outcome a fact, finish the task and move on."""
    poll = work.session.execute(select(_poll).where(_poll.c.id == poll_id)).one()
    outcome = tally(work, poll, poll.counts, paper)
    if outcome["answered"] <= NAMED and not poll.secret:
        outcome["voters"] = _voters(work.session, poll)
    now = clock.now()
    values = {"state": "closed", "closed_at": poll.closed_at or now, "outcome": outcome}
    work.session.execute(update(_poll).where(_poll.c.id == poll.id).values(**values))
    work.session.execute(
        update(tables.task)
        .where(tables.task.c.id == task.id)
        .values(state="done", closed_at=now, revision=task.revision + 1)
    )
    work.facts[task.element] = outcome
    shown = {k: v for k, v in outcome.items() if k != "voters"}
    body = work.log.add(
        "poll_closed", work.actor, task=task.element, poll=str(poll.id), outcome=shown, why=why
    )
    step = machine.complete(work.process.spec, work.position, task.ref, work)
    advance.advance(work, step, body, task.ref)


def _voters(session: Session, poll: Any) -> dict[str, list[str]]:
    rows = session.execute(
        select(_roll.c.choice, _roll.c.member_id)
        .where(_roll.c.poll_id == poll.id, _roll.c.choice.is_not(None))
        .order_by(_roll.c.at, _roll.c.member_id)
    ).all()
    return {
        choice: [str(r.member_id) for r in rows if choice in r.choice.split(" ")]
        for choice in poll.choices
    }

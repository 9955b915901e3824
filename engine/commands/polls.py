"""Questions put to a frozen roll: open, answer, take back, close. 1,000 members cost the diagram one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select, text, update

from engine import access, clock, machine, tables
from engine.commands import settle
from engine.errors import Conflict, Invalid, NotFound, Refused

if TYPE_CHECKING:
    from engine.commands.run import Run
    from engine.db import Session
    from engine.organisation import Actor

_poll, _roll = tables.poll, tables.roll
NAMED = 300  # up to so many answers the voters of a poll stand in the facts by choice
_END_WINDOW = text("UPDATE timer SET state = 'cancelled' WHERE task_id = :task AND ref = -1 AND state IN ('waiting', 'broken')")
_WHERE = select(_poll.c.instance_id).where(_poll.c.id == bindparam("key"))
_MINE = select(_roll).where(_roll.c.poll_id == bindparam("key"), _roll.c.member_id == bindparam("who"))
_ANSWER = (
    update(_roll)
    .where(_roll.c.poll_id == bindparam("key"), _roll.c.member_id == bindparam("who"))
    .values(open=bindparam("waits"), choice=bindparam("chosen"), comment=bindparam("said"), at=bindparam("now"))
)
_COUNT = update(_poll).where(_poll.c.id == bindparam("key")).values(counts=bindparam("now_counts"))
MAX_COMMENT = 500


def _locked(session: Session, actor: Actor | None, poll_id: UUID) -> tuple[Run, Any, Any]:
    """Lock the instance, then read the poll and its task."""
    run = settle.lock(session, actor, access.must_see(session.execute(_WHERE, {"key": poll_id}).scalar()))
    poll = session.execute(select(_poll).where(_poll.c.id == poll_id)).one()
    task = session.execute(select(tables.task).where(tables.task.c.id == poll.task_id)).one()
    return run, poll, task


def respond(session: Session, actor: Actor, poll_id: UUID, choice: str, comment: str = "") -> UUID:
    """Answer a poll once. NotFound when not on the roll, Conflict when closed or answered, Invalid for an unknown choice."""
    run, poll, task = _locked(session, actor, poll_id)
    mine = session.execute(_MINE, {"key": poll_id, "who": actor.id}).first()
    if mine is None:
        raise NotFound(instance_id=str(run.row["id"]), verb="respond", element=task.element)
    _still_open(run, poll)
    rule = run.process.tasks[task.element]
    if rule.recuse and run.value(rule.recuse):
        raise Refused("您与此件有利害关系，应当回避。", code="recused", instance_id=str(run.row["id"]), element=rule.id)
    if choice not in poll.choices:
        raise Invalid({"choice": ["没有这个选项。"]})
    comment = plain_comment(comment)
    if mine.choice is not None:
        raise Conflict("您已作答。如需更改，请先撤回。", code="answered")
    _put(run, poll, actor, choice, comment, {choice: 1})
    run.ledger.add("poll_answered", actor, task=task.element, poll=str(poll_id), choice=choice, comment=comment or None)
    with run.answering():
        _finish_or_save(run, poll_id, task)
    return UUID(str(run.row["id"]))


def plain_comment(comment: str) -> str:
    """A comment as text: stripped, at most 500 characters, without NUL. Raises Invalid."""
    plain = comment.strip()
    if len(plain) > MAX_COMMENT or "\0" in plain or any(0xD800 <= ord(c) <= 0xDFFF for c in plain):
        raise Invalid({"comment": [f"意见不得超过 {MAX_COMMENT} 字，也不得含有控制字符。"]})
    return plain


def take_back(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """Take my answer back while the poll is open."""
    run, poll, task = _locked(session, actor, poll_id)
    mine = session.execute(_MINE, {"key": poll_id, "who": actor.id}).first()
    if mine is None:
        raise NotFound(instance_id=str(run.row["id"]), verb="take_back", element=task.element)
    _still_open(run, poll)
    if mine.choice is None or not poll.rule["withdrawal"]:
        raise Conflict("没有可以撤回的答复。", code="not_answered")
    _put(run, poll, actor, None, "", {mine.choice: -1})
    run.ledger.add("poll_answer_withdrawn", actor, task=task.element, poll=str(poll_id), choice=mine.choice)
    settle.save(run)
    return UUID(str(run.row["id"]))


def _still_open(run: Run, poll: Any) -> None:
    if run.row["state"] != "running":
        raise Conflict(f"此件{settle.STATES.get(run.row['state'], '')}，不能作答。", code="not_running")
    if poll.state != "open" or (poll.closes_at is not None and clock.now() >= poll.closes_at):
        raise Conflict("表决已截止。", code="closed")


def _put(run: Run, poll: Any, actor: Actor, choice: str | None, comment: str, change: dict[str, int]) -> None:
    counts = {c: poll.counts.get(c, 0) + change.get(c, 0) for c in poll.choices}
    values = {
        "key": poll.id,
        "who": actor.id,
        "waits": choice is None,
        "chosen": choice,
        "said": comment,
        "now": clock.now(),
    }
    run.session.execute(_ANSWER, values)
    run.session.execute(_COUNT, {"key": poll.id, "now_counts": counts})


def tally(run: Run, poll: Any, counts: dict[str, int]) -> dict[str, Any]:
    """The numbers that a rule may name: each choice's, roll, answered, silent; and whether the rule holds."""
    answered = sum(counts.values())
    numbers: dict[str, Any] = {
        **counts,
        "roll": poll.roll_size,
        "answered": answered,
        "silent": poll.roll_size - answered,
    }
    numbers["passed"] = bool(run.value(poll.rule["passes"], numbers))
    return numbers


def _finish_or_save(run: Run, poll_id: UUID, task: Any) -> None:
    """Close early when the poll's rule says so: all have answered, or nothing can change the outcome any more."""
    poll = run.session.execute(select(_poll).where(_poll.c.id == poll_id)).one()
    early, silent = poll.rule["early"], poll.roll_size - sum(poll.counts.values())
    if (early in ("all", "decided") and silent == 0) or (early == "decided" and _decided(run, poll, silent)):
        finish_poll(run, poll, task, "early")
    else:
        settle.save(run)


def _decided(run: Run, poll: Any, silent: int) -> bool:
    """Would the outcome be the same whoever of the silent still chose what?"""
    now = tally(run, poll, poll.counts)["passed"]
    return all(
        tally(run, poll, {**poll.counts, choice: poll.counts[choice] + silent})["passed"] == now for choice in poll.choices
    )


def close(session: Session, actor: Actor, poll_id: UUID) -> UUID:
    """Close before the window ends: only who launched the instance, and only when the rule allows it now."""
    run, poll, task = _locked(session, actor, poll_id)
    if str(actor.id) not in {str(run.row["starter_id"]), str(run.facts.get("launch", {}).get("mover"))}:
        raise Refused(verb="close_poll", instance_id=str(run.row["id"]), element=task.element)
    _still_open(run, poll)
    if poll.rule["closable"] != "passes" or not tally(run, poll, poll.counts)["passed"]:
        raise Conflict("还没有达到规定人数，不能提前截止。", code="not_reached")
    with run.answering():
        finish_poll(run, poll, task, "closed_by_mover")
    return UUID(str(run.row["id"]))


def finish_poll(run: Run, poll: Any, task: Any, why: str) -> None:
    """Count, publish the outcome as a fact, finish the task and move on."""
    outcome = tally(run, poll, poll.counts)
    if outcome["answered"] <= NAMED:
        outcome["voters"] = _voters(run.session, poll)
    now = clock.now()
    run.session.execute(update(_poll).where(_poll.c.id == poll.id).values(state="closed", closed_at=now, outcome=outcome))
    run.session.execute(update(_roll).where(_roll.c.poll_id == poll.id, _roll.c.open).values(open=False))
    run.session.execute(
        update(tables.task).where(tables.task.c.id == task.id).values(state="done", closed_at=now, revision=task.revision + 1)
    )
    run.facts[task.element] = outcome
    shown = {k: v for k, v in outcome.items() if k != "voters"}
    body = run.ledger.add("poll_closed", run.actor, task=task.element, poll=str(poll.id), outcome=shown, why=why)
    before = settle.alive(run)
    step = machine.complete(run.process.spec, run.row["machine"], task.ref, run)
    run.session.execute(_END_WINDOW, {"task": task.id})
    settle.settle(run, before, step, body, task.ref)


def _voters(session: Session, poll: Any) -> dict[str, list[str]]:
    rows = session.execute(
        select(_roll.c.choice, _roll.c.member_id).where(_roll.c.poll_id == poll.id, _roll.c.choice.is_not(None))
        .order_by(_roll.c.at, _roll.c.member_id)
    ).all()  # fmt: skip
    return {choice: [str(r.member_id) for r in rows if r.choice == choice] for choice in poll.choices}

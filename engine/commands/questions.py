"""Putting a question to a roll: freeze the roll, look at the quorum, open the window, and stop it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, text, update

from engine import clock, expressions
from engine.ballots import rolls
from engine.commands import envelopes, timers
from engine.db import tables
from engine.db.states import PollState
from engine.errors import ProcessFault, Refused
from engine.instance import presence
from engine.instance.numbers import rule_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.calendar import Due
    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.process import PollRule

_poll, _roll = tables.poll, tables.roll
_OPEN_ROLL = text("UPDATE roll SET open = true WHERE poll_id = :poll AND (:all OR position = 1)")
_END_WINDOW = text(
    "UPDATE timer SET state = 'cancelled' WHERE task_id = :task AND ref = -1 AND state IN ('waiting', 'broken')"
)
FEWEST = "BALLOT-MIN"  # a secret poll of fewer would tell who voted how


def put(work: UnitOfWork, task_id: UUID, element: str, rule: PollRule) -> UUID:
    """Make the poll of a task. It opens at once; a secret one when its tellers have taken their keys.

    ProcessFault for an empty roll, Refused for a meeting without quorum and for a secret poll of too few.
    """
    members, tellers = _people(work, rule.roll), _people(work, rule.tellers) if rule.tellers else []
    if not members:
        raise ProcessFault(
            f"“{work.process.title_of(element)}”的名册是空的。",
            file="process.toml",
            element=element,
        )
    if rule.secret:
        _enough_for_secrecy(work, element, members, tellers, rule)
    meeting = _meeting(work, element, rule)
    choices = _people(work, rule.candidates) if rule.candidates else list(rule.choices)
    if not choices:
        raise ProcessFault(
            f"“{work.process.title_of(element)}”没有候选人。", file="process.toml", element=element
        )
    poll_id, now = tables.new_id(), clock.now()
    told: dict[str, Any] = {
        "passes": rule.passes,
        "early": rule.early,
        "closable": rule.closable,
        "withdrawal": rule.withdrawal,
        "numbers": _numbers(work, rule.passes, rule.wins),
        "in_order": rule.in_order,
        "paper": rule.paper,
    }
    if rule.kind == "election":
        told |= {"wins": rule.wins, "seats": int(work.value(rule.seats))}
    if rule.secret:
        told["keys"] = rule_value(work, rule.keys)
    if rule.about:  # what the facts say now is what is voted on, whatever becomes of them
        told["about"] = [[fact, work.value(fact)] for fact in rule.about]
    row: dict[str, Any] = {
        "id": str(poll_id),
        "instance_id": str(work.row["id"]),
        "task_id": str(task_id),
        "kind": rule.kind,
        "choices": choices,
        "rule": told,
        "state": PollState.CALLED,
        "secret": rule.secret,
        "tellers": tellers,
        "meeting_id": str(meeting.id) if meeting else None,
        "roll_size": len(members),
        "roll_hash": rolls.digest(members),
        "counts": dict.fromkeys(choices, 0),
        "opened_at": now.isoformat(),
        "closes_at": None,
    }
    if rule.secret:
        more = {"tellers": tellers, "keys": told["keys"], **_about(told)}
        work.log.add("poll_called", None, task=element, poll=str(poll_id), **more)
    else:
        window = _window(work, element, rule, told)
        _begin(work, element, window, UUID(row["id"]), task_id, row)
        closes_at = window.due.moment.isoformat() if window.due else None
        row |= {"state": PollState.OPEN, "rule": window.terms, "closes_at": closes_at}
    work.add(tables.poll, row)
    for position, member in enumerate(members, 1):
        waits = not rule.secret and (position == 1 or not rule.in_order)
        entry = {"poll_id": row["id"], "member_id": member, "position": position, "open": waits}
        work.add(tables.roll, entry)
    for teller in tellers:
        work.add(tables.teller, {"poll_id": row["id"], "member_id": teller})
    work.shares.update(UUID(teller) for teller in tellers)
    return poll_id


def _people(work: UnitOfWork, expression: str) -> list[str]:
    return list(dict.fromkeys(str(m) for m in work.value(expression) or [] if m))


def _enough_for_secrecy(
    work: UnitOfWork, element: str, members: list[str], tellers: list[str], rule: PollRule
) -> None:
    where = {"instance_id": str(work.row["id"]), "element": element}
    least = rule_value(work, FEWEST)
    if len(members) < least:
        raise Refused(
            f"无记名投票至少要有 {least} 名投票人，这里只有 {len(members)} 名。",
            code="too_few",
            **where,
        )
    keys = rule_value(work, rule.keys)
    if len(tellers) < keys:
        raise Refused(
            f"开票须有 {keys} 名监票人，这里只有 {len(tellers)} 名。", code="too_few", **where
        )


def _meeting(work: UnitOfWork, element: str, rule: PollRule) -> Any:
    """The meeting under which the poll is held, when there is one and its quorum holds. Raises Refused."""
    if not rule.meeting:
        return None
    found = presence.latest(work.session, work.row["id"], rule.meeting, lock=True)
    told = presence.numbers(work, rule.meeting, found)
    where = {"instance_id": str(work.row["id"]), "element": element}
    if told["state"] != "open":
        raise Refused("会议没有开始，不能表决。", code="no_meeting", **where)
    if not told["quorate"]:
        text_ = f"应到 {told['due']} 人，须到 {told['needed']} 人，实到 {told['present']} 人，不够法定人数，不能表决。"
        raise Refused(text_, code="no_quorum", **where)
    return found


@dataclass(frozen=True)
class _Window:
    """A poll that opens: its rule as it is fixed now, when it ends, and what the history says of who is there."""

    terms: dict[str, Any]
    due: Due | None
    present: dict[str, Any]


def _window(work: UnitOfWork, element: str, rule: PollRule, terms: Mapping[str, Any]) -> _Window:
    meeting = _meeting(work, element, rule)
    due = work.moment(rule.closes) if rule.closes else None
    if meeting is None:
        return _Window(dict(terms), due, {})
    ledger = rolls.ledger_hash(work.session, meeting.id)
    fixed = {**terms, "presence": {"opening": meeting.present}}
    return _Window(fixed, due, {"present": meeting.present, "presence": ledger})


def start(work: UnitOfWork, poll_id: UUID, element: str, **told: Any) -> None:
    """Called -> open: presence and rule go on record, the window begins. `told` is more for the event."""
    rule = work.process.tasks[element].poll
    assert rule is not None
    row = work.session.execute(select(_poll).where(_poll.c.id == poll_id)).one()
    window = _window(work, element, rule, row.rule)
    values = {
        "state": PollState.OPEN,
        "rule": window.terms,
        "opened_at": clock.now(),
        "closes_at": window.due.moment if window.due else None,
    }
    work.session.execute(update(_poll).where(_poll.c.id == poll_id).values(**values))
    if row.secret:
        work.session.execute(_OPEN_ROLL, {"poll": poll_id, "all": not rule.in_order})
    _begin(work, element, window, poll_id, row.task_id, row._asdict(), **told)


def _begin(
    work: UnitOfWork,
    element: str,
    window: _Window,
    poll_id: UUID,
    task_id: UUID,
    row: Mapping[str, Any],
    **told: Any,
) -> None:
    """The window of a poll (its `row`) begins: on record, with a timer at its end."""
    rule, due = work.process.tasks[element].poll, window.due
    assert rule is not None
    if rule.kind == "election":
        told |= {"wins": rule.wins, "seats": window.terms["seats"], "candidates": row["choices"]}
    work.log.add(
        "poll_opened",
        None,
        task=element,
        poll=str(poll_id),
        roll=row["roll_size"],
        roll_hash=row["roll_hash"],
        rule=rule.passes,
        numbers=window.terms["numbers"],
        closes=due.day.isoformat() if due else None,
        **_about(window.terms),
        **window.present,
        **told,
    )
    if due is not None:
        timer = timers.timer_row(
            work,
            element,
            ref=-1,
            expression=rule.closes,
            due=due,
            task_id=task_id,
            now=clock.now(),
        )
        timers.add(work, [], [timer])


def stop(work: UnitOfWork, poll: Any) -> None:
    """No more answers: the window and all waiting answers are over; presence at the closing is kept."""
    values: dict[str, Any] = {"closed_at": clock.now()}
    if poll.meeting_id is not None:
        meeting = tables.meeting.c
        present = work.session.execute(
            select(meeting.present).where(meeting.id == poll.meeting_id).with_for_update()
        ).scalar_one()
        values["rule"] = {
            **poll.rule,
            "presence": {**poll.rule.get("presence", {}), "closing": present},
        }
    work.session.execute(update(_poll).where(_poll.c.id == poll.id).values(**values))
    work.session.execute(
        update(_roll).where(_roll.c.poll_id == poll.id, _roll.c.open).values(open=False)
    )
    work.session.execute(_END_WINDOW, {"task": poll.task_id})
    if poll.secret:
        envelopes.collect(work, poll)


def _about(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is voted on, for the history."""
    return {"about": dict(told["about"])} if "about" in told else {}


def _numbers(work: UnitOfWork, *rules: str) -> dict[str, int | str]:
    """The numbers of law that the rules of a poll name: whole ones, and shares as "2/3"."""
    found: dict[str, int | str] = {}
    for name, arguments in (
        call for text_ in rules if text_.strip() for call in expressions.calls_in(text_)
    ):
        if arguments and name in ("rule", "satisfies", "reaches"):
            ruling = work.law.ruling(str(arguments[0]), work.decisive_on)
            share = ruling.share if name == "reaches" else None
            if share is None:
                found[ruling.id] = rule_value(work, ruling.id)
            else:
                found[ruling.id] = f"{share.numerator}/{share.denominator}"
    return found

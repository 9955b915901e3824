"""What follows from an act that happened on an earlier day: tried before it is sent, shown, and
taken back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock
from engine.calendar import moments
from engine.commands import instances, tasks
from engine.db import tables
from engine.db.states import TimerState
from engine.definitions.process import Words
from engine.errors import EngineError
from engine.messages import Message, _, worded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from engine.commands.tasks import InHand
    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions import Process

MOST = 20  # timers that one entry lets happen at once; beyond that the trial says no more
_event, _timer, _document = tables.event.c, tables.timer.c, tables.document.c


class Tried(Exception):
    """The trial of a late entry. Whoever catches it has lost the transaction, as is meant.

    `day`: when it happened, as ISO text. `consequences`: what would follow, in words.
    """

    def __init__(self, day: str, consequences: tuple[Message, ...]) -> None:
        super().__init__(day)
        self.day, self.consequences = day, consequences


@dataclass(frozen=True)
class _Before:
    """How a matter stood before the trial."""

    seq: int
    facts: Mapping[str, Any]


def submit(held: InHand, answers: Mapping[str, Any], seen: str = "") -> UUID:
    """Finish a task, as `tasks.submit` does; what happened on an earlier day is tried only, until
    the person has seen what follows.

    `seen`: the day whose consequences were shown. Raises Tried, Conflict, Refused, Invalid.
    """
    day = str(answers.get(held.rule.happened) or "") if held.rule.happened else ""
    if not day or day == seen or day >= clock.today().isoformat():
        return tasks.submit(held, answers)
    before = _Before(held.work.log.seq, dict(held.work.facts))
    instance_id = tasks.submit(held, answers)
    _let_timers_happen(held.work, instance_id)
    raise Tried(day, tuple(_consequences(held.work, before, day)))


def _let_timers_happen(work: UnitOfWork, instance_id: UUID) -> None:
    """What the workers would do next: the timers that are due already."""
    due = (_timer.state == TimerState.WAITING, _timer.due_at <= clock.now())
    soonest = select(_timer.id).where(_timer.instance_id == instance_id, *due)
    for _turn in range(MOST):
        timer = work.session.execute(soonest.order_by(_timer.due_at, _timer.id).limit(1)).scalar()
        try:
            if timer is None or not instances.wake(work.session, timer):
                return
        except EngineError:  # it would break then too, and become an incident
            return


def _consequences(work: UnitOfWork, before: _Before, day: str) -> Iterator[Message]:
    mine = (_event.instance_id == work.row["id"], _event.seq > before.seq)
    said = select(_event.kind, _event.body).where(*mine).order_by(_event.seq)
    for kind, body in work.session.execute(said).all():
        yield from _of_event(work.process, kind, json.loads(body))
    yield from _effects(work, before)
    yield from _done_since(work, before, day)


def _of_event(process: Process, kind: str, body: Mapping[str, Any]) -> Iterator[Message]:
    """What an event of the trial would mean for whoever sends the form."""
    if "in_time" in body:
        kept = _("期限已经届满；发生在期限以内，视为按期。")
        yield kept if body["in_time"] else _("发生时期限已过，属于逾期。")
    if kind == "timer_fired":
        title, due = _title(process, body["element"]), _day(body["due"])
        yield _("“{title}”在 {day} 已经到期，登记后随即发生。", title=title, day=due)
    if kind == "document_issued":
        yield _("发出《{title}》。", title=worded(process.documents[body["document"]].title))
    for opened in body.get("opened", ()):
        yield from _opened(process, opened)
    if body.get("ended"):
        yield _("本件随即结束：{end}。", end=_title(process, body["ended"]))


def _opened(process: Process, opened: Mapping[str, str]) -> Iterator[Message]:
    title, due = _title(process, opened["task"]), opened.get("due")
    if not due:
        yield _("打开“{title}”。", title=title)
    elif due < clock.today().isoformat():
        yield _("打开“{title}”，期限 {day} 已经届满。", title=title, day=due)
    else:
        yield _("打开“{title}”，期限到 {day}。", title=title, day=due)


def _effects(work: UnitOfWork, before: _Before) -> Iterator[Message]:
    """The days of effects that the process would note."""
    row = select(tables.instance.c.facts).where(tables.instance.c.id == work.row["id"])
    facts = work.session.execute(row).scalar_one()
    for action, args in work.process.actions.items():
        now, was = facts.get(action), before.facts.get(action)
        if args.get("do") != "set_fact" or not isinstance(now, dict) or now == was:
            continue
        if isinstance(day := now.get("on"), str):
            yield _("{title}：{day}。", title=_title(work.process, action), day=day)


def _done_since(work: UnitOfWork, before: _Before, day: str) -> Iterator[Message]:
    """What happened by itself, or went out, between the day of the fact and its entry."""
    mine = (_event.instance_id == work.row["id"], _event.seq <= before.seq)
    kinds = _event.kind.in_(("timer_fired", "document_issued"))
    since = moments.end_of(date.fromisoformat(day) - timedelta(days=1))
    said = select(_event.kind, _event.body, _event.at).where(*mine, kinds, _event.at >= since)
    for kind, body, at in work.session.execute(said.order_by(_event.seq)).all():
        told, on = json.loads(body), clock.day_of(at).isoformat()
        if kind == "timer_fired":
            title = _title(work.process, told["element"])
            yield _("此前“{title}”已于 {day} 发生，请核对是否需要更正。", title=title, day=on)
        else:
            title = worded(work.process.documents[told["document"]].title)
            yield _("此前已于 {day} 发出《{title}》，请核对是否需要更正。", day=on, title=title)


def _title(process: Process, element: str) -> Message:
    return worded(Words(process.title_of(element), process.title_of(element, "en")))


def _day(moment: str) -> str:
    """The last day of a time limit that ends at this moment."""
    return moments.ending_day(datetime.fromisoformat(moment)).isoformat()

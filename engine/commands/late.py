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
from engine.commands import instances, messages, outside, tasks
from engine.db import tables
from engine.db.states import TimerState
from engine.definitions.words import Words
from engine.errors import Conflict, EngineError
from engine.instance import rooms
from engine.instance.context import context_of
from engine.messages import Message, _, worded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from engine.commands.instances import Entered
    from engine.commands.messages import Expected
    from engine.commands.outside import Answering
    from engine.commands.tasks import InHand
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.instance.context import Context
    from engine.people.organisation import Actor

MOST = 20  # timers that one entry lets happen at once; beyond that the trial says no more
_event, _timer = tables.event.c, tables.timer.c


class Tried(Conflict):
    """The trial of a late entry. Whoever catches it has lost the transaction, as is meant.

    `day`: when it happened, as ISO text. `seen`: what is sent along the second time; it holds for
    this day, and until something else moves the matter. `consequences`: what would follow, in
    words, as far as the person may know.
    """

    code = "late_entry"

    def __init__(self, day: str, seen: str, consequences: tuple[Message, ...]) -> None:
        super().__init__(_("发生于 {day}，今天登记。请核对后果，无误的再次提交。", day=day))
        self.day, self.seen, self.consequences = day, seen, consequences


@dataclass(frozen=True)
class _Before:
    """How a matter stood before the trial."""

    seq: int
    revision: int
    facts: Mapping[str, Any]


# --- the ways by which a late entry comes in ------------------------------------------------------
def submit(held: InHand, answers: Mapping[str, Any], seen: str = "") -> UUID:
    """Finish a task, as `tasks.submit` does; what happened on an earlier day is tried only, until
    the person has seen what follows.

    `seen`: of the trial whose consequences were shown. Raises Tried, Conflict, Refused, Invalid.
    """
    before = _stands(held.work)
    tasks.submit(held, answers)
    return _unless_late(held.work, before, seen)


def send(wait: Expected, answers: Mapping[str, Any], seen: str = "") -> UUID:
    """The same of a message, beside `messages.send`."""
    before = _stands(wait.work)
    messages.say(wait, answers)
    return _unless_late(wait.work, before, seen)


def launch(
    session: Session, actor: Actor, process_id: str, answers: Mapping[str, Any], seen: str = ""
) -> UUID:
    """The same of a launch, beside `instances.launch`."""
    work = instances.begin(session, actor, process_id, answers)
    return _unless_late(work, _Before(0, 0, {}), seen)


def enter(
    session: Session,
    actor: Actor,
    process_id: str,
    owner_id: UUID,
    entered: Entered,
    *,
    seen: str = "",
) -> UUID:
    """The same of what is entered for somebody else, beside `instances.enter`."""
    work = instances.enter(session, actor, process_id, owner_id, entered)
    return _unless_late(work, _Before(0, 0, {}), seen)


def answer(reply: Answering, answers: Mapping[str, Any], seen: str = "") -> UUID:
    """The same of an answer by a link, beside `outside.answer`: whoever has it learns of the trial
    whether they are in time, and nothing of the matter.
    """
    before = _stands(reply.held.work)
    outside.submit(reply, answers)
    return _unless_late(reply.held.work, before, seen)


def _stands(work: UnitOfWork) -> _Before:
    return _Before(work.log.seq, work.row["revision"], dict(work.facts))


def _unless_late(work: UnitOfWork, before: _Before, seen: str) -> UUID:
    """The matter, when what was done now happened today, or its consequences were seen.

    Raises Tried.
    """
    instance_id, day = work.row["id"], work.today.isoformat()
    mark = f"{day}.{before.revision}"
    if work.happened is None or seen == mark:
        return instance_id
    _let_timers_happen(work.session, instance_id)
    context = context_of(work.session, work.actor, instance_id)
    raise Tried(day, mark, tuple(_Trial(context, before, day).told()))


def _let_timers_happen(session: Session, instance_id: UUID) -> None:
    """What the workers would do next: the timers that are due already."""
    due = (_timer.state == TimerState.WAITING, _timer.due_at <= clock.now())
    soonest = select(_timer.id).where(_timer.instance_id == instance_id, *due)
    for _turn in range(MOST):
        timer = session.execute(soonest.order_by(_timer.due_at, _timer.id).limit(1)).scalar()
        try:
            if timer is None or not instances.wake(session, timer):
                return
        except EngineError:  # it would break then too, and become an incident
            return


# --- what would follow ----------------------------------------------------------------------------
class _Trial:
    """What the events of a trial mean for whoever sends the form: nothing of rooms that are closed
    to them, no paper that they may not read; somebody outside learns of no event but their own.
    """

    def __init__(self, context: Context, before: _Before, day: str) -> None:
        self._context, self._before, self._day = context, before, day
        self._process = context.process
        self._shut = rooms.closed(context)
        self._kept_back = False

    def told(self) -> Iterator[Message]:
        """The consequences, and that there are others where something was kept back."""
        mine = _event.instance_id == self._context.row["id"]
        said = select(_event.kind, _event.body).where(mine, _event.seq > self._before.seq)
        for kind, body in self._context.session.execute(said.order_by(_event.seq)).all():
            yield from self._of_event(kind, json.loads(body))
        if self._context.actor is None:
            yield _("对本件的其他后果，由发函的单位核对。")
            return
        yield from self._effects()
        yield from self._done_since()
        if self._kept_back:
            yield _("还有您无权查看的后果，由有权的人核对。")

    def _of_event(self, kind: str, body: Mapping[str, Any]) -> Iterator[Message]:
        if "in_time" in body:
            kept = _("期限已经届满；发生在期限以内，视为按期。")
            yield kept if body["in_time"] else _("发生时期限已过，属于逾期。")
        if self._context.actor is None:
            return
        if kind == "timer_fired" and self._open(body["element"]):
            title, due = self._title(body["element"]), _day(body["due"])
            yield _("“{title}”在 {day} 已经到期，登记后随即发生。", title=title, day=due)
        if kind == "document_issued" and self._readable(body["document"]):
            yield _("发出《{title}》。", title=self._paper(body["document"]))
        if kind in ("matter_begun", "matter_told"):
            yield _("随即发起关联的事项。") if kind == "matter_begun" else _("随即告知关联的事项。")
        for opened in body.get("opened", ()):
            if self._open(opened["task"]):
                yield self._opened(opened)
        if body.get("ended"):
            yield _("本件随即结束：{end}。", end=self._title(body["ended"]))

    def _opened(self, opened: Mapping[str, str]) -> Message:
        title, due = self._title(opened["task"]), opened.get("due")
        if not due:
            return _("打开“{title}”。", title=title)
        if due < clock.today().isoformat():
            return _("打开“{title}”，期限 {day} 已经届满。", title=title, day=due)
        return _("打开“{title}”，期限到 {day}。", title=title, day=due)

    def _effects(self) -> Iterator[Message]:
        """The days of effects that the process would note."""
        facts = self._context.facts
        for action, args in self._process.actions.items():
            now, was = facts.get(action), self._before.facts.get(action)
            if (
                args.get("do") not in ("set_fact", "keep_round")
                or not isinstance(now, dict)
                or now == was
            ):
                continue
            if isinstance(day := now.get("on"), str):
                yield _("{title}：{day}。", title=self._title(action), day=day)

    def _done_since(self) -> Iterator[Message]:
        """What happened by itself, or went out, between the day of the fact and its entry."""
        mine = _event.instance_id == self._context.row["id"], _event.seq <= self._before.seq
        kinds = _event.kind.in_(("timer_fired", "document_issued"))
        since = moments.end_of(date.fromisoformat(self._day) - timedelta(days=1))
        said = select(_event.kind, _event.body, _event.at).where(*mine, kinds, _event.at >= since)
        for kind, body, at in self._context.session.execute(said.order_by(_event.seq)).all():
            told, on = json.loads(body), clock.day_of(at).isoformat()
            if kind == "timer_fired" and self._open(told["element"]):
                title = self._title(told["element"])
                yield _("此前“{title}”已于 {day} 发生，请核对是否需要更正。", title=title, day=on)
            elif kind == "document_issued" and self._readable(told["document"]):
                title = self._paper(told["document"])
                yield _("此前已于 {day} 发出《{title}》，请核对是否需要更正。", day=on, title=title)

    def _open(self, element: str) -> bool:
        """May the person know of a task, or of a timer that sits on one?"""
        node = self._process.diagram.elements.get(element)
        return self._noted(not self._shut & {element, node.on if node else ""})

    def _readable(self, paper: str) -> bool:
        return self._noted(rooms.may_read_paper(self._context, paper))

    def _noted(self, open_: bool) -> bool:
        self._kept_back = self._kept_back or not open_
        return open_

    def _paper(self, kind: str) -> Message:
        return worded(self._process.documents[kind].title)

    def _title(self, element: str) -> Message:
        title = self._process.title_of
        return worded(Words(title(element), title(element, "en")))


def _day(moment: str) -> str:
    """The last day of a time limit that ends at this moment."""
    return moments.ending_day(datetime.fromisoformat(moment)).isoformat()

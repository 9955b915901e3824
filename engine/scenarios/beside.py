"""What a person of a story does beside a decision: ask and answer, step aside, send for
information, name a deputy."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.commands import provisos as fulfilment
from engine.commands.people import deputies
from engine.commands.verbs import asking, copying, stepping_aside
from engine.db import tables
from engine.errors import ProcessFault
from engine.instance import asks, copies, provisos
from engine.messages import _
from engine.queries import deputies as named
from engine.queries import instance
from engine.scenarios.assembly import of_instance, plainly, reason
from engine.scenarios.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.people.organisation import Actor
    from engine.scenarios.steps import Step

    Action = Callable[[Progress, Actor, Step], None]

_ask = tables.ask.c


def _ask_for(progress: Progress, actor: Actor, step: Step) -> None:
    """`what`, "delegate" or "join"; `to`, a member; `text`; `after`: on what I have written."""
    given, key = progress.meant(step.given), progress.task(step.task)
    what, text, after = (
        str(given.get("what", "join")),
        str(given["text"]),
        given.get("after") is True,
    )
    to = UUID(str(given["to"]))
    progress.carry_out(
        actor, lambda s: asking.ask(s, actor, key, what, to=to, text=text, after=after)
    )


def _asked(progress: Progress, actor: Actor, step: Step, mine: Any) -> UUID:
    """What waits for an answer about a task, mine to give or to take back. Raises ProcessFault."""
    here = _ask.task_id == progress.task(step.task), mine == actor.id, asks.WAITS
    query = select(_ask.id).where(*here).order_by(_ask.asked_at.desc()).limit(1)
    found: UUID | None = progress.session.execute(query).scalar()
    if found is None:
        nobody = _("这里没有等待{name}的委派或者加签。", name=actor.name)
        raise ProcessFault(nobody, advice=_('请先写 does = "ask" 的一步。'))
    return found


def _answer(progress: Progress, actor: Actor, step: Step) -> None:
    """Of an opinion `view`, "agree" or "disagree", and `text`; else answers to the task's form."""
    key, given = _asked(progress, actor, step, _ask.to_id), dict(progress.meant(step.given))
    said = {name: given.pop(name) for name in ("view", "text") if name in given}
    said["answers"] = progress.answered(step.task, given) if given else {}
    progress.carry_out(actor, lambda s: asking.answer(s, actor, key, said))


def _decline(progress: Progress, actor: Actor, step: Step) -> None:
    key = _asked(progress, actor, step, _ask.to_id)
    progress.carry_out(actor, lambda s: asking.decline(s, actor, key, step.reason))


def _withdraw(progress: Progress, actor: Actor, step: Step) -> None:
    key = _asked(progress, actor, step, _ask.by_id)
    progress.carry_out(actor, lambda s: asking.withdraw(s, actor, key))


def _copy(progress: Progress, actor: Actor, step: Step) -> None:
    """`to`, members; `text`, a note. With `task` it is sent at that task."""
    given, key = progress.meant(step.given), progress.instance()
    to, note = [UUID(str(each)) for each in given["to"]], str(given.get("text", ""))
    progress.carry_out(actor, lambda s: copying.send(s, actor, key, to, note, element=step.task))


def _read_copy(progress: Progress, actor: Actor, _step: Step) -> None:
    """What was sent to me of the instance. Raises ProcessFault where nothing was that is new."""
    key = progress.instance()
    instance.must_see(progress.session, actor, key)
    if not progress.carry_out(actor, lambda s: copying.note_reading(s, actor, key)):
        nothing = _("没有新抄送给{name}的。", name=actor.name)
        raise ProcessFault(nothing, advice=_('请先写 does = "copy" 的一步。'))


def _withdraw_copy(progress: Progress, actor: Actor, step: Step) -> None:
    """What I sent last to the member `to`. Raises ProcessFault where nothing was."""
    copy, to = tables.copy.c, UUID(str(progress.meant(step.given)["to"]))
    mine = copy.instance_id == progress.instance(), copy.by_id == actor.id, copy.to_id == to
    query = select(copy.id).where(*mine, copies.STANDS).order_by(copy.at.desc()).limit(1)
    key: UUID | None = progress.session.execute(query).scalar()
    if key is None:
        raise ProcessFault(_("没有可以收回的抄送。"), advice=_('请先写 does = "copy" 的一步。'))
    progress.carry_out(actor, lambda s: copying.withdraw(s, actor, key))


def _which(progress: Progress, step: Step) -> tuple[UUID, UUID, int]:
    """The matter, and of its conditions the `no`th of the decision at `task`, set last. Raises
    ProcessFault.
    """
    no = int(progress.meant(step.given).get("no", 1))
    found = [
        each
        for each in provisos.recorded(instance_facts(progress))
        if (each.task, each.no) == (step.task, no)
    ]
    if not found:
        raise ProcessFault(_("这里没有这一条件。"), advice=_("请先附条件同意。"))
    return progress.instance(), UUID(found[-1].task_id), no


def instance_facts(progress: Progress) -> Mapping[str, Any]:
    """The facts of the story's matter."""
    query = select(tables.instance.c.facts).where(tables.instance.c.id == progress.instance())
    facts: Mapping[str, Any] = progress.session.execute(query).scalar_one()
    return facts


def _report(progress: Progress, actor: Actor, step: Step) -> None:
    """`no`, the number of the condition, 1 where none is said; `text`."""
    key, of, no = _which(progress, step)
    given = {"text": str(progress.meant(step.given).get("text", ""))}
    progress.carry_out(actor, lambda s: fulfilment.report(s, actor, key, (of, no), given))


def _judge(progress: Progress, actor: Actor, step: Step) -> None:
    """`met`, true or false; `no`; `text`, why it is not."""
    (key, of, no), given = _which(progress, step), progress.meant(step.given)
    met, text = given.get("met") is True, str(given.get("text", ""))
    progress.carry_out(
        actor, lambda s: fulfilment.judge(s, actor, key, (of, no), met=met, text=text)
    )


def _name_deputy(progress: Progress, actor: Actor, step: Step) -> None:
    """`to`, a member; `until`, a day; `processes`, that of the story where none are named;
    `due_only`.
    """
    given = progress.meant(step.given)
    to, until = UUID(str(given["to"])), date.fromisoformat(str(given["until"]))
    processes, due_only = (
        given.get("processes") or [progress.process.id],
        bool(given.get("due_only")),
    )
    today = clock.today()
    progress.carry_out(
        actor,
        lambda s: deputies.name(s, actor, to, today, until, processes=processes, due_only=due_only),
    )


def _end_deputy(progress: Progress, actor: Actor, _step: Step) -> None:
    """All that this person has named, or is, and that is not over."""
    for each in named.deputies(progress.session, actor).found:
        if each.state != "over":
            progress.carry_out(actor, partial(deputies.end, actor=actor, deputy_id=each.id))


ACTIONS: dict[str, Action] = {
    "ask": _ask_for,
    "answer_ask": _answer,
    "decline_ask": _decline,
    "withdraw_ask": _withdraw,
    "step_aside": plainly(stepping_aside.step_aside, Progress.task, reason),
    "step_back": plainly(stepping_aside.step_back, of_instance),
    "copy": _copy,
    "read_copy": _read_copy,
    "withdraw_copy": _withdraw_copy,
    "report_condition": _report,
    "judge_condition": _judge,
    "name_deputy": _name_deputy,
    "end_deputy": _end_deputy,
}

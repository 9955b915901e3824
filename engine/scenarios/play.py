"""Plays the steps of a story through the real commands on a real database."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.commands.traces import Trace
from engine.errors import EngineError, Invalid, ProcessFault
from engine.instance.union_law import UnionLaw
from engine.messages import Listed, Message, _
from engine.people import organisation
from engine.scenarios import comparison, prints, story, times, workers, world
from engine.scenarios.actions import ACTIONS, by_calendar
from engine.scenarios.progress import Progress, Unexpected
from engine.scenarios.steps import ALONE, VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Engine

    from engine.scenarios.steps import Step


@dataclass(frozen=True)
class Refusal:
    """The code of a refusal and what it said; both empty when nothing was refused."""

    code: str = ""
    why: str = ""


ACCEPTED = Refusal()


@dataclass(frozen=True)
class StepResult:
    """What came of a step. `refused` is the code of the refusal and `why` what it said; `opened`
    are the tasks it opened.
    """

    number: int
    who: str
    does: str
    happened: str
    refused: str = ""
    opened: tuple[str, ...] = ()
    at: str = ""  # the moment in China
    task: str = ""  # the title of what was done
    why: str = ""

    def words(self) -> Message:
        """The step in a line, as `yixing play` prints it."""
        if self.refused:
            came: str = _("被拒绝（{code}）：{why}", code=self.refused, why=self.why)
        else:
            came = self.happened or _("没有别的变化")
        done = _deed(self.who, self.does, self.task)
        number = f"{self.number:>3}"
        return _("{number}  {at}  {done}：{came}", number=number, at=self.at, done=done, came=came)


@dataclass(frozen=True)
class Played:
    """How a story went; `why` says what was expected and what was there instead, empty when it went
    as told.
    """

    title: str
    steps: list[StepResult]
    ok: bool
    why: str
    met: Trace = field(default_factory=Trace)  # of its processes


def perform(
    engine: Engine,
    process_id: str,
    steps: list[dict[str, Any]],
    began: datetime,
    union: str,
    members: Mapping[str, UUID],
    units: Mapping[str, str],
) -> None:
    """Carry out steps, told like a story's, for good: on a union that is there, by its people (ids
    by name).

    `union` is its code. Raises Unexpected when a step goes otherwise than told.
    """
    read = story.read({"title": process_id, "at": began, "step": steps})
    with engine.begin() as session, clock.set_to(began):
        there = world.existing(session, process_id, union, members, units)
        progress = Progress(session, there, began)
        for step in read.steps:
            play_step(progress, step)


def advised(fault: ProcessFault) -> str:
    """What is wrong, with what to do."""
    if not fault.advice:
        return fault.message
    return _("{wrong} → {advice}", wrong=fault.message, advice=fault.advice)


# --- one step -------------------------------------------------------------------------------------
def play_step(progress: Progress, step: Step) -> StepResult:
    """Move the clock, act, let follow what follows, compare. Raises Unexpected, which names the
    step.
    """
    try:
        return _played(progress, step)
    except (Unexpected, ProcessFault) as wrong:
        why = advised(wrong) if isinstance(wrong, ProcessFault) else wrong.message
        deed = _deed(Listed(step.who), step.does, step.task)
        place = _("第 {number} 步（{deed}）：{why}", number=step.number, deed=deed, why=why)
        raise Unexpected(place) from wrong


def _played(progress: Progress, step: Step) -> StepResult:
    if step.on:
        progress.known(step.on)
        progress.current = step.on
    before = progress.all_open()
    if step.after:
        _wait(progress, step)
    refusal = ACCEPTED
    if step.does == "printed":
        refusal = _attempt(step, lambda: prints.read(progress, step))
    if step.does == "calendar":
        with clock.set_to(progress.now):
            refusal = _attempt(step, lambda: by_calendar(progress, step))
        workers.let_pass(progress, progress.now)
    for name in step.who if step.does not in ALONE else ():
        with clock.set_to(progress.now):
            refusal = _act(progress, step, name)
        workers.let_pass(progress, progress.now)
    opened = (element for key, element in progress.all_open().items() if key not in before)
    result = StepResult(
        number=step.number,
        who=Listed(step.who),
        does=step.does,
        happened=progress.happened(),
        refused=refusal.code,
        opened=tuple(opened),
        at=f"{progress.now.astimezone(clock.CHINA):%Y-%m-%d %H:%M}",
        task=_title(progress, step.task),
        why=refusal.why,
    )
    if step.expect is not None:
        comparison.check_open(progress, step.expect, result.happened)
    comparison.check_due(progress, step.due)
    return result


def _title(progress: Progress, task: str) -> str:
    rule = progress.process.tasks.get(task)
    return _("“{title}”", title=rule.title) if rule else task


def _deed(who: str, does: str, task: str) -> Message:
    """Who does what to which task."""
    deed: Message = VERBS[does]
    if task:
        deed = _("{deed} {task}", deed=deed, task=task)
    return _("{who} {deed}", who=who, deed=deed) if who else deed


def _wait(progress: Progress, step: Step) -> None:
    """Move the clock as the step says; on the way every timer fires at its own moment."""
    due = progress.due(step.task) if progress.instances else None
    calendar = UnionLaw.of(progress.session, progress.world.union_id).calendar
    workers.let_pass(progress, times.target(step.after, progress.now, due, calendar))


def _act(progress: Progress, step: Step, name: str) -> Refusal:
    """Let one person do it; gives the refusal that the step expects. Raises Unexpected."""
    members = progress.world.members
    if name not in members:
        advice = _("请在 [cast] 里写上，或用标准班底里的人。")
        raise ProcessFault(_("没有 {name} 这个人。", name=name), advice=advice)

    def act() -> None:
        progress.acting = actor = organisation.actor(progress.session, members[name])
        ACTIONS[step.does](progress, actor, step)

    return _attempt(step, act)


def _attempt(step: Step, act: Callable[[], None]) -> Refusal:
    """Do it; gives the refusal that the step expects. Raises Unexpected."""
    try:
        act()
    except EngineError as error:
        return _expected(step, error)
    if step.refused:
        raise Unexpected(_("应当被拒绝（{code}），实际成功了。", code=step.refused))
    return ACCEPTED


def _expected(step: Step, error: EngineError) -> Refusal:
    """The refusal, if it is the one that the step tells of, by its code or kind. Raises
    Unexpected.
    """
    if not step.refused and isinstance(error, ProcessFault):
        raise error
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    if step.refused in {error.code, kind}:
        return Refusal(step.refused, _said(step, _reasons(error)))
    if step.refused:
        wanted = _("应当以 {code} 被拒绝", code=step.refused)
    else:
        wanted = _("应当成功")
    difference = _(
        "{wanted}，实际被拒绝（{code}）：{why}", wanted=wanted, code=error.code, why=_reasons(error)
    )
    raise Unexpected(difference) from error


def _said(step: Step, why: str) -> str:
    """What a refusal said, which holds all pieces that the step tells of. Raises Unexpected."""
    if unsaid := [piece for piece in step.says if piece not in why]:
        raise Unexpected(_("拒绝时没有说“{unsaid}”，说的是：{why}", unsaid=Listed(unsaid), why=why))
    return why


def _reasons(error: EngineError) -> str:
    """What a refusal says, with its fields."""
    fields = error.fields if isinstance(error, Invalid) else {}
    reasons: list[str] = [
        _("{field}：{wrong}", field=field, wrong=Listed(messages))
        for field, messages in fields.items()
        if field != "_"
    ]
    reasons += fields.get("_", ()) if reasons else ()
    return Listed(reasons, "；") if reasons else error.message

"""Plays a story through the real commands on a real database, and throws everything away at the end.

Each command runs in a savepoint of one transaction that is rolled back, so stories neither see nor hinder one another.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import clock, definitions, settings
from engine.commands import edge, instances, polls, tasks
from engine.errors import EngineError, ProcessFault
from engine.instance.union_law import UnionLaw
from engine.people import organisation
from engine.scenarios import ends, halls, stage, story, times, workers
from engine.scenarios.scene import Otherwise, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy import Engine

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.scenarios.story import Step, Story


@dataclass(frozen=True)
class StepResult:
    """What came of a step. `refused` is the code of the refusal and `why` what it said; `opened` are the tasks it opened."""

    number: int
    who: str
    does: str
    happened: str
    refused: str = ""
    opened: tuple[str, ...] = ()
    at: str = ""  # the moment in China
    task: str = ""  # the title of what was done
    why: str = ""

    def words(self) -> str:
        """The step in a line, as `yixing play` prints it."""
        done = " ".join(part for part in (self.who, story.VERBS[self.does], self.task) if part)
        came = (
            f"被拒绝（{self.refused}）：{self.why}"
            if self.refused
            else self.happened or "没有别的变化"
        )
        return f"{self.number:>3}  {self.at}  {done}：{came}"


@dataclass(frozen=True)
class Played:
    """How a story went; `why` says what was expected and what was there instead, empty when it went as told."""

    title: str
    steps: list[StepResult]
    ok: bool
    why: str


def play(
    engine: Engine,
    told: Mapping[str, Any] | Path,
    files: Mapping[str, str],
    standard: Mapping[str, Any],
) -> Played:
    """Play a story of the process in `files` with the standard cast (processes/stories.toml).

    Whatever the story tells wrongly is in `why`; only a broken database raises.
    """
    title = str(told.get("title", "")) if isinstance(told, dict) else getattr(told, "stem", "")
    steps: list[StepResult] = []
    try:
        read = story.read(told)
        title = read.title
        with _staged(engine, told, read, files, standard) as scene:
            for step in read.steps:
                steps.append(play_step(scene, step))
            ends.check(scene, read)
    except Otherwise as wrong:
        return Played(title, steps, False, str(wrong))
    except ProcessFault as fault:
        return Played(title, steps, False, _advised(fault))
    return Played(title, steps, True, "")


@contextmanager
def staged(
    engine: Engine,
    told: Mapping[str, Any] | Path,
    files: Mapping[str, str],
    standard: Mapping[str, Any],
    first: int = 0,
) -> Iterator[Scene]:
    """The live scene of a story after its `first` steps: whoever holds it may go on otherwise than told.

    Everything is thrown away at the end. Raises ProcessFault for what cannot be meant, Otherwise for a step that goes
    otherwise than told.
    """
    read = story.read(told)
    with _staged(engine, told, read, files, standard) as scene:
        for step in read.steps[:first]:
            play_step(scene, step)
        yield scene


@contextmanager
def _staged(
    engine: Engine,
    told: Mapping[str, Any] | Path,
    read: Story,
    files: Mapping[str, str],
    standard: Mapping[str, Any],
) -> Iterator[Scene]:
    """The scene before the first step of a story that was read; thrown away at the end."""
    with engine.connect() as session, session.begin() as whole, clock.set_to(read.at):
        try:
            others = {name: _beside(told, name) for name in read.also}
            set_up = stage.set_up(session, read, files, standard, others)
            yield Scene(session, set_up, read.at)
        finally:
            whole.rollback()


def perform(
    engine: Engine,
    process_id: str,
    steps: list[dict[str, Any]],
    began: datetime,
    union: str,
    members: Mapping[str, UUID],
    units: Mapping[str, str],
) -> None:
    """Carry out steps, told like a story's, for good: on a union that is there, by its people (ids by name).

    `union` is its code. Raises Otherwise when a step goes otherwise than told.
    """
    told = story.read({"title": process_id, "at": began, "step": steps})
    with engine.begin() as session, clock.set_to(began):
        scene = Scene(session, stage.standing(session, process_id, union, members, units), began)
        for step in told.steps:
            play_step(scene, step)


def _beside(told: Mapping[str, Any] | Path, name: str) -> Mapping[str, str]:
    """Another process that a story needs: from beside its own folder, else from the installation's processes."""
    near = told.resolve().parent.parent.parent / name if hasattr(told, "resolve") else None
    return definitions.read(
        near if near is not None and near.is_dir() else settings.load().processes / name
    )


def _advised(fault: ProcessFault) -> str:
    return fault.message + (f" → {fault.advice}" if fault.advice else "")


def play_step(scene: Scene, step: Step) -> StepResult:
    """Move the clock, act, let follow what follows, compare. Raises Otherwise, which names the step."""
    try:
        if step.on:
            scene.known(step.on)
            scene.current = step.on
        before = scene.all_open()
        if step.after:
            _wait(scene, step)
        refused = why = ""
        for name in step.who if step.does != "wait" else ():
            with clock.set_to(scene.now):
                refused, why = _act(scene, step, name)
            workers.let_pass(scene, scene.now)
        opened = tuple(element for key, element in scene.all_open().items() if key not in before)
        at = f"{scene.now.astimezone(clock.CHINA):%Y-%m-%d %H:%M}"
        known = scene.process.tasks if step.task in scene.process.tasks else {}
        task = f"“{known[step.task].title.zh}”" if known else step.task
        result = StepResult(
            step.number,
            "、".join(step.who),
            step.does,
            scene.happened(),
            refused,
            opened,
            at,
            task,
            why,
        )
        if step.expect is not None:
            ends.check_open(scene, step.expect, result.happened)
    except (Otherwise, ProcessFault) as wrong:
        said = _advised(wrong) if isinstance(wrong, ProcessFault) else str(wrong)
        parts = ("、".join(step.who), story.VERBS[step.does], step.task)
        raise Otherwise(
            f"第 {step.number} 步（{' '.join(part for part in parts if part)}）：{said}"
        ) from wrong
    return result


def _wait(scene: Scene, step: Step) -> None:
    """Move the clock as the step says; on the way every timer fires at its own moment."""
    due = scene.due(step.task) if scene.instances else None
    calendar = UnionLaw.of(scene.session, scene.stage.union_id).calendar
    workers.let_pass(scene, times.target(step.after, scene.now, due, calendar))


def _act(scene: Scene, step: Step, name: str) -> tuple[str, str]:
    """Let one person do it; gives code and words of an expected refusal. Raises Otherwise."""
    if name not in scene.stage.members:
        raise ProcessFault(
            f"没有 {name} 这个人。", advice="请在 [cast] 里写上，或用标准班底里的人。"
        )
    try:
        actor = organisation.actor(scene.session, scene.stage.members[name])
        scene.acting = actor
        ACTS[step.does](scene, actor, step)
    except EngineError as error:
        if not step.refused and isinstance(error, ProcessFault):
            raise
        if step.refused in {
            error.code,
            re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower(),
        }:
            return step.refused, _said(error)
        wanted = f"应当以 {step.refused} 被拒绝" if step.refused else "应当成功"
        raise Otherwise(f"{wanted}，实际被拒绝（{error.code}）：{_said(error)}") from error
    if step.refused:
        raise Otherwise(f"应当被拒绝（{step.refused}），实际成功了。")
    return "", ""


def _said(error: EngineError) -> str:
    """What a refusal says, with its fields."""
    fields = getattr(error, "fields", {})
    told = "；".join(
        f"{key}：{'、'.join(messages)}" for key, messages in fields.items() if key != "_"
    )
    return told or error.message


# --- what a person may do: the commands, each as an edge carries it out ------------------------------------------------
def _do(scene: Scene, actor: Actor, work: Callable[[Session], Any]) -> Any:
    return edge.carry_out(scene.hall, actor, work)


def _launch(scene: Scene, actor: Actor, step: Step) -> None:
    alias = (
        step.alias
        or (step.on if step.on not in scene.instances else "")
        or chr(ord("A") + len(scene.instances))
    )
    if alias in scene.instances:
        raise ProcessFault(f"已有一件叫 {alias}。", advice="请换一个 alias。")
    answers, process = scene.meant(step.given), step.process or scene.stage.process.id
    if process != scene.stage.process.id:
        if process not in scene.stage.others:
            raise ProcessFault(
                f"故事里没有流程 {process}。", advice=f'请在开头写 also = ["{process}"]。'
            )
        scene.started[alias] = scene.stage.others[process]
    scene.instances[alias] = _do(
        scene, actor, lambda s: instances.launch(s, actor, process, answers)
    )
    scene.current = alias


def _complete(scene: Scene, actor: Actor, step: Step) -> None:
    key, answers = scene.task(step.task), scene.meant(step.given)
    _do(scene, actor, lambda s: tasks.complete(s, actor, key, answers))


def _claim(scene: Scene, actor: Actor, step: Step) -> None:
    key = scene.task(step.task)
    _do(scene, actor, lambda s: tasks.claim(s, actor, key))


def _release(scene: Scene, actor: Actor, step: Step) -> None:
    key = scene.task(step.task)
    _do(scene, actor, lambda s: tasks.release(s, actor, key))


def _respond(scene: Scene, actor: Actor, step: Step) -> None:
    key, given = scene.poll(step.task), scene.meant(step.given)
    if halls.is_secret(scene, key):
        halls.cast(scene, actor, key, given)
        return
    choice, comment, choices = (
        str(given.get("choice", "")),
        str(given.get("comment", "")),
        given.get("choices"),
    )
    _do(scene, actor, lambda s: polls.respond(s, actor, key, choice, comment, choices))


def _take_back(scene: Scene, actor: Actor, step: Step) -> None:
    key = scene.poll(step.task)
    _do(scene, actor, lambda s: polls.take_back(s, actor, key))


def _close_poll(scene: Scene, actor: Actor, step: Step) -> None:
    key = scene.poll(step.task)
    _do(scene, actor, lambda s: polls.close(s, actor, key))


def _message(scene: Scene, actor: Actor, step: Step) -> None:
    key, answers = scene.instance(), scene.meant(step.given)
    _do(scene, actor, lambda s: instances.send(s, actor, key, step.task, answers))


def _withdraw(scene: Scene, actor: Actor, step: Step) -> None:
    """Take back the whole matter, or, where `task` is a poll, only one's own answer."""
    if step.task:
        _take_back(scene, actor, step)
        return
    key, reason = scene.instance(), str(step.given.get("reason", ""))
    _do(scene, actor, lambda s: instances.withdraw(s, actor, key, reason))


def _terminate(scene: Scene, actor: Actor, step: Step) -> None:
    key, reason = scene.instance(), str(step.given.get("reason", ""))
    _do(scene, actor, lambda s: instances.terminate(s, actor, key, reason))


def _suspend(scene: Scene, actor: Actor, step: Step) -> None:
    key, reason = scene.instance(), str(step.given.get("reason", ""))
    _do(scene, actor, lambda s: instances.suspend(s, actor, key, reason))


def _resume(scene: Scene, actor: Actor, _step: Step) -> None:
    key = scene.instance()
    _do(scene, actor, lambda s: instances.resume(s, actor, key))


ACTS: dict[str, Callable[[Scene, Actor, Step], None]] = {
    "launch": _launch,
    "complete": _complete,
    "respond": _respond,
    "take_back": _take_back,
    "claim": _claim,
    "release": _release,
    "message": _message,
    "withdraw": _withdraw,
    "terminate": _terminate,
    "suspend": _suspend,
    "resume": _resume,
    "close_poll": _close_poll,
    **halls.ACTS,
}

"""What a person of a story may do to instances, tasks and polls: the commands, each as an edge
carries it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands import instances, polls, tasks
from engine.errors import ProcessFault
from engine.messages import _
from engine.scenarios import assembly

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.people.organisation import Actor
    from engine.scenarios.progress import Progress
    from engine.scenarios.steps import Step

    Action = Callable[[Progress, Actor, Step], None]


def _launch(progress: Progress, actor: Actor, step: Step) -> None:
    alias = _new_alias(progress, step)
    if alias in progress.instances:
        wrong = _("已有一件叫 {alias}。", alias=alias)
        raise ProcessFault(wrong, advice=_("请换一个 alias。"))
    world = progress.world
    process = step.process or world.process.id
    answers = progress.answered("launch", step.given, process)
    if process != world.process.id:
        if process not in world.others:
            wrong = _("故事里没有流程 {process}。", process=process)
            advice = _('请在开头写 also = ["{process}"]。', process=process)
            raise ProcessFault(wrong, advice=advice)
        progress.started[alias] = world.others[process]
    progress.instances[alias] = progress.carry_out(
        actor, lambda s: instances.launch(s, actor, process, answers)
    )
    progress.current = alias


def _new_alias(progress: Progress, step: Step) -> str:
    """As the step calls the new instance, else the next letter: A, B, C …"""
    called = step.alias or (step.on if step.on not in progress.instances else "")
    return called or chr(ord("A") + len(progress.instances))


def _complete(progress: Progress, actor: Actor, step: Step) -> None:
    key, answers = progress.task(step.task), progress.answered(step.task, step.given)
    progress.carry_out(actor, lambda s: tasks.complete(s, actor, key, answers))


def _claim(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.task(step.task)
    progress.carry_out(actor, lambda s: tasks.claim(s, actor, key))


def _release(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.task(step.task)
    progress.carry_out(actor, lambda s: tasks.release(s, actor, key))


def _respond(progress: Progress, actor: Actor, step: Step) -> None:
    key, given = progress.poll(step.task), progress.meant(step.given)
    if assembly.is_secret(progress, key):
        assembly.cast(progress, actor, key, given)
        return
    choice, comment = str(given.get("choice", "")), str(given.get("comment", ""))
    choices: Any = given.get("choices")
    progress.carry_out(
        actor, lambda s: polls.respond(s, actor, key, choice, comment, choices=choices)
    )


def _take_back(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.poll(step.task)
    progress.carry_out(actor, lambda s: polls.take_back(s, actor, key))


def _close_poll(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.poll(step.task)
    progress.carry_out(actor, lambda s: polls.close(s, actor, key))


def _message(progress: Progress, actor: Actor, step: Step) -> None:
    key, answers = progress.instance(), progress.answered(step.task, step.given)
    progress.carry_out(actor, lambda s: instances.send(s, actor, key, step.task, answers))


def _withdraw(progress: Progress, actor: Actor, step: Step) -> None:
    """Take back the whole instance, or, where `task` is a poll, only one's own answer."""
    if step.task:
        _take_back(progress, actor, step)
        return
    key = progress.instance()
    progress.carry_out(actor, lambda s: instances.withdraw(s, actor, key, step.reason))


def _terminate(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.instance()
    progress.carry_out(actor, lambda s: instances.terminate(s, actor, key, step.reason))


def _suspend(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.instance()
    progress.carry_out(actor, lambda s: instances.suspend(s, actor, key, step.reason))


def _resume(progress: Progress, actor: Actor, _step: Step) -> None:
    key = progress.instance()
    progress.carry_out(actor, lambda s: instances.resume(s, actor, key))


ACTIONS: dict[str, Action] = {
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
    **assembly.ACTIONS,
}

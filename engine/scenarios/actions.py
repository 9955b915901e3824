"""What a person of a story may do to instances, tasks and polls: the commands, each as an edge
carries it out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.commands import instances, messages, objections, polls, several, starts, tasks
from engine.commands.verbs import comments, handing, openings, returning
from engine.errors import Conflict, ProcessFault
from engine.messages import _
from engine.queries import tasks as reading
from engine.scenarios import assembly, beside
from engine.scenarios.assembly import of_instance, plainly, reason
from engine.scenarios.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.people.organisation import Actor
    from engine.scenarios.steps import Step

    Action = Callable[[Progress, Actor, Step], None]


def _launch(progress: Progress, actor: Actor, step: Step) -> None:
    """With `matters`, rows of what is said of each: several by one act, called A, B, C …"""
    if "matters" in step.given:
        _launch_several(progress, actor, step)
        return
    alias, process = _new(progress, step)
    answers = progress.answered("launch", step.given, process)
    progress.instances[alias] = progress.carry_out(
        actor, lambda s: instances.launch(s, actor, process, answers)
    )
    progress.current = alias


def _launch_several(progress: Progress, actor: Actor, step: Step) -> None:
    given = progress.meant(step.given)
    rows, process = given.pop("matters"), step.process or progress.world.process.id
    made = progress.carry_out(actor, lambda s: several.launch(s, actor, process, given, rows))
    for key in made:
        alias, _process = _new(progress, replace(step, alias=""))
        progress.instances[alias] = key
    progress.current = next(a for a, key in progress.instances.items() if key == made[0])


def _new(progress: Progress, step: Step) -> tuple[str, str]:
    """What a new instance is called, and of which process it is. Raises ProcessFault."""
    called = step.alias or (step.on if step.on not in progress.instances else "")
    alias = called or chr(ord("A") + len(progress.instances))  # the next letter: A, B, C …
    if alias in progress.instances:
        wrong = _("已有一件叫 {alias}。", alias=alias)
        raise ProcessFault(wrong, advice=_("请换一个 alias。"))
    world = progress.world
    process = step.process or world.process.id
    if process != world.process.id:
        if process not in world.others:
            wrong = _("故事里没有流程 {process}。", process=process)
            advice = _('请在开头写 also = ["{process}"]。', process=process)
            raise ProcessFault(wrong, advice=advice)
        progress.started[alias] = world.others[process]
    return alias, process


def by_calendar(progress: Progress, step: Step) -> None:
    """`start`: the calendar starts it by now. Raises Conflict ("missed") where it could not."""
    alias, process = _new(progress, step)
    key, union_id = str(step.given.get("start", "")), progress.world.union_id
    waiting = (each for each in starts.due(progress.session, process) if each.key == key)
    found = next((each for each in waiting if each.union_id == union_id), None)
    if found is None:
        wrong = _("到这时，日历没有要发起的 {key}。", key=key)
        raise ProcessFault(wrong, advice=_("请写 [[starts]] 里的 key，并等到那一天。"))
    made = progress.carry_out(None, lambda s: starts.start(s, found))
    if made is None:
        raise Conflict(_("没有发起成。"), code="missed")
    progress.instances[alias], progress.current = made, alias


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


def _answered(progress: Progress, step: Step) -> tuple[dict[str, Any]]:
    return (progress.answered(step.task, step.given),)


def _message(progress: Progress, actor: Actor, step: Step) -> None:
    key, answers = progress.instance(), progress.answered(step.task, step.given)
    progress.carry_out(actor, lambda s: messages.send(s, actor, key, step.task, answers))


_answer_back = plainly(polls.take_back, Progress.poll)


def _withdraw(progress: Progress, actor: Actor, step: Step) -> None:
    """Take back the whole instance, or, where `task` is a poll, only one's own answer."""
    act = _answer_back if step.task else plainly(instances.withdraw, of_instance, reason)
    act(progress, actor, step)


# --- beside the decision of a task ----------------------------------------------------------------
_work_back = plainly(returning.take_back, Progress.task)


def _take_back(progress: Progress, actor: Actor, step: Step) -> None:
    """Take back what one has done, or, where `task` is a poll or none is named, one's answer."""
    rule = progress.process.tasks.get(step.task)
    act = _answer_back if rule is None or rule.poll else _work_back
    act(progress, actor, step)


def _send_back(progress: Progress, actor: Actor, step: Step) -> None:
    """`to`, an earlier task; `reason`; `straight`: once done it comes straight back."""
    key, to = progress.task(step.task), str(step.given.get("to", ""))
    straight = step.given.get("straight") is True
    progress.carry_out(
        actor,
        lambda s: returning.send_back(s, actor, key, to, step.reason, straight=straight),
    )


def _receiver(progress: Progress, step: Step) -> tuple[UUID, str]:
    """`to`, a member; `reason`."""
    return UUID(str(progress.meant(step.given)["to"])), step.reason


def _comment(progress: Progress, actor: Actor, step: Step) -> None:
    """`text`; `members`, whom it names. With `task` it stands in the room of that task."""
    key, said = progress.instance(), progress.meant(step.given)
    text, named = str(said.get("text", "")), [UUID(each) for each in said.get("members", [])]
    progress.carry_out(
        actor, lambda s: comments.make(s, actor, key, text, named, element=step.task)
    )


def _open(progress: Progress, actor: Actor, step: Step) -> None:
    """Have an open task before oneself, as on its page."""
    key = progress.task(step.task)
    found = reading.task(progress.session, actor, key, "zh")
    progress.carry_out(actor, lambda s: openings.note(s, actor, key, recorded=found.recorded))


ACTIONS: dict[str, Action] = {
    "launch": _launch,
    "complete": plainly(tasks.complete, Progress.task, _answered),
    "respond": _respond,
    "take_back": _take_back,
    "send_back": _send_back,
    "hand_over": plainly(handing.hand_over, Progress.task, _receiver),
    "comment": _comment,
    "open": _open,
    "claim": plainly(tasks.claim, Progress.task),
    "release": plainly(tasks.release, Progress.task),
    "message": _message,
    "object": plainly(objections.make, Progress.publication, _answered),
    "withdraw": _withdraw,
    "terminate": plainly(instances.terminate, of_instance, reason),
    "remind": plainly(instances.remind, of_instance, reason),
    "suspend": plainly(instances.suspend, of_instance, reason),
    "resume": plainly(instances.resume, of_instance),
    "close_poll": plainly(polls.close, Progress.poll),
    **beside.ACTIONS,
    **assembly.ACTIONS,
}

"""What stands in the way before anybody acts: the guards of a task with their rules, and messages
that would be refused now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import expressions
from engine.errors import EngineError
from engine.queries import ruled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.definitions import Process
    from engine.definitions.diagram import Element
    from engine.instance.context import Context

AT_THE_LIMIT = "task_due"
GIVEN = {"overdue"}  # names that a gate has besides the facts


@dataclass(frozen=True)
class Guarded:
    """What must hold to enter or to leave a task. `holds` now; None when that cannot be said
    yet.
    """

    text: str
    holds: bool | None
    rules: tuple[ruled.Ruled, ...]


def guards(context: Context, element: str, lang: str) -> tuple[Guarded, ...]:
    """The guards of a task, and of what follows it before anybody else acts."""
    near = {element, *context.process.following(element)}
    found = []
    for guard in context.process.guards:
        if guard.at & near:
            rules = cited(context, [guard.basis], lang) if guard.basis else ()
            found.append(Guarded(guard.text.in_(lang), _holds(context, guard.holds, near), rules))
    return tuple(found)


def _holds(context: Context, expression: str, near: set[str]) -> bool | None:
    """Nothing can be said of what rests on answers that are still to be given, or on a decision
    that follows them.
    """
    if any(name.partition(".")[0] in near for name in expressions.names_in(expression)):
        return None
    try:
        return bool(context.value(expression))
    except EngineError:
        return None


@dataclass(frozen=True)
class Lapse:
    """What the process does at the end of the time limit of a task if nobody acts. `leads`: its
    next steps by their titles; `ends`: the task is over then, else it still is to be done.
    """

    leads: tuple[str, ...]
    ends: bool


def lapses(process: Process, element: str, lang: str) -> tuple[Lapse, ...]:
    """What happens if nobody acts, by the timers of the diagram at the end of the limit."""
    timers = (
        each
        for each in process.diagram.elements.values()
        if each.on == element and each.timer == AT_THE_LIMIT
    )
    return tuple(Lapse(tuple(_leads(process, each, lang)), each.interrupting) for each in timers)


def _leads(process: Process, timer: Element, lang: str) -> Iterator[str]:
    """The steps that follow a timer by themselves, until the way parts or somebody is asked; of one
    that ends the task the end of the way too. Where there are none, what comes first.
    """
    told = ("serviceTask", "endEvent") if timer.interrupting else ("serviceTask",)
    way = list(_way(process, timer.id))
    steps = [each for each in way if each.type in told and each.name]
    for each in steps or way[:1]:
        yield process.title_of(each.id, lang)


def _way(process: Process, event: str) -> Iterator[Element]:
    """What comes after an event, as far as there is one way only."""
    passed, here = {event}, event
    while True:
        targets = [f.target for f in process.diagram.flows if f.source == here]
        if len(targets) != 1 or targets[0] in passed:
            return
        here = targets[0]
        passed.add(here)
        yield process.diagram.elements[here]
        if process.diagram.elements[here].type != "serviceTask":
            return


def cited(context: Context, ids: Iterable[str], lang: str) -> tuple[ruled.Ruled, ...]:
    """These rules as they bind this matter, each as one sentence."""
    text = "".join(f"{{{key}}}" for key in dict.fromkeys(ids) if key)
    if not text:
        return ()
    return ruled.cited(ruled.rulings(context.law, context.decisive_on, text), lang)


def refusal(context: Context, name: str, lang: str) -> str:
    """Why a message would be refused now, whatever is written into its form: the words of every
    gate that says so; "" when none does.
    """
    rule = context.process.tasks.get(name)
    gates = rule.gates if rule else ()
    unmet = [gate.text.in_(lang) for gate in gates if _fails_anyway(context, name, gate.holds)]
    return (" " if lang.startswith("en") else "").join(unmet)


def _fails_anyway(context: Context, name: str, holds: str) -> bool:
    """Does a gate fail that asks nothing of the answers?"""
    asked = {found.partition(".")[0] for found in expressions.names_in(holds)}
    if name in asked or asked & GIVEN:
        return False
    try:
        return not context.value(holds)
    except EngineError:
        return False

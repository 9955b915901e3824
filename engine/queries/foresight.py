"""What stands in the way before anybody acts: the guards of a task with their rules, and messages
that would be refused now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.errors import EngineError
from engine.queries import ruled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from engine.definitions import Process
    from engine.definitions.diagram import Element
    from engine.definitions.process import TaskRule
    from engine.instance.context import Context

AT_THE_LIMIT = "task_due"
LOOK_AHEAD = 400  # days in which time may bring about what does not hold today
GIVEN = {"overdue"}  # names that a gate has besides the facts


@dataclass(frozen=True)
class Guarded:
    """What must hold to enter or to leave a task. `holds` now; None when that cannot be said
    yet. `from_on`: the day on which it will, if nothing but time passes.
    """

    text: str
    holds: bool | None
    rules: tuple[ruled.Ruled, ...]
    from_on: date | None = None


@dataclass(frozen=True)
class Barred:
    """A choice of a task that a gate refuses today, whatever else is answered; "" for all of them.
    `from_on`: as above.
    """

    choice: str
    text: str
    from_on: date | None


def guards(context: Context, element: str, lang: str) -> tuple[Guarded, ...]:
    """The guards of a task, and of what follows it before anybody else acts."""
    near = {element, *context.process.following(element)}
    found = []
    for guard in context.process.guards:
        if guard.at & near:
            rules = cited(context, [guard.basis], lang) if guard.basis else ()
            holds = _holds(context, guard.holds, near)
            from_on = first_day(context, guard.holds) if holds is False else None
            found.append(Guarded(guard.text.in_(lang), holds, rules, from_on))
    return tuple(found)


def timed(process: Process, element: str) -> bool:
    """Is there a premise of a task that time alone may fulfil?"""
    near = {element, *process.following(element)}
    premises = _premises(process, element, near)
    return any("today" in expressions.names_in(each) for each in premises)


def _premises(process: Process, element: str, near: set[str]) -> list[str]:
    """What must hold for a task to be done, whatever is answered in it."""
    gates = [gate.holds for gate in process.tasks[element].gates]
    asked = [each for each in gates if not _roots(each) & (near | GIVEN)]
    return [*asked, *(guard.holds for guard in process.guards if guard.at & near)]


def _roots(expression: str) -> set[str]:
    return {name.partition(".")[0] for name in expressions.names_in(expression)}


def possible_from(context: Context, element: str) -> date | None:
    """The day from which a task can be done, if time is all that it lacks; None for one that can be
    done now, or that lacks more.
    """
    near = {element, *context.process.following(element)}
    premises = _premises(context.process, element, near)
    unmet = [each for each in premises if _holds(context, each, near) is False]
    days = [first_day(context, each) for each in unmet]
    return max((day for day in days if day), default=None) if all(days) else None


def barred(
    context: Context, rule: TaskRule, labels: Mapping[str, str], lang: str
) -> tuple[Barred, ...]:
    """The choices of a task, by their labels, that a gate refuses today, or the task itself; what
    depends on other answers is not told.
    """
    asked = f"{rule.id}.{rule.outcomes}"
    found = []
    for gate in rule.gates:
        own = {name for name in expressions.names_in(gate.holds) if _of(name, rule.id)}
        if own - {asked} or GIVEN & _roots(gate.holds):
            continue
        for choice, label in labels.items() if own else [("", "")]:
            given = {rule.id: {rule.outcomes: choice}} if own else {}
            if _value(context, gate.holds, given) is False:
                from_on = first_day(context, gate.holds, given)
                found.append(Barred(label, gate.text.in_(lang), from_on))
    return tuple(found)


def _of(name: str, element: str) -> bool:
    return name.partition(".")[0] == element


def first_day(
    context: Context, expression: str, more: Mapping[str, Any] | None = None
) -> date | None:
    """The first day on which something holds that does not hold today, if nothing but time
    passes; None where time does not bring it about within LOOK_AHEAD days.
    """
    if "today" not in expressions.names_in(expression):
        return None

    def holds_after(days: int) -> bool:
        day = context.today + timedelta(days=days)
        return _value(context, expression, {**(more or {}), "today": day.isoformat()}) is True

    least, most = 0, LOOK_AHEAD  # it does not hold after `least` days, and does after `most`
    if not holds_after(most):
        return None
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if holds_after(middle) else (middle, most)
    return context.today + timedelta(days=most)


def _holds(context: Context, expression: str, near: set[str]) -> bool | None:
    """Nothing can be said of what rests on answers that are still to be given, or on a decision
    that follows them.
    """
    return None if _roots(expression) & near else _value(context, expression, {})


def _value(context: Context, expression: str, more: Mapping[str, Any]) -> bool | None:
    """Does it hold? None where that cannot be said. Nothing of it counts as a time limit."""
    try:
        with context.aside():
            return bool(context.value(expression, more))
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

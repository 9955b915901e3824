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
    from collections.abc import Iterable

    from engine.definitions import Process
    from engine.instance.context import Context

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
    near = {element, *following(context.process, element)}
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


def following(process: Process, element: str) -> tuple[str, ...]:
    """The service tasks and ends that may follow a task without another user task between."""
    elements, found = process.diagram.elements, []
    waiting = [f.target for f in process.diagram.flows if f.source == element]
    while waiting:
        here = elements.get(waiting.pop(0))
        if here is None or here.id in found or here.type in ("userTask", "intermediateCatchEvent"):
            continue
        found.append(here.id)
        waiting += [f.target for f in process.diagram.flows if f.source == here.id]
    return tuple(found)


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

"""The days by which the steps before a fixed day have to be done, as an instance stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.definitions.plans import DAY, KEPT
from engine.instance.view import dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.instance.view import InstanceView


def planned_for(view: InstanceView) -> str | None:
    """The day from which the plan counts back, as ISO text; None before one is fixed, or where the
    process plans nothing.
    """
    plan = view.process.plan
    said = (dotted(view.facts, path) for path in plan.of) if plan else ()
    return next((str(day) for day in said if day), None)


def days(view: InstanceView, functions: Mapping[str, Callable[..., Any]]) -> dict[str, str | None]:
    """The last day of each step, as ISO text; None of one that this instance does not have, and of
    all before the day is fixed.
    """
    plan, day = view.process.plan, planned_for(view)
    if plan is None:
        return {}
    found: dict[str, str | None] = dict.fromkeys((step.key for step in plan.steps), None)
    if day is None:
        return found
    with view.aside():  # a last day is no time limit of what is done now
        for step in plan.steps:
            known = view.names(**{DAY: day, KEPT: found})
            if not step.when or expressions.evaluate(step.when, known, functions):
                last = expressions.evaluate(step.last, known, functions)
                found[step.key] = functions["day"](last)
    return found

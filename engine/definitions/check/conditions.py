"""Faults of the expressions in a diagram: conditions of flows and moments of timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.definitions.check.diagram import FILE
from engine.definitions.check.fault import shown
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.fault import Fault
    from engine.definitions.check.language import Language
    from engine.definitions.diagram import Element

TASK_DUE = frozenset({"task_due"})  # what the timer of a task may name
_CONDITION, _MOMENT = _("连线的条件"), _("定时时刻")


def faults(draft: Draft, language: Language) -> Iterator[Fault]:
    """All faults of the conditions and moments that the diagram holds."""
    if draft.diagram is None:
        return
    for flow in draft.diagram.flows:
        if flow.condition:
            yield from language.faults(FILE, shown(flow.id), _CONDITION, flow.condition)
    for element in draft.diagram.elements.values():
        if element.timer and (draft.raw or "task_due" not in element.timer):
            names = _timer_names(element, draft)
            yield from language.faults(
                FILE, element.id, _MOMENT, element.timer, more=names, moment=True
            )


def _timer_names(element: Element, draft: Draft) -> frozenset[str]:
    """`task_due` stands for the deadline of the task that the timer sits on, when it has one."""
    task = draft.table("tasks").get(element.on, {})
    return TASK_DUE if task.get("due") or task.get("poll", {}).get("closes") else frozenset()

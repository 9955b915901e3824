"""Faults of what a process has to show an auditor: its claims and their premises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check import tasks
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

PLACE = "claims"


def faults(claim: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """A claim names elements of the diagram, a rule of law and facts of the folder."""
    yield from tasks.basis(PLACE, claim, language)
    for table in (claim, *claim.get("needs", ())):
        yield from _elements(table.get("at", ()), draft)
        yield from _elements(table.get("by", ()), draft)
        if "on" in table:
            for what, advice in language.fact_faults(table["on"]):
                yield Fault(FILE, PLACE, what, advice)
        if "holds" in table:
            label = _("前提 claims.needs.holds")
            yield from language.faults(FILE, PLACE, label, table["holds"])


def _elements(named: Iterable[str], draft: Draft) -> Iterator[Fault]:
    for element in named if draft.diagram else ():
        if not draft.kind_of(element):
            what = _("流程图里没有 {element}。", element=shown(element))
            yield Fault(FILE, PLACE, what, _("请写流程图里元素的 id。"))

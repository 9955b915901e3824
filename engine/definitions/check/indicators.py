"""Faults of what a folder measures its instances by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.definitions.indicators import NAMES
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from engine.definitions.check.language import Language

PLACE = "indicators"
_MEASURE = _("一项指标")
_ADVICE = _("比例写 of 和 holds，天数写 since 和 until。")


def faults(
    told: Mapping[str, Any], columns: Collection[str], language: Language
) -> Iterator[Fault]:
    """Each measure is a share or a number of days, of facts alone; `by` names columns."""
    if which := str(
        told.get("which", "")
    ):  # of another folder: whether it reads, not what it names
        for wrong in expressions.check(which, None, frozenset()):
            yield Fault(FILE, PLACE, _("{wrong}。", wrong=wrong), _("请写成对届次事实的条件。"))
    for key in told.get("by", ()):
        if key not in columns:
            what = _("by 里的 {key} 不是一列。", key=shown(key))
            yield Fault(FILE, PLACE, what, _("请写一列的编号。"))
    for key, measure in told.get("measures", {}).items():
        yield from named(FILE, key, _MEASURE)
        yield from _measure(f"{PLACE}.measures.{shown(key)}", measure, language)


def _measure(place: str, measure: Mapping[str, Any], language: Language) -> Iterator[Fault]:
    said = {name for name in ("of", "holds", "since", "until") if measure.get(name)}
    if said not in ({"of", "holds"}, {"since", "until"}):
        yield Fault(FILE, place, _("{place} 既不是比例，也不是天数。", place=place), _ADVICE)
        return
    for name in sorted(said):
        text = str(measure[name])
        yield from language.faults(FILE, place, f"{place}.{name}", text, more=NAMES)
        if calls := sorted({call for call, _given in expressions.calls_in(text)}):
            what = _("{place} 里有函数 {call}。", place=place, call=shown(calls[0]))
            yield Fault(FILE, place, what, _("指标只看事实、state 和 outcome。"))

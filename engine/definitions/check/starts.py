"""Faults of what the calendar starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.definitions.starts import YEAR
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

BEFORE = ("union", "now", "today", "entered", "superior", "superior_here")  # there is no instance
_START = _("按日历发起的一项")


def faults(
    starts: Iterable[Mapping[str, Any]], draft: Draft, language: Language
) -> Iterator[Fault]:
    """Each says its day by an expression over what is known before there is an instance; who has
    it may launch the process, and every answer is one that the launch form asks for.
    """
    known = {name: language.facts[name] for name in BEFORE}
    alone, seen = replace(language, facts=known), set[str]()
    for table in starts:
        key = str(table.get("key", ""))
        place = f"starts.{shown(key)}"
        yield from named(FILE, key, _START)
        if key in seen:
            yield Fault(FILE, place, _("key 重复。"), _("每一项写一个不同的 key。"))
        seen.add(key)
        yield from _one(place, table, draft, alone)


def _one(place: str, table: Mapping[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    told = {name: str(table[name]) for name in ("on", "when") if table.get(name)}
    told |= {f"with.{key}": str(text) for key, text in table.get("with", {}).items()}
    for name, text in told.items():
        yield from language.faults(FILE, place, name, text, more=frozenset({YEAR}))
    by, launch = str(table.get("by", "")), draft.raw.get("launch", ())
    yield from language.post(FILE, place, "by", by)
    if by not in launch:
        what = _("{post} 不能发起本流程。", post=shown(by))
        yield Fault(FILE, place, what, _("请写 launch 里的一个职务。"))
    form = draft.forms.get("launch")
    asked = {field.key: field for field in form.asked} if form else {}
    for key in sorted(table.get("with", {}).keys() - asked.keys()):
        what = _("发起的表单里没有 {key}。", key=shown(key))
        yield Fault(FILE, place, what, _("请写 forms/launch.json 里的一项。"))

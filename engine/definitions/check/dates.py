"""Faults of the dates in forms: which is the day of the fact, and between which days each lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.forms import path_of
from engine.definitions.check.shape import FILE
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language
    from engine.forms import Field


def faults(draft: Draft, language: Language) -> Iterator[Fault]:
    """All faults of the dates in a folder's forms."""
    happened = _happened(draft)
    for name, key in happened.items():
        yield from _day_of_fact(name, key, draft)
    for name, form in draft.forms.items():
        for field in form.asked if form else ():
            if field.kind == "datetime":
                yield from _bounds(name, field, happened.get(name) == field.key, language)


def _happened(draft: Draft) -> Mapping[str, str]:
    """What is declared to be the day of the fact, by task, message or "launch"."""
    tables: dict[str, Any] = {
        **draft.table("tasks"),
        **draft.table("messages"),
        "launch": draft.raw,
    }
    return {name: table["happened"] for name, table in tables.items() if table.get("happened")}


def _day_of_fact(name: str, key: str, draft: Draft) -> Iterator[Fault]:
    form = draft.forms.get(name)
    asked = form.asked if form else ()
    if not any(each.key == key and each.kind == "datetime" for each in asked):
        what = _("happened 写的 {key} 不是表单 {name} 里的日期。", key=shown(key), name=shown(name))
        yield Fault(FILE, shown(name), what, _("请写表单里一项日期的 key。"))


def _bounds(name: str, field: Field, happened: bool, language: Language) -> Iterator[Fault]:
    path, bounds = path_of(name), field.bounds
    if not happened and not bounds.days:
        what = _("日期 {key} 没有写早不过哪天、晚不过哪天。", key=shown(field.key))
        advice = _(
            "请在 properties 里写 not_before、not_after（法定的先后），或 usual_from、usual_to（惯例），"
            "例如 not_after 写 today；是事情发生的那一天的，请在 process.toml 写 happened。"
        )
        yield Fault(path, shown(name), what, advice)
    for expression in bounds.days:
        label = _("日期 {key} 的界限", key=shown(field.key))
        yield from language.faults(path, shown(name), label, expression)
    if bounds.words and not bounds.words_en:
        what = _("日期 {key} 的说明 bounds 缺少英文（bounds_en）。", key=shown(field.key))
        yield Fault(path, shown(name), what, _("请补上。"))

"""Faults of the duties that a folder says it fulfils."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions import duties
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

PLACE = "duty"
# what is not done twice: a task may be gone back behind, and then proves nothing
PROVING = frozenset({"serviceTask", "endEvent"})
_MARKS = ("done", "undone", "breached")
_DAYS = ("on", "due", "until")


def faults(told: Sequence[dict[str, Any]], draft: Draft, language: Language) -> Iterator[Fault]:
    """Each is one of the catalogue, once, proved by what is not done twice."""
    known, seen = duties.catalogue(), set[str]()
    for duty in told:
        key = duty.get("of", "")
        place = f"{PLACE}.{shown(key)}" if key else PLACE
        yield from _named(place, duty, draft)
        if known and key and key not in known:
            what = _("履职台账里没有 {key} 这项职责。", key=shown(key))
            yield Fault(FILE, place, what, _("请写 {file} 里的一项。", file=duties.FILE))
        if key in seen:
            yield Fault(FILE, place, _("职责 {key} 写了两次。", key=shown(key)), _("请合成一项。"))
        seen.add(key)
        yield from _elements(place, duty, draft)
        yield from _expressions(place, duty, language)
        if key in known:
            yield from _period(place, duty, known[key].period)


def _named(place: str, duty: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    """By its key, or by an answer that names one of the catalogue."""
    if ("of" in duty) == ("fact" in duty):
        what = _("写哪一项职责：of 写编号，fact 写填写职责的栏，只能有一种。")
        yield Fault(FILE, place, what, _("请写其中一种。"))
    task, _dot, key = duty.get("fact", "").partition(".")
    form = draft.forms.get(task)
    asked = form is not None and any(
        f.key == key and f.source == duties.SOURCE for f in form.fields
    )
    if "fact" in duty and not asked:
        what = _("{fact} 不是填写职责的栏。", fact=shown(duty["fact"]))
        yield Fault(FILE, place, what, _("请写来源为 {source} 的选择栏。", source=duties.SOURCE))


def _elements(place: str, duty: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    for name in (*_MARKS, "opens", "none") if draft.diagram else ():
        for element in duty.get(name, ()):
            yield from _element(place, name, element, draft.kind_of(element))
    both = set(duty.get("done", ())) & {*duty.get("undone", ()), *duty.get("breached", ())}
    if both:
        what = _("{elements} 既是履行，又是没有履行。", elements=Listed(sorted(both)))
        yield Fault(FILE, place, what, _("请只写在一处。"))


def _element(place: str, name: str, element: str, kind: str) -> Iterator[Fault]:
    told = shown(element)
    if not kind:
        what = _("流程图里没有 {element}。", element=told)
        yield Fault(FILE, place, what, _("请写流程图里元素的 id。"))
    elif name in _MARKS and kind not in PROVING:
        what = _("{name} 里的 {element} 可以退回重办，不能作证明。", name=name, element=told)
        yield Fault(FILE, place, what, _("请写系统办的环节，或者结束事件。"))
    elif name == "none" and kind != "endEvent":
        what = _("none 里的 {element} 不是结束事件。", element=told)
        yield Fault(FILE, place, what, _("请写不适用时的结束事件。"))


def _expressions(place: str, duty: dict[str, Any], language: Language) -> Iterator[Fault]:
    for name in ("when", *_DAYS):
        if name in duty:
            yield from language.faults(FILE, place, f"{PLACE}.{name}", duty[name])


def _period(place: str, duty: dict[str, Any], period: duties.Period) -> Iterator[Fault]:
    """A last day of its own has what comes by occasion; what holds for a term says how long."""
    if period.months and "due" in duty:
        what = _("按“{period}”履行的，最后一天就是这一期的最后一天。", period=period.title)
        yield Fault(FILE, place, what, _("请删去 due。"))
    if (period.key == duties.TERM) != ("until" in duty):
        what = _("按“{period}”履行的，until 写得不对。", period=period.title)
        yield Fault(FILE, place, what, _("有期限的写明履行管到哪一天，其他的不写。"))

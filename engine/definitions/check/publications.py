"""Faults of what a process publishes: what opens it, who sees it, which facts, until when, who
reads the objections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check import tasks
from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.names import RESERVED
from engine.definitions.check.shape import FILE
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

OPENING = frozenset({"userTask", "serviceTask"})
_PUBLICATION = _("公示")


def faults(key: str, table: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """All faults of one publication; which keys and which form are missing is said elsewhere."""
    place = f"publications.{shown(key)}"
    yield from _called(place, key, draft)
    after, lane, lanes = table.get("after"), table.get("lane"), draft.table("lanes")
    if after and draft.diagram and draft.kind_of(after) not in OPENING:
        what = _("公示由 {after} 开始，流程图里没有这个环节或动作。", after=shown(after))
        yield Fault(FILE, place, what, _("请在 after 写用户任务或服务任务的 id。"))
    if table.get("circle"):
        yield from language.faults(FILE, place, _("公示范围 circle"), table["circle"])
    if table.get("until"):
        label = _("公示截止 until")
        yield from language.faults(FILE, place, label, table["until"], moment=True)
    for fact in table.get("shows", ()):
        yield from _shown(place, fact, draft, language)
    if lane and lane not in lanes:
        what = _("没有泳道 {lane}。", lane=shown(lane))
        yield Fault(FILE, place, what, _("可以写：{allowed}。", allowed=Listed(lanes)))
    yield from tasks.rooms(place, table, draft)
    form = draft.forms.get(key)
    for each in form.asked if form else ():
        if each.room:
            what = _("异议表单里的 {key} 不能另写 room。", key=shown(each.key))
            yield Fault(FILE, place, what, _("请把 room 写在 [{place}] 里。", place=place))


def _called(place: str, key: str, draft: Draft) -> Iterator[Fault]:
    """Its facts stand under a name of its own."""
    yield from named(FILE, key, _PUBLICATION)
    elements = draft.diagram.elements.keys() if draft.diagram else set()
    if key in {*elements, *draft.table("messages"), *draft.table("actions"), *RESERVED}:
        advice = _("请换一个没有用过的名称，用小写字母、数字、下划线。")
        yield Fault(FILE, place, _("{key} 不能用作名称。", key=shown(key)), advice)


def _shown(place: str, fact: str, draft: Draft, language: Language) -> Iterator[Fault]:
    """A fact is shown with the label of its form; none that was said in a room."""
    for what, advice in language.fact_faults(fact):
        yield Fault(FILE, place, what, advice)
    step, dot, field = fact.partition(".")
    if not dot or not field:
        what = _("shows 里的 {fact} 不是一项事实。", fact=shown(fact))
        yield Fault(FILE, place, what, _("请写成 launch.subject 这样的形式。"))
    form = draft.forms.get(step)
    asked = [each for each in form.asked if each.key == field] if form else []
    if any(each.kind == "filepicker" for each in asked):
        what = _("shows 里的 {fact} 是附件，不能公示。", fact=shown(fact))
        yield Fault(FILE, place, what, _("请把要公示的内容写成文字。"))
    tables = (draft.table(kind).get(step, {}) for kind in ("tasks", "messages", "publications"))
    if any(each.room for each in asked) or any(table.get("room") for table in tables):
        what = _("shows 里的 {fact} 是在室内说的，不能公示。", fact=shown(fact))
        yield Fault(FILE, place, what, _("请写室外的事实。"))

"""Faults of the books of a process: which facts each item of one has of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language


def faults(key: str, table: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """A book lists facts of the folder, each once; none that was said in a room, which a book would
    open.
    """
    place, listed = f"books.{shown(key)}", [*table.get("facts", ()), *table.get("apart", ())]
    if key in {*(draft.diagram.elements if draft.diagram else ()), *draft.table("tasks")}:
        what = _("{key} 不能用作名称。", key=shown(key))
        yield Fault(FILE, place, what, _("请换一个没有用过的名称，用小写字母、数字、下划线。"))
    for fact in dict.fromkeys(listed):
        if fact not in language.facts or listed.count(fact) > 1:
            what = _("分册列出的 {fact} 不是本流程的事实，或者列了两次。", fact=shown(fact))
            yield Fault(FILE, place, what, _("请写环节、决策、动作的编号，或者动作写下的事实。"))
        elif _in_a_room(draft, fact):
            what = _("{fact} 是在限定范围内说的，不能放进分册。", fact=shown(fact))
            yield Fault(FILE, place, what, _("请从分册里删去。"))


def _in_a_room(draft: Draft, fact: str) -> bool:
    tables = (draft.table(kind).get(fact, {}) for kind in ("tasks", "messages", "publications"))
    form = draft.forms.get(fact)
    fields = form.asked if form else ()
    return any(table.get("room") for table in tables) or any(field.room for field in fields)

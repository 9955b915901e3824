"""Faults of rounds: which facts each of them keeps, and what is wiped though nothing keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language


def faults(key: str, table: Mapping[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """A round lists facts of the folder, each once; no field that only some lanes read, which
    papers of later rounds would tell to all.
    """
    place, listed = f"rounds.{shown(key)}", table.get("facts", ())
    if key in {*(draft.diagram.elements if draft.diagram else ()), *draft.table("tasks")}:
        what = _("{key} 不能用作名称。", key=shown(key))
        yield Fault(FILE, place, what, _("请换一个没有用过的名称，用小写字母、数字、下划线。"))
    for path in dict.fromkeys(listed):
        for wrong, advice in language.fact_faults(path):
            yield Fault(FILE, place, wrong, advice)
        if listed.count(path) > 1:
            what = _("轮次列出的 {fact} 列了两次。", fact=shown(path))
            yield Fault(FILE, place, what, _("请删去一个。"))
        if _for_some_only(path, draft):
            what = _("{fact} 是在限定范围内说的，不能留在轮次里。", fact=shown(path))
            yield Fault(FILE, place, what, _("请从这一轮里删去，只列能写进文书的各项。"))


def _for_some_only(path: str, draft: Draft) -> bool:
    """Does it say a field with a room of its own, or a whole step that has one?"""
    step, _dot, field = path.partition(".")
    form = draft.forms.get(step)
    fields = [each for each in (form.asked if form else ()) if field in ("", each.key)]
    shut = not field and bool(draft.table("tasks").get(step, {}).get("room"))
    return shut or any(each.room for each in fields)


def wiped(place: str, action: Mapping[str, Any], draft: Draft) -> Iterator[Fault]:
    """What somebody answered, or what was voted, is not taken back without a trace: the round that
    is over keeps it first.
    """
    if action["do"] not in ("set_fact", "keep_round"):
        return
    rules = (draft.table("rounds").get(str(action.get(name)), {}) for name in ("round", "also"))
    table, kept = action.get("set"), [fact for rule in rules for fact in rule.get("facts", ())]
    for fact, value in table.items() if isinstance(table, dict) else ():
        step = fact.partition(".")[0]
        said = step in draft.polls or _asked(fact, draft)
        if value == "null" and said and not {fact, step} & {*kept}:
            what = _("{fact} 是办理的人填写或者表决的，收回以前没有留存。", fact=shown(fact))
            advice = _('请用 do = "keep_round"，并在 [rounds.…] 的 facts 里列出它。')
            yield Fault(FILE, place, what, advice)


def _asked(fact: str, draft: Draft) -> bool:
    step, _dot, key = fact.partition(".")
    form = draft.forms.get(step)
    return form is not None and any(key in ("", each.key) for each in form.asked)

"""Faults of the actions of service tasks: which there are, and what each is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import legacy
from engine.definitions.actions import ACTIONS
from engine.definitions.check import rounds, settings
from engine.definitions.check.draft import KEY
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.names import RESERVED
from engine.definitions.check.shape import FILE
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from engine.definitions.actions import Arguments
    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

_COMMON = frozenset({"do", "title", "title_en"})
_SHAPES = {"table": dict, "names": list, "series": dict}  # any other argument is a text


def faults(draft: Draft, language: Language, known: Collection[str]) -> Iterator[Fault]:
    """All faults of the table of actions; `known` are the registered ones."""
    table = draft.table("actions")
    if draft.diagram is not None and draft.raw:
        yield from _undeclared(set(table), draft.elements("serviceTask"))
    for key, action in table.items():
        place = f"actions.{shown(key)}"
        if not action.get("do"):
            continue
        action = legacy.action(action)
        name = action["do"]
        if name not in known:
            what = _("没有登记过动作 {name}。", name=shown(name))
            yield Fault(FILE, place, what, _("可以写：{allowed}。", allowed=Listed(sorted(known))))
        elif name in ACTIONS:
            yield from _names_of_arguments(place, name, action)
            yield from _shapes(place, action)
            yield from _expressions(place, action, language)
            yield from _references(place, action, draft, language)
            yield from rounds.wiped(place, action, draft)
            if name == "issue_document":
                yield from _facts_set(place, action.get("set"), draft)
            yield from _facts_set(place, action.get("numbers"), draft)
            yield from _series(place, action.get("numbers"))


def _undeclared(declared: set[str], drawn: list[str]) -> Iterator[Fault]:
    for key in map(shown, (key for key in drawn if key not in declared)):
        what = _("服务任务 {key} 没有说明做什么。", key=key)
        advice = _('请写 [actions.{key}] 和 do = "…"。', key=key)
        yield Fault(FILE, f"actions.{key}", what, advice)
    for key in map(shown, declared - set(drawn)):
        what = _("流程图里没有服务任务 {key}。", key=key)
        yield Fault(FILE, f"actions.{key}", what, _("请改成流程图里的 id，或删去。"))


def _names_of_arguments(place: str, name: str, action: dict[str, Any]) -> Iterator[Fault]:
    needed, possible = ACTIONS[name].needed.keys(), ACTIONS[name].possible.keys()
    for argument in sorted(needed - action.keys()):
        what = _("动作 {name} 缺少 {argument}。", name=name, argument=argument)
        yield Fault(FILE, place, what, _('请写上 {argument} = "…"。', argument=argument))
    allowed = Listed(sorted(needed | possible)) or _("（没有）")
    for argument in sorted(action.keys() - needed - possible - _COMMON):
        what = _("动作 {name} 不认识 {argument}。", name=name, argument=shown(argument))
        yield Fault(FILE, place, what, _("可以写：{allowed}。", allowed=allowed))


def _kinds(action: dict[str, Any]) -> Arguments:
    declared = ACTIONS[action["do"]]
    return {**declared.needed, **declared.possible}


def _shapes(place: str, action: dict[str, Any]) -> Iterator[Fault]:
    kinds = _kinds(action)
    for name, value in action.items():
        if not isinstance(value, _SHAPES.get(kinds.get(name, ""), str)):
            what = _("{name} 的写法不对。", name=shown(name))
            advice = _("请写成引号里的文字；set 写成表，facts 写成清单。")
            yield Fault(FILE, place, what, advice)


def _expressions(place: str, action: dict[str, Any], language: Language) -> Iterator[Fault]:
    kinds = _kinds(action)
    for name, value in action.items():
        if isinstance(value, str) and kinds.get(name) == "expression":
            yield from language.faults(FILE, place, name, value)
    tables = [action.get(name) for name in ("set", "with", "append")]
    rows = [row for table in tables if isinstance(table, dict) for row in table.items()]
    for name, value in rows:
        if isinstance(value, str):
            yield from language.faults(FILE, place, shown(name), value)
        else:
            what = _("{name} 应是写在引号里的表达式。", name=shown(name))
            advice = _('例如 "{name}" = "review.lead_unit"。', name=shown(name))
            yield Fault(FILE, place, what, advice)


def _series(place: str, numbers: object) -> Iterator[Fault]:
    """How facts are numbered: by year, since each year counts from one."""
    for fact, template in numbers.items() if isinstance(numbers, dict) else ():
        if isinstance(template, str) and "{year}" in template:
            yield from settings.numbering(f"{place}.numbers", template)
        else:
            what = _("{name} 的编号格式里没有 {hole}。", name=shown(fact), hole="{year}")
            advice = _('请写成 "办〔{year}〕{n:03}" 这样的形式，只能用 {year} 和 {n}。')
            yield Fault(FILE, place, what, advice)


def _facts_set(place: str, table: object, draft: Draft) -> Iterator[Fault]:
    """The facts that are fixed for a document have a name of two parts that nothing else gives a
    meaning; what a person answered may be taken back (null), never be rewritten by its issue.
    """
    for fact, value in table.items() if isinstance(table, dict) else ():
        step, _dot, key = fact.partition(".")
        if not (KEY.fullmatch(step) and KEY.fullmatch(key)) or step in RESERVED - {"launch"}:
            what = _("set 里的 {fact} 不能用作事实的名称。", fact=shown(fact))
            yield Fault(
                FILE, place, what, _('请写成 "case.post" 这样的两段，前段不用已有用途的名称。')
            )
            continue
        form = draft.forms.get(step)
        answered = form is not None and any(each.key == key for each in form.asked)
        if answered and value != "null":
            what = _("set 改写了别人填写的 {fact}。", fact=fact)
            yield Fault(FILE, place, what, _("请另写一个名称；要收回原来的答案，写 null。"))


def _references(
    place: str, action: dict[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    """What an action names must be there: a document, a rule, a task, a poll, facts."""
    texts = {name: value for name, value in action.items() if isinstance(value, str)}
    kinds = _kinds(action)
    for name, value in texts.items():
        asked = "round" if kinds.get(name) == "round" else name
        yield from _reference(place, asked, value, draft, language)
    facts, known = action.get("facts"), {*language.facts, *draft.table("actions")}
    for fact in facts if isinstance(facts, list) else ():
        if not isinstance(fact, str) or fact.partition(".")[0] not in known:
            what = _("facts 里的 {fact} 不是本流程的事实。", fact=shown(fact))
            yield Fault(FILE, place, what, _("请写环节、决策或动作的编号。"))


def _taken(draft: Draft) -> set[str]:
    """The names under which something else is kept."""
    elements = draft.diagram.elements.keys() if draft.diagram else set()
    tables = ("messages", "publications", "books", "rounds")
    return {*elements, *(key for table in tables for key in draft.table(table)), *RESERVED}


def _reference(
    place: str, name: str, value: str, draft: Draft, language: Language
) -> Iterator[Fault]:
    key = shown(value)
    if name == "document" and value not in draft.table("documents"):
        advice = _("请写 [documents.{key}]。", key=key)
        yield Fault(FILE, place, _("没有文书 {key}。", key=key), advice)
    elif name == "book" and value not in draft.table("books"):
        advice = _("请写 [books.{key}]，列出每一项各有的事实。", key=key)
        yield Fault(FILE, place, _("没有分册 {key}。", key=key), advice)
    elif name == "round" and value not in draft.table("rounds"):
        advice = _("请写 [rounds.{key}]，列出每一轮留存的事实。", key=key)
        yield Fault(FILE, place, _("没有轮次 {key}。", key=key), advice)
    elif name == "rule" and not language.known_rule(value):
        yield Fault(FILE, place, _("没有规则 {key}。", key=key), language.near(value))
    elif name == "task" and draft.diagram and value not in language.tasks:
        advice = _("请写流程图里用户任务的 id。")
        yield Fault(FILE, place, _("没有环节 {key}。", key=key), advice)
    elif name == "as" and (not KEY.fullmatch(value) or value in _taken(draft)):
        advice = _("请换一个没有用过的名称，用小写字母、数字、下划线。")
        yield Fault(FILE, place, _("{key} 不能用作名称。", key=key), advice)
    elif name == "poll" and value not in draft.polls:
        advice = _("请写有 [tasks.<环节>.poll] 的环节。")
        yield Fault(FILE, place, _("{key} 不是表决。", key=key), advice)

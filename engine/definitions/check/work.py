"""Faults of what a diagram hands on: forms, actions, timers and conditions, decision tables, documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine import decisions, expressions, forms
from engine.definitions.actions import ACTIONS
from engine.definitions.check.diagram import FILE as DIAGRAM
from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.language import FUNCTIONS, messages, notified
from engine.definitions.check.settings import TASK_DUE, numbering
from engine.definitions.check.shape import FILE
from engine.errors import ProcessFault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language
    from engine.definitions.diagram import Element

MAX_VALUES = (
    500  # in the cells of one table: what overlaps is found by trying them against one another
)
_COMMON = frozenset({"do", "title", "title_en"})


def faults(draft: Draft, language: Language, actions: Collection[str]) -> Iterator[Fault]:
    """All faults of the work that the diagram hands on."""
    yield from _conditions(draft, language)
    yield from _forms(draft, language)
    yield from _actions(draft, language, actions)
    yield from _decisions(draft, language)
    yield from _documents(draft)


# --- conditions and timers --------------------------------------------------------------------------------------------
def _conditions(draft: Draft, language: Language) -> Iterator[Fault]:
    if draft.diagram is None:
        return
    for flow in draft.diagram.flows:
        if flow.condition:
            yield from language.faults(DIAGRAM, shown(flow.id), "条件", flow.condition)
    for element in draft.diagram.elements.values():
        if element.timer:
            yield from language.faults(
                DIAGRAM,
                element.id,
                "时刻",
                element.timer,
                _timer_names(element, draft),
                moment=True,
            )


def _timer_names(element: Element, draft: Draft) -> frozenset[str]:
    """`task_due` stands for the deadline of the task that the timer sits on, when it has one."""
    task = draft.table("tasks").get(element.on, {})
    return TASK_DUE if task.get("due") or task.get("poll", {}).get("closes") else frozenset()


# --- forms ------------------------------------------------------------------------------------------------------------
def _forms(draft: Draft, language: Language) -> Iterator[Fault]:
    known = {"launch", *messages(draft), *draft.elements("userTask")}
    for name, schema in draft.schemas.items():
        path = f"forms/{name}.json"
        if schema.get("id") != name:
            yield Fault(
                path,
                name,
                f"表单的 id 是 {shown(schema.get('id'))}。",
                f"id 应当与文件名相同：{name}。",
            )
        try:
            for wrong in forms.faults(schema, set(language.facts)):
                yield Fault(path, name, f"{shown(wrong, 300)}。", "请在表单里改正。")
        except (ProcessFault, TypeError, ValueError, AttributeError, KeyError) as fault:
            yield Fault(
                path, name, f"表单的写法不对：{shown(fault, 120)}", "请按 form-js 的格式改正。"
            )
    if draft.diagram is None:
        return
    for name in draft.forms:
        if name not in known:
            yield Fault(
                f"forms/{name}.json",
                name,
                f"流程图里没有环节或消息 {name}。",
                "请把文件名改成环节的 id，或删去这个文件。",
            )
        elif name in draft.polls and name in language.tasks:
            yield Fault(
                f"forms/{name}.json",
                name,
                f"{name} 是表决，不用表单。",
                "请删去这个文件；选项写在 [tasks.<环节>.poll]。",
            )
    for name in sorted(language.tasks - draft.polls - draft.forms.keys()):
        yield Fault(
            f"forms/{shown(name)}.json",
            shown(name),
            f"环节 {shown(name)} 没有表单。",
            f"请补上 forms/{shown(name)}.json。",
        )
    told = {
        key for key, message in draft.table("messages").items() if not message.get("lane")
    }  # by another matter
    for name in sorted(messages(draft) - notified(draft) - told - draft.forms.keys()):
        yield Fault(
            f"forms/{shown(name)}.json",
            shown(name),
            f"消息 {shown(name)} 没有表单。",
            f"请补上 forms/{shown(name)}.json。",
        )


# --- actions ----------------------------------------------------------------------------------------------------------
def _actions(draft: Draft, language: Language, known: Collection[str]) -> Iterator[Fault]:
    table = draft.table("actions")
    if draft.diagram is not None:
        for key in draft.elements("serviceTask"):
            if key not in table:
                yield Fault(
                    FILE,
                    f"actions.{shown(key)}",
                    f"服务任务 {shown(key)} 没有说明做什么。",
                    f'请写 [actions.{shown(key)}] 和 do = "…"。',
                )
        for key in table.keys() - set(draft.elements("serviceTask")):
            yield Fault(
                FILE,
                f"actions.{shown(key)}",
                f"流程图里没有服务任务 {shown(key)}。",
                "请改成流程图里的 id，或删去。",
            )
    for key, action in table.items():
        place, do = f"actions.{shown(key)}", action.get("do")
        if not do:
            continue
        if do not in known:
            yield Fault(
                FILE,
                place,
                f"没有登记过动作 {shown(do)}。",
                f"可以写：{'、'.join(sorted(known))}。",
            )
        elif do in ACTIONS:
            needed, possible = ACTIONS[do].needed.keys(), ACTIONS[do].possible.keys()
            for name in sorted(needed - action.keys()):
                yield Fault(FILE, place, f"动作 {do} 缺少 {name}。", f'请写上 {name} = "…"。')
            for name in sorted(action.keys() - needed - possible - _COMMON):
                yield Fault(
                    FILE,
                    place,
                    f"动作 {do} 不认识 {shown(name)}。",
                    f"可以写：{'、'.join(sorted(needed | possible)) or '（没有）'}。",
                )
            yield from _arguments(place, action, draft, language)


def _arguments(
    place: str, action: dict[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    texts = {k: v for k, v in action.items() if isinstance(v, str)}
    kinds = {**ACTIONS[action["do"]].needed, **ACTIONS[action["do"]].possible}
    shapes = {"table": dict, "names": list}
    for name, value in action.items():
        if not isinstance(value, shapes.get(kinds.get(name, ""), str)):
            yield Fault(
                FILE,
                place,
                f"{shown(name)} 的写法不对。",
                "请写成引号里的文字；set 写成表，facts 写成清单。",
            )
    for name, text in texts.items():
        if kinds.get(name) == "expression":
            yield from language.faults(FILE, place, f"{name} ", text)
    told = action.get("set", action.get("with"))
    for name, value in told.items() if isinstance(told, dict) else ():
        if isinstance(value, str):
            yield from language.faults(FILE, place, f"{shown(name)} ", value)
        else:
            yield Fault(
                FILE,
                place,
                f"{shown(name)} 应是写在引号里的表达式。",
                f'例如 "{shown(name)}" = "review.lead_unit"。',
            )
    if "document" in texts and texts["document"] not in draft.table("documents"):
        yield Fault(
            FILE,
            place,
            f"没有文书 {shown(texts['document'])}。",
            f"请写 [documents.{shown(texts['document'])}]。",
        )
    if "rule" in texts and not language.known_rule(texts["rule"]):
        yield Fault(FILE, place, f"没有规则 {shown(texts['rule'])}。", language.near(texts["rule"]))
    if "task" in texts and draft.diagram and texts["task"] not in language.tasks:
        yield Fault(
            FILE, place, f"没有环节 {shown(texts['task'])}。", "请写流程图里用户任务的 id。"
        )
    if "poll" in texts and texts["poll"] not in draft.polls:
        yield Fault(
            FILE, place, f"{shown(texts['poll'])} 不是表决。", "请写有 [tasks.<环节>.poll] 的环节。"
        )
    facts = action.get("facts")
    known = {*language.facts, *draft.table("actions")}
    for fact in facts if isinstance(facts, list) else ():
        if not isinstance(fact, str) or fact.partition(".")[0] not in known:
            yield Fault(
                FILE,
                place,
                f"facts 里的 {shown(fact)} 不是本流程的事实。",
                "请写环节、决策或动作的编号。",
            )


# --- decision tables --------------------------------------------------------------------------------------------------
def _decisions(draft: Draft, language: Language) -> Iterator[Fault]:
    wanted = set(draft.elements("businessRuleTask"))
    if draft.diagram is not None:
        for key in sorted(wanted - draft.tables.keys()):
            yield Fault(
                f"{shown(key)}.dmn",
                shown(key),
                f"业务规则任务 {shown(key)} 没有决策表。",
                f"请补上 {shown(key)}.dmn。",
            )
        for key in sorted(draft.tables.keys() - wanted):
            yield Fault(
                f"{key}.dmn",
                key,
                f"流程图里没有业务规则任务 {key}。",
                "请把文件名改成业务规则任务的 id，或删去这个文件。",
            )
    for key, table in draft.tables.items():
        if table is not None:
            yield from _table(f"{key}.dmn", key, table, language)


def _table(path: str, key: str, table: decisions.Table, language: Language) -> Iterator[Fault]:
    yield from named(path, key, "决策")
    if table.id != key:
        yield Fault(
            path,
            key,
            f"决策的 id 是 {shown(table.id)}。",
            f"<decision> 的 id 应当与文件名相同：{key}。",
        )
    if sum(cell.count(",") + 1 for row in table.rules for cell in row.cells) > MAX_VALUES:
        yield Fault(
            path, key, f"决策表太大，各格里的值合计最多 {MAX_VALUES} 个。", "请分成几张表。"
        )
        return
    try:
        for wrong in decisions.faults(table, FUNCTIONS, set(language.facts)):
            yield Fault(path, key, f"{shown(wrong, 300)}。", "请在决策表里改正。")
    except (
        ProcessFault,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        RecursionError,
    ) as fault:
        yield Fault(path, key, f"决策表读不懂：{shown(fault, 160)}", "请检查各格的写法。")
    for column in table.inputs:
        if not expressions.check(
            column.expression, set(language.facts), FUNCTIONS
        ):  # what is not sound was said above
            yield from language.faults(
                path, key, f"条件列“{shown(column.label)}”", column.expression
            )
    for number, row in enumerate(table.rules, 1):
        for result in row.results:
            for wrong in (
                expressions.check(result, set(language.facts), FUNCTIONS)
                if result not in ("", "-")
                else ()
            ):
                if wrong.startswith("没有名为"):  # the rest was said above
                    yield Fault(
                        path,
                        key,
                        f"第 {number} 行的结果 {shown(result)}：{wrong}。",
                        "文字要写在引号里。",
                    )
        for cell in (*row.cells, *row.results):
            yield from language.cell(path, key, f"第 {number} 行的格", cell)


# --- documents --------------------------------------------------------------------------------------------------------
_LOADED = re.compile(r"\b(import|include)\s+\"([^\"]*)\"")
_READ = re.compile(
    r"\b(read|json|csv|toml|yaml|xml|image|plugin|cbor|bibliography)\(\s*(?:\"([^\"]*)\")?"
)
_INSIDE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def _documents(draft: Draft) -> Iterator[Fault]:
    templates = {
        n[len("documents/") : -len(".typ")]: t
        for n, t in draft.files.items()
        if n.startswith("documents/")
    }
    issued = {
        a.get("document")
        for a in draft.table("actions").values()
        if a.get("do") == "issue_document"
    }
    for key, document in draft.table("documents").items():
        place = f"documents.{shown(key)}"
        yield from numbering(f"{place}.numbering", document.get("numbering", ""))
        if key not in templates:
            yield Fault(
                f"documents/{shown(key)}.typ",
                shown(key),
                f"文书 {shown(key)} 没有模板。",
                f"请补上 documents/{shown(key)}.typ。",
            )
        if key not in issued:
            yield Fault(
                FILE,
                place,
                "没有一个动作出具这份文书。",
                f'请在 [actions] 里写 do = "issue_document"、document = "{shown(key)}"，或删去。',
            )
    for name, text in templates.items():
        path = f"documents/{name}.typ"
        used = any(f"{name}.typ" in other for key, other in templates.items() if key != name)
        if draft.raw and name not in draft.table("documents") and not used:
            yield Fault(
                path,
                name,
                f"process.toml 里没有文书 {name}。",
                f"请写 [documents.{name}]，或删去这个文件。",
            )
        for word, target in (*_LOADED.findall(text), *_READ.findall(text)):
            if not _INSIDE.fullmatch(target) or ".." in target:
                what = f"模板用 {word} 读取 {shown(target) or '别处'}。"
                yield Fault(path, name, what, '模板只能按名称读 "data.json" 和同一文件夹里的文件。')

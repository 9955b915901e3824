"""A process in words, in the order of its flow: what reviewers read instead of XML. It is written
to OUTLINE.txt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.definitions import duties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.decisions import DecisionTable
    from engine.definitions.diagram import Element, Flow
    from engine.definitions.process import PollRule, Process, TaskRule

KINDS = {
    "startEvent": "开始",
    "endEvent": "结束",
    "userTask": "办理",
    "serviceTask": "自动",
    "businessRuleTask": "判定",
    "exclusiveGateway": "分支",
    "parallelGateway": "并行",
    "subProcess": "子流程",
    "intermediateCatchEvent": "等待",
    "boundaryEvent": "事件",
}
POLLS = {
    "seconding": "附议",
    "rating": "评价",
    "countersign": "会签",
    "consent": "征求同意",
    "vote": "表决",
}
EARLY = {
    "never": "不提前截止",
    "decided": "结果已定即截止",
    "all": "全部答复即截止",
    "first": "有一人答复即截止",
}
POLICIES = {
    "UNIQUE": "取唯一命中行",
    "FIRST": "取最先命中行",
    "ANY": "命中各行结果相同",
    "COLLECT": "取全部命中行",
    "RULE ORDER": "按行的次序取全部命中行",
}
SUMS = {"": "", "SUM": "，求和", "MIN": "，取最小", "MAX": "，取最大", "COUNT": "，计数"}
HEADER = "本文件由流程定义自动生成，请勿手改。重新生成：yixing check --write"


def outline(process: Process) -> str:
    """The whole process as text; equal definitions give equal texts."""
    blocks = [
        _head(process),
        _block("泳道", _lanes(process)),
        _block("名册", _rolls(process)),
        _block("倒排", _plan(process)),
        _block("按日历发起", _starts(process)),
        _block("流程", _flow(process)),
        _block("随时可以提出", _messages(process)),
        _block("公示", _publications(process)),
        _block("判定", _decisions(process)),
        _block("文书", _documents(process)),
        _block("职责", _duties(process)),
    ]
    return "\n".join(block for block in blocks if block)


def _block(title: str, lines: Iterator[str]) -> str:
    found = list(lines)
    return "\n".join([f"【{title}】", *found, ""]) if found else ""


def _head(process: Process) -> str:
    open_after = "、".join(process.title_of(key) for key in sorted(process.disclosed_by))
    secret = f"{process.confidentiality}{f'（“{open_after}”以后不再保密）' if open_after else ''}"
    lines = [
        f"{process.title.zh}（{process.id}）",
        HEADER,
        "",
        process.summary.zh,
        f"依据：{process.basis.zh}",
        f"发起：{'、'.join(process.launch)}；填写：{_fields(process, 'launch')}{_several(process)}",
        f"编号：{process.numbering}；密级：{secret}；保存年限：{process.raw.get('retention_years', '未写')}",
        "",
    ]
    return "\n".join(lines)


def _several(process: Process) -> str:
    return "；可以一次提出几件" if process.several else ""


def _lanes(process: Process) -> Iterator[str]:
    for lane in process.lanes.values():
        who = f"{lane.post} @ {lane.unit}" if lane.post else f"本人：{lane.person}"
        yield f"- {lane.title.zh}（{lane.key}）：{who}"


def _rolls(process: Process) -> Iterator[str]:
    for roll in process.rolls.values():
        yield f"- {roll.title.zh}（{roll.key}）：{_one_line(roll.members)}"


def _plan(process: Process) -> Iterator[str]:
    for step in process.plan.steps if process.plan else ():
        when = f"（若 {step.when}）" if step.when else ""
        yield f"- {step.title.zh}（{step.key}）：{_one_line(step.last)}{when}"


def _starts(process: Process) -> Iterator[str]:
    for start in process.starts:
        when = f"（若 {start.when}）" if start.when else ""
        yield f"- {start.title.zh}（{start.key}）：{_one_line(start.on)}{when}，由 {start.by} 承办"
        for key, text in start.answers.items():
            yield f"    {key} := {_one_line(text)}"


# --- the flow -------------------------------------------------------------------------------------
def _flow(process: Process) -> Iterator[str]:
    numbers = {element.id: n for n, element in enumerate(_ordered(process), 1)}
    depth = {"": 0}
    for element in _ordered(process):
        depth[element.id] = depth[element.scope] + 1
        indent = "    " * depth[element.scope]
        lane = process.lanes.get(element.lane)
        place = f"[{lane.title.zh}] " if lane and element.type != "subProcess" else ""
        text = f"{_kind(element)} {_name(process, element.id)}{_of(process, element, numbers)}"
        yield f"{indent}{numbers[element.id]}. {place}{text}"
        yield from (f"{indent}    {line}" for line in _details(process, element))
        yield from (f"{indent}    {line}" for line in _ways(process, element, numbers))


def _ordered(process: Process, scope: str = "") -> list[Element]:
    """The elements of a level as one comes to them, each subprocess followed by what is in it; the
    unreached last.
    """
    elements = process.diagram.elements
    level = [e for e in elements.values() if e.scope == scope]
    found: dict[str, None] = {}
    stack = [e.id for e in reversed(level) if e.type == "startEvent"]
    while stack:
        key = stack.pop()
        if key in found:
            continue
        found[key] = None
        following = [e.id for e in level if e.on == key] + [
            f.target for f in _leaving(process, key)
        ]
        stack.extend(reversed([each for each in following if each in elements]))
    keys = [*found, *(e.id for e in level if e.id not in found)]
    return [
        each
        for key in keys
        for each in [
            elements[key],
            *(_ordered(process, key) if elements[key].type == "subProcess" else ()),
        ]
    ]


def _leaving(process: Process, key: str) -> list[Flow]:
    """The ways on, the default one last."""
    element = process.diagram.elements[key]
    return sorted(
        (f for f in process.diagram.flows if f.source == key), key=lambda f: f.id == element.default
    )


def _kind(element: Element) -> str:
    if element.type == "boundaryEvent":
        return "中断事件" if element.interrupting else "不中断事件"
    return KINDS.get(element.type, element.type)


def _name(process: Process, key: str) -> str:
    title = process.title_of(key)
    return f"{title}（{key}）" if title != key else key


def _of(process: Process, element: Element, numbers: dict[str, int]) -> str:
    return (
        f"，附在 {numbers[element.on]} {process.title_of(element.on)} 上"
        if element.on in numbers
        else ""
    )


def _ways(process: Process, element: Element, numbers: dict[str, int]) -> Iterator[str]:
    for flow in _leaving(process, element.id):
        target = (
            f"{numbers[flow.target]}. {process.title_of(flow.target)}"
            if flow.target in numbers
            else flow.target
        )
        when = (
            f"若 {flow.condition}"
            if flow.condition
            else "其他情形"
            if flow.id == element.default
            else ""
        )
        label = "，".join(part for part in (flow.name, when) if part)
        yield f"→ {label + '：' if label else ''}{target}"


def _details(process: Process, element: Element) -> Iterator[str]:
    if element.timer:
        yield f"时刻：{element.timer}{_rules(element.timer)}"
    if element.message:
        yield f"消息：{_name(process, element.message)}"
    if element.type == "serviceTask":
        yield _action(process.actions.get(element.id, {}))
    if element.type == "businessRuleTask":
        yield f"决策表：{element.id}.dmn"
    if element.type == "userTask":
        yield from _task(process, process.tasks[element.id])


def _action(action: dict[str, Any]) -> str:
    found = [
        f"{key} = {value}"
        for key, value in action.items()
        if key not in ("do", "title", "title_en", "set", "numbers")
    ]
    found += [f"{key} := 编号 {series}" for key, series in action.get("numbers", {}).items()]
    found += [f"{key} := {value}" for key, value in action.get("set", {}).items()]
    return f"动作：{action.get('do', '')}" + (f"（{'；'.join(found)}）" if found else "")


def _task(process: Process, rule: TaskRule) -> Iterator[str]:
    if rule.asks.zh:
        yield f"要求：{rule.asks.zh}"
    if rule.poll:
        yield from _poll(process, rule.poll)
    else:
        if rule.due:
            yield f"期限：{_one_line(rule.due)}{_rules(rule.due)}"
        yield f"填写：{_fields(process, rule.id)}"
    if rule.meeting and rule.meeting.beside:
        first, decides = _name(process, rule.meeting.beside), _one_line(rule.meeting.decides)
        yield f"与“{first}”同时召开，签到一次，名册、到会、法定人数各计各的；归本会议表决：{decides}"
    if rule.basis:
        yield f"依据：{rule.basis}"
    if rule.not_by:
        yield f"办过这些环节的人不能办：{'、'.join(_name(process, key) for key in rule.not_by)}"
    if rule.recuse:
        yield f"回避：{_one_line(rule.recuse)}"
    for tell in rule.tells:
        yield f"提示：{tell.text.zh}" + (f"（若 {_one_line(tell.when)}）" if tell.when else "")
    for gate in rule.gates:
        yield f"前提：{_one_line(gate.holds)}（否则：{gate.text.zh}）"
    labels = _labels(rule)
    for choice, then in (rule.next or {}).items():
        yield f"选“{labels.get(choice, choice)}”：{then.zh}"


def _poll(process: Process, poll: PollRule) -> Iterator[str]:
    choices = "、".join(label.zh for label in poll.labels.values())
    if poll.about:
        yield f"表决内容：{'、'.join(poll.about)}"
    yield f"表决（{POLLS.get(poll.kind, poll.kind)}）：名册 {_one_line(poll.roll)}；选项 {choices}"
    closable = _closable(process, poll)
    at_once = poll.early == "all" and poll.meeting and not poll.secret
    early = "到会的人全部答复即截止" if at_once else EARLY.get(poll.early, poll.early)
    withdrawal = "；截止前可以撤回" if poll.withdrawal else "；答复后不能撤回"
    yield f"截止：{_one_line(poll.closes)}{_rules(poll.closes)}；{early}{closable}{withdrawal}"
    if poll.void == "back":
        yield "作废：本环节以作废结束，由流程决定怎样再议"
    yield f"通过：{_one_line(poll.passes)}{_rules(poll.passes)}"
    if poll.remarks:
        yield f"意见：各人的意见写入结果，署名，按所任职务（{poll.remarks}）的单位"
    if poll.names is not None:
        seen = "、".join(process.lanes[lane].title.zh for lane in poll.names) or "没有人"
        yield f"各人怎样作答：只有{seen}看得到；其他人看票数"
    if poll.signs:
        yield f"签字：{_one_line(poll.signs)}{_rules(poll.signs)}"
    if poll.declared:
        yield "宣布：监票人签字后，由主持人宣布结果，宣布以前不公布"


def _closable(process: Process, poll: PollRule) -> str:
    """Who may close the poll before its time, and who declares it void."""
    presider = process.lanes[poll.presider].title.zh if poll.presider else ""
    others = f"、{presider}" if presider else ""
    closes = {
        "passes": f"；够数后发起人{others}可以提前截止",
        "lane": f"；{presider or '本泳道的人'}可以随时截止",
    }.get(poll.closable, "")
    return closes + (f"；由{presider}主持，可以宣布无效" if presider else "")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _rules(expression: str) -> str:
    """The ids of the rules in an expression, for a reader who looks them up."""
    found = [
        a
        for _, literals in expressions.calls_in(expression)
        for a in literals
        if isinstance(a, str)
    ]
    return f"（规则 {'、'.join(dict.fromkeys(found))}）" if found else ""


def _labels(rule: TaskRule) -> dict[str, str]:
    if rule.form is None:
        return {}
    return {
        choice.value: choice.label
        for each in rule.form.asked
        if each.key == rule.outcomes
        for choice in each.choices
    }


def _fields(process: Process, task: str) -> str:
    form = process.tasks[task].form
    shown = [f"{each.label}{'*' if each.required else ''}" for each in form.asked] if form else []
    return "、".join(shown) or "（无）"


# --- the rest -------------------------------------------------------------------------------------
def _messages(process: Process) -> Iterator[str]:
    for name, message in process.messages.items():
        lane = process.lanes.get(message.lane)
        yield f"- {message.title.zh}（{name}）：{lane.title.zh if lane else '由其他件发出'}；填写：{_fields(process, name)}"
        for gate in process.tasks[name].gates:
            yield f"    前提：{_one_line(gate.holds)}（否则：{gate.text.zh}）"


def _publications(process: Process) -> Iterator[str]:
    for key, rule in process.publications.items():
        yield f"- {rule.title.zh}（{key}）：{rule.after} 以后，至 {_one_line(rule.until)}"
        yield f"    范围：{_one_line(rule.circle)}；内容：{'、'.join(rule.shows)}"
        yield f"    可以提异议，填写：{_fields(process, key)}；由{process.lanes[rule.lane].title.zh}处理"


def _decisions(process: Process) -> Iterator[str]:
    for key, table in sorted(process.decisions.items()):
        yield from _decision(key, table)
        for each in table.requires:
            yield from (f"    {line}" for line in _decision(f"{key} 所依据的 {each.id}", each))


def _decision(key: str, table: DecisionTable) -> Iterator[str]:
    yield f"- {table.name}（{key}，{POLICIES[table.hit_policy]}{SUMS[table.aggregation]}）"
    yield from _rows(table)
    if table.default:
        yield f"    没有一行命中 → {_then(table, table.default)}"


def _rows(table: DecisionTable) -> Iterator[str]:
    for number, row in enumerate(table.rules, 1):
        cells = zip(table.inputs, row.cells, strict=True)
        when = (
            "，".join(f"{column.label} {cell}" for column, cell in cells if cell not in ("", "-"))
            or "其他情形"
        )
        yield f"    {number}. {when} → {_then(table, row.results)}（{row.description}）"


def _then(table: DecisionTable, results: tuple[str, ...]) -> str:
    named = zip(table.outputs, results, strict=True)
    return "，".join(f"{output.label} {result}" for output, result in named)


def _documents(process: Process) -> Iterator[str]:
    for key, document in process.documents.items():
        yield f"- 《{document.title.zh}》（{key}）{'，编号 ' + document.numbering if document.numbering else ''}"


_MARKS = (
    ("opens", "开始"),
    ("done", "履行"),
    ("undone", "不再算履行"),
    ("breached", "违反"),
    ("none", "不适用"),
)
_DAYS = (("on", "履行之日"), ("due", "最后一天"), ("until", "管到"))


def _duties(process: Process) -> Iterator[str]:
    known = duties.catalogue()
    for rule in process.duties:
        duty = known.get(rule.of)
        about = f"（{duty.title.zh}；{duty.period.title.zh}）" if duty else ""
        yield f"- {rule.of}{about}" + (f"：若 {_one_line(rule.when)}" if rule.when else "")
        for name, said in _MARKS:
            if elements := sorted(getattr(rule, name)):
                yield f"    {said}：{'、'.join(_name(process, key) for key in elements)}"
        for name, said in _DAYS:
            if text := getattr(rule, name):
                yield f"    {said}：{_one_line(text)}{_rules(text)}"

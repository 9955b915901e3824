"""Faults of the diagram: elements, ids, events, flows, lanes, the picture. What runs where is
`paths`' matter.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from typing import TYPE_CHECKING

from lxml import etree

from engine import expressions
from engine.definitions.check.draft import KEY
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.names import RESERVED
from engine.definitions.diagram import BPMN, NODES
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.diagram import Diagram, Element, Flow

FILE = "process.bpmn"
MAX_ID = 100
MARKUP = re.compile(r"<\s*[a-zA-Z/!?]|&(#\w+|[a-zA-Z]+);|javascript\s*:", re.IGNORECASE)
_STEP = _("环节")
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
_HOLDS = {"transaction", "adHocSubProcess"}  # in which more may stand that cannot be used
BESIDE = NODES | {
    "sequenceFlow",
    "conditionExpression",
    "laneSet",
    "lane",
    "childLaneSet",
    "flowNodeRef",
    "documentation",
    "incoming",
    "outgoing",
    "textAnnotation",
    "text",
    "association",
    "group",
    "timerEventDefinition",
    "timeDate",
    "messageEventDefinition",
    "terminateEventDefinition",
}
_OTHER_GATEWAY = _("只用排他网关（选一条）和并行网关（同时走）。")
_OTHER_EVENT = _("事件只用开始、结束、定时和消息。")
ADVICE = {
    "scriptTask": _("流程图里不写程序。请改用服务任务，并在 [actions] 里写明登记过的动作。"),
    "sendTask": _("请改成服务任务。"),
    "receiveTask": _("请改成消息中间事件。"),
    "callActivity": _("只能调用同一个文件里的流程，并且只在一处调用；否则请改成嵌入式子流程。"),
    "transaction": _("请改成嵌入式子流程。"),
    "adHocSubProcess": _("请改成嵌入式子流程。"),
    "inclusiveGateway": _OTHER_GATEWAY,
    "complexGateway": _OTHER_GATEWAY,
    "eventBasedGateway": _OTHER_GATEWAY,
    "intermediateThrowEvent": _("发出消息、信号的，请改成服务任务；不发出什么的可以用。"),
    "multiInstanceLoopCharacteristics": _("多人办理请写成表决：[tasks.<环节>.poll]。"),
    "standardLoopCharacteristics": _("重做请画一条退回的连线。"),
    "timeDuration": _("请写规则编号，或 P3D、PT2H 这样的时间长度；月和年请用规则。"),
    "timeCycle": _("请用 timeDate；反复提醒请画回路。"),
    "signalEventDefinition": _OTHER_EVENT,
    "errorEventDefinition": _OTHER_EVENT,
    "escalationEventDefinition": _OTHER_EVENT,
    "compensateEventDefinition": _OTHER_EVENT,
    "cancelEventDefinition": _OTHER_EVENT,
    "conditionalEventDefinition": _OTHER_EVENT,
    "linkEventDefinition": _OTHER_EVENT,
}


def faults(draft: Draft) -> Iterator[Fault]:
    """All faults of the diagram itself."""
    diagram = draft.diagram
    if diagram is None:
        return
    yield from _head(draft, diagram)
    yield from _readable(draft)
    yield from _unknown(draft.tree)
    yield from _ids(draft.tree, diagram)
    yield from _ends_of_line(draft.tree)
    for element in diagram.elements.values():
        yield from _event(element, diagram)
    refused = {key for key, _kind in diagram.unknown}
    for flow in diagram.flows:
        yield from _flow(flow, diagram, refused)
    for element in diagram.elements.values():
        yield from _splits(element, diagram)
    yield from _lanes(draft, diagram)
    yield from _picture(draft.tree, diagram)
    yield from _markup(draft.tree)


def _markup(tree: etree._Element) -> Iterator[Fault]:
    """Names and notes are words: markup would be drawn into pages as what it says."""
    reckoned = {f"{{{BPMN}}}{tag}" for tag in ("conditionExpression", "timeDate")}
    for node in tree.iter(f"{{{BPMN}}}*"):
        said = [node.get("name") or "", "" if node.tag in reckoned else node.text or ""]
        if any(MARKUP.search(each) for each in said):
            what = _("流程图的文字里有标记：{text}", text=shown(" ".join(said).strip()[:80]))
            yield Fault(FILE, node.get("id") or "", what, _("请只写文字，不要写 <…> 和 &…;。"))


def _head(draft: Draft, diagram: Diagram) -> Iterator[Fault]:
    process = draft.tree.find(f"{{{BPMN}}}process")
    if process.get("isExecutable") != "true":
        advice = _('请在 <bpmn:process> 上写 isExecutable="true"。')
        yield Fault(FILE, diagram.process_id, _("流程没有标为可执行。"), advice)
    declared = draft.raw.get("id")
    if declared and diagram.process_id != declared:
        drawn = shown(diagram.process_id)
        what = _(
            "流程图的 id 是 {drawn}，process.toml 里是 {declared}。",
            drawn=drawn,
            declared=shown(declared),
        )
        yield Fault(FILE, drawn, what, _("两处与文件夹名应当一致。"))


def _unknown(tree: etree._Element) -> Iterator[Fault]:
    stack = tree.findall(f"{{{BPMN}}}process")[:1]
    while stack:
        for child in stack.pop():
            fault = _unknown_node(child)
            if fault is not None:
                yield fault
            tag = child.tag if isinstance(child.tag, str) else ""
            if fault is None or tag.rpartition("}")[2] in _HOLDS:
                stack.append(child)


def _unknown_node(node: etree._Element) -> Fault | None:
    if not isinstance(node.tag, str):
        what = _("流程图里有处理指令或实体。")
        return Fault(FILE, "", what, _("请用 BPMN 编辑器重新保存流程图。"))
    tag = etree.QName(node)
    if tag.namespace != BPMN or tag.localname not in BESIDE:
        above = node.getparent()
        owner = node.get("id") or (above.get("id") if above is not None else "") or ""
        advice = ADVICE.get(tag.localname, _("请删去，可用的元素见 docs/architecture.md。"))
        what = _("不能用 {tag}。", tag=shown(tag.localname))
        if name := (node.get("name") or "").strip():
            what = _("“{name}”不能用 {tag}。", name=shown(name), tag=shown(tag.localname))
        return Fault(FILE, shown(owner), what, advice)
    if node.get("triggeredByEvent") == "true":
        what = _("不能用事件子流程。")
        return Fault(FILE, shown(node.get("id")), what, _("请改成边界事件。"))
    return None


def _readable(draft: Draft) -> Iterator[Fault]:
    """What [ids] calls by a readable name is there."""
    nodes = [node for node in draft.tree.iter() if isinstance(node.tag, str)]
    known = {node.get("id") for node in nodes}
    known |= {n.get("name") for n in nodes if etree.QName(n).localname in ("lane", "message")}
    for name, original in draft.table("ids").items():
        if name not in known:
            what = _("流程图里没有 id 为 {original} 的元素。", original=shown(original))
            advice = _("请照流程图改正 [ids]：右边是流程图里的 id，左边是给它的编号。")
            yield Fault("process.toml", shown(name), what, advice)


# --- ids ------------------------------------------------------------------------------------------
def _ids(tree: etree._Element, diagram: Diagram) -> Iterator[Fault]:
    nodes = (node for node in tree.iter() if isinstance(node.tag, str))
    counted = Counter(node.get("id") for node in nodes if node.get("id") is not None)
    for key, times in counted.items():
        if times > 1:
            what = _("id 重复了 {times} 次。", times=times)
            yield Fault(FILE, shown(key), what, _("每个元素的 id 只能用一次。"))
    for element in diagram.elements.values():
        if not element.id:
            what = _("有一个 {type} 没有 id。", type=element.type)
            yield Fault(FILE, shown(element.name), what, _("请写上 id。"))
        elif element.type in {"userTask", "serviceTask", "businessRuleTask"}:
            step = _("环节“{name}”", name=called(element)) if element.name else _STEP
            yield from named(FILE, element.id, step)
        elif len(element.id) > MAX_ID or not element.id.isprintable():
            what = _("id 太长或含有看不见的字符。")
            yield Fault(FILE, shown(element.id), what, _("请改短。"))


def named(file: str, key: str, kind: str) -> Iterator[Fault]:
    """A fault when a key cannot stand in an expression or means something else already; `kind` says
    what it names.
    """
    if not KEY.fullmatch(key) or keyword.iskeyword(key) or key in expressions.CONSTANTS:
        name = shown(key)
        what = _("{kind}的编号 {name} 不合规定。", kind=kind, name=name)
        advice = _(
            "用小写字母开头，只含小写字母、数字、下划线，最多 60 个，不能是 if、and 这样的词；"
            "绘图工具编的 id 可以不改，在 process.toml 的 [ids] 里写：编号 = 它的 id。"
        )
        yield Fault(file, name, what, advice)
    elif key in RESERVED:
        what = _("{kind}不能叫 {key}，这个名称已有用途。", kind=kind, key=key)
        yield Fault(file, key, what, _("请换一个编号。"))


# --- events ---------------------------------------------------------------------------------------
def _ends_of_line(tree: etree._Element) -> Iterator[Fault]:
    """A start is plain; an end is plain or ends everything."""
    start = _("开始事件不能带定时、消息或终止。")
    end = _("结束事件不能带定时、消息或终止。")
    for kind, allowed, what in (
        ("startEvent", "", start),
        ("endEvent", "terminateEventDefinition", end),
    ):
        for event in tree.iter(f"{{{BPMN}}}{kind}"):
            names = [etree.QName(child).localname for child in event if isinstance(child.tag, str)]
            if any(name.endswith("EventDefinition") and name != allowed for name in names):
                advice = _("定时和消息请放到中间事件或边界事件上；终止只用于结束事件。")
                yield Fault(FILE, shown(event.get("id")), what, advice)


def _event(element: Element, diagram: Diagram) -> Iterator[Fault]:
    if element.type in {"boundaryEvent", "intermediateCatchEvent"}:
        if not element.timer and not element.message:
            advice = _("定时事件写 timeDate，消息事件选一个有名称的消息。")
            yield Fault(FILE, element.id, _("事件既没有时刻，也没有消息。"), advice)
        elif element.timer and element.message:
            what = _("一个事件不能既定时又收消息。")
            yield Fault(FILE, element.id, what, _("请分成两个事件。"))
    if element.type == "boundaryEvent":
        yield from _host(element, diagram.elements.get(element.on))


def _host(event: Element, host: Element | None) -> Iterator[Fault]:
    """What a boundary event sits on."""
    if host is None:
        what = _("边界事件没有附在环节上（{host}）。", host=shown(event.on) or _("空"))
        yield Fault(FILE, event.id, what, _("请把它拖到一个用户任务或子流程的边上。"))
    elif host.type not in {"userTask", "subProcess"} or host.scope != event.scope:
        what = _("边界事件不能附在 {host} 上。", host=host.id)
        yield Fault(FILE, event.id, what, _("只能附在同一层的用户任务或子流程上。"))


# --- flows ----------------------------------------------------------------------------------------
def _flow(flow: Flow, diagram: Diagram, refused: set[str]) -> Iterator[Fault]:
    source, target = diagram.elements.get(flow.source), diagram.elements.get(flow.target)
    advice = _("请重新连接或删去这条连线。")
    if source is None and flow.source not in refused:
        what = _("连线的起点 {end} 不存在。", end=shown(flow.source) or _("（空）"))
        yield Fault(FILE, shown(flow.id), what, advice)
    if target is None and flow.target not in refused:
        what = _("连线的终点 {end} 不存在。", end=shown(flow.target) or _("（空）"))
        yield Fault(FILE, shown(flow.id), what, advice)
    if source is not None and target is not None:
        yield from _ends_of_flow(flow, source, target)


def _ends_of_flow(flow: Flow, source: Element, target: Element) -> Iterator[Fault]:
    if source.scope != target.scope:
        what = _(
            "连线从 {source} 到 {target}，穿过了子流程的边框。", source=source.id, target=target.id
        )
        advice = _("连线只能在同一层里；出子流程请连到它的结束事件。")
        yield Fault(FILE, flow.id, what, advice)
    elif flow.scope != source.scope:
        what = _("连线从 {source} 到 {target}，写在了另一层。", source=source.id, target=target.id)
        advice = _("连线写在两端所在的那个流程或子流程里；请在编辑器里删去重连。")
        yield Fault(FILE, shown(flow.id), what, advice)
    if source.type == "endEvent":
        what = _("连线从结束事件 {source} 出发。", source=source.id)
        yield Fault(FILE, flow.id, what, _("结束事件之后不能再走。"))
    if target.type in {"startEvent", "boundaryEvent"}:
        what = _("连线通到 {target}。", target=target.id)
        yield Fault(FILE, flow.id, what, _("开始事件和边界事件不能有进来的连线。"))
    if flow.condition and source.type != "exclusiveGateway":
        what = _("连线从 {source} 出发，不能带条件。", source=source.id)
        yield Fault(FILE, flow.id, what, _("条件只写在排他网关出来的连线上。"))


def _splits(element: Element, diagram: Diagram) -> Iterator[Fault]:
    out = [flow for flow in diagram.flows if flow.source == element.id]
    if element.type == "exclusiveGateway":
        yield from _exclusive(element, out)
    elif element.default:
        what = _("只有排他网关才有默认连线。")
        yield Fault(FILE, element.id, what, _("请删去 default。"))
    elif len(out) > 1 and element.type != "parallelGateway":
        what = _("有 {count} 条连线从这里出去。", count=len(out))
        yield Fault(FILE, element.id, what, _("选一条走请加排他网关，同时走请加并行网关。"))


def _exclusive(gateway: Element, out: list[Flow]) -> Iterator[Fault]:
    if len(out) < 2:
        for flow in out:
            if flow.condition:
                what = _("网关只有一条出去的连线，不能带条件。")
                yield Fault(FILE, flow.id, what, _("请删去条件，或补上另一条连线。"))
        return
    if gateway.default not in {flow.id for flow in out}:
        advice = _("请把“其他情形”的那条连线设为默认（default）。")
        yield Fault(FILE, gateway.id, _("网关没有默认连线。"), advice)
    for flow in out:
        if flow.id == gateway.default and flow.condition:
            what = _("默认连线不能带条件。")
            yield Fault(FILE, flow.id, what, _("请删去条件，或把另一条设为默认。"))
        if flow.id != gateway.default and not flow.condition:
            what = _("从网关 {gateway} 出去的连线没有条件。", gateway=gateway.id)
            yield Fault(FILE, flow.id, what, _("请写上条件，或设为默认连线。"))


# --- lanes ----------------------------------------------------------------------------------------
def _lanes(draft: Draft, diagram: Diagram) -> Iterator[Fault]:
    for name, times in Counter(diagram.lanes).items():
        yield from _lane(name, times, draft)
    yield from _placed(draft.tree, diagram)
    for element in diagram.elements.values():
        if not element.lane and element.type != "subProcess":
            what = _("“{name}”不在任何泳道里。", name=called(element))
            root = f"name:{element.id}"
            yield Fault(FILE, element.id, what, _("请把它拖进一条泳道。"), root)


def _lane(name: str, times: int, draft: Draft) -> Iterator[Fault]:
    key = shown(name)
    if not name:
        what = _("有一条泳道没有名称。")
        yield Fault(FILE, "", what, _("泳道的名称写 [lanes] 下的编号。"))
    elif draft.raw and name not in draft.table("lanes"):
        what = _("泳道 {name} 没有说明由谁办。", name=key)
        advice = _(
            "请在 process.toml 写 [lanes.{name}]，并写明 post 和 unit，或 person。", name=key
        )
        if not KEY.fullmatch(name):
            advice = _("请在 process.toml 的 [ids] 里写：编号 = 泳道的 id，再写 [lanes.编号]。")
        yield Fault(FILE, key, what, advice)
    if times > 1:
        what = _("有 {times} 条泳道都叫 {name}。", times=times, name=key)
        yield Fault(FILE, key, what, _("请合并成一条。"))


def _placed(tree: etree._Element, diagram: Diagram) -> Iterator[Fault]:
    """A lane holds nodes that are there, and each node is in one lane."""
    placed: Counter[str] = Counter()
    refused = {key for key, _kind in diagram.unknown}
    for lane in tree.iter(f"{{{BPMN}}}lane"):
        for ref in lane.findall(f"{{{BPMN}}}flowNodeRef"):
            key = (ref.text or "").strip()
            placed[key] += 1
            if key not in diagram.elements and key not in refused:
                name, node = shown(lane.get("name", "")), shown(key)
                what = _("泳道 {name} 里的 {node} 不存在。", name=name, node=node)
                yield Fault(FILE, node, what, _("请删去这一行。"), f"name:{key}")
    for key, times in placed.items():
        if times > 1:
            what = _("同时放在几条泳道里。")
            yield Fault(FILE, shown(key), what, _("每个节点只放在一条泳道里。"))


def called(element: Element) -> str:
    """An element by its name, else by its id."""
    return shown(element.name) or element.id


# --- picture --------------------------------------------------------------------------------------
def _picture(tree: etree._Element, diagram: Diagram) -> Iterator[Fault]:
    shapes = {node.get("bpmnElement"): node for node in tree.iter(f"{{{DI}}}BPMNShape")}
    edges = {node.get("bpmnElement"): node for node in tree.iter(f"{{{DI}}}BPMNEdge")}
    if not shapes and not edges:
        what = _("流程图没有图形信息，无法显示。")
        yield Fault(FILE, "", what, _("请用 BPMN 编辑器打开并重新保存。"))
        return
    for element in diagram.elements.values():
        if _count(shapes.get(element.id), "Bounds") < 1:
            what = _("“{name}”在图上没有位置。", name=called(element))
            yield Fault(FILE, element.id, what, _("请用 BPMN 编辑器摆放后重新保存。"))
    for flow in diagram.flows:
        if _count(edges.get(flow.id), "waypoint") < 2:
            source, target = shown(flow.source), shown(flow.target)
            what = _("从 {source} 到 {target} 的连线没有画出来。", source=source, target=target)
            yield Fault(FILE, shown(flow.id), what, _("请用 BPMN 编辑器重新连接并保存。"))
    known = {node.get("id") for node in tree.iter() if isinstance(node.tag, str)}
    for key in {*shapes, *edges} - known:
        what = _("图形对应的元素不存在。")
        yield Fault(FILE, shown(key), what, _("请在编辑器里删去这个图形。"))


def _count(node: etree._Element | None, tag: str) -> int:
    """How many children of a kind a node has; a missing one has none."""
    return sum(etree.QName(child).localname == tag for child in node) if node is not None else 0

"""Faults of the diagram: elements, ids, events, flows, lanes, the picture. What runs where is `paths`' matter."""

from __future__ import annotations

import keyword
from collections import Counter
from typing import TYPE_CHECKING, Any

from lxml import etree

from engine import expressions
from engine.definitions.check.draft import KEY
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.language import RESERVED
from engine.definitions.diagram import BPMN, NODES
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.diagram import Diagram, Element, Flow

FILE = "process.bpmn"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
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
_NO_DATA = _("资料写在表单里，不画在图上，请删去。")
ADVICE = {
    "scriptTask": _("流程图里不写程序。请改用服务任务，并在 [actions] 里写明登记过的动作。"),
    "task": _("请改成用户任务（人办）、服务任务（系统办）或业务规则任务（查决策表）。"),
    "manualTask": _("请改成用户任务。"),
    "sendTask": _("请改成服务任务。"),
    "receiveTask": _("请改成消息中间事件。"),
    "callActivity": _("请改成嵌入式子流程。"),
    "transaction": _("请改成嵌入式子流程。"),
    "adHocSubProcess": _("请改成嵌入式子流程。"),
    "inclusiveGateway": _OTHER_GATEWAY,
    "complexGateway": _OTHER_GATEWAY,
    "eventBasedGateway": _OTHER_GATEWAY,
    "intermediateThrowEvent": _("请改成服务任务。"),
    "multiInstanceLoopCharacteristics": _("多人办理请写成表决：[tasks.<环节>.poll]。"),
    "standardLoopCharacteristics": _("重做请画一条退回的连线。"),
    "timeDuration": _('请用 timeDate，写成 due("规则编号")。'),
    "timeCycle": _("请用 timeDate；反复提醒请画回路。"),
    "signalEventDefinition": _OTHER_EVENT,
    "errorEventDefinition": _OTHER_EVENT,
    "escalationEventDefinition": _OTHER_EVENT,
    "compensateEventDefinition": _OTHER_EVENT,
    "cancelEventDefinition": _OTHER_EVENT,
    "conditionalEventDefinition": _OTHER_EVENT,
    "linkEventDefinition": _OTHER_EVENT,
    "dataObject": _NO_DATA,
    "dataObjectReference": _NO_DATA,
    "dataStoreReference": _NO_DATA,
    "ioSpecification": _NO_DATA,
    "property": _NO_DATA,
    "dataInputAssociation": _NO_DATA,
    "dataOutputAssociation": _NO_DATA,
    "extensionElements": _("扩展属性不会被读取，请删去；要说的写进 process.toml。"),
}


def faults(draft: Draft) -> Iterator[Fault]:
    """All faults of the diagram itself."""
    diagram = draft.diagram
    if diagram is None:
        return
    yield from _head(draft, diagram)
    yield from _unknown(draft.tree)
    yield from _ids(draft.tree, diagram)
    yield from _ends_of_line(draft.tree)
    for element in diagram.elements.values():
        yield from _event(element, diagram)
    for flow in diagram.flows:
        yield from _flow(flow, diagram)
    for element in diagram.elements.values():
        yield from _splits(element, diagram)
    yield from _lanes(draft, diagram)
    yield from _picture(draft.tree, diagram)


def _head(draft: Draft, diagram: Diagram) -> Iterator[Fault]:
    process = draft.tree.find(f"{{{BPMN}}}process")
    if process.get("isExecutable") != "true":
        yield Fault(
            FILE,
            diagram.process_id,
            _("流程没有标为可执行。"),
            _('请在 <bpmn:process> 上写 isExecutable="true"。'),
        )
    wanted = draft.raw.get("id")
    if wanted and diagram.process_id != wanted:
        yield Fault(
            FILE,
            shown(diagram.process_id),
            _(
                "流程图的 id 是 {process_id},process.toml 里是 {wanted}。",
                process_id=shown(diagram.process_id),
                wanted=shown(wanted),
            ),
            _("两处与文件夹名应当一致。"),
        )


def _unknown(tree: Any) -> Iterator[Fault]:
    stack = [tree.find(f"{{{BPMN}}}process")]
    while stack:
        for child in stack.pop():
            if not isinstance(child.tag, str):
                yield Fault(
                    FILE, "", _("流程图里有处理指令或实体。"), _("请用 BPMN 编辑器重新保存流程图。")
                )
                continue
            tag = etree.QName(child)
            if tag.namespace != BPMN or tag.localname not in BESIDE:
                owner = child.get("id") or child.getparent().get("id") or ""
                yield Fault(
                    FILE,
                    shown(owner),
                    _("不能用 {localname}。", localname=shown(tag.localname)),
                    ADVICE.get(tag.localname, _("请删去，可用的元素见 docs/architecture.md。")),
                )
            elif child.get("triggeredByEvent") == "true":
                yield Fault(
                    FILE, shown(child.get("id")), _("不能用事件子流程。"), _("请改成边界事件。")
                )
            else:
                stack.append(child)


# --- ids --------------------------------------------------------------------------------------------------------------
def _ids(tree: Any, diagram: Diagram) -> Iterator[Fault]:
    counted = Counter(
        node.get("id")
        for node in tree.iter()
        if isinstance(node.tag, str) and node.get("id") is not None
    )
    for key, times in counted.items():
        if times > 1:
            yield Fault(
                FILE,
                shown(key),
                _("id 重复了 {times} 次。", times=times),
                _("每个元素的 id 只能用一次。"),
            )
    for element in diagram.elements.values():
        if not element.id:
            yield Fault(
                FILE,
                shown(element.name),
                _("有一个 {type} 没有 id。", type=element.type),
                _("请写上 id。"),
            )
        elif element.type in {"userTask", "serviceTask", "businessRuleTask"}:
            yield from named(FILE, element.id, _("环节"))
        elif len(element.id) > 100 or not element.id.isprintable():
            yield Fault(FILE, shown(element.id), _("id 太长或含有看不见的字符。"), _("请改短。"))


def named(file: str, key: str, what: str) -> Iterator[Fault]:
    """A fault when a key cannot stand in an expression or means something else already."""
    if not KEY.fullmatch(key) or keyword.iskeyword(key) or key in expressions.CONSTANTS:
        yield Fault(
            file,
            shown(key),
            _("{what}的编号 {key} 不合规定。", what=what, key=shown(key)),
            _("用小写字母开头，只含小写字母、数字、下划线，最多 60 个，不能是 if、and 这样的词。"),
        )
    elif key in RESERVED:
        yield Fault(
            file,
            key,
            _("{what}不能叫 {key}，这个名称已有用途。", what=what, key=key),
            _("请换一个编号。"),
        )


# --- events -----------------------------------------------------------------------------------------------------------
def _ends_of_line(tree: Any) -> Iterator[Fault]:
    """A start is plain; an end is plain or ends everything."""
    for kind, allowed in (("startEvent", ""), ("endEvent", "terminateEventDefinition")):
        for event in tree.iter(f"{{{BPMN}}}{kind}"):
            names = [etree.QName(child).localname for child in event if isinstance(child.tag, str)]
            if any(name.endswith("EventDefinition") and name != allowed for name in names):
                what = _(
                    "{value}事件不能带定时、消息或终止。",
                    value=_("开始") if kind == "startEvent" else _("结束"),
                )
                yield Fault(
                    FILE,
                    shown(event.get("id")),
                    what,
                    _("定时和消息请放到中间事件或边界事件上；终止只用于结束事件。"),
                )


def _event(element: Element, diagram: Diagram) -> Iterator[Fault]:
    kind = element.type
    if kind in {"boundaryEvent", "intermediateCatchEvent"}:
        if not element.timer and not element.message:
            yield Fault(
                FILE,
                element.id,
                _("事件既没有时刻，也没有消息。"),
                _("定时事件写 timeDate，消息事件选一个有名称的消息。"),
            )
        elif element.timer and element.message:
            yield Fault(FILE, element.id, _("一个事件不能既定时又收消息。"), _("请分成两个事件。"))
    if kind == "boundaryEvent":
        host = diagram.elements.get(element.on)
        if host is None:
            yield Fault(
                FILE,
                element.id,
                _("边界事件没有附在环节上（{on}）。", on=shown(element.on) or _("空")),
                _("请把它拖到一个用户任务或子流程的边上。"),
            )
        elif host.type not in {"userTask", "subProcess"} or host.scope != element.scope:
            yield Fault(
                FILE,
                element.id,
                _("边界事件不能附在 {id} 上。", id=host.id),
                _("只能附在同一层的用户任务或子流程上。"),
            )


# --- flows ------------------------------------------------------------------------------------------------------------
def _flow(flow: Flow, diagram: Diagram) -> Iterator[Fault]:
    source, target = diagram.elements.get(flow.source), diagram.elements.get(flow.target)
    for end, found, word in ((flow.source, source, _("起点")), (flow.target, target, _("终点"))):
        if found is None:
            yield Fault(
                FILE,
                shown(flow.id),
                _("连线的{word} {end} 不存在。", word=word, end=shown(end) or _("（空）")),
                _("请重新连接或删去这条连线。"),
            )
    if source is None or target is None:
        return
    if source.scope != target.scope:
        yield Fault(
            FILE,
            flow.id,
            _("连线从 {id} 到 {id_2}，穿过了子流程的边框。", id=source.id, id_2=target.id),
            _("连线只能在同一层里；出子流程请连到它的结束事件。"),
        )
    if source.type == "endEvent":
        yield Fault(
            FILE,
            flow.id,
            _("连线从结束事件 {id} 出发。", id=source.id),
            _("结束事件之后不能再走。"),
        )
    if target.type in {"startEvent", "boundaryEvent"}:
        yield Fault(
            FILE,
            flow.id,
            _("连线通到 {id}。", id=target.id),
            _("开始事件和边界事件不能有进来的连线。"),
        )
    if flow.condition and source.type != "exclusiveGateway":
        yield Fault(
            FILE,
            flow.id,
            _("连线从 {id} 出发，不能带条件。", id=source.id),
            _("条件只写在排他网关出来的连线上。"),
        )


def _splits(element: Element, diagram: Diagram) -> Iterator[Fault]:
    out = [flow for flow in diagram.flows if flow.source == element.id]
    if element.type == "exclusiveGateway":
        yield from _exclusive(element, out)
    elif element.default:
        yield Fault(FILE, element.id, _("只有排他网关才有默认连线。"), _("请删去 default。"))
    elif len(out) > 1 and element.type != "parallelGateway":
        yield Fault(
            FILE,
            element.id,
            _("有 {count} 条连线从这里出去。", count=len(out)),
            _("选一条走请加排他网关，同时走请加并行网关。"),
        )


def _exclusive(gateway: Element, out: list[Flow]) -> Iterator[Fault]:
    if len(out) < 2:
        for flow in out:
            if flow.condition:
                yield Fault(
                    FILE,
                    flow.id,
                    _("网关只有一条出去的连线，不能带条件。"),
                    _("请删去条件，或补上另一条连线。"),
                )
        return
    if gateway.default not in {flow.id for flow in out}:
        yield Fault(
            FILE,
            gateway.id,
            _("网关没有默认连线。"),
            _("请把“其他情形”的那条连线设为默认（default）。"),
        )
    for flow in out:
        if flow.id == gateway.default and flow.condition:
            yield Fault(
                FILE, flow.id, _("默认连线不能带条件。"), _("请删去条件，或把另一条设为默认。")
            )
        if flow.id != gateway.default and not flow.condition:
            yield Fault(
                FILE,
                flow.id,
                _("从网关 {id} 出去的连线没有条件。", id=gateway.id),
                _("请写上条件，或设为默认连线。"),
            )


# --- lanes ------------------------------------------------------------------------------------------------------------
def _lanes(draft: Draft, diagram: Diagram) -> Iterator[Fault]:
    known = draft.table("lanes")
    for name, times in Counter(diagram.lanes).items():
        if not name:
            yield Fault(FILE, "", _("有一条泳道没有名称。"), _("泳道的名称写 [lanes] 下的编号。"))
        elif draft.raw and name not in known:
            yield Fault(
                FILE,
                shown(name),
                _("泳道 {name} 没有说明由谁办。", name=shown(name)),
                _(
                    "请在 process.toml 写 [lanes.{name}]，并写明 post 和 unit，或 person。",
                    name=shown(name),
                ),
            )
        if times > 1:
            yield Fault(
                FILE,
                shown(name),
                _("有 {times} 条泳道都叫 {name}。", times=times, name=shown(name)),
                _("请合并成一条。"),
            )
    placed: Counter[str] = Counter()
    for lane in draft.tree.iter(f"{{{BPMN}}}lane"):
        for ref in lane.findall(f"{{{BPMN}}}flowNodeRef"):
            key = (ref.text or "").strip()
            placed[key] += 1
            if key not in diagram.elements:
                yield Fault(
                    FILE,
                    shown(key),
                    _(
                        "泳道 {name} 里的 {key} 不存在。",
                        name=shown(lane.get("name", "")),
                        key=shown(key),
                    ),
                    _("请删去这一行。"),
                )
    for key, times in placed.items():
        if times > 1:
            yield Fault(
                FILE, shown(key), _("同时放在几条泳道里。"), _("每个节点只放在一条泳道里。")
            )
    for element in diagram.elements.values():
        if not element.lane and element.type != "subProcess":
            yield Fault(
                FILE,
                element.id,
                _("“{name}”不在任何泳道里。", name=shown(element.name) or element.id),
                _("请把它拖进一条泳道。"),
            )


# --- picture ----------------------------------------------------------------------------------------------------------
def _picture(tree: Any, diagram: Diagram) -> Iterator[Fault]:
    shapes = {node.get("bpmnElement"): node for node in tree.iter(f"{{{DI}}}BPMNShape")}
    edges = {node.get("bpmnElement"): node for node in tree.iter(f"{{{DI}}}BPMNEdge")}
    if not shapes and not edges:
        yield Fault(
            FILE, "", _("流程图没有图形信息，无法显示。"), _("请用 BPMN 编辑器打开并重新保存。")
        )
        return
    for element in diagram.elements.values():
        shape = shapes.get(element.id)
        if shape is None or not any(etree.QName(child).localname == "Bounds" for child in shape):
            yield Fault(
                FILE,
                element.id,
                _("“{name}”在图上没有位置。", name=shown(element.name) or element.id),
                _("请用 BPMN 编辑器摆放后重新保存。"),
            )
    for flow in diagram.flows:
        edge = edges.get(flow.id)
        if edge is None or sum(etree.QName(child).localname == "waypoint" for child in edge) < 2:
            yield Fault(
                FILE,
                shown(flow.id),
                _(
                    "从 {source} 到 {target} 的连线没有画出来。",
                    source=shown(flow.source),
                    target=shown(flow.target),
                ),
                _("请用 BPMN 编辑器重新连接并保存。"),
            )
    known = {node.get("id") for node in tree.iter() if isinstance(node.tag, str)}
    for key in {*shapes, *edges} - known:
        yield Fault(FILE, shown(key), _("图形对应的元素不存在。"), _("请在编辑器里删去这个图形。"))

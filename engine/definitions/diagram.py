"""Reads BPMN 2.0 XML safely and tells what stands in it: elements, flows, lanes. It runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from engine.errors import ProcessFault
from engine.messages import _

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
MAX_BYTES = 1_000_000
MAX_ELEMENTS = 4_000  # diagram interchange included
NODES = {
    "startEvent",
    "endEvent",
    "userTask",
    "serviceTask",
    "businessRuleTask",
    "exclusiveGateway",
    "parallelGateway",
    "subProcess",
    "boundaryEvent",
    "intermediateCatchEvent",
}


@dataclass(frozen=True)
class Element:
    """A node of the diagram. `scope` is the subprocess around it ("" on the main level), `on` what a boundary event sits on."""

    id: str
    name: str
    type: str
    lane: str = ""
    scope: str = ""
    on: str = ""
    interrupting: bool = True
    timer: str = ""
    message: str = ""
    default: str = ""


@dataclass(frozen=True)
class Flow:
    """A sequence flow."""

    id: str
    source: str
    target: str
    condition: str = ""
    name: str = ""


@dataclass(frozen=True)
class Diagram:
    """All nodes by id, all flows, the lanes by name, and what the reader did not know."""

    process_id: str
    elements: dict[str, Element]
    flows: tuple[Flow, ...]
    lanes: tuple[str, ...]
    messages: dict[str, str]
    shapes: frozenset[str]
    unknown: tuple[tuple[str, str], ...]


def parse_xml(data: bytes, file: str = "process.bpmn") -> Any:
    """The tree of an XML file from outside. DOCTYPE, entities, network and huge trees are refused as ProcessFault."""
    if len(data) > MAX_BYTES:
        raise ProcessFault(_("文件超过 {most} KB。", most=MAX_BYTES // 1000), file=file)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ProcessFault(_("文件中不得有 DOCTYPE 或实体声明。"), file=file)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        tree = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as fault:
        raise ProcessFault(_("不是有效的 XML:{fault}", fault=fault), file=file) from fault
    if sum(1 for _ in tree.iter()) > MAX_ELEMENTS:
        raise ProcessFault(_("元素超过 {most} 个。", most=MAX_ELEMENTS), file=file)
    return tree


def read_diagram(tree: Any) -> Diagram:
    """What stands in a BPMN tree. Raises ProcessFault when it holds no single executable process."""
    processes = tree.findall(f"{{{BPMN}}}process")
    if len(processes) != 1:
        raise ProcessFault(_("一个流程图里应当恰好有一个流程。"), file="process.bpmn")
    process = processes[0]
    messages = {m.get("id"): m.get("name", "") for m in tree.findall(f"{{{BPMN}}}message")}
    lane_of: dict[str, str] = {}
    lanes = []
    for lane in process.iter(f"{{{BPMN}}}lane"):
        lanes.append(lane.get("name", ""))
        for ref in lane.findall(f"{{{BPMN}}}flowNodeRef"):
            lane_of[(ref.text or "").strip()] = lane.get("name", "")
    elements: dict[str, Element] = {}
    flows: list[Flow] = []
    unknown: list[tuple[str, str]] = []
    _walk(process, "", "", lane_of, messages, elements, flows, unknown)
    shapes = frozenset(
        s.get("bpmnElement", "")
        for s in tree.iter()
        if isinstance(s.tag, str) and s.get("bpmnElement")
    )
    return Diagram(
        process.get("id", ""),
        elements,
        tuple(flows),
        tuple(lanes),
        messages,
        shapes,
        tuple(unknown),
    )


def _walk(
    node: Any,
    scope: str,
    lane: str,
    lane_of: dict[str, str],
    messages: dict[str, str],
    elements: dict[str, Element],
    flows: list[Flow],
    unknown: list[tuple[str, str]],
) -> None:
    for child in node:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child).localname
        key = child.get("id", "")
        if name == "sequenceFlow":
            condition = child.find(f"{{{BPMN}}}conditionExpression")
            text = (condition.text or "").strip() if condition is not None else ""
            flows.append(
                Flow(
                    key,
                    child.get("sourceRef", ""),
                    child.get("targetRef", ""),
                    text,
                    child.get("name", ""),
                )
            )
        elif name in NODES:
            own = lane_of.get(key, lane)
            elements[key] = _element(child, name, own, scope, messages, unknown)
            if name == "subProcess":
                _walk(child, key, own, lane_of, messages, elements, flows, unknown)
        elif name not in {
            "laneSet",
            "documentation",
            "extensionElements",
            "incoming",
            "outgoing",
            "textAnnotation",
            "association",
        }:
            unknown.append((key, name))


def _element(
    child: Any,
    kind: str,
    lane: str,
    scope: str,
    messages: dict[str, str],
    unknown: list[tuple[str, str]],
) -> Element:
    timer = message = ""
    for event in child:
        what = etree.QName(event).localname if isinstance(event.tag, str) else ""
        if what == "timerEventDefinition":
            moment = event.find(f"{{{BPMN}}}timeDate")
            timer = (moment.text or "").strip() if moment is not None else ""
        elif what == "messageEventDefinition":
            message = messages.get(event.get("messageRef", ""), "")
        elif (
            what.endswith("EventDefinition") and what != "terminateEventDefinition"
        ) or "LoopCharacteristics" in what:
            unknown.append((child.get("id", ""), what))
    return Element(
        child.get("id", ""),
        child.get("name", ""),
        kind,
        lane,
        scope,
        child.get("attachedToRef", ""),
        child.get("cancelActivity", "true") != "false",
        timer,
        message,
        child.get("default", ""),
    )

"""Reads BPMN 2.0 XML safely and tells what stands in it: elements, flows, lanes. It runs
nothing.
"""

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
    """A node of the diagram. `scope` is the subprocess around it ("" on the main level), `on` what
    a boundary event sits on.
    """

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
    terminates: bool = False  # an end that ends all of its scope


@dataclass(frozen=True)
class Flow:
    """A sequence flow. `scope` is the subprocess in which it is written, like that of an
    element.
    """

    id: str
    source: str
    target: str
    condition: str = ""
    name: str = ""
    scope: str = ""


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
    """The tree of an XML file from outside. DOCTYPE, entities, network and huge trees are refused
    as ProcessFault.
    """
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


def read_diagram(tree: etree._Element) -> Diagram:
    """What stands in a BPMN tree. Raises ProcessFault when it holds no single executable
    process.
    """
    processes = tree.findall(f"{{{BPMN}}}process")
    if len(processes) != 1:
        raise ProcessFault(_("一个流程图里应当恰好有一个流程。"), file="process.bpmn")
    process = processes[0]
    messages = {
        each.get("id", ""): each.get("name", "") for each in tree.findall(f"{{{BPMN}}}message")
    }
    lanes = list(process.iter(f"{{{BPMN}}}lane"))
    reader = _Reader(messages, _lanes_of_nodes(lanes))
    reader.read(process, scope="", lane="")
    nodes = (node for node in tree.iter() if isinstance(node.tag, str))
    shapes = {drawn for node in nodes if (drawn := node.get("bpmnElement"))}
    return Diagram(
        process_id=process.get("id", ""),
        elements=reader.elements,
        flows=tuple(reader.flows),
        lanes=tuple(lane.get("name", "") for lane in lanes),
        messages=messages,
        shapes=frozenset(shapes),
        unknown=tuple(reader.unknown),
    )


def _lanes_of_nodes(lanes: list[Any]) -> dict[str, str]:
    """The name of the lane of each node that is placed in one."""
    found: dict[str, str] = {}
    for lane in lanes:
        for ref in lane.findall(f"{{{BPMN}}}flowNodeRef"):
            found[(ref.text or "").strip()] = lane.get("name", "")
    return found


class _Reader:
    """Collects the elements and flows of a process, level by level."""

    def __init__(self, messages: dict[str, str], lane_of: dict[str, str]) -> None:
        self.messages, self.lane_of = messages, lane_of
        self.elements: dict[str, Element] = {}
        self.flows: list[Flow] = []
        self.unknown: list[tuple[str, str]] = []

    def read(self, level: etree._Element, scope: str, lane: str) -> None:
        """The nodes of a process or subprocess; `lane` is that of the subprocess around them."""
        for node in level:
            if not isinstance(node.tag, str):
                continue
            kind, key = etree.QName(node).localname, node.get("id", "")
            if kind == "sequenceFlow":
                self.flows.append(_flow(node, scope))
            elif kind in NODES:
                own = self.lane_of.get(key, lane)
                self.elements[key] = self._element(node, kind, own, scope)
                if kind == "subProcess":
                    self.read(node, key, own)
            elif kind not in _SILENT:
                self.unknown.append((key, kind))

    def _element(self, node: etree._Element, kind: str, lane: str, scope: str) -> Element:
        timer = message = ""
        terminates = node.find(f"{{{BPMN}}}terminateEventDefinition") is not None
        for child in node:
            what = etree.QName(child).localname if isinstance(child.tag, str) else ""
            if what == "timerEventDefinition":
                timer = _text(child, "timeDate")
            elif what == "messageEventDefinition":
                message = self.messages.get(child.get("messageRef", ""), "")
            elif _is_unknown(what):
                self.unknown.append((node.get("id", ""), what))
        return Element(
            id=node.get("id", ""),
            name=node.get("name", ""),
            type=kind,
            lane=lane,
            scope=scope,
            on=node.get("attachedToRef", ""),
            interrupting=node.get("cancelActivity", "true") != "false",
            timer=timer,
            message=message,
            default=node.get("default", ""),
            terminates=terminates,
        )


_SILENT = {  # what stands beside nodes and flows and changes nothing
    "laneSet",
    "documentation",
    "extensionElements",
    "incoming",
    "outgoing",
    "textAnnotation",
    "association",
}


def _is_unknown(kind: str) -> bool:
    """Does a node do something that we do not run?"""
    is_event = kind.endswith("EventDefinition") and kind != "terminateEventDefinition"
    return is_event or "LoopCharacteristics" in kind


def _flow(node: etree._Element, scope: str) -> Flow:
    return Flow(
        id=node.get("id", ""),
        source=node.get("sourceRef", ""),
        target=node.get("targetRef", ""),
        condition=_text(node, "conditionExpression"),
        name=node.get("name", ""),
        scope=scope,
    )


def _text(node: etree._Element, tag: str) -> str:
    """The text of a child; "" when there is none."""
    child = node.find(f"{{{BPMN}}}{tag}")
    return (child.text or "").strip() if child is not None else ""

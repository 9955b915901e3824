"""Diagrams as other tools write them, put into the elements that are run here.

What changes nothing is passed over, what means the same is written as we write it, ids that a tool
made up give way to the readable ones of [ids]. What has no meaning here stays and is refused by the
check. A diagram that is written our way stays as it is, letter by letter.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lxml import etree

from engine.definitions.diagram import BPMN, parse_xml
from engine.errors import ProcessFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = "process.bpmn"
PASSED_OVER = (
    "extensionElements",
    "dataObject",
    "dataObjectReference",
    "dataStore",
    "dataStoreReference",
    "dataInputAssociation",
    "dataOutputAssociation",
    "ioSpecification",
    "property",
    "itemDefinition",
    "category",
)
_DONE_BY_A_PERSON = ("task", "manualTask")
_FOREIGN = re.compile(
    rf"<(?:[\w.-]+:)?(?:{'|'.join((*PASSED_OVER, *_DONE_BY_A_PERSON))}"
    r"|intermediateThrowEvent|callActivity|timeDuration)[\s/>]"
)
_RULE = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+")
_PERIOD = re.compile(
    r"P(?=.)(?:\d{1,4}W|(?:\d{1,5}D)?(?:T(?=.)(?:\d{1,5}H)?(?:\d{1,5}M)?(?:\d{1,5}S)?)?)"
)
_REFERS = ("id", "sourceRef", "targetRef", "attachedToRef", "default", "bpmnElement")
_NAMES = ("flowNodeRef", "incoming", "outgoing")


@dataclass(frozen=True)
class Plain:
    """A diagram in our elements, and how often what was passed over."""

    text: str
    passed_over: tuple[tuple[str, int], ...] = ()


def plain(files: Mapping[str, str]) -> Plain:
    """The diagram among these files in our elements; as it stands where it cannot be read."""
    text = files.get(FILE, "")
    ids = _ids(files.get("process.toml", ""))
    if not isinstance(text, str) or not (ids or _FOREIGN.search(text)):
        return Plain(text)
    return _translated(text, ids)


def _ids(toml: object) -> tuple[tuple[str, str], ...]:
    """Of [ids]: the id in the diagram, and what it is called here."""
    if not isinstance(toml, str) or "[ids]" not in toml:
        return ()
    try:
        table = tomllib.loads(toml).get("ids", {})
    except (ValueError, RecursionError):
        return ()
    if not isinstance(table, dict):
        return ()
    return tuple((old, new) for new, old in table.items() if isinstance(old, str))


@lru_cache(maxsize=64)
def _translated(text: str, ids: tuple[tuple[str, str], ...]) -> Plain:
    try:
        tree = parse_xml(text.encode())
    except (ProcessFault, ValueError):
        return Plain(text)
    dropped = _drop(tree)
    _rename(tree, dict(ids))
    changed = [step(tree) for step in (_persons, _passes, _calls, _periods)]
    if not (dropped or ids or any(changed)):
        return Plain(text)
    return Plain(etree.tostring(tree, encoding="unicode"), tuple(sorted(dropped.items())))


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _all(tree: etree._Element, *kinds: str) -> Iterator[etree._Element]:
    for kind in kinds:
        yield from list(tree.iter(f"{{{BPMN}}}{kind}"))


def _drop(tree: etree._Element) -> Counter[str]:
    """Take out what changes nothing, with its picture and the lines to it."""
    nodes = list(_all(tree, *PASSED_OVER))
    leave_out(tree, nodes)
    return Counter(map(_local, nodes))


def leave_out(tree: etree._Element, nodes: list[etree._Element]) -> None:
    """Take nodes out of a diagram with all that stands in them, their pictures and the notes tied
    to them.
    """
    inside = (each.get("id") for node in nodes for each in node.iter() if _local(each))
    gone: set[str | None] = set(filter(None, inside))
    for node in _all(tree, "association"):
        if {node.get("sourceRef"), node.get("targetRef")} & gone:
            nodes, gone = [*nodes, node], {*gone, node.get("id")}
    shapes = [node for node in tree.iter() if _local(node) and node.get("bpmnElement") in gone]
    for node in (*nodes, *shapes):
        _take_out(node)


def _take_out(node: etree._Element) -> None:
    above = node.getparent()
    if above is not None:
        above.remove(node)


def _rename(tree: etree._Element, ids: Mapping[str, str]) -> None:
    """Readable ids wherever the made-up ones stood; lanes and messages go by their names."""
    if not ids:
        return
    for node in tree.iter():
        kind, own = _local(node), node.get("id")
        if kind in ("lane", "message") and own is not None and own in ids:
            node.set("name", ids[own])
            continue
        for key in _REFERS if kind else ():
            old = node.get(key)
            if old is not None and old in ids and not _is_lane(tree, node, key):
                node.set(key, ids[old])
        text = (node.text or "").strip()
        if kind in _NAMES and text in ids:
            node.text = ids[text]


def _is_lane(tree: etree._Element, node: etree._Element, key: str) -> bool:
    """Does a picture show a lane, which keeps its id?"""
    shown = node.get(key)
    return key == "bpmnElement" and any(
        each.get("id") == shown for each in _all(tree, "lane", "message")
    )


def _persons(tree: etree._Element) -> bool:
    """What somebody does outside of any system is a user task: it is told when it is done."""
    found = list(_all(tree, *_DONE_BY_A_PERSON))
    for node in found:
        node.tag = f"{{{BPMN}}}userTask"
    return bool(found)


def _passes(tree: etree._Element) -> bool:
    """A throw event that throws nothing marks a point on the way: a gateway with one way on."""
    found = [
        node
        for node in _all(tree, "intermediateThrowEvent")
        if not any(_local(child).endswith("EventDefinition") for child in node)
    ]
    for node in found:
        node.tag = f"{{{BPMN}}}exclusiveGateway"
    return bool(found)


def _calls(tree: etree._Element) -> bool:
    """A process of the same file that is called from one place stands there as a subprocess."""
    processes = {node.get("id"): node for node in _all(tree, "process")}
    calls = list(_all(tree, "callActivity"))
    times = Counter(node.get("calledElement") for node in calls)
    changed = False
    for node in calls:
        key = node.get("calledElement")
        called = processes.get(key)
        if called is None or times[key] > 1 or called in node.iterancestors():
            continue
        node.tag = f"{{{BPMN}}}subProcess"
        del node.attrib["calledElement"]
        for child in list(called):
            node.append(child)
        _take_out(called)
        changed = True
    return changed


def _periods(tree: etree._Element) -> bool:
    """A duration is the length of a rule, or a period as ISO 8601 writes it: a moment from now."""
    changed = False
    for node in _all(tree, "timeDuration"):
        text = (node.text or "").strip()
        if _RULE.fullmatch(text):
            node.text = f'due("{text}")'
        elif _PERIOD.fullmatch(text):
            node.text = f'lasting("{text}")'
        elif "(" not in text:
            continue
        node.tag, changed = f"{{{BPMN}}}timeDate", True
    return changed

"""The errand of tests/processes, made sound in every respect: what faults are put into, one at a time."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from engine import definitions, law
from engine.definitions.diagram import parse_xml, read_diagram

ROOT = Path(__file__).parents[2]
POSTS = frozenset({"formal_delegate", "union_secretary", "unit_head"})
DI = (
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
)
ENGLISH = """
[names_en]
start = "Launched"
taken_back = "Taken back"
withdrawn = "Withdrawn"
passed = "Passed?"
overdue = "Overdue"
nudge = "Remind"
nudged = "Reminded"
done = "Done"
graded = "Grade it"
printed = "Print it"
"""
DECISION = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:test">
  <decision id="graded" name="分级"><decisionTable id="t" hitPolicy="UNIQUE">
    <input id="i" label="结论"><inputExpression id="e"><text>check.decision</text></inputExpression></input>
    <output id="o" label="等级" name="grade"/>
    <rule id="r1"><description>试验第一条</description><inputEntry id="a"><text>"pass"</text></inputEntry><outputEntry id="b"><text>"high"</text></outputEntry></rule>
    <rule id="r2"><description>其他情形</description><inputEntry id="c"><text>-</text></inputEntry><outputEntry id="f"><text>"low"</text></outputEntry></rule>
  </decisionTable></decision>
</definitions>
"""
STORY = """
title = "提出以后由处室审核"
at = 2026-03-02T09:00:00+08:00
[cast]
"张敏" = ["formal_delegate@信息学院"]
[[step]]
who = "张敏"
does = "launch"
with = { subject = "修门" }
expect = ["check"]
"""
WITHDRAW = '{"type": "default", "id": "withdraw", "components": []}'
EXTRA = """
[actions.printed]
do = "issue_document"
document = "slip"
[documents.slip]
title = "办结单"
title_en = "Slip"
numbering = "单〔{year}〕{n:03}"
"""


@lru_cache(maxsize=1)
def rulebook() -> law.Rulebook:
    """The law that comes with the product."""
    return law.load(ROOT / "processes" / "law")


def drawn(bpmn: str) -> str:
    """The diagram with a shape for every node and an edge for every flow, whatever was drawn before."""
    bare = re.sub(r"\s*<bpmndi:BPMNDiagram.*</bpmndi:BPMNDiagram>", "", bpmn, flags=re.S)
    bare = (
        bare
        if "xmlns:bpmndi" in bare
        else bare.replace("<bpmn:definitions ", f"<bpmn:definitions {DI} ", 1)
    )
    diagram = read_diagram(parse_xml(bare.encode()))
    shapes = "".join(
        f'<bpmndi:BPMNShape id="{key}_di" bpmnElement="{key}"><dc:Bounds x="0" y="0" width="9" height="9"/></bpmndi:BPMNShape>'
        for key in diagram.elements
    )
    edges = "".join(
        f'<bpmndi:BPMNEdge id="{f.id}_di" bpmnElement="{f.id}"><di:waypoint x="0" y="0"/><di:waypoint x="1" y="1"/></bpmndi:BPMNEdge>'
        for f in diagram.flows
    )
    picture = (
        f'<bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="{diagram.process_id}">'
        f"{shapes}{edges}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>"
    )
    return bare.replace("</bpmn:definitions>", f"{picture}</bpmn:definitions>")


@lru_cache(maxsize=1)
def _sound() -> tuple[tuple[str, str], ...]:
    files = definitions.read(ROOT / "tests" / "processes" / "errand")
    toml = files["process.toml"].replace(
        'passes = "2*good > roll"', 'passes = "good > roll - good"'
    )
    toml = toml.replace(
        "[tasks.mend]",
        '[tasks.check.next_en]\npass = "On to the office"\nreturn = "Back"\n\n[tasks.mend]',
        1,
    )
    toml = toml.replace(
        'bad = "不满意"\n',
        'bad = "不满意"\n[tasks.rate.poll.labels_en]\ngood = "Good"\nbad = "Bad"\n',
        1,
    )
    bpmn = files["process.bpmn"]
    # two more elements, so that a decision table and a document are there to be broken
    bpmn = bpmn.replace(
        'id="f10" sourceRef="rate" targetRef="done"', 'id="f10" sourceRef="rate" targetRef="graded"'
    )
    more = (
        '<bpmn:businessRuleTask id="graded" name="分级"/><bpmn:sequenceFlow id="f11" sourceRef="graded" targetRef="printed"/>'
        '<bpmn:serviceTask id="printed" name="出单"/><bpmn:sequenceFlow id="f12" sourceRef="printed" targetRef="done"/>'
    )
    bpmn = bpmn.replace('<bpmn:endEvent id="done"', f'{more}<bpmn:endEvent id="done"')
    refs = "<bpmn:flowNodeRef>graded</bpmn:flowNodeRef><bpmn:flowNodeRef>printed</bpmn:flowNodeRef>"
    bpmn = bpmn.replace(
        "<bpmn:flowNodeRef>do</bpmn:flowNodeRef>", f"<bpmn:flowNodeRef>do</bpmn:flowNodeRef>{refs}"
    )
    files["process.toml"] = toml + EXTRA + ENGLISH
    files["process.bpmn"] = drawn(bpmn)
    files["graded.dmn"] = DECISION
    files.setdefault("forms/withdraw.json", WITHDRAW)
    files["scenarios/launched.toml"] = STORY
    files["documents/slip.typ"] = '#let d = json("data.json")\n#d.instance.title\n'
    return tuple(files.items())


def sound() -> dict[str, str]:
    """A fresh copy of a folder without a fault."""
    return dict(_sound())


def edited(file: str, old: str, new: str, again: bool = False) -> dict[str, str]:
    """The sound folder with one text replaced in one file; `again`: the diagram is drawn anew."""
    files = sound()
    assert old in files[file], f"{old!r} does not stand in {file}"
    files[file] = files[file].replace(old, new)
    if again:
        files[file] = drawn(files[file])
    return files

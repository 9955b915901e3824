"""A toy process in which the verbs meet what they trip over: a fork half done, a subprocess, a vote beside, a timer, a guard by law, a
link outside.
"""

from __future__ import annotations

import json

_OFFICE = (
    "fork",
    "left",
    "right",
    "join",
    "check",
    "inner",
    "one",
    "two",
    "beside",
    "wait",
    "met",
    "seal",
    "letter",
    "done",
)
_NODES = """
<bpmn:startEvent id="start" name="开始"/><bpmn:userTask id="draft" name="起草"/>
<bpmn:parallelGateway id="fork" name="分头"/><bpmn:userTask id="left" name="甲办"/><bpmn:userTask id="right" name="乙办"/>
<bpmn:boundaryEvent id="late" name="到期" attachedToRef="left" cancelActivity="false"><bpmn:timerEventDefinition id="d1">
<bpmn:timeDate>task_due</bpmn:timeDate></bpmn:timerEventDefinition></bpmn:boundaryEvent><bpmn:endEvent id="told" name="已提醒"/>
<bpmn:parallelGateway id="join" name="汇合"/><bpmn:userTask id="check" name="核对"/>
<bpmn:subProcess id="inner" name="办理"><bpmn:startEvent id="in" name="进"/><bpmn:userTask id="one" name="先办"/><bpmn:userTask id="two" name="后办"/>
<bpmn:endEvent id="out" name="出"/><bpmn:sequenceFlow id="i1" sourceRef="in" targetRef="one"/>
<bpmn:sequenceFlow id="i2" sourceRef="one" targetRef="two"/><bpmn:sequenceFlow id="i3" sourceRef="two" targetRef="out"/></bpmn:subProcess>
<bpmn:parallelGateway id="beside" name="同时"/><bpmn:userTask id="sign" name="会签"/><bpmn:userTask id="wait" name="拟稿"/>
<bpmn:parallelGateway id="met" name="会齐"/><bpmn:userTask id="seal" name="用印"/><bpmn:userTask id="letter" name="来函"/>
<bpmn:endEvent id="done" name="完成"/>
"""
_FLOWS = (
    "start draft, draft fork, fork left, fork right, left join, right join, late told, join check, check inner, inner beside, "
    "beside sign, beside wait, sign met, wait met, met seal, seal letter, letter done"
)
_TOML = """
id = "crossroads"
title = "岔路"
title_en = "Crossroads"
summary = "供试验。"
summary_en = "For trials."
basis = "试验"
basis_en = "Trial"
numbering = "岔〔{year}〕{n:03}"
subject = "launch.subject"
launch = ["formal_delegate"]
search = ["launch.subject"]
verbs = ["comment", "hand_over", "send_back", "recall", "delegate", "join", "deputise", "copy"]

[lanes.mover]
title = "提出人"
title_en = "Mover"
person = "launch.mover"

[lanes.office]
title = "校工会"
title_en = "Office"
post = "union_secretary"
unit = "union"

[tasks.draft]
[tasks.left]
due = 'due("MO-REVIEW")'
[tasks.right]
[tasks.check]
[tasks.one]
[tasks.two]
[tasks.wait]
[tasks.seal]
[tasks.letter]
link = true

[tasks.sign.poll]
kind = "consent"
roll = 'delegates("formal")'
choices = ["yes", "no"]
words = "过半数同意。"
words_en = "More than half."
closes = 'due("MO-RATE")'
passes = "2*yes > roll"
early = "decided"
closable = "passes"
[tasks.sign.poll.labels]
yes = "同意"
no = "不同意"

[[guards]]
at = ["seal"]
holds = 'check.note != "未核"'
text = "核对以后才能用印。"
text_en = "It is sealed after it was checked."
basis = "CG-QUORUM"
"""
ASKED = ("draft", "left", "right", "check", "one", "two", "wait", "seal", "letter")


def _form(key: str, field: str, label: str) -> str:
    asked = {"type": "textfield", "key": field, "label": label, "properties": {"label_en": "Note"}}
    return json.dumps(
        {
            "type": "default",
            "id": key,
            "components": [{**asked, "validate": {"required": True, "maxLength": 200}}],
        }
    )


def _lane(key: str, nodes: tuple[str, ...]) -> str:
    refs = "".join(f"<bpmn:flowNodeRef>{node}</bpmn:flowNodeRef>" for node in nodes)
    return f'<bpmn:lane id="lane_{key}" name="{key}">{refs}</bpmn:lane>'


def files() -> dict[str, str]:
    """The folder, by path."""
    pairs = [pair.split() for pair in _FLOWS.split(", ")]
    flows = "".join(
        f'<bpmn:sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>'
        for n, (a, b) in enumerate(pairs)
    )
    lanes = _lane("mover", ("start", "draft", "sign")) + _lane(
        "office", (*_OFFICE, "late", "told", "in", "out")
    )
    bpmn = (
        '<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'id="definitions" targetNamespace="urn:yixing"><bpmn:process id="crossroads" name="岔路" isExecutable="true">'
        f'<bpmn:laneSet id="lanes">{lanes}</bpmn:laneSet>{_NODES}{flows}</bpmn:process></bpmn:definitions>'
    )
    forms = {f"forms/{key}.json": _form(key, "note", "说明") for key in ASKED}
    return {
        "process.toml": _TOML,
        "process.bpmn": bpmn,
        "forms/launch.json": _form("launch", "subject", "案由"),
        **forms,
    }

"""The hall of the sessions with a second meeting in it, of other people."""

from __future__ import annotations

from engine import definitions
from tests.engine.sessions import HALL

SECOND = """name = "职工"
name_en = "Staff"

[tasks.members]
title_en = "Members"
due = 'due("STEP-DAYS")'
[tasks.members.meeting]
name = "会员"
name_en = "Members"
beside = "session"
decides = 'launch.subject == "会员"'
formal = 'holders("member_delegate") - holders("retained_member")'
quorum = 'reaches("CG-QUORUM", present, due)'
words = "会员代表 {CG-QUORUM} 到会。"
words_en = "Quorum {CG-QUORUM}."

[tasks.put]"""
ROLL = """roll = 'meeting("members", "roll") if launch.subject == "会员" else meeting("session", "roll")'"""
DRAWN = {
    "<bpmn:flowNodeRef>session</bpmn:flowNodeRef>": "<bpmn:flowNodeRef>session</bpmn:flowNodeRef><bpmn:flowNodeRef>members</bpmn:flowNodeRef>",
    '<bpmn:userTask id="put"': '<bpmn:userTask id="members" name="会员开会"/><bpmn:userTask id="put"',
    '<bpmn:sequenceFlow id="f7"': '<bpmn:sequenceFlow id="f8" sourceRef="fork" targetRef="members"/><bpmn:sequenceFlow id="f9" sourceRef="members" targetRef="join"/><bpmn:sequenceFlow id="f7"',
}


def shared(**changed: str) -> dict[str, str]:
    """The hall with a second meeting in it; `changed`: what its table says otherwise."""
    second = SECOND
    for key, value in changed.items():
        lines = (
            f"{key} = {value}" if line.startswith(f"{key} =") else line
            for line in second.split("\n")
        )
        second = "\n".join(line for line in lines if line != f"{key} = ")
    files = dict(definitions.read(HALL))
    files["process.toml"] = files["process.toml"].replace("[tasks.put]", second)
    files["process.toml"] = files["process.toml"].replace("roll = 'delegates(\"formal\")'", ROLL)
    for old, new in DRAWN.items():
        files["process.bpmn"] = files["process.bpmn"].replace(old, new)
    return files

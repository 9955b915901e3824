"""No dead end: each step that waits has a moment, somebody who urges, and somebody who takes it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.definitions.check import draft, waiting
from tests.hostile.sound import sound

if TYPE_CHECKING:
    from collections.abc import Iterator

TOML, BPMN = "process.toml", "process.bpmn"
DUE = """due = 'due("STEP-DAYS")'\n"""
NAMED = (TOML, 'search = ["launch.subject"]', 'search = []\nconfidentiality = "named"')
MEND = '<bpmn:userTask id="mend" name="修改"/>'
TAKEN = '<bpmn:messageEventDefinition id="d1" messageRef="message_withdraw"/>'
ON = '<bpmn:endEvent id="withdrawn" name="撤回"/>'

Edit = tuple[str, str, str]


def told(*edits: Edit) -> list[str]:
    """What is said of the steps that wait in the sound errand after these edits."""
    files = sound()
    for file, old, new in edits:
        assert old in files[file], old
        files[file] = files[file].replace(old, new)
    read, _wrong = draft.read(files)
    return [f"{fault.element}: {fault.what}" for fault in waiting.faults(read)]


def timer(on: str, *, cancels: bool) -> Edit:
    """A timer on a task, from which one goes on to the end."""
    event = (
        f'<bpmn:boundaryEvent id="t" attachedToRef="{on}" cancelActivity="{str(cancels).lower()}">'
        "<bpmn:timerEventDefinition id='td'><bpmn:timeDate>now</bpmn:timeDate></bpmn:timerEventDefinition>"
        '</bpmn:boundaryEvent><bpmn:sequenceFlow id="tf" sourceRef="t" targetRef="done"/>'
    )
    return BPMN, MEND, MEND + event


def beside(what: str) -> Edit:
    """Something that waits from the start on, beside all else."""
    start = '<bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="check"/>'
    gate = (
        '<bpmn:sequenceFlow id="b0" sourceRef="start" targetRef="both"/><bpmn:parallelGateway id="both"/>'
        '<bpmn:sequenceFlow id="b1" sourceRef="both" targetRef="check"/>'
        f'<bpmn:sequenceFlow id="b2" sourceRef="both" targetRef="other"/>{what}'
        '<bpmn:sequenceFlow id="b3" sourceRef="other" targetRef="all_over"/>'
        '<bpmn:endEvent id="all_over"><bpmn:terminateEventDefinition id="tt"/></bpmn:endEvent>'
    )
    return BPMN, start, gate


CLOCK = (
    '<bpmn:intermediateCatchEvent id="other"><bpmn:timerEventDefinition id="td">'
    "<bpmn:timeDate>now</bpmn:timeDate></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>"
)
CALL = (
    '<bpmn:intermediateCatchEvent id="other" name="来信"><bpmn:messageEventDefinition id="md" '
    'messageRef="message_withdraw"/></bpmn:intermediateCatchEvent>'
)
NO_DUE = (TOML, DUE, "")
NOBODY = "mend: “修改”的办理人因病、离开或者应当回避时，没有人能接替。"
NO_MOMENT = "mend: “修改”没有期限，一直没有人办也没有人知道。"
BY_OFFICE = (TOML, 'lane = "mover"', 'lane = "office"')
ANOTHER = (
    TOML,
    "[actions.nudge]",
    '[actions.withdrawn]\ndo = "set_fact"\n[actions.withdrawn.set]\n"launch.mover" = "actor"\n[actions.nudge]',
)


def cases() -> Iterator[tuple[str, tuple[Edit, ...], list[str]]]:
    """A name, what is changed, and what is said then."""
    yield "sound", (), []
    yield "no moment", (NO_DUE,), [NO_MOMENT]
    yield "reminded", (NO_DUE, timer("mend", cancels=False)), []
    yield "goes on by itself", (NO_DUE, timer("mend", cancels=True)), []
    yield "all of it ends", (NO_DUE, beside(CLOCK)), []
    yield "confidential, the owner's", (NAMED,), [NOBODY]
    yield "confidential, goes on by itself", (NAMED, timer("mend", cancels=True)), []
    yield "confidential, only reminded", (NAMED, timer("mend", cancels=False)), [NOBODY]
    yield "named anew by its owner", (NAMED, ANOTHER), [NOBODY]
    moved = (BPMN, 'attachedToRef="check"', 'attachedToRef="mend"')
    yield "named anew by a post", (NAMED, ANOTHER, BY_OFFICE, moved), []
    yield "named anew, but elsewhere", (NAMED, ANOTHER, BY_OFFICE), [NOBODY]
    yield (
        "the owner's, and binding",
        ((TOML, 'search = ["launch.subject"]', 'binding_after = ["check"]'),),
        [NOBODY],
    )
    posts = (TOML, 'post = "union_secretary"\nunit = "union"', 'person = "check.by"')
    late = [
        f"{key}: “{name}”到期以后没有人督办：本件保密，没有一条泳道由职务担任。"
        for key, name in (("check", "核对"), ("mend", "修改"), ("do", "办理"))
    ]
    yield "nobody urges", (NAMED, posts), late
    alone = (BPMN, MEND, CALL.replace('"other"', '"mend"'))
    yield "a message alone", (alone,), ["mend: “来信”的消息一直不来，这里就不会结束。"]
    yield "a message beside the rest", (beside(CALL),), []


@pytest.mark.parametrize(
    ("edits", "said"), [each[1:] for each in cases()], ids=[c[0] for c in cases()]
)
def test_what_waits_has_a_road(edits: tuple[Edit, ...], said: list[str]) -> None:
    found = told(*edits)
    assert [each for each in found if each in said] == said
    if not any("督办" in each for each in said):
        assert found == said

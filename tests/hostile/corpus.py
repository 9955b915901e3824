"""Definitions made to harm: each is a sound folder with one hostile thing in it. Nothing here is ever carried out."""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from tests.hostile.sound import drawn, edited, sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Files = dict[str, str]
Case = tuple[str, "Callable[[], Files]"]
TOML, BPMN, DMN = "process.toml", "process.bpmn", "graded.dmn"
CANARY = f"{tempfile.gettempdir()}/yixing-hostile-canary-{os.getpid()}"
SECRET = f"{tempfile.gettempdir()}/yixing-hostile-secret-{os.getpid()}"

# --- code in every place where an expression stands ------------------------------------------------------------------------
ATTACKS = {
    "import": f"__import__('os').system('touch {CANARY}')",
    "subclasses": "().__class__.__bases__[0].__subclasses__()",
    "class of a fact": "launch.__class__.__mro__",
    "open": f"open('{CANARY}', 'w')",
    "exec": "exec('import os')",
    "eval": "eval('1+1')",
    "lambda": "(lambda: 1)()",
    "comprehension": "[x for x in [1]]",
    "f-string": "f'{launch}'",
    "method": "'a'.format(launch)",
    "power tower": "9**9**9",
    "getattr": "getattr(launch, 'x')",
    "globals": "globals()",
    "breakpoint": "breakpoint()",
    "walrus": "(x := 1)",
    "subscript": "launch['__class__']",
    "star": "count(*launch)",
    "keyword": "max(key=launch)",
    "two statements": "1; import os",
    "nesting": "not " * 3_000 + "true",
    "brackets": "(" * 3_000 + "true" + ")" * 3_000,
    "a long number": "1" * 20_000,
    "full-width name": "__ｉmport__('os')",
    "invisible character": "tr\u200bue",
    "backslash": "'\\x41'",
    "bytes": "b'a'",
    "complex number": "1j",
    "ellipsis": "...",
    "await": "await launch",
    "yield": "(yield 1)",
    "set": "{1}",
    "dict": "{'a': 1}",
    "decimal": "0.1 > 0",
    "is": "launch is null",
    "bit operation": "1 << 1",
    "matrix product": "launch @ launch",
    "environment": "settings.home",
    "function without call": "due",
}


def _toml_text(expression: str) -> str:
    return json.dumps(expression, ensure_ascii=False)


def _condition(attack: str) -> Files:
    return edited(BPMN, 'check.decision == "pass"', escape(attack))


def _timer(attack: str) -> Files:
    return edited(BPMN, ">task_due<", f">{escape(attack)}<")


def _toml(old: str, new: str, attack: str) -> Files:
    return edited(TOML, old, new.replace("$", _toml_text(attack)))


def _cell(old: str, attack: str) -> Files:
    return edited(DMN, old, f"<text>{escape(attack)}</text>")


def _hide(attack: str) -> Files:
    files = sound()
    schema = json.loads(files["forms/check.json"])
    schema["components"][1]["conditional"]["hide"] = f"={attack}"
    return {**files, "forms/check.json": json.dumps(schema, ensure_ascii=False)}


_NUDGE = 'do = "remind"\ntask = "do"'
PLACES: dict[str, Callable[[str], Files]] = {
    "a condition": _condition,
    "a timer": _timer,
    "a deadline": partial(_toml, "due = 'due(\"MO-REVIEW\")'", "due = $"),
    "a recusal": partial(_toml, 'outcomes = "decision"', 'outcomes = "decision"\nrecuse = $'),
    "a gate": partial(
        _toml,
        "[tasks.mend]",
        '[[tasks.check.gates]]\nholds = $\ntext = "不"\ntext_en = "No"\n[tasks.mend]',
    ),
    "a roll": partial(_toml, "roll = 'delegates(\"formal\")'", "roll = $"),
    "a poll's end": partial(_toml, "closes = 'due(\"MO-RATE\")'", "closes = $"),
    "a poll's rule": partial(_toml, 'passes = "good > roll - good"', "passes = $"),
    "a lane's unit": partial(_toml, 'unit = "union"', "unit = $"),
    "a lane's person": partial(_toml, 'person = "launch.mover"', "person = $"),
    "a set fact": partial(_toml, _NUDGE, 'do = "set_fact"\nset = { "launch.subject" = $ }'),
    "a merger": partial(_toml, _NUDGE, 'do = "merge_into"\ntarget = $'),
    "a take-over": partial(_toml, _NUDGE, 'do = "take_over"\nto = $'),
    "a result code": partial(_toml, _NUDGE, 'do = "add_to_report"\ncode = $'),
    "the subject": partial(_toml, 'subject = "launch.subject"', "subject = $"),
    "a searched fact": partial(_toml, 'search = ["launch.subject"]', "search = [$]"),
    "a column of a table": partial(_cell, "<text>check.decision</text>"),
    "a cell of a table": partial(_cell, '<text>"pass"</text>'),
    "a result of a table": partial(_cell, '<text>"high"</text>'),
    "a hidden field": _hide,
}


def expressions() -> Iterator[Case]:
    """Every attack in every place."""
    for place, put in PLACES.items():
        for name, attack in ATTACKS.items():
            if place == "a cell of a table" and name == "function without call":
                continue  # a bare word there is told to be quoted; the same fault is covered by the others
            yield f"{name} in {place}", partial(put, attack)


# --- XML ------------------------------------------------------------------------------------------------------------------
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
DOCTYPES = {
    "billion laughs": f"<!DOCTYPE x [{_LAUGHS}]>",
    "quadratic blow-up": f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>',
    "an outside entity": f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{SECRET}">]>',
    "an outside DTD": f'<!DOCTYPE x SYSTEM "file://{SECRET}">',
    "a DTD from the net": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    "a public DTD": '<!DOCTYPE x PUBLIC "-//X//X//EN" "http://127.0.0.1:9/x.dtd">',
    "a parameter entity": f'<!DOCTYPE x [<!ENTITY % p SYSTEM "file://{SECRET}"> %p;]>',
    "an entity of an entity": '<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>',
    "an attribute list": '<!DOCTYPE x [<!ATTLIST x a CDATA "b">]>',
    "an empty DOCTYPE": "<!DOCTYPE x>",
    "a DOCTYPE over lines": "<!DOCTYPE\n x\n [\n]>",
    "a DOCTYPE in small letters": "<!doctype x>",
}
_HEADER = '<?xml version="1.0" encoding="UTF-8"?>'


def _with_doctype(file: str, doctype: str) -> Files:
    files = edited(file, _HEADER, _HEADER + doctype)
    return {
        **files,
        file: files[file].replace("办事单", "&a;&l9;").replace("试验第一条", "&a;&l9;"),
    }


def _in_utf7(file: str) -> Files:
    files = sound()
    body = files[file].replace(_HEADER, "")
    hidden = "+ADwAIQ-DOCTYPE x +AFsAPAAh-ENTITY a 'b'+AD4AXQA+-"
    return {
        **files,
        file: f'<?xml version="1.0" encoding="UTF-7"?>{hidden}{body.encode("ascii", "xmlcharrefreplace").decode()}',
    }


def _wrapped(file: str, head: str, tail: str, element: str) -> Files:
    """`element` put inside the process or the decision."""
    closing = "</bpmn:process>" if file == BPMN else "</decisionTable>"
    return edited(file, closing, f"{head}{element}{tail}{closing}")


def xml() -> Iterator[Case]:
    """Everything that XML is known for."""
    for file in (BPMN, DMN):
        for name, doctype in DOCTYPES.items():
            yield f"{name} in {file}", partial(_with_doctype, file, doctype)
        yield f"a DOCTYPE in UTF-7 in {file}", partial(_in_utf7, file)
        for encoding in ("UTF-16", "UTF-32", "EBCDIC-CP-US", "no-such-encoding"):
            if file != DMN:  # a decision table is read as UTF-8 whatever it says of itself
                yield (
                    f"{encoding} said of {file}",
                    partial(edited, file, 'encoding="UTF-8"', f'encoding="{encoding}"'),
                )
        yield f"5,000 levels in {file}", partial(_wrapped, file, "<a>" * 5_000, "</a>" * 5_000, "")
        yield f"300 levels in {file}", partial(_wrapped, file, "<a>" * 300, "</a>" * 300, "")
        yield f"60,000 elements in {file}", partial(_wrapped, file, "", "", "<a/>" * 60_000)
        yield f"5,000 elements in {file}", partial(_wrapped, file, "", "", "<a/>" * 5_000)
        yield f"a megabyte of text in {file}", partial(_wrapped, file, "", "", "x" * 1_000_001)
        yield (
            f"a megabyte in an attribute of {file}",
            partial(_wrapped, file, "", "", f'<a b="{"x" * 1_000_001}"/>'),
        )
        yield f"an attribute twice in {file}", partial(_wrapped, file, "", "", '<a b="1" b="2"/>')
        yield f"an unknown entity in {file}", partial(_wrapped, file, "", "", "&nbsp;")
        yield f"an unknown prefix in {file}", partial(_wrapped, file, "", "", "<none:a/>")
        yield f"a character that is none in {file}", partial(_wrapped, file, "", "", "&#0;")
        yield f"a raw control character in {file}", partial(_wrapped, file, "", "", "\x01")
        yield f"NUL in {file}", partial(_wrapped, file, "", "", "\0")
        yield f"half a character in {file}", partial(_wrapped, file, "", "", "\ud800")
        yield f"nothing in {file}", lambda file=file: {**sound(), file: ""}
        yield f"a blank {file}", lambda file=file: {**sound(), file: " \n"}
        yield f"another root in {file}", lambda file=file: {**sound(), file: "<html/>"}
        yield f"an unclosed root in {file}", lambda file=file: {**sound(), file: "<a>"}
        yield f"two roots in {file}", lambda file=file: {**sound(), file: "<a/><b/>"}
        yield f"a JPEG in {file}", lambda file=file: {**sound(), file: "\xff\xd8\xff\xe0JFIF" * 100}
    yield (
        "XInclude in the diagram",
        partial(
            _wrapped,
            BPMN,
            "",
            "",
            f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{SECRET}"/>',
        ),
    )
    yield (
        "a processing instruction in the diagram",
        partial(_wrapped, BPMN, "", "", '<?xml-stylesheet href="x.xsl"?>'),
    )
    yield (
        "a foreign user task",
        partial(_wrapped, BPMN, "", "", '<e:userTask xmlns:e="urn:evil" id="e"/>'),
    )


# --- what BPMN can hold that would run or never end ----------------------------------------------------------------------------
_CODE = f"__import__('os').system('touch {CANARY}')"
ELEMENTS = {
    "a script task": f'<bpmn:scriptTask id="x" scriptFormat="python"><bpmn:script>{_CODE}</bpmn:script></bpmn:scriptTask>',
    "a script task in CDATA": f'<bpmn:scriptTask id="x"><bpmn:script><![CDATA[{_CODE}]]></bpmn:script></bpmn:scriptTask>',
    "a send task": '<bpmn:sendTask id="x"/>',
    "a receive task": '<bpmn:receiveTask id="x"/>',
    "a manual task": '<bpmn:manualTask id="x"/>',
    "a plain task": '<bpmn:task id="x"/>',
    "a call activity to itself": '<bpmn:callActivity id="x" calledElement="errand"/>',
    "a transaction": '<bpmn:transaction id="x"/>',
    "an ad-hoc subprocess": '<bpmn:adHocSubProcess id="x"/>',
    "an event subprocess": '<bpmn:subProcess id="x" triggeredByEvent="true"/>',
    "an inclusive gateway": '<bpmn:inclusiveGateway id="x"/>',
    "a complex gateway": '<bpmn:complexGateway id="x"/>',
    "an event-based gateway": '<bpmn:eventBasedGateway id="x"/>',
    "a throw event": '<bpmn:intermediateThrowEvent id="x"/>',
    "a resource": '<bpmn:resourceRole id="x"/>',
    "a choreography": '<bpmn:choreographyTask id="x"/>',
    "a monitor": '<bpmn:monitoring id="x"/>',
    "a supported operation": '<bpmn:supportedInterfaceRef id="x"/>',
    "an escaping flow": '<bpmn:sequenceFlow id="x" sourceRef="do" targetRef="/etc/passwd"/>',
}
INSIDE = {  # inside the user task `mend`
    "many instances by code": f"<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>{_CODE}</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>",
    "a loop by code": f"<bpmn:standardLoopCharacteristics><bpmn:loopCondition>{_CODE}</bpmn:loopCondition></bpmn:standardLoopCharacteristics>",
    "a form of another make": '<bpmn:humanPerformer id="x"/>',
}
PASSED_OVER = {  # inside the user task `mend` or beside it: says nothing to us, and is not kept
    "a data object": '<bpmn:dataObject id="x"/>',
    "a data store": '<bpmn:dataStoreReference id="x"/>',
    "a property": '<bpmn:property id="x"/>',
    "input and output": '<bpmn:ioSpecification id="x"/>',
    "extension elements": f'<bpmn:extensionElements><s:preScript xmlns:s="http://spiffworkflow.org/bpmn/schema/1.0/core">{_CODE}</s:preScript></bpmn:extensionElements>',
    "a pre-script": f'<bpmn:extensionElements><s:preScript xmlns:s="http://spiffworkflow.org/bpmn/schema/1.0/core">{_CODE}</s:preScript></bpmn:extensionElements>',
    "a post-script": f'<bpmn:extensionElements><s:postScript xmlns:s="http://spiffworkflow.org/bpmn/schema/1.0/core">{_CODE}</s:postScript></bpmn:extensionElements>',
    "a service operator": '<bpmn:extensionElements><s:serviceTaskOperator xmlns:s="http://spiffworkflow.org/bpmn/schema/1.0/core" id="http/GetRequest"/></bpmn:extensionElements>',
    "a camunda listener": f'<bpmn:extensionElements><c:taskListener xmlns:c="http://camunda.org/schema/1.0/bpmn" expression="${{{_CODE}}}"/></bpmn:extensionElements>',
    "data in": '<bpmn:dataInputAssociation id="x"/>',
    "data out": '<bpmn:dataOutputAssociation id="x"/>',
}
EVENTS = {  # instead of the timer of the boundary event
    "a cycle": f"<bpmn:timerEventDefinition><bpmn:timeCycle>{_CODE}</bpmn:timeCycle></bpmn:timerEventDefinition>",
    "a duration": f"<bpmn:timerEventDefinition><bpmn:timeDuration>{_CODE}</bpmn:timeDuration></bpmn:timerEventDefinition>",
    "a timer with everything": "<bpmn:timerEventDefinition><bpmn:timeDate>task_due</bpmn:timeDate><bpmn:timeCycle>R/PT1S</bpmn:timeCycle></bpmn:timerEventDefinition>",
    "an empty timer": "<bpmn:timerEventDefinition/>",
    "a condition event": f"<bpmn:conditionalEventDefinition><bpmn:condition>{_CODE}</bpmn:condition></bpmn:conditionalEventDefinition>",
    "a signal": "<bpmn:signalEventDefinition/>",
    "an error": "<bpmn:errorEventDefinition/>",
    "an escalation": "<bpmn:escalationEventDefinition/>",
    "a compensation": "<bpmn:compensateEventDefinition/>",
    "a cancellation": "<bpmn:cancelEventDefinition/>",
    "a link": "<bpmn:linkEventDefinition/>",
    "a termination": "<bpmn:terminateEventDefinition/>",
    "a timer twice": '<bpmn:timerEventDefinition><bpmn:timeDate>task_due</bpmn:timeDate></bpmn:timerEventDefinition><bpmn:messageEventDefinition messageRef="message_withdraw"/>',
}
_MEND = '<bpmn:userTask id="mend" name="修改"/>'
_BOUNDARY = '<bpmn:timerEventDefinition id="d2"><bpmn:timeDate>task_due</bpmn:timeDate></bpmn:timerEventDefinition>'


def passed_over() -> Iterator[tuple[str, Files]]:
    """Diagrams with what says nothing here, in a task and beside it."""
    for name, element in PASSED_OVER.items():
        inside = _MEND.replace("/>", f">{element}</bpmn:userTask>")
        yield f"{name} in a task", edited(BPMN, _MEND, inside)
        yield f"{name} beside a task", edited(BPMN, _MEND, f"{_MEND}{element}")


def _circle(kind: str, length: int) -> str:
    """`length` nodes in a circle that no wait interrupts, entered from `f5` and left by nobody."""
    nodes = "".join(f'<bpmn:{kind} id="c{n}"/>' for n in range(length))
    flows = "".join(
        f'<bpmn:sequenceFlow id="cf{n}" sourceRef="c{n}" targetRef="c{(n + 1) % length}"/>'
        for n in range(length)
    )
    return nodes + flows


def _turning(kind: str, length: int, way_out: bool) -> Files:
    leave = ""
    if way_out:
        leave = '<bpmn:sequenceFlow id="out" sourceRef="c0" targetRef="done"><bpmn:conditionExpression>check.decision == "pass"</bpmn:conditionExpression></bpmn:sequenceFlow>'
    files = edited(
        BPMN,
        'id="f5" sourceRef="mend" targetRef="check"',
        'id="f5" sourceRef="mend" targetRef="c0"',
    )
    text = files[BPMN].replace("</bpmn:process>", f"{_circle(kind, length)}{leave}</bpmn:process>")
    if way_out:
        text = text.replace(
            '<bpmn:exclusiveGateway id="c0"/>', '<bpmn:exclusiveGateway id="c0" default="cf0"/>'
        )
    refs = "".join(f"<bpmn:flowNodeRef>c{n}</bpmn:flowNodeRef>" for n in range(length))
    return {
        **files,
        BPMN: drawn(
            text.replace(
                "<bpmn:flowNodeRef>do</bpmn:flowNodeRef>",
                f"<bpmn:flowNodeRef>do</bpmn:flowNodeRef>{refs}",
            )
        ),
    }


def _around_a_subprocess(inside: str) -> Files:
    """A subprocess that waits for nobody, and a flow from its end back to its beginning."""
    files = edited(
        BPMN,
        'id="f5" sourceRef="mend" targetRef="check"',
        'id="f5" sourceRef="mend" targetRef="g0"',
    )
    sub = f'<bpmn:subProcess id="sub">{inside}</bpmn:subProcess><bpmn:exclusiveGateway id="g0"/><bpmn:sequenceFlow id="g1" sourceRef="g0" targetRef="sub"/><bpmn:sequenceFlow id="g2" sourceRef="sub" targetRef="g0"/>'
    return {**files, BPMN: drawn(files[BPMN].replace("</bpmn:process>", f"{sub}</bpmn:process>"))}


def parallel(count: int) -> Files:
    """Sound but for the number of ways through it: each gateway joins and splits again."""
    gates = "".join(f'<bpmn:parallelGateway id="p{n}"/>' for n in range(count + 1))
    flows = "".join(
        f'<bpmn:sequenceFlow id="p{n}{way}" sourceRef="p{n}" targetRef="p{n + 1}"/>'
        for n in range(count)
        for way in "ab"
    )
    files = edited(
        BPMN,
        'id="f10" sourceRef="rate" targetRef="graded"',
        'id="f10" sourceRef="rate" targetRef="p0"',
    )
    last = f'<bpmn:sequenceFlow id="pz" sourceRef="p{count}" targetRef="graded"/>'
    refs = "".join(f"<bpmn:flowNodeRef>p{n}</bpmn:flowNodeRef>" for n in range(count + 1))
    text = files[BPMN].replace("</bpmn:process>", f"{gates}{flows}{last}</bpmn:process>")
    return {
        **files,
        BPMN: drawn(
            text.replace(
                "<bpmn:flowNodeRef>do</bpmn:flowNodeRef>",
                f"<bpmn:flowNodeRef>do</bpmn:flowNodeRef>{refs}",
            )
        ),
    }


def _deep(levels: int) -> Files:
    head = "".join(f'<bpmn:subProcess id="s{n}">' for n in range(levels))
    return edited(BPMN, "</bpmn:process>", f"{head}{'</bpmn:subProcess>' * levels}</bpmn:process>")


def bpmn() -> Iterator[Case]:
    """Elements that hold code, and circles that never wait."""
    for name, element in ELEMENTS.items():
        yield (
            f"{name} in the diagram",
            partial(edited, BPMN, "</bpmn:process>", f"{element}</bpmn:process>"),
        )
        inner = f'<bpmn:subProcess id="sx"><bpmn:startEvent id="sy"/>{element}</bpmn:subProcess>'
        yield (
            f"{name} in a subprocess",
            partial(edited, BPMN, "</bpmn:process>", f"{inner}</bpmn:process>"),
        )
    for name, element in INSIDE.items():
        yield (
            f"{name} in a task",
            partial(
                edited,
                BPMN,
                _MEND,
                f'<bpmn:userTask id="mend" name="修改">{element}</bpmn:userTask>',
            ),
        )
        yield (
            f"{name} in a service task",
            partial(
                edited,
                BPMN,
                '<bpmn:serviceTask id="nudge" name="催办"/>',
                f'<bpmn:serviceTask id="nudge" name="催办">{element}</bpmn:serviceTask>',
            ),
        )
    for name, element in EVENTS.items():
        yield f"{name} on a task", partial(edited, BPMN, _BOUNDARY, element)
        yield (
            f"{name} at the start",
            partial(
                edited,
                BPMN,
                '<bpmn:startEvent id="start" name="提出"/>',
                f'<bpmn:startEvent id="start" name="提出">{element}</bpmn:startEvent>',
            ),
        )
    for kind in ("exclusiveGateway", "parallelGateway", "serviceTask", "businessRuleTask"):
        for length in (1, 2, 3, 50):
            yield f"{length} × {kind} in a circle", partial(_turning, kind, length, False)
    for length in (2, 50, 400):
        yield (
            f"{length} gateways in a circle with a way out",
            partial(_turning, "exclusiveGateway", length, True),
        )
    passing = '<bpmn:startEvent id="i1"/><bpmn:endEvent id="i2"/><bpmn:sequenceFlow id="i3" sourceRef="i1" targetRef="i2"/>'
    yield (
        "a circle around a subprocess that waits for nobody",
        partial(_around_a_subprocess, passing),
    )
    nested = (
        passing.replace('targetRef="i2"', 'targetRef="n"')
        + '<bpmn:sequenceFlow id="i4" sourceRef="n" targetRef="i2"/><bpmn:subProcess id="n">'
        + passing.replace('"i', '"j')
        + "</bpmn:subProcess>"
    )
    yield "a circle around nested subprocesses", partial(_around_a_subprocess, nested)
    for levels in (2, 30, 100, 1_000):
        yield f"{levels} empty subprocesses in one another", partial(_deep, levels)
    for count in (10, 12, 100):
        yield f"{count} parallel gateways one after another", partial(parallel, count)
    yield (
        "600 gateways that all lead to one another",
        lambda: edited(
            BPMN,
            "</bpmn:process>",
            "".join(
                f'<bpmn:exclusiveGateway id="k{n}"/><bpmn:sequenceFlow id="kf{n}" sourceRef="k{n}" targetRef="k{(n * 7) % 600}"/><bpmn:sequenceFlow id="kg{n}" sourceRef="k{n}" targetRef="k{(n + 1) % 600}"/>'
                for n in range(600)
            )
            + "</bpmn:process>",
        ),
    )
    for key in (
        "../../etc/passwd",
        "a b",
        "审核",
        "__class__",
        "launch",
        "union",
        "if",
        "due",
        "a" * 500,
        "A",
        "1",
        "x;y",
        "‮dne",
        "ｃheck",
    ):
        yield f"a task called {key[:20]!r}", partial(edited, BPMN, '"mend"', f'"{key}"')
    for key in ("message_x", "", "message_withdraw message_withdraw"):
        yield (
            f"a message reference {key!r}",
            partial(edited, BPMN, 'messageRef="message_withdraw"', f'messageRef="{key}"'),
        )
    for name in ("", "__import__", "withdraw; DROP TABLE", "../x", "launch"):
        yield (
            f"a message called {name!r}",
            partial(edited, BPMN, 'name="withdraw"', f'name="{name}"'),
        )


# --- TOML ------------------------------------------------------------------------------------------------------------------
WRONG = {
    "a number": "7",
    "a list": '["x"]',
    "a table": "{ a = 1 }",
    "a date": "2026-01-01",
    "a truth": "true",
    "a decimal": "nan",
}
TEXTS = {
    "id": 'id = "errand"',
    "title": 'title = "办事单"',
    "summary_en": 'summary_en = "A small process of three tasks, for trials."',
    "numbering": 'numbering = "办〔{year}〕{n:03}"',
    "subject": 'subject = "launch.subject"',
    "due": "due = 'due(\"MO-REVIEW\")'",
    "roll": "roll = 'delegates(\"formal\")'",
    "passes": 'passes = "good > roll - good"',
    "post": 'post = "union_secretary"',
    "do": 'do = "remind"',
}
TABLES = {
    "lanes": "[lanes.mover]",
    "tasks": "[tasks.check]",
    "messages": "[messages.withdraw]",
    "actions": "[actions.nudge]",
    "documents": "[documents.slip]",
}
TOML_BOMBS = {
    "100,000 opening brackets": "x = " + "[" * 100_000,
    "1,000 lists in one another": "x = " + "[" * 1_000 + "]" * 1_000,
    "1,000 tables in one another": "x = " + "{ a = " * 1_000 + "1" + " }" * 1_000,
    "a key of 20,000 dots": ".".join("a" * 20_000) + " = 1",
    "a header of 20,000 dots": f"[{'.'.join('a' * 20_000)}]",
    "a number of 100,000 digits": "x = " + "9" * 100_000,
    "a hex number without end": "x = 0x" + "f" * 200_000,
    "a key twice": 'id = "errand"\nid = "errand"',
    "a table twice": "[lanes]\n[lanes]",
    "a table over a text": 'lanes = "x"\n[lanes.a]',
    "no value": "x =",
    "no key": "= 1",
    "an open text": 'x = "',
    "a control character": 'x = "\x01"',
    "a lone carriage return": "x = 1\ry = 2",
    "a date that is none": "x = 2026-13-45",
    "an escape that is none": 'x = "\\q"',
    "a surrogate": 'x = "\\ud800"',
    "half a megabyte of keys": "\n".join(f"k{n} = {n}" for n in range(50_000)),
    "a text without end": f'x = "{"a" * 900_000}"',
}
NUMBERINGS = (
    "{n.__class__}",
    "{n.__class__.__mro__}",
    "{year[0]}",
    "{n!r:>999999999}",
    "{n:999999999}",
    "{n:>9999999999}",
    "{0}",
    "{}",
    "{x}",
    "{n",
    "n}",
    "{n:{year}}",
    "{n:03}{union}",
    "{n:03}" + "a" * 100,
    "",
    "{year}",
    "{n:s}",
    "{n:e}",
    "{n!s}",
)


def toml() -> Iterator[Case]:
    """Wrong types in every place, and texts that drown a reader."""
    for key, line in TEXTS.items():
        for name, value in WRONG.items():
            yield (
                f"{name} for {key}",
                partial(edited, TOML, line, f"{line.partition(' = ')[0]} = {value}"),
            )
    for key, header in TABLES.items():
        yield (
            f"a list of tables for {key}",
            partial(edited, TOML, header, header.replace("[", "[[").replace("]", "]]")),
        )
    for key in TABLES:
        for name, value in WRONG.items():
            yield f"{name} for [{key}]", lambda key=key, value=value: _replaced_table(key, value)
    for name, text in TOML_BOMBS.items():
        yield (
            f"{name} in process.toml",
            lambda text=text: {**sound(), TOML: text + "\n" + sound()[TOML]},
        )
    for numbering in NUMBERINGS:
        yield (
            f"the numbering {numbering[:24]!r}",
            partial(edited, TOML, '"办〔{year}〕{n:03}"', _toml_text(numbering)),
        )
        yield (
            f"the numbering {numbering[:24]!r} of a document",
            partial(edited, TOML, '"单〔{year}〕{n:03}"', _toml_text(numbering or "{")),
        )
    for do in (
        "os.system",
        "__class__",
        "",
        "ISSUE_DOCUMENT",
        "remind\\u0000",
        "../actions",
        "print",
        "exec",
    ):
        yield f"the action {do!r}", partial(edited, TOML, 'do = "remind"', f'do = "{do}"')


def _replaced_table(key: str, value: str) -> Files:
    """process.toml with something else where a table of tables should be."""
    lines, kept, skipping = sound()[TOML].splitlines(), [], False
    for line in lines:
        if line.startswith("["):
            skipping = line.lstrip("[").startswith(f"{key}.")
        if not skipping:
            kept.append(line)
    return {**sound(), TOML: f"{key} = {value}\n" + "\n".join(kept)}


# --- JSON ------------------------------------------------------------------------------------------------------------------
FORMS = {
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a number": "1",
    "a text": '"x"',
    "an empty object": "{}",
    "100,000 opening brackets": "[" * 100_000,
    "2,000 objects in one another": '{"a":' * 2_000 + "1" + "}" * 2_000,
    "a number of 100,000 digits": "9" * 100_000,
    "NaN": '{"type": NaN}',
    "infinity": '{"type": -Infinity}',
    "1e999": '{"type": 1e999}',
    "half a text": '{"type": "',
    "a comma too many": '{"type": "default",}',
    "single quotes": "{'type': 'default'}",
    "a key twice": '{"type": "default", "type": "x", "id": "do", "components": []}',
    "a lone surrogate": '{"type": "default", "id": "\\ud800", "components": []}',
    "another type": '{"type": "script", "id": "do", "components": []}',
    "no components": '{"type": "default", "id": "do"}',
    "components as an object": '{"type": "default", "id": "do", "components": {}}',
    "components as a text": '{"type": "default", "id": "do", "components": "x"}',
    "10,000 components": json.dumps(
        {"type": "default", "id": "do", "components": [{"type": "text", "text": "x"}] * 10_000}
    ),
}
FIELD: dict[str, Any] = {
    "type": "textfield",
    "key": "note",
    "label": "说明",
    "properties": {"label_en": "Note"},
    "validate": {"maxLength": 100},
}
FIELDS: dict[str, Any] = {
    "a script": {"type": "script"},
    "html": {"type": "html"},
    "an iframe": {"type": "iframe"},
    "an image": {"type": "image"},
    "a type that is a list": {"type": ["textfield"]},
    "a type that is an object": {"type": {}},
    "a key that is a dunder": {"key": "__class__"},
    "a key with a dot": {"key": "a.b"},
    "a key that is a path": {"key": "../x"},
    "a key that is a number": {"key": 1},
    "a key that is null": {"key": None},
    "a key that is a word of the language": {"key": "if"},
    "a key that is a constant": {"key": "null"},
    "a label that is a list": {"label": []},
    "a label that is an object": {"label": {"a": 1}},
    "properties that are a list": {"properties": ["x"]},
    "validate that is a text": {"validate": "x"},
    "values that are an object": {"type": "radio", "values": {"a": "b"}},
    "values of numbers": {"type": "radio", "values": [{"label": "a", "value": 1}]},
    "values of texts": {"type": "radio", "values": ["a"]},
    "hide that is a truth": {"conditional": {"hide": True}},
    "hide that is an object": {"conditional": {"hide": {"a": 1}}},
    "conditional that is a list": {"conditional": [1]},
    "a pattern that explodes": {"validate": {"pattern": "^(a+)+$", "maxLength": 100}},
    "a pattern that explodes by choices": {"validate": {"pattern": "^(a|a)*$", "maxLength": 100}},
    "a pattern that cannot be read": {"validate": {"pattern": "(", "maxLength": 100}},
    "a pattern of 10,000 characters": {
        "validate": {"pattern": "^" + "a?" * 5_000 + "$", "maxLength": 100}
    },
    "a pattern that looks back": {"validate": {"pattern": "^(a)\\1$", "maxLength": 100}},
    "a length without end": {"validate": {"maxLength": 10**12}},
    "a negative length": {"validate": {"minLength": -1}},
    "a decimal length": {"validate": {"maxLength": 1.5}},
    "a length that is a text": {"validate": {"maxLength": "many"}},
    "a huge number": {"type": "number", "validate": {"max": 10**40}},
    "an unknown rule": {"validate": {"custom": "x"}},
    "a source that is a query": {
        "type": "select",
        "properties": {"label_en": "N", "source": "sql:select 1"},
    },
    "a source on a text": {"properties": {"label_en": "N", "source": "units:x"}},
    "a source that is a list": {
        "type": "select",
        "properties": {"label_en": "N", "source": ["units:x"]},
    },
    "no English": {"properties": {}},
    "a time of day": {"type": "datetime", "subtype": "time"},
}


def _form(text: str) -> Files:
    return {**sound(), "forms/do.json": text}


def forms() -> Iterator[Case]:
    """Forms that are none, and fields that are more than fields."""
    for name, text in FORMS.items():
        yield f"{name} as a form", partial(_form, text)
        yield f"{name} as the launch form", lambda text=text: {**sound(), "forms/launch.json": text}
    for name, change in FIELDS.items():
        yield (
            f"a field with {name}",
            partial(
                _form,
                json.dumps({"type": "default", "id": "do", "components": [{**FIELD, **change}]}),
            ),
        )
    for name, component in {"a number": 1, "a text": "x", "null": None, "a list": []}.items():
        yield (
            f"{name} as a field",
            partial(_form, json.dumps({"type": "default", "id": "do", "components": [component]})),
        )
    circle = [
        {**FIELD, "key": a, "conditional": {"hide": f"={b} != null"}}
        for a, b in (("x", "y"), ("y", "x"))
    ]
    yield (
        "fields that hide one another",
        partial(_form, json.dumps({"type": "default", "id": "do", "components": circle})),
    )
    yield (
        "a field twice",
        partial(_form, json.dumps({"type": "default", "id": "do", "components": [FIELD, FIELD]})),
    )


# --- file names, templates, decision tables --------------------------------------------------------------------------------------
NAMES = (
    "../x.dmn",
    "../../etc/passwd",
    "/etc/passwd",
    "forms/../../x.json",
    "forms/..",
    "forms//do.json",
    "./process.bpmn",
    "forms\\do.json",
    "C:\\x.dmn",
    "x.dmn\0",
    "x.dmn\n",
    "forms/审核.json",
    "FORMS/do.json",
    "forms/DO.json",
    ".git/config",
    "__init__.py",
    "evil.py",
    "documents/evil.py",
    "process.toml/x",
    "forms/a/b.json",
    "forms/.json",
    ".dmn",
    "con",
    "aux.dmn ",
    "http://x/y.dmn",
    "a" * 5_000 + ".dmn",
    "forms/" + "a" * 300 + ".json",
    "\u202egpj.dmn",
    "ｐrocess.toml",
    "scenarios/../x.toml",
    "documents/../../x.typ",
    "documents/x.exe",
    "%2e%2e/x.dmn",
    "~/.ssh/id_rsa",
    "$HOME.dmn",
    "a;rm -rf.dmn",
    "\ud800.dmn",
)
TEMPLATES = (
    '#read("/etc/passwd")',
    '#read("../../secret")',
    '#read("\\u{2f}etc/passwd")',
    '#import "@preview/cetz:0.3.0": *',
    '#import "@local/x:1.0.0"',
    '#plugin("/x.wasm")',
    '#image("http://127.0.0.1:9/x.png")',
    '#include "/etc/hostname"',
    '#let p = "/etc/passwd"\n#read(p)',
    "#json(sys.inputs.x)",
    '#csv("../x.csv")',
    '#bibliography("/x.bib")',
    '#yaml("../x.yaml")',
    '#xml("/x.xml")',
    '#toml("../x.toml")',
    '#cbor("/x")',
)
_ROW = '<rule id="r{n}"><description>试验</description><inputEntry id="i{n}"><text>{cell}</text></inputEntry><outputEntry id="o{n}"><text>"x"</text></outputEntry></rule>'
TABLES_OF_DMN = {
    "an unknown hit policy": ('hitPolicy="UNIQUE"', 'hitPolicy="PRIORITY"'),
    "a sum of hits": ('hitPolicy="UNIQUE"', 'hitPolicy="UNIQUE" aggregation="SUM"'),
    "a policy that is code": ('hitPolicy="UNIQUE"', 'hitPolicy="__import__"'),
    "two decisions": ("</definitions>", '<decision id="b"/></definitions>'),
    "no decision": ("decision id", "decisions id"),
    "a decision without an id": ('<decision id="graded"', "<decision"),
    "another namespace": ("20191111", "20151101"),
    "a row too short": ('<inputEntry id="a"><text>"pass"</text></inputEntry>', ""),
    "a row too long": ("</rule>", '<inputEntry id="z"><text>-</text></inputEntry></rule>'),
    "no rows": ("<rule ", "<rool "),
    "a result without a name": ('name="grade"', 'name=""'),
    "a result that is a dunder": ('name="grade"', 'name="__class__"'),
    "a result called because": ('name="grade"', 'name="because"'),
    "a cell that asks for facts": ('<text>"pass"</text>', "<text>launch.subject</text>"),
    "a cell with a range of texts and numbers": ('<text>"pass"</text>', "<text>[1..]</text>"),
    "a cell with a FEEL function": ('<text>"pass"</text>', "<text>date(1)</text>"),
    "a cell of 10,000 values": (
        '<text>"pass"</text>',
        "<text>" + ",".join(f'"{n}"' for n in range(10_000)) + "</text>",
    ),
    "a list in a cell": ('<text>"pass"</text>', '<text>["a"]</text>'),
    "a cell that is never met": ('<text>"pass"</text>', "<text>[1..0]</text>"),
    "a result without a value": ('<text>"high"</text>', "<text></text>"),
    "two equal rows": ('<rule id="r1">', _ROW.format(n=9, cell='"pass"') + '<rule id="r1">'),
    "a column without an expression": ("<text>check.decision</text>", "<text></text>"),
}


def _many_rows(count: int, policy: str, cell: str) -> Files:
    rows = "".join(_ROW.format(n=100 + n, cell=cell.format(n=n)) for n in range(count))
    files = edited(DMN, '<rule id="r1">', f'{rows}<rule id="r1">')
    return {**files, DMN: files[DMN].replace('hitPolicy="UNIQUE"', f'hitPolicy="{policy}"')}


def others() -> Iterator[Case]:
    """Names of files, templates of documents, decision tables."""
    for name in NAMES:
        yield f"a file called {name[:24]!r}", lambda name=name: {**sound(), name: sound()[DMN]}
    yield "1,000 files", lambda: {**sound(), **{f"scenarios/{n}.toml": "x" for n in range(1_000)}}
    yield (
        "6 MB of stories",
        lambda: {**sound(), **{f"scenarios/{n}.toml": "#" * 900_000 for n in range(7)}},
    )
    for template in TEMPLATES:
        yield (
            f"the template {template!r}",
            lambda template=template: {**sound(), "documents/slip.typ": template},
        )
    for name, (old, new) in TABLES_OF_DMN.items():
        yield f"a table with {name}", partial(edited, DMN, old, new)
    for count in (300, 1_000, 5_000):
        yield f"{count} equal rows", partial(_many_rows, count, "UNIQUE", '"a"')
        yield f"{count} rows behind one another", partial(_many_rows, count, "FIRST", 'not("{n}")')


def everything() -> list[Case]:
    """All hostile definitions, by name."""
    return [*expressions(), *xml(), *bpmn(), *toml(), *forms(), *others()]

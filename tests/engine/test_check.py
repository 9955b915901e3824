"""Every fault of a process folder is found, with the place, what is wrong and what to write; and all of them at once."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from engine import clock, definitions, law
from engine.commands import edge, registry  # noqa: F401  (edge: all actions enter themselves)
from engine.definitions import actions as declared
from engine.definitions import check
from engine.definitions.check import faults
from engine.definitions.check.language import FUNCTIONS, NAMES
from engine.definitions.outline import outline
from engine.instance.context import Context
from engine.people import posts
from tests.hostile.corpus import parallel
from tests.hostile.sound import POSTS, ROOT, edited, rulebook, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

TOML, BPMN, DMN = "process.toml", "process.bpmn", "graded.dmn"
FOLDERS = sorted(p.parent for p in (ROOT / "processes").glob("*/process.toml"))


def found(files: Mapping[str, str], folder: str = "errand") -> list[check.Fault]:
    return faults(files, rulebook(), POSTS, folder=folder)


def said(files: Mapping[str, str]) -> str:
    return "\n".join(map(str, found(files)))


def without(name: str) -> dict[str, str]:
    files = sound()
    del files[name]
    return files


def with_file(name: str, text: str) -> dict[str, str]:
    return {**sound(), name: text}


def form(name: str, **changes: object) -> dict[str, str]:
    files = sound()
    schema = json.loads(files[f"forms/{name}.json"])
    schema.update(changes)
    return {**files, f"forms/{name}.json": json.dumps(schema)}


def new_in(name: str, field: int) -> dict[str, str]:
    """The folder where one field of a form must differ from a former round."""
    components = json.loads(sound()[f"forms/{name}.json"])["components"]
    components[field]["properties"]["differs"] = "former"
    return form(name, components=components)


def duty(said: str) -> dict[str, str]:
    """The folder that fulfils a duty so."""
    return edited(TOML, "[lanes.mover]", f"[[duty]]\n{said}\n[lanes.mover]")


# --- one at a time: (in a sentence, the folder, the file, the element, what is said) ---------------------------------------
CASES = [
    # the folder
    ("a missing process.toml", without(TOML), TOML, "", "缺少 process.toml"),
    ("a missing diagram", without(BPMN), BPMN, "", "缺少 process.bpmn"),
    (
        "a missing launch form",
        without("forms/launch.json"),
        "forms/launch.json",
        "",
        "缺少 forms/launch.json",
    ),
    ("a file that does not belong", with_file("run.sh", "x"), "run.sh", "", "不能有这个文件"),
    ("a path that leads out", with_file("../evil.dmn", "x"), "../evil.dmn", "", "不能有这个文件"),
    ("a file with NUL", with_file("CHANGES.md", "a\0b"), "CHANGES.md", "", "不能保存的字符"),
    (
        "a file that is too large",
        with_file("CHANGES.md", "a" * 1_000_001),
        "CHANGES.md",
        "",
        "超过 1000 KB",
    ),
    ("toml that cannot be read", with_file(TOML, "id = "), TOML, "", "读不懂"),
    ("a form that is no JSON", with_file("forms/do.json", "{"), "forms/do.json", "", "读不懂"),
    (
        "a form with a key twice",
        with_file("forms/do.json", '{"id": "do", "id": "do"}'),
        "forms/do.json",
        "",
        "写了两次",
    ),
    (
        "a folder of another name",
        edited(TOML, 'id = "errand"', 'id = "other"'),
        TOML,
        "id",
        "文件夹叫 errand",
    ),
    # the shape of process.toml
    (
        "an unknown key",
        edited(TOML, 'numbering = "办', 'numbring = "办'),
        TOML,
        "numbring",
        "不认识的键“numbring”",
    ),
    ("a missing key", edited(TOML, 'basis = "试验"\n', ""), TOML, "basis", "缺少 basis"),
    (
        "a number for a text",
        edited(TOML, 'subject = "launch.subject"', "subject = 3"),
        TOML,
        "subject",
        "应是文字",
    ),
    (
        "a text for a list",
        edited(TOML, 'launch = ["formal_delegate"]', 'launch = "all"'),
        TOML,
        "launch",
        "应是清单",
    ),
    (
        "a list for a table",
        edited(TOML, "[lanes.office]", "[[lanes.office]]"),
        TOML,
        "lanes.office",
        "应是一张表",
    ),
    (
        "a title without English",
        edited(TOML, 'title_en = "Errand"\n', ""),
        TOML,
        "title",
        "没有英文的 title_en",
    ),
    (
        "asks without English",
        edited(TOML, 'asks_en = "Please check."\n', ""),
        TOML,
        "tasks.check",
        "没有英文的 asks_en",
    ),
    (
        "a next without English",
        edited(TOML, 'return = "Back"\n', ""),
        TOML,
        "tasks.check.next_en",
        "选项 return 没有英文",
    ),
    (
        "a label without English",
        edited(TOML, 'bad = "Bad"\n', ""),
        TOML,
        "tasks.rate.poll.labels_en",
        "选项 bad 没有英文",
    ),
    (
        "a node without English",
        edited(TOML, 'overdue = "Overdue"\n', ""),
        TOML,
        "names_en",
        "“到期”（overdue）没有英文名",
    ),
    (
        "an English name for nothing",
        edited(TOML, 'done = "Done"', 'ended = "Done"'),
        TOML,
        "names_en",
        "没有 ended",
    ),
    (
        "a numbering that reaches out",
        edited(TOML, "{n:03}", "{n.__class__}"),
        TOML,
        "numbering",
        "编号格式",
    ),
    (
        "a numbering that fills the memory",
        edited(TOML, "办〔{year}〕{n:03}", "办{n:999999999}"),
        TOML,
        "numbering",
        "编号格式",
    ),
    (
        "a numbering without a number",
        edited(TOML, "办〔{year}〕{n:03}", "办{year}"),
        TOML,
        "numbering",
        "编号格式",
    ),
    (
        "a binding act that is no action",
        edited(TOML, "[lanes.mover]", 'binding_after = ["check"]\n[lanes.mover]'),
        TOML,
        "binding_after",
        "不是动作",
    ),
    (
        "an open matter disclosed",
        edited(TOML, "[lanes.mover]", 'disclosed_by = ["check"]\n[lanes.mover]'),
        TOML,
        "disclosed_by",
        "本流程不保密",
    ),
    (
        "disclosed by what is not there",
        edited(
            TOML,
            "[lanes.mover]",
            'confidentiality = "named"\ndisclosed_by = ["nowhere"]\n[lanes.mover]',
        ),
        TOML,
        "disclosed_by",
        "nowhere 不是图中的",
    ),
    (
        "an unknown confidentiality",
        edited(TOML, "[lanes.mover]", 'confidentiality = "top"\n[lanes.mover]'),
        TOML,
        "confidentiality",
        "没有 top 这一档",
    ),
    (
        "a launch by an unknown post",
        edited(TOML, '"formal_delegate"]', '"kaiser"]'),
        TOML,
        "launch",
        "没有职务 kaiser",
    ),
    (
        "a subject that is no fact",
        edited(TOML, '"launch.subject"\nlaunch', '"launch.titel"\nlaunch'),
        TOML,
        "subject",
        "launch 里没有 titel",
    ),
    # lanes
    (
        "a lane without a table",
        edited(TOML, "[lanes.office]", "[lanes.offices]"),
        BPMN,
        "office",
        "没有说明由谁办",
    ),
    (
        "a lane without a post",
        edited(TOML, 'post = "union_secretary"\n', ""),
        TOML,
        "lanes.office",
        "没有说明由谁办",
    ),
    (
        "a lane of an unknown post",
        edited(TOML, '"union_secretary"', '"kaiser"'),
        TOML,
        "lanes.office",
        "没有职务 kaiser",
    ),
    (
        "a lane without a unit",
        edited(TOML, 'unit = "union"\n', ""),
        TOML,
        "lanes.office",
        "有 post，没有 unit",
    ),
    (
        "a lane of an unknown unit",
        edited(TOML, 'unit = "union"', 'unit = "chek.unit"'),
        TOML,
        "lanes.office",
        "没有名为 chek",
    ),
    (
        "a lane of an unknown person",
        edited(TOML, '"launch.mover"', '"launch.owner"'),
        TOML,
        "lanes.mover",
        "没有 owner",
    ),
    (
        "a lane that is not used",
        edited(
            TOML,
            "[lanes.office]",
            '[lanes.spare]\ntitle = "备"\ntitle_en = "S"\nperson = "starter"\n[lanes.office]',
        ),
        TOML,
        "lanes.spare",
        "都没有用到这条泳道",
    ),
    (
        "a node in no lane",
        edited(BPMN, "<bpmn:flowNodeRef>nudge</bpmn:flowNodeRef>", ""),
        BPMN,
        "nudge",
        "不在任何泳道里",
    ),
    (
        "a node in two lanes",
        edited(
            BPMN,
            "<bpmn:flowNodeRef>mend<",
            "<bpmn:flowNodeRef>do</bpmn:flowNodeRef><bpmn:flowNodeRef>mend<",
        ),
        BPMN,
        "do",
        "同时放在几条泳道里",
    ),
    (
        "a lane with a node that is none",
        edited(
            BPMN,
            "<bpmn:flowNodeRef>mend<",
            "<bpmn:flowNodeRef>x</bpmn:flowNodeRef><bpmn:flowNodeRef>mend<",
        ),
        BPMN,
        "x",
        "里的 x 不存在",
    ),
    (
        "two lanes of one name",
        edited(BPMN, 'name="office"', 'name="mover"'),
        BPMN,
        "mover",
        "2 条泳道都叫 mover",
    ),
    # tasks and polls
    (
        "a task that is not drawn",
        edited(TOML, "[tasks.mend]", "[tasks.mendd]"),
        TOML,
        "tasks.mendd",
        "没有用户任务 mendd",
    ),
    (
        "a task without an English title",
        edited(TOML, '[tasks.mend]\ntitle = "修改"\ntitle_en = "Mend"\n', ""),
        TOML,
        "tasks.mend",
        "没有英文名称",
    ),
    (
        "an unknown rule of a deadline",
        edited(TOML, 'due("MO-REVIEW")', 'due("MO-REVUE")'),
        TOML,
        "tasks.check",
        "没有规则 MO-REVUE",
    ),
    (
        "a deadline by a rule that is no time",
        edited(TOML, 'due("MO-REVIEW")', 'due("MO-SECOND")'),
        TOML,
        "tasks.check",
        "不是期限",
    ),
    (
        "a deadline that gives no moment",
        edited(TOML, "'due(\"MO-REVIEW\")'", '"now"'),
        TOML,
        "tasks.check",
        "没有给出期限",
    ),
    (
        "a deadline without a rule",
        edited(TOML, 'due("MO-REVIEW")', "due(launch.subject)"),
        TOML,
        "tasks.check",
        "里没有规则编号",
    ),
    (
        "too many arguments",
        edited(TOML, 'due("MO-REVIEW")', 'due("MO-REVIEW", now, now)'),
        TOML,
        "tasks.check",
        "due() 里写了 3 个参数",
    ),
    (
        "an unknown function",
        edited(TOML, 'due("MO-REVIEW")', 'open("MO-REVIEW")'),
        TOML,
        "tasks.check",
        "没有函数 open()",
    ),
    (
        "a number in a deadline",
        edited(TOML, "'due(\"MO-REVIEW\")'", '\'due("MO-REVIEW") if 7 > 0 else due("MO-REVIEW")\''),
        TOML,
        "tasks.check",
        "写了数字 7",
    ),
    (
        "an unknown basis",
        edited(TOML, 'outcomes = "decision"', 'basis = "MO-X"\noutcomes = "decision"'),
        TOML,
        "tasks.check",
        "没有规则 MO-X",
    ),
    (
        "a separation from no task",
        edited(TOML, 'outcomes = "decision"', 'not_by = ["chek"]\noutcomes = "decision"'),
        TOML,
        "tasks.check",
        "chek 不是用户任务",
    ),
    (
        "a recusal with an unknown name",
        edited(
            TOML, 'outcomes = "decision"', 'recuse = "acter == launch.mover"\noutcomes = "decision"'
        ),
        TOML,
        "tasks.check",
        "没有名为 acter",
    ),
    (
        "a blank in the words of a gate",
        edited(
            TOML,
            "[tasks.mend]",
            '[[tasks.check.gates]]\nholds = "not overdue"\ntext = "须有 {MO-SECOND} 名"\ntext_en = "No"\n[tasks.mend]',
        ),
        TOML,
        "tasks.check",
        "前提的说明里写了 {MO-SECOND}，这里不会替换",
    ),
    (
        "a gate with an unknown field",
        edited(
            TOML,
            "[tasks.mend]",
            '[[tasks.check.gates]]\nholds = "check.x"\ntext = "不行"\ntext_en = "No"\n[tasks.mend]',
        ),
        TOML,
        "tasks.check",
        "check 里没有 x",
    ),
    (
        "a gate without words",
        edited(TOML, "[tasks.mend]", '[[tasks.check.gates]]\nholds = "not overdue"\n[tasks.mend]'),
        TOML,
        "tasks.check.gates",
        "缺少 text",
    ),
    (
        "a prefill from nowhere",
        edited(TOML, 'outcomes = "decision"', 'prefill = ["lunch"]\noutcomes = "decision"'),
        TOML,
        "tasks.check",
        "lunch 不是本流程的事实",
    ),
    (
        "an outcome that is no field",
        edited(TOML, 'outcomes = "decision"', 'outcomes = "verdict"'),
        TOML,
        "tasks.check",
        "verdict 不在表单里",
    ),
    (
        "an outcome that is no choice",
        edited(TOML, 'outcomes = "decision"', 'outcomes = "reason"'),
        TOML,
        "tasks.check",
        "不是列出选项的单选",
    ),
    (
        "a next for no choice",
        edited(TOML, 'pass = "交办理"', 'passed = "交办理"'),
        TOML,
        "tasks.check",
        "passed 不是选项",
    ),
    (
        "a next without an outcome",
        edited(TOML, 'outcomes = "decision"\n', ""),
        TOML,
        "tasks.check",
        "没有 outcomes",
    ),
    (
        "a poll that may be taken back",
        edited(TOML, "[tasks.rate]\n", "[tasks.rate]\nundo = true\n"),
        TOML,
        "tasks.rate",
        "表决和会议不能撤回",
    ),
    (
        "a number in a poll",
        edited(TOML, "good > roll - good", "2*good > roll"),
        TOML,
        "tasks.rate.poll",
        "写了数字 2",
    ),
    (
        "an unknown name in a poll",
        edited(TOML, "good > roll - good", "god > roll"),
        TOML,
        "tasks.rate.poll",
        "没有名为 god",
    ),
    (
        "an unknown roll",
        edited(TOML, 'delegates("formal")', 'delegates("former")'),
        TOML,
        "tasks.rate.poll",
        "没有职务 former_delegate",
    ),
    (
        "a poll that never closes",
        edited(TOML, "closes = 'due(\"MO-RATE\")'\n", ""),
        TOML,
        "tasks.rate.poll",
        "缺少 closes",
    ),
    (
        "a poll of an unknown kind",
        edited(TOML, 'kind = "rating"', 'kind = "raiting"'),
        TOML,
        "tasks.rate.poll",
        "kind 不能是 raiting",
    ),
    (
        "a poll whose roll sees it at times",
        edited(TOML, 'early = "decided"', 'early = "decided"\nsight = "soon"'),
        TOML,
        "tasks.rate.poll",
        "sight 不能是",
    ),
    (
        "a poll whose answers are for a lane that is none",
        edited(TOML, 'early = "decided"', 'early = "decided"\nnames = ["nobody"]'),
        TOML,
        "tasks.rate.poll",
        "泳道 nobody 不存在",
    ),
    (
        "a secret poll whose answers are for a lane",
        edited(TOML, 'early = "decided"', 'early = "decided"\nsecret = true\nnames = []'),
        TOML,
        "tasks.rate.poll",
        "不能写 names",
    ),
    (
        "a poll that closes early somehow",
        edited(TOML, 'early = "decided"', 'early = "soon"'),
        TOML,
        "tasks.rate.poll",
        "early 不能是",
    ),
    (
        "a choice without a label",
        edited(TOML, 'bad = "不满意"\n', ""),
        TOML,
        "tasks.rate.poll",
        "选项 bad 没有名称",
    ),
    (
        "a choice called like a count",
        edited(TOML, '["good", "bad"]', '["good", "bad", "silent"]'),
        TOML,
        "tasks.rate.poll",
        "选项不能叫 silent",
    ),
    (
        "a poll with a form",
        with_file("forms/rate.json", '{"type": "default", "id": "rate", "components": []}'),
        "forms/rate.json",
        "rate",
        "不用表单",
    ),
    # messages
    (
        "a message without words",
        edited(TOML, "[messages.withdraw]", "[messages.withdrawn]"),
        TOML,
        "messages.withdraw",
        "没有说明",
    ),
    (
        "a message that nobody waits for",
        edited(TOML, "[messages.withdraw]", "[messages.withdrawn]"),
        TOML,
        "messages.withdrawn",
        "没有等待消息",
    ),
    (
        "a message of nobody",
        edited(TOML, 'lane = "mover"\n', ""),
        TOML,
        "messages.withdraw",
        "没有说明谁可以提出",
    ),
    (
        "a message of an unknown lane",
        edited(TOML, 'lane = "mover"', 'lane = "boss"'),
        TOML,
        "messages.withdraw",
        "没有泳道 boss",
    ),
    (
        "a message without a form",
        without("forms/withdraw.json"),
        "forms/withdraw.json",
        "withdraw",
        "没有表单",
    ),
    # forms
    ("a task without a form", without("forms/do.json"), "forms/do.json", "do", "没有表单"),
    (
        "a form for no task",
        with_file("forms/doo.json", '{"type": "default", "id": "doo", "components": []}'),
        "forms/doo.json",
        "doo",
        "没有环节或消息 doo",
    ),
    ("a form of another name", form("do", id="dodo"), "forms/do.json", "do", "表单的 id 是 dodo"),
    (
        "a form with an unknown field in a condition",
        edited("forms/check.json", "=decision !=", "=decison !="),
        "forms/check.json",
        "check",
        "没有名为 decison",
    ),
    (
        "a form with an unknown component",
        edited("forms/do.json", '"textarea"', '"script"'),
        "forms/do.json",
        "do",
        "类型 'script' 不能用",
    ),
    (
        "a form field without English",
        edited("forms/do.json", '"label_en": "Note"', '"label_en": ""'),
        "forms/do.json",
        "do",
        "缺少英文名称",
    ),
    # actions and documents
    (
        "a service task without an action",
        edited(TOML, "[actions.nudge]", "[actions.nudging]"),
        TOML,
        "actions.nudge",
        "没有说明做什么",
    ),
    (
        "an action for no service task",
        edited(TOML, "[actions.nudge]", "[actions.nudging]"),
        TOML,
        "actions.nudging",
        "没有服务任务",
    ),
    (
        "an action that is not registered",
        edited(TOML, 'do = "remind"', 'do = "os.system"'),
        TOML,
        "actions.nudge",
        "没有登记过动作",
    ),
    (
        "an action told too little",
        edited(TOML, 'document = "slip"\n', ""),
        TOML,
        "actions.printed",
        "缺少 document",
    ),
    (
        "an action told too much",
        edited(TOML, 'task = "do"', 'task = "do"\nloud = "yes"'),
        TOML,
        "actions.nudge",
        "不认识 loud",
    ),
    (
        "an action about no task",
        edited(TOML, 'task = "do"', 'task = "dot"'),
        TOML,
        "actions.nudge",
        "没有环节 dot",
    ),
    (
        "an action with a list for a text",
        edited(TOML, 'task = "do"', 'task = ["do"]'),
        TOML,
        "actions.nudge",
        "task 的写法不对",
    ),
    (
        "an action that sets an unknown fact",
        edited(
            TOML,
            'do = "remind"\ntask = "do"',
            'do = "set_fact"\nset = { "launch.subject" = "chek.reason" }',
        ),
        TOML,
        "actions.nudge",
        "没有名为 chek",
    ),
    (
        "an action that extends by an unknown rule",
        edited(TOML, 'do = "remind"', 'do = "extend"\nrule = "MO-X"'),
        TOML,
        "actions.nudge",
        "没有规则 MO-X",
    ),
    (
        "an action that recounts no poll",
        edited(TOML, 'do = "remind"\ntask = "do"', 'do = "recount"\npoll = "do"'),
        TOML,
        "actions.nudge",
        "do 不是表决",
    ),
    (
        "a document that is not described",
        edited(TOML, "[documents.slip]", "[documents.slips]"),
        TOML,
        "actions.printed",
        "没有文书 slip",
    ),
    (
        "a document without a template",
        without("documents/slip.typ"),
        "documents/slip.typ",
        "slip",
        "没有模板",
    ),
    (
        "a template for no document",
        with_file("documents/stray.typ", "x"),
        "documents/stray.typ",
        "stray",
        "没有文书 stray",
    ),
    (
        "a document that nothing issues",
        edited(TOML, 'document = "slip"', 'document = "slop"'),
        TOML,
        "documents.slip",
        "没有一个动作出具",
    ),
    (
        "a template that reads another file",
        with_file("documents/slip.typ", '#read("/etc/passwd")'),
        "documents/slip.typ",
        "slip",
        "用 read 读取",
    ),
    (
        "a template that loads a package",
        with_file("documents/slip.typ", '#import "@preview/x:1.0.0": *'),
        "documents/slip.typ",
        "slip",
        "用 import 读取",
    ),
    # decision tables
    ("a rule task without a table", without(DMN), DMN, "graded", "没有决策表"),
    (
        "a table for no rule task",
        with_file("other.dmn", sound()[DMN]),
        "other.dmn",
        "other",
        "没有业务规则任务 other",
    ),
    ("a table that cannot be read", with_file(DMN, "<x"), DMN, "graded", "不是完好的 XML"),
    (
        "a table of another id",
        edited(DMN, '<decision id="graded"', '<decision id="grade"'),
        DMN,
        "graded",
        "决策的 id 是 grade",
    ),
    (
        "a table without an otherwise",
        edited(DMN, "<text>-</text>", '<text>"return"</text>'),
        DMN,
        "graded",
        "其他情形",
    ),
    (
        "a table with overlapping rows",
        edited(
            DMN,
            '<rule id="r2">',
            '<rule id="r3"><description>x</description><inputEntry id="g"><text>not("x")</text></inputEntry><outputEntry id="h"><text>"x"</text></outputEntry></rule><rule id="r2">',
        ),
        DMN,
        "graded",
        "重叠",
    ),
    (
        "a table with an unknown fact",
        edited(DMN, "<text>check.decision", "<text>chek.decision"),
        DMN,
        "graded",
        "没有名为 chek",
    ),
    (
        "a table with an unknown field",
        edited(DMN, "<text>check.decision", "<text>check.decison"),
        DMN,
        "graded",
        "check 里没有 decison",
    ),
    (
        "a table with a number",
        edited(DMN, '<text>"pass"</text>', "<text>&gt;= 3</text>"),
        DMN,
        "graded",
        "数字 3",
    ),
    (
        "a table with an unknown rule",
        edited(DMN, '<text>"pass"</text>', '<text>&gt;= rule("MO-X")</text>'),
        DMN,
        "graded",
        "没有规则 MO-X",
    ),
    (
        "a table row without its article",
        edited(DMN, "<description>试验第一条</description>", ""),
        DMN,
        "graded",
        "没有说明",
    ),
    # the diagram: head, elements, ids
    ("a diagram that is no XML", with_file(BPMN, "<bpmn"), BPMN, "", "不是有效的 XML"),
    (
        "a diagram with a DOCTYPE",
        edited(BPMN, "<bpmn:definitions", "<!DOCTYPE x><bpmn:definitions"),
        BPMN,
        "",
        "DOCTYPE",
    ),
    (
        "a diagram with two processes",
        edited(BPMN, "</bpmn:process>", '</bpmn:process><bpmn:process id="b"/>'),
        BPMN,
        "",
        "恰好有一个流程",
    ),
    (
        "a diagram that is not executable",
        edited(BPMN, ' isExecutable="true"', ""),
        BPMN,
        "errand",
        "没有标为可执行",
    ),
    (
        "a diagram of another id",
        edited(BPMN, '<bpmn:process id="errand"', '<bpmn:process id="other"'),
        BPMN,
        "other",
        "流程图的 id 是 other",
    ),
    (
        "a script task",
        edited(
            BPMN,
            '<bpmn:serviceTask id="nudge" name="催办"/>',
            '<bpmn:scriptTask id="nudge"><bpmn:script>x</bpmn:script></bpmn:scriptTask>',
        ),
        BPMN,
        "nudge",
        "不能用 scriptTask",
    ),
    (
        "an inclusive gateway",
        edited(BPMN, "bpmn:exclusiveGateway", "bpmn:inclusiveGateway"),
        BPMN,
        "passed",
        "不能用 inclusiveGateway",
    ),
    (
        "a call activity",
        edited(BPMN, "</bpmn:process>", '<bpmn:callActivity id="c"/></bpmn:process>'),
        BPMN,
        "c",
        "不能用 callActivity",
    ),
    (
        "a multi-instance task",
        edited(
            BPMN,
            '<bpmn:userTask id="mend" name="修改"/>',
            '<bpmn:userTask id="mend" name="修改"><bpmn:multiInstanceLoopCharacteristics/></bpmn:userTask>',
        ),
        BPMN,
        "mend",
        "multiInstanceLoopCharacteristics",
    ),
    (
        "a timer by duration",
        edited(
            BPMN,
            "<bpmn:timeDate>task_due</bpmn:timeDate>",
            "<bpmn:timeDuration>P1M</bpmn:timeDuration>",
        ),
        BPMN,
        "d2",
        "不能用 timeDuration",
    ),
    (
        "an event subprocess",
        edited(
            BPMN,
            "</bpmn:process>",
            '<bpmn:subProcess id="s" triggeredByEvent="true"/></bpmn:process>',
        ),
        BPMN,
        "s",
        "事件子流程",
    ),
    ("an id twice", edited(BPMN, 'id="f2"', 'id="f1"'), BPMN, "f1", "重复了 2 次"),
    (
        "a task without an id",
        edited(BPMN, '<bpmn:userTask id="mend"', "<bpmn:userTask"),
        BPMN,
        "修改",
        "没有 id",
    ),
    (
        "a task id that no expression can say",
        edited(BPMN, '"mend"', '"Mend-1"'),
        BPMN,
        "Mend-1",
        "不合规定",
    ),
    ("a task called like a function", edited(BPMN, '"mend"', '"due"'), BPMN, "due", "已有用途"),
    # the diagram: events and flows
    (
        "a start with a timer",
        edited(
            BPMN,
            '<bpmn:startEvent id="start" name="提出"/>',
            '<bpmn:startEvent id="start" name="提出"><bpmn:timerEventDefinition id="t1"><bpmn:timeDate>now</bpmn:timeDate></bpmn:timerEventDefinition></bpmn:startEvent>',
        ),
        BPMN,
        "start",
        "不能带定时、消息或终止",
    ),
    (
        "an event that waits for nothing",
        edited(BPMN, '<bpmn:messageEventDefinition id="d1" messageRef="message_withdraw"/>', ""),
        BPMN,
        "taken_back",
        "既没有时刻",
    ),
    (
        "a boundary event on nothing",
        edited(BPMN, 'attachedToRef="check"', 'attachedToRef="chek"'),
        BPMN,
        "taken_back",
        "没有附在环节上",
    ),
    (
        "a boundary event on a gateway",
        edited(BPMN, 'attachedToRef="check"', 'attachedToRef="passed"'),
        BPMN,
        "taken_back",
        "不能附在 passed",
    ),
    (
        "a timer with an unknown name",
        edited(BPMN, ">task_due<", ">task_do<"),
        BPMN,
        "overdue",
        "没有名为 task_do",
    ),
    (
        "a timer on a task without a deadline",
        edited(TOML, "due = 'due(\"MO-REPLY\")'\n", ""),
        BPMN,
        "overdue",
        "没有名为 task_due",
    ),
    (
        "a timer that gives no moment",
        edited(BPMN, ">task_due<", ">now<"),
        BPMN,
        "overdue",
        "没有给出期限",
    ),
    (
        "a condition with an unknown name",
        edited(BPMN, "check.decision ==", "chek.decision =="),
        BPMN,
        "f6",
        "没有名为 chek",
    ),
    (
        "a condition with an unknown field",
        edited(BPMN, "check.decision ==", "check.decison =="),
        BPMN,
        "f6",
        "check 里没有 decison",
    ),
    (
        "a condition that runs a program",
        edited(BPMN, 'check.decision == "pass"', '__import__("os")'),
        BPMN,
        "f6",
        "下划线",
    ),
    (
        "a condition with a number",
        edited(BPMN, 'check.decision == "pass"', "count(launch.subject) > 3"),
        BPMN,
        "f6",
        "写了数字 3",
    ),
    (
        "a flow from nowhere",
        edited(BPMN, 'sourceRef="start"', 'sourceRef="begin"'),
        BPMN,
        "f1",
        "起点 begin 不存在",
    ),
    (
        "a flow to nowhere",
        edited(
            BPMN,
            'id="f8" sourceRef="nudge" targetRef="nudged"',
            'id="f8" sourceRef="nudge" targetRef="x"',
        ),
        BPMN,
        "f8",
        "终点 x 不存在",
    ),
    (
        "a flow out of an end",
        edited(BPMN, 'id="f8" sourceRef="nudge"', 'id="f8" sourceRef="withdrawn"'),
        BPMN,
        "f8",
        "从结束事件",
    ),
    (
        "a flow into the start",
        edited(BPMN, 'sourceRef="mend" targetRef="check"', 'sourceRef="mend" targetRef="start"'),
        BPMN,
        "f5",
        "通到 start",
    ),
    (
        "a condition on a plain flow",
        edited(
            BPMN,
            'id="f9" sourceRef="do" targetRef="rate"/>',
            'id="f9" sourceRef="do" targetRef="rate"><bpmn:conditionExpression>true</bpmn:conditionExpression></bpmn:sequenceFlow>',
        ),
        BPMN,
        "f9",
        "不能带条件",
    ),
    (
        "two ways out of a task",
        edited(BPMN, 'sourceRef="nudge"', 'sourceRef="do"'),
        BPMN,
        "do",
        "有 2 条连线",
    ),
    (
        "a gateway without a default",
        edited(BPMN, ' default="f4"', ""),
        BPMN,
        "passed",
        "没有默认连线",
    ),
    (
        "a gateway with a default that is not its own",
        edited(BPMN, 'default="f4"', 'default="f1"'),
        BPMN,
        "passed",
        "没有默认连线",
    ),
    (
        "a default with a condition",
        edited(BPMN, 'default="f4"', 'default="f6"'),
        BPMN,
        "f6",
        "默认连线不能带条件",
    ),
    (
        "a way out without a condition",
        edited(
            BPMN,
            '<bpmn:conditionExpression>check.decision == "pass"</bpmn:conditionExpression>',
            "",
        ),
        BPMN,
        "f6",
        "没有条件",
    ),
    (
        "a default on a task",
        edited(BPMN, '<bpmn:userTask id="mend"', '<bpmn:userTask default="f5" id="mend"'),
        BPMN,
        "mend",
        "只有排他网关才有默认连线",
    ),
    # the diagram: ways
    ("no start", edited(BPMN, "bpmn:startEvent", "bpmn:endEvent"), BPMN, "", "有 0 个开始事件"),
    (
        "two starts",
        edited(BPMN, "</bpmn:process>", '<bpmn:startEvent id="s2"/></bpmn:process>', True),
        BPMN,
        "",
        "有 2 个开始事件",
    ),
    (
        "a subprocess without an end",
        edited(
            BPMN,
            "</bpmn:process>",
            '<bpmn:subProcess id="s"><bpmn:startEvent id="s1"/></bpmn:subProcess></bpmn:process>',
            True,
        ),
        BPMN,
        "s",
        "没有结束事件",
    ),
    (
        "a node that is never reached",
        edited(
            BPMN,
            "</bpmn:process>",
            '<bpmn:serviceTask id="lost"/><bpmn:sequenceFlow id="f20" sourceRef="lost" targetRef="done"/></bpmn:process>',
            True,
        ),
        BPMN,
        "lost",
        "永远走不到",
    ),
    (
        "a dead end",
        edited(BPMN, '<bpmn:sequenceFlow id="f5" sourceRef="mend" targetRef="check"/>', ""),
        BPMN,
        "mend",
        "之后没有路",
    ),
    (
        "a circle without a way out",
        edited(
            BPMN, 'id="f9" sourceRef="do" targetRef="rate"', 'id="f9" sourceRef="do" targetRef="do"'
        ),
        BPMN,
        "do",
        "走不到任何结束事件",
    ),
    (
        "a circle without a wait",
        edited(
            BPMN,
            'id="f5" sourceRef="mend" targetRef="check"',
            'id="f5" sourceRef="mend" targetRef="passed"',
        )
        | {
            BPMN: edited(
                BPMN,
                'id="f5" sourceRef="mend" targetRef="check"',
                'id="f5" sourceRef="mend" targetRef="passed"',
            )[BPMN].replace('bpmn:userTask id="mend"', 'bpmn:serviceTask id="mend"')
        },
        BPMN,
        "mend",
        "不停的循环",
    ),
    ("too many ways at once", parallel(10), BPMN, "p0", "并行网关太多"),
    # what must be new in a later round
    ("something new of no text", new_in("check", 0), "forms/check.json", "check", "不是文字"),
    (
        "something new of a task that is done once",
        new_in("do", 0),
        "forms/do.json",
        "do",
        "不会再办一次",
    ),
    # the picture
    (
        "no picture at all",
        edited(
            BPMN,
            sound()[BPMN][
                sound()[BPMN].index("<bpmndi:BPMNDiagram") : sound()[BPMN].index(
                    "</bpmn:definitions>"
                )
            ],
            "",
        ),
        BPMN,
        "",
        "没有图形信息",
    ),
    (
        "a node without a shape",
        edited(BPMN, 'bpmnElement="mend"', 'bpmnElement="lanes"'),
        BPMN,
        "mend",
        "在图上没有位置",
    ),
    (
        "a flow without an edge",
        edited(BPMN, 'bpmnElement="f5"', 'bpmnElement="lanes"'),
        BPMN,
        "f5",
        "没有画出来",
    ),
    (
        "a shape of nothing",
        edited(BPMN, 'bpmnElement="mend"', 'bpmnElement="ghost"'),
        BPMN,
        "ghost",
        "图形对应的元素不存在",
    ),
    # what it does for a duty
    ("an unknown duty", duty('of = "X-1"\ndone = ["done"]'), TOML, "duty.X-1", "没有 X-1"),
    ("a duty without proof", duty('of = "D06-3"'), TOML, "duty", "缺少 done"),
    (
        "a duty twice",
        duty('of = "D06-3"\ndone = ["done"]\n[[duty]]\nof = "D06-3"\ndone = ["done"]'),
        TOML,
        "duty.D06-3",
        "写了两次",
    ),
    (
        "a duty proved by what can be done again",
        duty('of = "D06-3"\ndone = ["mend"]'),
        TOML,
        "duty.D06-3",
        "可以退回重办",
    ),
    (
        "a duty proved by nothing there",
        duty('of = "D06-3"\ndone = ["gone"]'),
        TOML,
        "duty.D06-3",
        "流程图里没有 gone",
    ),
    (
        "a duty that is done and not done",
        duty('of = "D06-3"\ndone = ["done"]\nbreached = ["done"]'),
        TOML,
        "duty.D06-3",
        "既是履行",
    ),
    (
        "what is no end of a duty",
        duty('of = "D06-3"\ndone = ["done"]\nnone = ["nudge"]'),
        TOML,
        "duty.D06-3",
        "不是结束事件",
    ),
    (
        "a duty by unknown facts",
        duty('of = "D06-3"\ndone = ["done"]\non = "nothing.on"'),
        TOML,
        "duty.D06-3",
        "nothing",
    ),
    (
        "a yearly duty with a last day of its own",
        duty('of = "D06-1"\ndone = ["done"]\ndue = "today"'),
        TOML,
        "duty.D06-1",
        "最后一天",
    ),
    (
        "a duty of a term that says not how long",
        duty('of = "D08-4"\ndone = ["done"]'),
        TOML,
        "duty.D08-4",
        "until",
    ),
]


@pytest.mark.parametrize(
    ("files", "file", "element", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_fault_is_found_and_explained(
    files: dict[str, str], file: str, element: str, words: str
) -> None:
    everything = found(files)
    fitting = [f for f in everything if f.file == file and words in f.what and f.element == element]
    assert fitting, "\n".join(map(str, everything)) or "nothing was found"
    assert all(
        f.what.endswith(("。", "；")) or "读不懂" in f.what or "XML" in f.what for f in fitting
    )
    assert all(f.advice for f in fitting)


def test_a_sound_folder_has_no_fault() -> None:
    assert found(sound()) == []
    assert found(new_in("mend", 0)) == []  # the way comes back to it


def test_all_faults_are_found_at_once() -> None:
    files = edited(TOML, 'due("MO-REVIEW")', 'due("MO-REVUE")')
    files[BPMN] = files[BPMN].replace(' default="f4"', "").replace(">task_due<", ">task_do<")
    files[DMN] = files[DMN].replace("check.decision", "chek.decision")
    del files["forms/do.json"]
    places = {(f.file, f.element) for f in found(files)}
    assert {
        (TOML, "tasks.check"),
        (BPMN, "passed"),
        (BPMN, "overdue"),
        (DMN, "graded"),
        ("forms/do.json", "do"),
    } <= places


def test_what_stands_in_a_toml_that_cannot_be_read_does_not_hide_the_rest() -> None:
    files = with_file(TOML, "id = ")
    files[BPMN] = files[BPMN].replace(' default="f4"', "")
    files["forms/do.json"] = "{"
    assert {f.file for f in found(files)} >= {TOML, BPMN, "forms/do.json"}


def test_no_fault_is_named_twice() -> None:
    everything = found(edited(BPMN, "check.decision ==", "chek.decision =="))
    assert len(everything) == len(set(everything))


def test_without_posts_any_post_may_be_named() -> None:
    assert faults(edited(TOML, '"union_secretary"', '"kaiser"'), rulebook(), set()) == []


def test_the_faults_of_a_folder_that_is_not_there_are_faults(tmp_path: Path) -> None:
    assert check.check_folder(tmp_path / "none", rulebook(), POSTS)


def test_a_folder_on_disk_is_checked_against_its_name(tmp_path: Path) -> None:
    for name, text in sound().items():
        (tmp_path / "errand" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "errand" / name).write_text(text, "utf-8")
    assert check.check_folder(tmp_path / "errand", rulebook(), POSTS) == []
    (tmp_path / "errand").rename(tmp_path / "chore")
    assert "文件夹叫 chore" in str(check.check_folder(tmp_path / "chore", rulebook(), POSTS)[0])


def test_a_file_that_is_not_utf8_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "process.toml").write_bytes("标题".encode("gb18030"))
    assert "UTF-8" in str(check.check_folder(tmp_path, rulebook(), POSTS)[0])


def test_the_known_actions_are_the_registered_ones() -> None:
    assert registry.ACTIONS.keys() == declared.ACTIONS.keys()


def test_the_known_functions_are_those_of_a_run() -> None:
    assert frozenset(object.__new__(Context).functions()) == FUNCTIONS


def test_the_known_names_are_those_of_a_run() -> None:
    row = {"union_id": 1, "starter_id": 1, "unit_id": None, "number": ""}
    run = object.__new__(Context)
    run.facts, run.actor, run.row = {}, None, {**row, "started_at": clock.now()}
    given = set(run.names())
    looked_up = {"superior", "superior_here"}  # only for the expressions that say them
    assert given == NAMES - looked_up | given & {
        "origins"
    }  # a lead's origins may be given or a fact


def test_an_action_may_be_registered_by_the_caller() -> None:
    files = edited(TOML, 'do = "remind"\ntask = "do"', 'do = "ring"')
    assert "没有登记过动作" in said(files)
    assert faults(files, rulebook(), POSTS, actions={*check.ACTIONS, "ring"}) == []


def test_the_rulebook_may_be_any_that_knows_ids() -> None:
    rules = SimpleNamespace(ids=(), get=lambda _id: ())
    assert "没有规则 MO-REVIEW" in "\n".join(map(str, faults(sound(), rules, POSTS)))
    assert isinstance(rulebook(), law.Rulebook)


# --- the shipped processes ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_shipped_process_has_no_fault(folder: Path) -> None:
    known = posts.kinds()
    everything = check.check_folder(folder, rulebook(), set() if known.open else set(known.posts))
    assert not everything, "\n".join(map(str, everything))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_outline_of_a_shipped_process_is_up_to_date(folder: Path) -> None:
    told = outline(definitions.load(definitions.read(folder)))
    assert (folder / "OUTLINE.txt").read_text("utf-8") == told, "run `yixing check --write`"


# --- the outline ----------------------------------------------------------------------------------------------------------
def test_the_outline_tells_lanes_tasks_choices_deadlines_polls_messages_and_documents() -> None:
    told = outline(definitions.load(sound()))
    for words in (
        "办事单（errand）",
        "- 校工会（office）：union_secretary @ union",
        "办理 核对（check）",
        '期限：due("MO-REVIEW")（规则 MO-REVIEW）',
        "选“通过”：交办理",
        '若 check.decision == "pass"',
        "其他情形",
        "表决（评价）",
        "通过：good > roll - good",
        "附在",
        "动作：remind（task = do）",
        "- 撤回（withdraw）：提出人",
        '1. 结论 "pass" → 等级 "high"（试验第一条）',
        "- 《办结单》（slip）",
    ):
        assert words in told, told


def test_the_outline_follows_the_flow() -> None:
    told = outline(definitions.load(sound()))
    places = [
        told.index(f"（{key}）")
        for key in ("start", "check", "passed", "do", "rate", "graded", "printed", "done")
    ]
    assert places == sorted(places)


def test_the_outline_of_equal_definitions_is_equal() -> None:
    assert outline(definitions.load(sound())) == outline(
        definitions.load(dict(reversed(sound().items())))
    )


def test_a_flow_stands_on_the_level_of_its_ends() -> None:
    """It would be drawn and run as if it did; another editor loses it, or shows it elsewhere."""
    folder = ROOT / "processes" / "collective_consultation"
    files = definitions.read(folder)
    inside = '<bpmn:sequenceFlow id="spread__publish" sourceRef="spread" targetRef="publish" />'
    outside = (
        '<bpmn:sequenceFlow id="publishing__perform" sourceRef="publishing" targetRef="perform" />'
    )
    assert inside in files[BPMN] and outside in files[BPMN]
    among = '<bpmn:sequenceFlow id="spread__issue_superior_letter"'
    for moved, before in ((inside, "</bpmn:process>"), (outside, among)):
        drawn = files[BPMN].replace(moved, "", 1).replace(before, moved + before, 1)
        assert drawn.count(moved) == 1 and drawn != files[BPMN]
        told = found({**files, BPMN: drawn}, folder.name)
        assert any("写在了另一层" in str(fault) for fault in told), moved


@pytest.mark.parametrize(
    ("written", "said_of_it"),
    [
        ('person = "starter"\nholding = ["unit_head"]\nsees = true', ""),
        ('person = "starter"\nholding = ["unit_head", "king"]', "king"),
        ('post = "unit_head"\nunit = "union"\nholding = ["unit_head"]', "却写了 holding"),
        ('post = "unit_head"\nunit = "union"\nsees = true', "却写了 sees"),
        ('person = "starter"\nsees = "yes"', "true 或 false"),
        ('person = "starter"\nsees = true\nleaves = true', ""),
        ('person = "starter"\nleaves = true', "却写了 leaves"),
    ],
)
def test_a_lane_of_persons_says_by_which_posts_they_act_and_that_they_see(
    written: str, said_of_it: str
) -> None:
    files = sound()
    files[TOML] += f'\n[lanes.parties]\ntitle = "当事人"\ntitle_en = "Parties"\n{written}\n'
    told = said(files)
    assert (said_of_it in told) if said_of_it else told == ""

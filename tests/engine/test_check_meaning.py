"""Faults of meaning: what can be read, and can never be as it was meant. For each a folder that has it, and near misses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine import expressions
from engine.definitions.check import Fault, faults
from tests.hostile.sound import POSTS, edited, rulebook, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

TOML, BPMN, DMN = "process.toml", "process.bpmn", "graded.dmn"
CONDITION = 'check.decision == "pass"'
CHECK = "forms/check.json"
MORE = 'asks_en = "Please check."\n'


def found(files: Mapping[str, str], **more: Any) -> list[Fault]:
    return faults(files, rulebook(), POSTS, folder="errand", **more)


def condition(text: str) -> dict[str, str]:
    return edited(BPMN, CONDITION, text)


def gate(text: str) -> dict[str, str]:
    gates = f"[[tasks.check.gates]]\nholds = '''{text}'''\ntext = \"前提\"\ntext_en = \"Gate\"\n"
    return edited(TOML, "[tasks.mend]", f"{gates}[tasks.mend]")


def component(place: int, **changes: Any) -> dict[str, str]:
    """The form of the task `check` with changes to one of its components."""
    files = sound()
    schema = json.loads(files[CHECK])
    schema["components"][place].update(changes)
    return {**files, CHECK: json.dumps(schema)}


def tells(text: str, english: str = "Word") -> dict[str, str]:
    told = f"[[tasks.check.tells]]\ntext = '{text}'\ntext_en = '{english}'\n"
    return edited(TOML, "[tasks.mend]", f"{told}[tasks.mend]")


def issue(table: str) -> dict[str, str]:
    return edited(
        TOML, 'document = "slip"\n', f'document = "slip"\n[actions.printed.set]\n{table}\n'
    )


def batch(more: str = "", task: str = "check", guard: str = "") -> dict[str, str]:
    """The errand whose task may be done together with others, with a guard on it by that rule."""
    guards = f"""[[guards]]
at = ["{task}"]
holds = "launch.subject != null"
text = "前提"
text_en = "Guard"
basis = "{guard}"
"""
    marked = edited(TOML, f"[tasks.{task}]\n", f"[tasks.{task}]\nbatch = true\n{more}")
    if guard:
        marked[TOML] = marked[TOML].replace("[tasks.mend]", f"{guards}[tasks.mend]", 1)
    return marked


def row(old: str, new: str) -> dict[str, str]:
    return edited(DMN, old, new)


BAD = [
    # what fails whatever the facts are
    ("a division by nothing", gate("1/0 > 1"), TOML, "除数为零"),
    ("a fact divided by nothing", gate("len(launch.subject) // 0 > 1"), TOML, "除数为零"),
    ("null that is ordered", gate("null < 1"), TOML, "不能比较大小或计算"),
    ("a fact ordered against null", condition("check.reason > null"), BPMN, "null 不能用 > 比较大小"),
    ("a fact ordered against true", gate("1 <= rate.good < true"), TOML, "true 不能用 < 比较大小"),
    ("a sum with null", gate("rate.good + null > 1"), TOML, "null 不能用 + 计算"),
    ("a text before a number", gate('"a" < 1'), TOML, "不能用 < 比较"),
    ("an order of null in a table", row('"pass"</text>', "&lt; null</text>"), DMN, "null 不能比较大小"),
    # columns of several kinds
    ("a number among texts", row('"pass"</text>', '"pass", 1</text>'), DMN, "混写了文字、数字"),
    ("a result of another kind", row('"low"</text>', "true</text>"), DMN, "结果“等级”一列里混写了"),
    # values that a fact never has
    ("a choice that is none", condition('check.decision == "passed"'), BPMN, "不会是“passed”"),
    ("a choice that is none, turned", condition('"no" != check.decision'), BPMN, "不会是“no”"),
    ("a list with one that is none", condition('check.decision in ["pass", "no"]'), BPMN, "不会是“no”"),
    ("a result that is none", gate('graded.grade == "higher"'), TOML, "不会是“higher”"),
    ("a cell that is none", row('"pass"</text>', '"passed"</text>'), DMN, "不会是“passed”"),
    ("a field hidden by none", edited(CHECK, 'decision != \\"return\\"', 'decision != \\"back\\"'), CHECK, "不会是“back”"),
    # what follows
    ("a next that lacks a choice", edited(TOML, 'return = "退回提出人"\n', ""), TOML, "next 里没有选项 return"),
    # forms
    ("a default that nothing heeds", component(1, defaultValue="x"), CHECK, "defaultValue 不起作用"),
    ("a bound of a text", component(1, validate={"min": 3}), CHECK, "validate.min 不起作用"),
    ("several of one text", component(1, multiple=True), CHECK, "multiple 不起作用"),
    ("a property of nothing", component(1, properties={"label_en": "R", "hint": "x"}), CHECK, "properties.hint 不起作用"),
    ("a condition that is not hide", component(1, conditional={"show": "=true"}), CHECK, "conditional.show 不起作用"),
    ("a form with a key of its own", {**sound(), CHECK: sound()[CHECK].replace('"type": "default"', '"type": "default", "strict": true')}, CHECK, "strict 不起作用"),
    # several by one act
    ("a vote by one act", batch(task="rate"), TOML, "表决和征求同意必须逐件办理"),
    ("what the law guards, by one act", batch(guard="CG-QUORUM"), TOML, "以法律规定 CG-QUORUM 为前提的环节必须逐件办理"),
    ("a field of each that is none", batch('each = ["grade"]\n'), TOML, "each 里的 grade 不在表单里"),
    ("each of nothing", edited(TOML, "[tasks.check]\n", '[tasks.check]\neach = ["reason"]\n'), TOML, "有 each，没有 batch"),
    # facts fixed for a document
    ("a fact of one part", issue('grade = "1"'), TOML, "不能用作事实的名称"),
    ("a fact of a given name", issue('"union.grade" = "1"'), TOML, "不能用作事实的名称"),
    ("an answer rewritten", issue('"check.decision" = \'"pass"\''), TOML, "改写了别人填写的 check.decision"),
    # units
    ("a unit twice", tells("须在 {MO-REPLY} 日内答复。"), TOML, "已带单位“日”"),
    ("a unit twice in English", tells("须答复。", "Within {MO-REPLY} days."), TOML, "已带单位“day”"),
    ("people twice", tells("须有 {MO-SECOND} 人附议。"), TOML, "已带单位“人”"),
    # series of numbers
    ("a paper numbered like the matter", edited(TOML, "单〔{year}〕", "办〔{year}〕"), TOML, "用同一编号样式"),
]  # fmt: skip  # a case a line


@pytest.mark.parametrize(
    ("files", "file", "words"), [each[1:] for each in BAD], ids=[each[0] for each in BAD]
)
def test_what_can_never_be_meant_is_a_fault(files: dict[str, str], file: str, words: str) -> None:
    everything = found(files)
    fitting = [fault for fault in everything if fault.file == file and words in fault.what]
    assert len(fitting) == 1 and fitting[0].advice, "\n".join(map(str, everything)) or "nothing"
    assert len(everything) == 1, "\n".join(map(str, everything))


NEAR = [
    ("a division by a fact", gate("1 / rate.good < 1")),
    ("several by one act", batch('each = ["decision", "reason"]\n')),
    ("what a rule of ours guards, by one act", batch(guard="MO-REVIEW")),
    ("nothing divided", gate("0 / rate.good < 1")),
    ("a fact beside null", condition("check.reason != null")),
    ("null in a cell", row('"pass"</text>', '"pass", null</text>')),
    ("null among results", row('"low"</text>', "null</text>")),
    ("every choice", condition('check.decision in ["pass", "return"]')),
    ("a value of a free text", condition('check.reason == "whatever"')),
    ("a choice said by words around it", condition('check.decision + "" == "passed"')),
    ("a result there is", gate('graded.grade in ["high", "low"]')),
    ("no next at all", edited(TOML, '[tasks.check.next]\npass = "交办理"\nreturn = "退回提出人"\n', "")),
    ("what the editor writes", component(1, id="Field_1", layout={"row": "r", "columns": None})),
    ("a shape of a text", component(1, validate={"pattern": "^[a-z]+$", "maxLength": 9})),
    ("facts of a document", issue('"slip.grade" = "graded.grade"')),
    ("an answer taken back", issue('"check.decision" = "null"')),
    ("a rule without its unit after it", tells("须在 {MO-REPLY} 内答复。", "Reply within {MO-REPLY}.")),
    ("a unit after a fact", tells("好评 {rate.good} 人。")),
]  # fmt: skip  # a case a line


@pytest.mark.parametrize("files", [each[1] for each in NEAR], ids=[each[0] for each in NEAR])
def test_what_looks_like_it_passes(files: dict[str, str]) -> None:
    everything = [f for f in found(files) if "next_en" not in f.what]
    assert not everything, "\n".join(map(str, everything))


OTHERS = [
    ({"id": "other", "number_key": "errand", "numbering": "别〔{year}〕{n}"}, "也用编号序列 errand"),
    ({"id": "errand", "numbering": "别〔{year}〕{n}"}, ""),  # itself, as it is in force
    ({"id": "other", "numbering": "办〔{year}〕{n:03}"}, "也用这个编号样式"),
    ({"id": "other", "numbering": "别〔{year}〕{n}", "documents": {"a": {"numbering": "办〔{year}〕{n:03}"}}}, "也用这个编号样式"),
    ({"id": "other", "numbering": "别〔{year}〕{n:03}", "documents": {"a": {}}}, ""),
]  # fmt: skip  # a case a line


@pytest.mark.parametrize(("raw", "words"), OTHERS)
def test_two_processes_do_not_count_in_one_series(raw: dict[str, Any], words: str) -> None:
    everything = found(sound(), others={raw["id"]: raw})
    assert [words in fault.what for fault in everything] == ([True] if words else [])


def test_one_root_is_told_once_with_the_number_of_its_followers() -> None:
    renamed = found(edited(BPMN, '"check"', '"chek"'))
    assert len(renamed) == 2, "\n".join(map(str, renamed))
    assert "没有用户任务 check" in renamed[0].what and "另有 4 处同因" in renamed[0].what
    assert len(found({**sound(), TOML: "id ="})) == 1
    poll = found(edited(TOML, "[tasks.rate.poll]", "[tasks.rate.pol]"))
    assert ["pol" in poll[0].what, "kind、roll、closes" in poll[1].what, len(poll)] == [
        True,
        True,
        2,
    ]


def test_two_roots_are_told_apart() -> None:
    files = condition("chek.decision == nothing.here")
    assert len(found(files)) == 2


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ('a.b == "x" and "y" != c', [("a.b", "x"), ("c", "y")]),
        ('a in ["x", b, "y"]', [("a", "x"), ("a", "y")]),
        ('"x" in a.list', [("a.list", "x")]),
        ('a < "x"', []),
        ('"x" == "y"', []),
        ("len(a) == 1 and a == 1", []),
    ],
)
def test_facts_and_the_texts_they_are_compared_with(
    text: str, compared: list[tuple[str, str]]
) -> None:
    assert expressions.compared_in(text) == compared

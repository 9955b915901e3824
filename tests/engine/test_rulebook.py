"""The law of this installation can be looked up, and every rule is used or says why not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine import definitions, law
from engine.definitions import check
from engine.definitions.check import rulebook as checked

ROOT = Path(__file__).parents[2]
BOOK = law.load(ROOT / "processes" / "law")
FOLDERS = sorted({path.parent for path in (ROOT / "processes").glob("*/*.dmn")})
USED = check.used(definitions.read(folder) for folder in FOLDERS)
ONE = BOOK.get("CC-REPLY")[0]


def book(*rules: law.Rule) -> law.Rulebook:
    return law.Rulebook(rules)


def test_the_law_that_comes_along_has_no_fault() -> None:
    assert check.check_rulebook(BOOK, USED) == []
    assert len(USED & set(BOOK.ids)) > 100 and len(FOLDERS) > 5


def test_the_engine_looks_up_what_it_is_said_to() -> None:
    texts = [
        path.read_text("utf-8")
        for path in (ROOT / "engine").rglob("*.py")
        if path != Path(checked.__file__)
    ]
    named = {rule for text in texts for rule in re.findall(r'"([A-Z]{2,8}(?:-[A-Z0-9]+)+)"', text)}
    examples = {"CG-QUORUM", "MO-SECOND"}  # of docstrings
    assert named & set(BOOK.ids) - examples == checked.BY_ENGINE


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"read": ""}, "没有写在哪里读到"),
        ({"valid_from": None, "note": ""}, "没有施行日期"),
        ({"article": "", "note": ""}, "没有条号"),
        ({"article": "", "valid_from": None, "note": ""}, "没有条号，也没有施行日期"),
        ({"unused": "无", "unused_en": "none"}, "其实用到了"),
    ],
)
def test_what_cannot_be_looked_up_is_a_fault(changed: dict[str, object], said: str) -> None:
    found = check.check_rulebook(book(replace(ONE, **changed)), {ONE.id})  # type: ignore[arg-type]
    assert [fault.element for fault in found] == [ONE.id]
    assert said in found[0].what


def test_a_rule_that_nothing_uses_needs_a_reason() -> None:
    (fault,) = check.check_rulebook(book(ONE), ())
    assert "没有流程" in fault.what
    half = replace(ONE, unused="没有流程")
    assert check.check_rulebook(book(half), ()) != []
    assert check.check_rulebook(book(replace(half, unused_en="no process")), ()) == []


def test_a_number_of_law_without_its_first_day_is_named_with_what_its_note_says() -> None:
    doubtful = replace(ONE, valid_from=None, note="施行日期待核对。")
    (hint,) = check.to_be_checked(book(doubtful, ONE))
    assert hint.element == ONE.id and hint.advice == "施行日期待核对。"
    assert check.check_rulebook(book(doubtful), {ONE.id}) == []


def test_stories_and_words_about_a_folder_use_nothing() -> None:
    files = {"process.toml": 'due("CC-REPLY")', "scenarios/1.toml": "CC-FILE", "CHANGES.md": "X-Y"}
    assert check.used([files]) == checked.BY_ENGINE | {"CC-REPLY"}


def test_wording_is_that_of_the_source() -> None:
    """Sentences that opened a duty where the text opens a possibility, or a border it does not have."""
    dm = "《浙江省企业民主管理条例》"
    texts = {rule.id: rule.text for rule in BOOK.rules if rule.source == dm}
    assert "可以临时召集" in texts["CG-EXTRA"] and "应当" not in texts["CG-EXTRA"]
    assert "超过一百人不满一千人" in texts["CG-SIZE-ENT-100"]
    assert "中高级管理人员" in texts["CG-MGR-ENT"]
    articles = {(rule.source, rule.article.partition("(")[0]) for rule in BOOK.rules}
    assert {("《浙江省集体合同条例》", n) for n in ("13", "14", "42", "43")} <= articles
    assert ("《浙江省劳动人事争议调解仲裁条例》", "11") in articles
    assert ("《中华人民共和国工会法》", "54") in articles
    assert {"CG-EXIST", "EL-PROXY"} <= set(BOOK.ids)

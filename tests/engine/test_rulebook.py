"""The law of this installation can be looked up, and every rule is used or says why not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from engine import definitions, law
from engine.definitions import check
from engine.definitions.check import rulebook as checked
from engine.errors import Invalid, ProcessFault
from engine.instance import numbers
from engine.instance.union_law import CommonLaw

ROOT = Path(__file__).parents[2]
BOOK = law.load(ROOT / "processes" / "law")
FOLDERS = sorted(
    {path.parent for kind in ("bpmn", "dmn") for path in (ROOT / "processes").glob(f"*/*.{kind}")}
)
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
    assert check.used([files]) == check.used([]) | {"CC-REPLY"}
    assert check.used([]) > checked.BY_ENGINE  # what the catalogue of duties names


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


# --- silence ---------------------------------------------------------------------------------------------------------
SILENCE, ON = "TR-SILENCE-DUAL", date(2026, 3, 2)
SWITCH = law.Setting(SILENCE, 1, date(2026, 1, 1), None, "工会委员会第三次会议")


class _Asker:
    """A union with these values of its own, on a day."""

    def __init__(self, *settings: law.Setting) -> None:
        self.law, self.decisive_on = CommonLaw(), ON
        self.law.settings = list(settings)


def test_a_rule_of_silence_is_off_until_a_union_sets_it() -> None:
    off, on = _Asker(), _Asker(SWITCH)
    assert not numbers.switched_on(off, SILENCE) and numbers.switched_on(on, SILENCE)  # type: ignore[arg-type]
    with pytest.raises(ProcessFault, match="默认关闭"):
        off.law.ruling(SILENCE, ON)
    ruling = on.law.ruling(SILENCE, ON)
    assert (ruling.value, ruling.unit) == (1, "month")
    assert off.law.ruling("TR-REMIND", ON).value == 15  # no other rule is a switch
    assert [id for id in BOOK.ids if BOOK.get(id)[0].silence] == [SILENCE]


def test_silence_is_never_sooner_than_the_text_says() -> None:
    law.check_setting(BOOK, SWITCH)
    law.check_setting(BOOK, replace(SWITCH, value=2))
    with pytest.raises(Invalid):
        law.check_setting(BOOK, replace(SWITCH, value=15, unit="day"))


@pytest.mark.parametrize("rule", ["TR-CONSENT", "TR-SILENCE", "UNION-APPROVE"])
def test_no_process_that_demands_express_consent_counts_silence(rule: str) -> None:
    uses = f'holds = \'switched_on("{SILENCE}") and day(due("{SILENCE}", asked.at)) < today\'\n'
    demands = f'basis = "{rule}"\n'
    (fault,) = checked.silence({"process.toml": uses + demands}, BOOK)
    assert fault.element == SILENCE and rule in fault.what
    assert list(checked.silence({"process.toml": uses}, BOOK)) == []
    assert list(checked.silence({"process.toml": demands}, BOOK)) == []


def test_the_shipped_transfer_with_silence_is_refused() -> None:
    files = dict(definitions.read(ROOT / "processes" / "cadre_transfer"))
    assert not any(SILENCE in text for text in files.values())
    gate = "holds = 'outside_reply.body == \"managing\"'"
    assert gate in files["process.toml"]
    files["process.toml"] = files["process.toml"].replace(
        gate, f'holds = \'outside_reply.body == "managing" or switched_on("{SILENCE}")\''
    )
    found = check.faults(files, BOOK, ())
    assert any(fault.element == SILENCE and "明示的同意" in fault.what for fault in found)

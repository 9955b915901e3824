"""Papers state facts: what a document reads, what stops it, what a room lets go along, what the check finds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from engine import definitions
from engine.definitions import asking, papers
from engine.documents import filling as issuing
from engine.documents import fonts, pdf, reading, trial
from engine.errors import NotPrintable, Refused
from engine.instance import rights
from engine.instance.union_law import rulebook
from engine.people import posts
from engine.people.organisation import Held
from engine.settings import ROOT
from tests.engine.errands import sample

CONSULTATION = definitions.read(ROOT / "processes" / "collective_consultation")
TRANSFER = definitions.read(ROOT / "processes" / "cadre_transfer")
LETTER = {"documents/letter.typ": TRANSFER["documents/letter.typ"]}
HEAD = '#import "letter.typ": *\n#let d = json("data.json")\n'
# As it stood in versions that are still in force somewhere: an import puts the path together and assumes 0.
OLD = {
    "documents/words.typ": '#let text-of(d, path, otherwise: "") = otherwise\n'
    '#let share-of(d, key) = text-of(d, "committee_vote." + key, otherwise: "0")\n',
    "documents/letter.typ": "",
    "documents/request_letter.typ": '#import "words.typ": *\n#let d = json("data.json")\n'
    '#share-of(d, "yes") #text-of(d, "request.text")',
}


def old() -> definitions.Process:
    """The transfer as a version without declarations."""
    lines, skipping = [], False
    for line in TRANSFER["process.toml"].split("\n"):
        skipping = skipping or line in ("needs = [", "optional = [")
        if not skipping:
            lines.append(line)
        skipping = skipping and line != "]"
    return definitions.load({**TRANSFER, **OLD, "process.toml": "\n".join(lines)})


def found(files: dict[str, str]) -> list[str]:
    return [
        f"{each.file} {each.element} {each.what} {each.advice}"
        for each in trial.faults(files, rulebook(), set(posts.kinds().posts))
    ]


# --- what a document reads -------------------------------------------------------------------------------------------
def test_an_import_is_read_as_far_as_it_is_used() -> None:
    files = {
        "documents/a.typ": '#import "b.typ": *\n#used(d) // fact(d, "no.comment")\n',
        "documents/b.typ": '#let used(d) = inner(d)\n#let inner(d) = fact(d, "one.two")\n'
        '#let unused(d) = fact(d, "three.four")\n// fact(d, "five.six")\n',
    }
    assert papers.reads(files, "a") == {"no.comment", "one.two"}


def test_a_version_without_declarations_is_read_from_its_imports() -> None:
    rule = old().documents["request_letter"]
    assert not rule.declared
    assert rule.needs == {"committee_vote"}
    assert rule.optional == {"request.text", "yes"}


def test_what_was_said_in_a_room_goes_along_where_an_import_names_it() -> None:
    """The case that printed 0 of 6: the template itself does not name the vote."""
    process = old()
    assert process.tasks["committee_vote"].room and process.tasks["hear"].room
    facts = {"committee_vote": {"yes": 6}, "hear": {"union_only": "x"}, "request": {"text": "y"}}
    along = issuing.facts_for(process, process.documents["request_letter"], facts)
    assert along == {"committee_vote": {"yes": 6}, "request": {"text": "y"}}


def test_only_declared_facts_go_along_whatever_room_they_were_said_in() -> None:
    process = definitions.load(TRANSFER)
    facts = {
        "committee_vote": {"yes": 6, "voters": {"yes": ["a"]}},
        "hear": {"attitude": "agree", "union_only": "for the unions only"},
        "party_decision": {"note": "x"},
    }
    along = issuing.facts_for(process, process.documents["request_letter"], facts)
    assert along == {"committee_vote": {"yes": 6}, "hear": {"attitude": "agree"}}


@pytest.mark.parametrize("fact", [0, False, [], "0"])
def test_zero_no_and_an_empty_list_are_facts(fact: Any) -> None:
    assert not issuing.is_missing(fact)


# --- the print -------------------------------------------------------------------------------------------------------
def test_a_missing_fact_stops_the_print_and_is_named_as_the_form_names_it() -> None:
    data = {**sample(), "facts": {}}
    with pytest.raises(NotPrintable) as caught:
        pdf.typeset(TRANSFER, "request_letter", data)
    assert caught.value.code == "missing_fact"
    assert "起草请示·文种（request.kind）" in caught.value.message


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('#text-of(d, "a.n")', "0"),
        ('#people-of(d, "a.list")', "无"),
        ('#text-of(d, "a.gone", otherwise: "未填写")', "未填写"),
        ('#if known(d, "a.gone") [有] else [缺]', "缺"),
        ('#cells(..row-if(d, "行", "a.gone"), ("列", "值"))', "列值"),
    ],
)
def test_a_true_zero_prints(source: str, text: str) -> None:
    data = {**sample(), "facts": {"a": {"n": 0, "list": []}}}
    made = pdf.typeset({**LETTER, "documents/a.typ": HEAD + source}, "a", data)
    assert reading.close(reading.text_of(made)) == text


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2026-03-24", "2026年3月24日"),
        ("2026-03-23T16:00:00+00:00", "2026年3月24日"),  # midnight in China
        ("2026-03-23T15:59:59.999999+00:00", "2026年3月23日"),
        ("2026-03-24T00:00:00+08:00", "2026年3月24日"),
        ("2026-12-31T16:00:00+00:00", "2027年1月1日"),
        ("2026-03-23T23:30:00-05:30", "2026年3月24日"),
    ],
)
def test_the_day_of_a_moment_is_that_of_china(said: str, day: str) -> None:
    facts = issuing.in_china({"a": {"at": said, "all": [said]}})
    assert facts["a"]["all"] == [facts["a"]["at"]]
    source = '#zh-date(fact(d, "a.at"))'
    made = pdf.typeset(
        {**LETTER, "documents/a.typ": HEAD + source}, "a", {**sample(), "facts": facts}
    )
    assert reading.close(reading.text_of(made)) == day


def test_only_moments_are_told_anew() -> None:
    plain = {
        "day": "2026-03-24",
        "text": "自 2026-03-23T16:00:00+00:00 起",
        "n": 0,
        "no": None,
        "is": True,
    }
    assert issuing.in_china(plain) == plain


@pytest.mark.parametrize(
    "source",
    [
        '#fact(d, "a.gone")',
        '#text-of(d, "a.empty")',
        '#label(d, "a.gone")',
        '#people-of(d, "a.gone")',
        '#zh-date(fact(d, "a.gone"))',
    ],
)
def test_no_function_prints_a_blank_for_what_is_missing(source: str) -> None:
    data = {**sample(), "facts": {"a": {"empty": ""}}}
    with pytest.raises(NotPrintable, match=r"a\.(gone|empty)"):
        pdf.typeset({**LETTER, "documents/a.typ": HEAD + source}, "a", data)


def test_a_character_without_a_font_is_named_and_not_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = pdf.typeset(
        {**LETTER, "documents/a.typ": HEAD + "#d.people.values().first()"}, "a", sample()
    )
    assert "张敏" in reading.text_of(plain)
    monkeypatch.setattr(fonts, "_covered", lambda code: code != 0x20BB7)
    data = {**sample(), "people": {"x": "𠮷田"}}
    with pytest.raises(NotPrintable, match=r"𠮷（U\+20BB7）") as caught:
        pdf.typeset({**LETTER, "documents/a.typ": HEAD}, "a", data)
    assert caught.value.code == "no_glyph"


# --- the check, behind every door ------------------------------------------------------------------------------------
def test_the_shipped_folder_has_no_fault() -> None:
    assert found(TRANSFER) == []


@pytest.mark.parametrize(
    ("old_text", "new_text", "words"),
    [
        ('text-of(d, "case.new_post")', 'text-of(d, "case.new_pots")', "case 里没有 new_pots"),
        ('text-of(d, "case.new_post")', 'text-of(d, "cse.new_post")', "没有事实 cse.new_post"),
        ('text-of(d, "case.new_post")', 'text-of(d, "case.in_office")', "这里没有列出"),
        ('text-of(d, "case.new_post")', '"某职务"', "都不读"),
        ('text-of(d, "case.new_post")', 'txt-of(d, "case.new_post")', "unknown variable: txt-of"),
        ("#signatures(", "#signatures((", "unclosed delimiter"),
        ("#signatures(", "#if false [x\n#signatures(", "unclosed delimiter"),
    ],
)
def test_a_mistyped_fact_and_an_unclosed_bracket_are_faults(
    old_text: str, new_text: str, words: str
) -> None:
    name = "documents/statement.typ"
    assert old_text in TRANSFER[name]
    files = {**TRANSFER, name: TRANSFER[name].replace(old_text, new_text, 1)}
    assert any(words in each for each in found(files)), found(files)


NOTE = 'text-of(d, "task.note")'


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        (f"#{NOTE}", False),
        (f'#if fact(d, "case.person") == 1 [#{NOTE}]', False),
        (f'#if known(d, "task.note") [有] #strong[#{NOTE}]', False),
        (f'#if known(d, "task.note") [有]\n#if true [#{NOTE}]', False),
        (f'#if known(d, "task.notes") [#{NOTE}]', False),
        (f'#if known(d, "task.note") [#{NOTE}]', True),
        (f'#if not known(d, "task.note") [无] else [#{NOTE}]', True),
        (f'#if true [1] else if known(d, "task.note") [#strong[#{NOTE}]]', True),
        (f'#let there = known(d, "task.note")\n#if there [#{NOTE}]', True),
        (f'#if known(d, "task.note") and {NOTE} == "x" [有]', True),
        ('#text-of(d, "task.note", otherwise: "无")', True),
        ('#facts-table(..row-if(d, "说明", "task.note"))', True),
    ],
)
def test_a_fact_is_asked_for_in_the_bracket_that_prints_it(line: str, asked: bool) -> None:
    printed = asking.unasked({**LETTER, "documents/a.typ": HEAD + line}, "a")
    assert ("task.note" in printed) is not asked, printed


@pytest.mark.parametrize(
    ("document", "asks", "fact"),
    [
        ("resolution", ' and known(d, "call_meeting.invited_on")', "call_meeting.invited_on"),
        (
            "consent_sheet",
            '..row-if(d, "附加条件", "superior_reply.conditions")',
            "superior_reply.conditions",  # a copy of what a form need not answer
        ),
    ],
)
def test_an_answer_nobody_need_give_is_not_printed_unasked(
    document: str, asks: str, fact: str
) -> None:
    """The case: minutes said "was invited", and the day of the invitation had been left out."""
    name = f"documents/{document}.typ"
    assert asks in TRANSFER[name]
    instead = f'("x", text-of(d, "{fact}"))' if asks.startswith("..") else ""
    files = {**TRANSFER, name: TRANSFER[name].replace(asks, instead)}
    wrong = definitions.check.faults(files, rulebook(), set(posts.kinds().posts))
    assert [each.element for each in wrong if f"{fact} 可以不填" in str(each.what)] == [document]


def test_a_document_that_declares_nothing_is_told_what_to_declare() -> None:
    lines = TRANSFER["process.toml"].split("[documents.statement]")
    head, _needs, rest = lines[1].partition("needs = [")
    bare = lines[0] + "[documents.statement]" + head + rest.partition("]\n\n")[2]
    wrong = found({**TRANSFER, "process.toml": bare})
    assert any("没有写明需要哪些事实" in each and "hear.statement" in each for each in wrong), wrong


# --- who signs ---------------------------------------------------------------------------------------------------------
HERE, ELSEWHERE = uuid4(), uuid4()


def signing(actor: Any) -> None:
    """Somebody lets the supervision opinion of consultation be issued, in the union HERE."""
    opinion = definitions.load(CONSULTATION).documents["supervision_opinion"]
    assert opinion.signed_by == {"union_chair", "union_vice_chair"}
    work: Any = SimpleNamespace(row={"id": uuid4(), "union_id": HERE}, actor=actor)
    rights.check_signatory(work, opinion)


@pytest.mark.parametrize("post", ["union_chair", "union_vice_chair"])
def test_a_holder_of_the_post_signs(post: str) -> None:
    signing(SimpleNamespace(posts=(Held(post, HERE, HERE),)))


@pytest.mark.parametrize(
    "actor",
    [
        None,  # a timer, or somebody outside
        SimpleNamespace(posts=()),
        SimpleNamespace(posts=(Held("union_secretary", HERE, HERE),)),
        SimpleNamespace(posts=(Held("union_chair", ELSEWHERE, ELSEWHERE),)),
    ],
    ids=["nobody", "without a post", "the secretary", "the chair of another union"],
)
def test_nobody_else_signs(actor: Any) -> None:
    with pytest.raises(Refused, match=r"由.*主席.*签署") as met:
        signing(actor)
    assert met.value.code == "not_signatory"


def test_an_unknown_post_that_should_sign_is_a_fault() -> None:
    toml = CONSULTATION["process.toml"].replace(
        'signed_by = ["union_chair"', 'signed_by = ["king"', 1
    )
    wrong = definitions.check.faults(
        {**CONSULTATION, "process.toml": toml}, rulebook(), set(posts.kinds().posts)
    )
    assert any(
        "king" in f"{each.element} {each.what}" and "signed_by" in each.what for each in wrong
    )


@pytest.mark.parametrize(
    ("document", "line", "words"),
    [
        ("supplement_letter", 'encloses = ["supplement.text"]', "不是表单里上传附件的项"),
        ("supplement_letter", 'encloses = ["case.person"]', "不是表单里上传附件的项"),
        ("reminder_letter", 'encloses = ["supplement.attachments"]', "只用于 outside = true"),
    ],
)
def test_files_go_along_with_papers_for_outside_only(document: str, line: str, words: str) -> None:
    head = f"[documents.{document}]\n"
    toml = TRANSFER["process.toml"].replace('encloses = ["supplement.attachments"]\n', "")
    assert head in toml
    files = {**TRANSFER, "process.toml": toml.replace(head, f"{head}{line}\n")}
    wrong = definitions.check.faults(files, rulebook(), set(posts.kinds().posts))
    assert [each.element for each in wrong if words in str(each.what)] == [f"documents.{document}"]

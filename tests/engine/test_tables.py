"""Every decision table on every boundary: one below, equal, one above; each row reached; the otherwise row too."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from engine import decisions, expressions, law, settings
from engine.calendar import Calendar
from engine.decisions import reach
from engine.definitions import decision_tables
from engine.definitions.check import check_tables
from engine.errors import Invalid, ProcessFault
from engine.instance.numbers import of_law
from engine.instance.union_law import CommonLaw, rulebook
from engine.queries import decisions as reading
from engine.queries.decisions.listing import Found
from engine.queries.decisions.shown import in_words
from engine.settings import ROOT
from tests.engine.table_cases import (
    CASES,
    DAYS,
    TERM,
    TODAY,
    first,
    limit,
    need,
    person,
    stay,
    tell,
    vote,
)
from webui.http import messages

if TYPE_CHECKING:
    from pathlib import Path

PROCESSES = ROOT / "processes"
TABLES = decision_tables.read_tables(PROCESSES)
SHARED = sorted(decision_tables.read_shared(PROCESSES))
UNREACHED = {"benefit_amount": {1}}  # the row of a day without values has a test of its own


@pytest.mark.parametrize(
    ("table_id", "facts", "row", "finding"),
    [(key, *case) for key, cases in CASES.items() for case in cases],
    ids=[f"{key}-{n}-row{case[1]}" for key, cases in CASES.items() for n, case in enumerate(cases)],
)
def test_a_case_falls_on_its_row(
    table_id: str, facts: dict[str, Any], row: int, finding: str
) -> None:
    told = tell(table_id, facts, DAYS.get(table_id, TODAY))
    assert (told.row, first(told)) == (row, finding)
    assert told.because


@pytest.mark.parametrize("table_id", CASES)
def test_the_cases_reach_every_row(table_id: str) -> None:
    reached = {row for _, row, _ in CASES[table_id]} | UNREACHED.get(table_id, set())
    assert reached == set(range(1, len(TABLES[table_id].rules) + 1))


def test_every_shared_table_has_cases() -> None:
    assert set(SHARED) <= CASES.keys()
    numbers = {sheet.number for sheet in decision_tables.read_words(PROCESSES).sheets.values()}
    assert {f"D{n}" for n in range(1, 16)} <= numbers


# --- rows and domains -------------------------------------------------------------------------------------------------
def _functions() -> dict[str, Any]:
    class Desk:
        law = CommonLaw()
        decisive_on = TERM
        measured: list[Any] = []

    return of_law(Desk())


def _case_for(
    table: decisions.DecisionTable, number: int, worths: dict[str, Any]
) -> tuple[Any, ...] | None:
    """Values of the columns that lead to a row, if there are any."""
    domains = [reach._domain(table, n, worths) for n in range(len(table.inputs))]
    boxes = [reach._box(row, domains, worths) for row in table.body]
    whole = tuple((1 << len(d)) - 1 for d in domains)
    left = [boxes[number - 1] if number <= len(boxes) else whole]
    earlier = (
        boxes if number > len(boxes) else boxes[: number - 1] if table.hit_policy == "FIRST" else []
    )
    for other in earlier:
        left = [piece for each in left for piece in reach._without(each, other)]
    good = [box for box in left if all(box)]
    best = min(
        good,
        key=lambda box: sum(
            d[(b & -b).bit_length() - 1] is None for d, b in zip(domains, box, strict=True)
        ),
        default=None,
    )
    return (
        None
        if best is None
        else tuple(d[(b & -b).bit_length() - 1] for d, b in zip(domains, best, strict=True))
    )


@pytest.mark.parametrize(
    ("table_id", "number"),
    [(key, n) for key, table in TABLES.items() for n in range(1, len(table.rules) + 1)],
)
def test_every_row_of_every_table_can_be_reached(table_id: str, number: int) -> None:
    table = TABLES[table_id]
    worths = reach._assumptions(
        table, {**dict.fromkeys(_functions(), lambda *_: 0), **_functions()}
    )[0]
    values = _case_for(table, number, worths)
    assert values is not None, "the rows before it leave nothing"
    if any(isinstance(value, Fraction) for value in values):
        return
    bare = decisions.DecisionTable(
        table.id,
        table.name,
        table.hit_policy,
        table.inputs,
        table.outputs,
        tuple(
            decisions.Row(row.cells, tuple("null" for _ in row.results), row.description)
            for row in table.rules
        ),
    )
    told = decisions.explain(bare, {}, _functions(), dict(enumerate(values)))
    assert told.row == number


@pytest.mark.parametrize("table_id", TABLES)
def test_no_table_overlaps_or_leaves_a_gap(table_id: str) -> None:
    found = decisions.faults(
        TABLES[table_id], {**dict.fromkeys(FUNCTIONS, _raise), "rule": _number}
    )
    assert found == []
    assert TABLES[table_id].has_otherwise


# what a table may ask beside its facts; built in is what needs nothing more
FUNCTIONS = [
    name
    for name, function in expressions.FUNCTIONS.items()
    if function.asks is not expressions.Asks.NOTHING
]


def _raise(*_given: Any) -> Any:
    raise ProcessFault("没有值")


def _number(rule: str) -> Any:
    return rulebook().get(rule)[-1].value


# --- tables of the process folders ------------------------------------------------------------------------------------
def by_facts(table_id: str, **facts: Any) -> Any:
    """The first output of a folder's table for facts as a matter has them."""
    found = decisions.decide(TABLES[table_id], facts, _functions())
    return found[TABLES[table_id].outputs[0].name]


@pytest.mark.parametrize(
    ("dated", "allowed"),
    [("2026-05-19", True), ("2026-05-20", False), ("2026-05-21", False), (None, False)],
)
def test_a_consent_is_dated_before_the_move(dated: str | None, allowed: bool) -> None:
    facts = {
        "check_term": {"decision": "in_term"},
        "committee_vote": {"passed": True},
        "case": {"effective_on": "2026-05-20"},
    }
    assert (
        by_facts(
            "cadre_transfer.gate", superior_reply={"decision": "consent", "dated": dated}, **facts
        )
        is allowed
    )
    assert (
        by_facts("cadre_transfer.gate", superior_reply={"decision": None, "dated": dated}, **facts)
        is False
    )
    facts["committee_vote"] = {"passed": False}
    assert (
        by_facts(
            "cadre_transfer.gate", superior_reply={"decision": "consent", "dated": dated}, **facts
        )
        is False
    )


@pytest.mark.parametrize(
    ("day", "result"),
    [("2026-05-19", "accept"), ("2026-05-20", "accept"), ("2026-05-21", "decline")],
)
def test_an_application_is_in_time_on_the_last_day_of_limitation(day: str, result: str) -> None:
    facts: dict[str, Any] = {
        "examine": {"pending": "none", "matter": "pay"},
        "regime": {"result": "labour"},
        "legal_review": {},
    }
    assert (
        by_facts(
            "dispute_mediation.admissibility",
            receipt={"day": day},
            limitation={"last": "2026-05-20"},
            **facts,
        )
        == result
    )
    assert (
        by_facts("dispute_mediation.admissibility", receipt={"day": day}, limitation={}, **facts)
        == "accept"
    )


@pytest.mark.parametrize(
    ("known", "result"),
    [("2025-08-31", "civil"), ("2025-09-01", "legal_review"), ("2025-09-02", "legal_review")],
)
def test_mediation_and_the_shared_table_agree_on_retirees(known: str, result: str) -> None:
    facts = {
        "employer": "company",
        "staff": "rehired",
        "permit": None,
        "pension": "yes",
        "known_on": known,
    }
    assert (
        by_facts("dispute_mediation.regime", launch=facts)
        == by_facts("regime", launch=facts)
        == result
    )


@pytest.mark.parametrize("staff", ["establishment", "contract", "dispatched"])
@pytest.mark.parametrize("employer", ["public_university", "private_university", "company"])
def test_mediation_and_the_shared_table_agree_on_staff(employer: str, staff: str) -> None:
    facts = {
        "employer": employer,
        "staff": staff,
        "permit": None,
        "pension": "no",
        "known_on": "2026-01-01",
    }
    assert by_facts("dispute_mediation.regime", launch=facts) == by_facts("regime", launch=facts)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_absence_ends_a_mediation_at_the_number_of_the_rule(more: int) -> None:
    times = _number("MD-ABSENT") + more
    facts = {
        "issue_inquiry": {"at": "x"},
        "reply": {"decision": "accept"},
        "examine": {"matter": "pay"},
    }
    assert (
        by_facts("dispute_mediation.mediation_exit", note_absence={"times": times}, **facts)
        == "absent"
    ) is (more >= 0)


@pytest.mark.parametrize("ground", ["relative", "interested", "handled"])
@pytest.mark.parametrize(("many", "result"), [(0, "stay"), (1, "withdraw"), (2, "withdraw")])
def test_one_mediator_with_a_ground_is_enough(ground: str, many: int, result: str) -> None:
    disclosed = {"relative": 0, "interested": 0, "handled": 0, "passed": True, ground: many}
    assert by_facts("dispute_mediation.recusal", disclose=disclosed, object={}) == result


@pytest.mark.parametrize(("wrong", "valid"), [([], True), (["一"], False), (["一", "二"], False)])
def test_one_fault_in_the_composition_is_enough(wrong: list[str], valid: bool) -> None:
    lists = ("numbers", "balance", "outsiders", "chief", "most")
    for name in lists:
        verdict: dict[str, Any] = {**{key: [] for key in lists}, "note": "", name: wrong}
        assert by_facts("collective_consultation.composition", verdict=verdict) is valid


@pytest.mark.parametrize(
    ("signed", "filed", "received", "review", "status"),
    [
        (False, None, None, None, "unsigned"),
        (True, None, None, None, "not_filed"),
        (True, "x", None, None, "not_received"),
        (True, "x", "x", "objection", "objection"),
        (True, "x", "x", "no_objection", "effective"),
        (True, "x", "x", "silence", "effective"),
        (True, "x", "x", None, "not_received"),
        (None, "x", "x", "silence", "unsigned"),
    ],
)
def test_a_contract_is_in_force_only_after_review(
    signed: bool | None, filed: str | None, received: str | None, review: str | None, status: str
) -> None:
    facts = {
        "file": {"filed_on": filed},
        "receipt": {"received_on": received},
        "hrss_review": {"decision": review},
    }
    assert (
        by_facts("collective_consultation.effect", sign_contract={"passed": signed}, **facts)
        == status
    )


# --- amounts ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("facts", "hospital", "total"),
    [
        (stay(0), 0, 0),
        (stay(1), 300, 300),
        (stay(6), 300, 300),
        (stay(7), 350, 350),
        (stay(39), 1950, 1950),
        (stay(40), 2000, 2000),
        (stay(41), 2000, 2000),
        (stay(365), 2000, 2000),
        (stay(0, 26_999), 0, 26_999),
        (stay(0, 27_000), 0, 27_000),
        (stay(0, 27_001), 0, 27_000),
        (stay(6, 26_699), 300, 26_999),
        (stay(6, 26_700), 300, 27_000),
        (stay(6, 26_701), 300, 27_000),
        (stay(7, 26_649), 350, 26_999),
        (stay(7, 26_650), 350, 27_000),
        (stay(7, 26_651), 350, 27_000),
        (stay(41, 24_999), 2000, 26_999),
        (stay(41, 25_000), 2000, 27_000),
        (stay(41, 25_001), 2000, 27_000),
    ],
)
def test_the_benefit_is_the_plan_s(facts: dict[str, Any], hospital: int, total: int) -> None:
    told = {result.name: result.value for result in tell("benefit_amount", facts, TERM).results}
    assert (told["hospital"], told["total"]) == (hospital, total)


@pytest.mark.parametrize(
    ("on", "row"),
    [
        (date(2021, 12, 31), 1),
        (date(2022, 1, 1), 5),
        (date(2022, 12, 31), 5),
        (date(2023, 1, 1), 1),
        (TODAY, 1),
    ],
)
def test_a_term_without_values_computes_nothing(on: date, row: int) -> None:
    told = tell("benefit_amount", stay(7), on)
    assert told.row == row
    assert first(told) == ("no_term" if row == 1 else "pay")


@pytest.mark.parametrize(
    ("cause", "lane"), [("illness", "normal"), ("accident", "urgent"), ("disaster", "urgent")]
)
def test_accidents_and_disasters_are_urgent(cause: str, lane: str) -> None:
    assert tell("hardship_grade", need(cause, 100_000, 1)).results[1].value == lane


@pytest.mark.parametrize(
    ("kind", "total", "present", "yes"),
    [
        ("education", 100, 67, 51),
        ("education", 99, 66, 50),
        ("contract", 7, 5, 4),
        ("election", 300, 200, 151),
        ("enterprise", 1, 1, 1),
    ],
)
def test_the_numbers_needed_are_said(kind: str, total: int, present: int, yes: int) -> None:
    told = {r.name: r.value for r in tell("quorum_vote", vote(kind, total, total, 0)).results}
    assert (told["present_needed"], told["yes_needed"]) == (present, yes)


def test_every_size_of_a_congress_is_counted_in_whole_numbers() -> None:
    for total in range(1, 61):
        for present in range(total + 1):
            for yes in range(present + 1):
                quorate, passed = 3 * present >= 2 * total, 2 * yes > total
                due = "passed" if quorate and passed else "failed" if quorate else "not_quorate"
                facts = {
                    "vote": {"kind": "education", "total": total, "present": present, "yes": yes}
                }
                if total % 7 in (0, 1) or present in (2 * total // 3, 2 * total // 3 + 1):
                    assert (
                        decisions.decide(TABLES["quorum_vote"], facts, _functions())["finding"]
                        == due
                    )


# --- the arithmetic of days is the engine's ---------------------------------------------------------------------------
def _arithmetic(kind: str, unit: str, rest: bool, binding: bool) -> dict[str, Any]:
    return {
        r.name: r.value for r in tell("deadline_calc", limit(kind, unit, rest, binding)).results
    }


@pytest.mark.parametrize("binding", [True, False])
@pytest.mark.parametrize("unit", ["day", "working_day", "month", "year"])
@pytest.mark.parametrize("kind", ["within", "at_least", "before", "opens"])
def test_deadlines_are_computed_as_the_table_says(kind: str, unit: str, binding: bool) -> None:
    summer = (date(2026, 7, 10), date(2026, 8, 20), "暑假")
    op = {"within": "within", "at_least": ">=", "before": "before", "opens": "opens"}[kind]
    plain = Calendar()
    for offset in range(60):
        start, amount = (
            date(2026, 6, 1) + timedelta(days=offset),
            10 if unit in ("day", "working_day") else 1,
        )
        due = law.deadline(_ruling(op, unit, amount, binding), start, Calendar(vacations=(summer,)))
        back = kind in ("before", "opens")
        bare = plain.subtract(start, amount, unit).day if back else _unrolled(start, amount, unit)
        told = _arithmetic(kind, unit, plain.is_rest(bare), binding)
        if unit == "working_day":
            counted = Calendar(vacations=(summer,) if told["vacations"] == "skipped" else ())
            bare = (
                counted.subtract(start, amount, unit) if back else counted.add(start, amount, unit)
            ).day
        if told["end"] == "first_day_after_rest":
            while plain.is_rest(bare):
                bare += timedelta(days=1)
        assert due.day == bare - timedelta(days=told["end"] == "one_day_earlier"), (start, told)


def _unrolled(start: date, amount: int, unit: str) -> date:
    """The last day before any roll; months and years on days that every month has."""
    if unit == "day":
        return start + timedelta(days=amount)
    if unit == "working_day":
        return Calendar().add(start, amount, unit).day
    month = start.month + (amount if unit == "month" else 0)
    year = start.year + (amount if unit == "year" else 0)
    last = 30 if month == 9 and start.day == 31 else start.day
    return date(year, month, last)


def _ruling(op: str, unit: str, amount: int, binding: bool) -> law.Ruling:
    level = "LAW" if binding else "DEF"
    rule = law.Rule(
        id="XX-YY",
        title="t",
        title_en="t",
        unit=unit,
        op=op,
        source="s",
        source_en="s",
        jurisdiction="CN",
        level=level,
        confidence="V" if binding else "P",
        text="t",
        text_en="t",
        value=amount,
        binding=binding,
    )
    return law.Rulebook([rule]).ruling("XX-YY", TODAY, frozenset({"CN"}))


# --- answers, words, checks -------------------------------------------------------------------------------------------
def test_answers_are_read_strictly() -> None:
    with pytest.raises(Invalid) as refused:
        tell(
            "quorum_vote",
            {"vote.kind": "party", "vote.total": "1.5", "vote.present": True, "vote.colour": 1},
        )
    assert refused.value.fields.keys() == {"vote.kind", "vote.total", "vote.present", "vote.colour"}
    with pytest.raises(Invalid) as refused:
        tell("quorum_vote", {"vote.kind": "education"})
    assert "还没有值" in refused.value.fields["_"][0]
    with pytest.raises(Invalid):
        tell("regime", person("company", "rehired", pension="yes", known_on="2025-02-30"))
    with pytest.raises(Invalid):
        tell("no_such_table", {})


def test_a_trial_says_why_the_other_rows_do_not_fit() -> None:
    told = tell("quorum_vote", vote("education", 100, 66, 60))
    assert dict(told.misses)[4] == ("到会达到法定人数",)
    assert ("到会达到法定人数", "否", "否") in {(g.label, g.value, g.cell) for g in told.grounds}
    english = reading.evaluate_on_disk(
        "quorum_vote", vote("education", 100, 66, 60), TODAY, messages.language("en")
    )
    assert english.results[0].words == "No quorum"
    assert not any("\u4e00" <= c <= "\u9fff" for r in english.results for c in r.words + r.label)


@pytest.mark.parametrize("table_id", TABLES)
def test_every_table_is_said_in_words(table_id: str) -> None:
    lexicon, table = decision_tables.read_words(PROCESSES), TABLES[table_id]
    found = Found(table, lexicon.sheet(table_id, table), lexicon, shared=True)
    for lang in ("zh", "en"):
        shown = in_words(found, CommonLaw(), TERM, messages.language(lang))
        assert len(shown.lines) == len(table.rules)
        assert shown.lines[-1].otherwise
        assert all(line.because for line in shown.lines)
        if table_id in SHARED:
            said = [c.words for line in shown.lines for c in (*line.cells, *line.results)] + [
                q.label for q in shown.questions
            ]
            said += [line.because for line in shown.lines] + [
                c.label for c in (*shown.inputs, *shown.outputs)
            ]
            assert all(('"' not in text and "rule(" not in text) for text in said), [
                t for t in said if "rule(" in t or '"' in t
            ]
            assert lang == "zh" or not [
                t for t in said if any("\u4e00" <= c <= "\u9fff" for c in t)
            ]


def test_the_shipped_tables_have_no_fault() -> None:
    assert settings.load().processes == PROCESSES
    for place in (PROCESSES / "decisions", PROCESSES / "organisation"):
        assert check_tables(place, rulebook()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('<text>"near_relative"</text>', "", ""),
        ('"handled"</text></inputEntry>', '"party"</text></inputEntry>', "重叠"),
        ('<decision id="recusal"', '<decision id="other"', "文件名相同"),
        ("<annotationEntry><text>V</text>", "<annotationEntry><text>X</text>", "可信程度"),
        ('<annotation name="confidence"/>', "", "没有写可信程度"),
        ("MD-RECUSAL）：没有上列情形的，不必回避", "MD-RECUSAL）：另有规定", "没有英文"),
        ("case.objected or case.doubt", 'reaches("NO-SUCH", case.a, case.b)', "没有规则 NO-SUCH"),
        ('"stay"</text></outputEntry>', '"leave"</text></outputEntry>', "不在允许值"),
        ("</definitions>", "", "XML"),
    ],
)
def test_every_fault_of_a_shared_table_is_found(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    place = tmp_path / "decisions"
    place.mkdir()
    (place / decision_tables.WORDS).write_text(
        (PROCESSES / "decisions" / decision_tables.WORDS).read_text("utf-8"), "utf-8"
    )
    text = (PROCESSES / "decisions" / "recusal.dmn").read_text("utf-8")
    (place / "recusal.dmn").write_text(text.replace(old, new), "utf-8")
    found = [str(fault) for fault in check_tables(place, rulebook())]
    assert any(said in fault for fault in found) if said else found == []


def test_a_table_without_an_otherwise_row_is_a_fault(tmp_path: Path) -> None:
    place = tmp_path / "organisation"
    place.mkdir()
    text = (PROCESSES / "organisation" / "managing_union.dmn").read_text("utf-8")
    head, _, _ = text.partition('<rule id="otherwise">')
    (place / "managing_union.dmn").write_text(
        head + "</decisionTable></decision></definitions>", "utf-8"
    )
    assert any("其他情形" in str(fault) for fault in check_tables(place, rulebook()))

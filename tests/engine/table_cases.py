"""Cases of the shared decision tables: on every boundary one below, equal, one above, and each row."""

from __future__ import annotations

from datetime import date
from typing import Any

from engine.queries import decisions as reading

TERM = date(2022, 6, 30)  # of the mutual-aid plan whose numbers are known
TODAY = date(2026, 11, 23)
Case = tuple[dict[str, Any], int, str]


def tell(table_id: str, facts: dict[str, Any], on: date = TODAY) -> reading.Outcome:
    return reading.evaluate_on_disk(table_id, facts, on)


def first(outcome: reading.Outcome) -> Any:
    return outcome.results[0].value


def vote(kind: str, total: int, present: int, yes: int) -> dict[str, Any]:
    return {"vote.kind": kind, "vote.total": total, "vote.present": present, "vote.yes": yes}


def person(employer: str, staff: str, **more: str) -> dict[str, Any]:
    return {"launch.employer": employer, "launch.staff": staff} | {
        f"launch.{k}": v for k, v in more.items()
    }


def limit(kind: str, unit: str, rest: bool | None, binding: bool | None) -> dict[str, Any]:
    return {
        "limit.kind": kind,
        "limit.unit": unit,
        "limit.last_day_rest": rest,
        "limit.binding": binding,
    }


def claim(**facts: Any) -> dict[str, Any]:
    return {f"claim.{key}": value for key, value in facts.items()}


def stay(days: int, serious_sum: int | None = None) -> dict[str, Any]:
    return claim(insured=True, days=days, serious=serious_sum is not None, serious_sum=serious_sum)


def need(cause: str, cost: int, income: int, line: int = 1000) -> dict[str, Any]:
    return claim(only_applicant=True, proofs=True, cause=cause, cost=cost, income=income, line=line)


def tie(
    duty: str, relation: str, objected: bool | None = False, doubt: bool | None = False
) -> dict[str, Any]:
    return {
        "case.duty": duty,
        "case.relation": relation,
        "case.objected": objected,
        "case.doubt": doubt,
    }


def item(
    kind: str,
    decided: bool | None = None,
    sensitive: bool | None = False,
    consent: bool | None = False,
) -> dict[str, Any]:
    return {
        "item.kind": kind,
        "item.sensitive": sensitive,
        "item.consent": consent,
        "item.decided": decided,
    }


def sides(
    staff: int, employer: int, out: tuple[int, int] = (0, 0), large: bool = False, **more: bool
) -> dict[str, Any]:
    given = {"double": False, "outside_chief": False, "elected": True, **more, "large": large}
    given |= {
        "staff": staff,
        "employer": employer,
        "staff_outside": out[0],
        "employer_outside": out[1],
    }
    return {f"sides.{key}": value for key, value in given.items()}


CASES: dict[str, list[Case]] = {
    "negotiators": [
        (sides(3, 3, double=True, outside_chief=True), 1, "double"),
        (sides(3, 3, outside_chief=True, elected=False), 2, "outside_chief"),
        (sides(3, 3, elected=False), 3, "not_elected"),
        (sides(2, 2), 4, "too_few"),
        (sides(3, 2), 4, "too_few"),
        (sides(3, 3), 7, "sound"),
        (sides(4, 4), 7, "sound"),
        (sides(4, 4, large=True), 4, "too_few"),
        (sides(5, 4, large=True), 4, "too_few"),
        (sides(5, 5, large=True), 7, "sound"),
        (sides(6, 6, large=True), 7, "sound"),
        (sides(4, 3), 5, "unequal"),
        (sides(3, 4), 5, "unequal"),
        (sides(3, 3, (1, 1)), 7, "sound"),
        (sides(3, 3, (2, 0)), 6, "too_many_outsiders"),
        (sides(3, 3, (0, 2)), 6, "too_many_outsiders"),
        (sides(5, 5, (1, 1)), 7, "sound"),
        (sides(5, 5, (2, 0)), 6, "too_many_outsiders"),
        (sides(6, 6, (2, 2)), 7, "sound"),
        (sides(6, 6, (2, 3)), 6, "too_many_outsiders"),
        ({**sides(3, 3), "sides.double": None}, 8, "unclear"),
    ],
    "regime": [
        (person("public_university", "establishment"), 1, "personnel"),
        (person("public_university", "contract"), 2, "labour"),
        (person("private_university", "contract"), 3, "labour"),
        (person("company", "contract"), 4, "labour"),
        *(
            (person(e, "dispatched"), 5, "labour")
            for e in ("public_university", "private_university", "company")
        ),
        (person("public_university", "foreign", permit="work"), 6, "labour"),
        (person("company", "foreign", permit="residence"), 7, "labour"),
        (person("private_university", "foreign", permit="none"), 8, "civil"),
        (person("public_university", "rehired", pension="yes", known_on="2025-08-30"), 9, "civil"),
        (person("public_university", "rehired", pension="yes", known_on="2025-08-31"), 9, "civil"),
        (
            person("public_university", "rehired", pension="yes", known_on="2025-09-01"),
            10,
            "legal_review",
        ),
        (
            person("public_university", "rehired", pension="yes", known_on="2025-09-02"),
            10,
            "legal_review",
        ),
        (person("company", "rehired", pension="yes", known_on="2021-01-01"), 9, "civil"),
        (
            person("company", "rehired", pension="yes", known_on="2020-12-31"),
            12,
            "legal_review",
        ),  # before any rule we have
        (person("company", "rehired", pension="yes"), 12, "legal_review"),
        (person("company", "rehired", pension="no", known_on="2025-08-31"), 11, "legal_review"),
        (person("private_university", "establishment"), 12, "legal_review"),
        (person("company", "establishment"), 12, "legal_review"),
        (person("public_university", "foreign"), 12, "legal_review"),
        ({}, 12, "legal_review"),
    ],
    "quorum_vote": [
        *(
            case
            for kind, row, strict in (
                ("education", 2, 51),
                ("enterprise", 5, 51),
                ("contract", 8, 51),
                ("election", 11, 51),
            )
            for case in (
                (vote(kind, 100, 66, 66), row, "not_quorate"),
                (vote(kind, 100, 67, 67), row + 2, "passed"),
                (vote(kind, 100, 68, strict), row + 2, "passed"),
                (vote(kind, 100, 67, strict - 1), row + 1, "failed"),
                (vote(kind, 100, 67, strict + 1), row + 2, "passed"),
                (vote(kind, 99, 65, 50), row, "not_quorate"),
                (vote(kind, 99, 66, 49), row + 1, "failed"),
                (vote(kind, 99, 66, 50), row + 2, "passed"),
                (vote(kind, 3, 2, 2), row + 2, "passed"),
                (vote(kind, 3, 1, 1), row, "not_quorate"),
                (vote(kind, 1, 1, 1), row + 2, "passed"),
            )
        ),
        (vote("removal", 100, 50, 50), 14, "failed"),
        (vote("removal", 100, 51, 51), 15, "passed"),
        (vote("removal", 100, 100, 49), 14, "failed"),
        (vote("education", 100, 80, 81), 1, "invalid"),
        (vote("education", 100, 80, 80), 4, "passed"),
        (vote("education", 100, 101, 80), 1, "invalid"),
        (vote("education", 0, 0, 0), 1, "invalid"),
        ({**vote("education", 10, 10, 10), "vote.kind": None}, 16, "invalid"),
    ],
    "deadline_calc": [
        (limit("within", "day", False, True), 1, "calendar_days"),
        (limit("at_least", "day", False, False), 1, "calendar_days"),
        (limit("within", "day", True, True), 2, "calendar_days"),
        (limit("within", "month", False, True), 3, "corresponding_day"),
        (limit("at_least", "year", True, None), 4, "corresponding_day"),
        (limit("within", "working_day", None, True), 5, "working_days"),
        (limit("within", "working_day", None, False), 6, "working_days"),
        (limit("before", "day", None, True), 7, "calendar_days"),
        (limit("before", "month", True, False), 8, "calendar_days"),
        (limit("before", "working_day", None, True), 9, "working_days"),
        (limit("before", "working_day", None, False), 10, "working_days"),
        (limit("opens", "day", None, None), 11, "calendar_days"),
        (limit("opens", "working_day", None, True), 12, "working_days"),
        (limit("opens", "working_day", None, False), 13, "working_days"),
        (limit("within", "day", None, True), 14, None),  # type: ignore[list-item]
        (limit("within", "working_day", False, None), 14, None),  # type: ignore[list-item]
    ],
    "benefit_amount": [
        (claim(insured=False, days=7, serious=False), 2, "not_insured"),
        (stay(-1), 11, "review"),
        (stay(0), 3, "nothing"),
        (stay(1), 4, "pay"),
        (stay(5), 4, "pay"),
        (stay(6), 4, "pay"),
        (stay(7), 5, "pay"),
        (stay(39), 5, "pay"),
        (stay(40), 5, "pay"),
        (stay(41), 6, "pay"),
        (stay(0, 1), 7, "pay"),
        (stay(6, 26_700), 8, "pay"),
        (stay(7, 26_650), 9, "pay"),
        (stay(41, 25_000), 10, "pay"),
    ],
    "hardship_grade": [
        (claim(only_applicant=False), 1, "none"),
        (claim(only_applicant=True, proofs=False), 2, "return"),
        (need("other", 0, 0), 3, "none"),
        (need("illness", 100_000, 5000), 4, "first"),
        (need("accident", 100_001, 5000), 4, "first"),
        (need("illness", 99_999, 1000), 5, "first"),
        (need("illness", 99_999, 1001), 6, "second"),
        (need("disaster", 30_000, 1001), 6, "second"),
        (need("disaster", 30_001, 999), 5, "first"),
        (need("illness", 29_999, 1000), 7, "second"),
        (need("illness", 29_999, 1001), 8, "third"),
        (need("illness", 29_999, 1499), 8, "third"),
        (need("illness", 29_999, 1500), 8, "third"),
        (need("illness", 29_999, 1501), 9, "none"),
        (need("low_income", 0, 999), 10, "second"),
        (need("low_income", 0, 1000), 10, "second"),
        (need("low_income", 0, 1001), 11, "third"),
        (need("low_income", 0, 1500), 11, "third"),
        (need("low_income", 200_000, 1501), 12, "none"),
        (claim(proofs=True, cost=0, income=1, line=1), 13, "return"),
    ],
    "recusal": [
        *(
            (tie(d, r), 1, "withdraw")
            for d in ("personnel", "mediation")
            for r in ("party", "near_relative", "interest")
        ),
        *((tie(d, "interest"), 2, "withdraw") for d in ("congress", "grant", "evaluation")),
        *((tie(d, "heads_unit"), 3, "withdraw") for d in ("congress", "grant", "evaluation")),
        (tie("personnel", "heads_unit"), 4, "decide"),
        (tie("congress", "handled"), 5, "withdraw"),
        (tie("mediation", "handled"), 6, "decide"),
        (tie("personnel", "none", objected=True), 7, "decide"),
        (tie("mediation", "none", doubt=True), 7, "decide"),
        (tie("evaluation", "none", objected=True, doubt=True), 8, "decide"),
        *(
            (tie(d, "none"), 9, "stay")
            for d in ("personnel", "mediation", "congress", "grant", "evaluation")
        ),
        ({"case.duty": "grant"}, 10, "decide"),
        (tie("grant", "none", None, None), 10, "decide"),
    ],
    "disclosure_level": [
        *(
            (item(k, sensitive=True), 1, "confidential")
            for k in ("motion_result", "hardship_result", "funds", "mediation_roster")
        ),
        (item("motion_result"), 2, "staff"),
        (item("hardship_result", sensitive=True, consent=True), 14, "staff"),
        (item("motion_rating"), 3, "confidential"),
        (item("contract_reps"), 4, "staff"),
        (item("contract_text"), 5, "staff"),
        (item("trade_secret"), 6, "confidential"),
        (item("transfer", decided=False), 7, "confidential"),
        (item("transfer", decided=True), 8, "staff"),
        (item("transfer"), 18, "confidential"),
        (item("candidates"), 9, "staff"),
        (item("election_result"), 10, "staff"),
        (item("ballot"), 11, "confidential"),
        (item("mediation_case"), 12, "confidential"),
        (item("mediation_roster"), 13, "public"),
        (item("hardship_result"), 14, "staff"),
        (item("hardship_proof"), 15, "confidential"),
        (item("funds"), 16, "staff"),
        (item("school_affairs"), 17, "public"),
        (item("school_affairs", sensitive=None), 18, "confidential"),  # not known to be harmless
        ({}, 18, "confidential"),
    ],
    "organisation.managing_union": [
        ({"owner_type": "ministry"}, 1, "provincial_education_union"),
        ({"owner_type": "province", "city": "杭州"}, 1, "provincial_education_union"),
        *(
            ({"affiliation": "province", "owner_type": o}, row, "provincial_education_union")
            for o, row in (("ministry", 1), ("private", 2), ("independent", 2))
        ),
        ({"owner_type": "industry"}, 3, "industrial_union"),
        ({"affiliation": "industry", "owner_type": "private"}, 4, "industrial_union"),
        ({"owner_type": "city", "city": "宁波"}, 5, "municipal_federation"),
        *(
            ({"affiliation": "city", "owner_type": o, "city": "宁波"}, 6, "municipal_federation")
            for o in ("private", "independent")
        ),
        *(
            (case, row, None)  # type: ignore[misc]
            for case, row in (
                ({"owner_type": "private", "city": "宁波"}, 7),
                ({"affiliation": "city", "owner_type": "province", "city": "宁波"}, 8),
                ({"affiliation": "province", "owner_type": "city", "city": "宁波"}, 9),
                ({"affiliation": "city", "owner_type": "industry", "city": "宁波"}, 10),
                ({"city": "宁波"}, 11),
                ({"affiliation": "city", "owner_type": "private"}, 11),
            )
        ),
    ],
    "congress_motion.admissibility": [
        ({"column.1": False, "second.yes": 3}, 1, "decline"),
        ({"column.1": True, "second.yes": 2}, 2, "return"),
        ({"column.1": True, "second.yes": 3}, 10, "file"),
        ({"column.1": True, "second.yes": 4}, 10, "file"),
        *(
            ({"column.1": True, "second.yes": 3, f"column.{n}": True}, n, proposal)
            for n, proposal in zip(
                range(3, 10),
                ("decline", "decline", "decline", "return", "return", "suggest", "suggest"),
                strict=True,
            )
        ),
    ],
    "congress_motion.escalation": [
        ({"column.1": True, "review.grade": "general", "column.3": 0}, 1, "congress"),
        ({"column.1": False, "review.grade": "general", "column.3": 1}, 2, "presidents_meeting"),
        ({"column.1": False, "review.grade": "key", "column.3": 2}, 2, "presidents_meeting"),
        ({"column.1": False, "review.grade": "key", "column.3": 0}, 3, "presidents_meeting"),
        ({"column.1": False, "review.grade": "general", "column.3": 0}, 4, "vice_president"),
    ],
}
DAYS = {"benefit_amount": TERM}


def holds(table_id: str, case: Case) -> bool:
    """Does the case fall on its row, with its result?"""
    facts, row, finding = case
    told = tell(table_id, facts, DAYS.get(table_id, TODAY))
    return (told.row, first(told)) == (row, finding)

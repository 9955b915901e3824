"""Meetings and the votes in them: quorum to the head, absent voters, elections, paper ballots, tellers, void and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine import definitions, scenarios
from engine.definitions import check
from engine.instance.union_law import rulebook
from tests.engine.sessions import (
    CLOSE,
    HALL,
    SIGN,
    STANDARD,
    choose,
    election,
    people,
    put,
    start,
    votes,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

WHY = "教代会法定人数：应到 8 人，须到 6 人，实到 8 人，符合法定人数；职代会表决通过（企业、民办）：全体 8 人，须有 5 人同意，同意 4 人，不符合通过条件。"


def told(engine: Engine, story: dict[str, Any]) -> None:
    played = scenarios.play(engine, story, definitions.read(HALL), STANDARD)
    assert played.ok, played.why


@pytest.mark.parametrize(
    ("delegates", "arrived", "quorate"),
    [(9, 5, False), (9, 6, True), (9, 7, True), (8, 5, False), (8, 6, True)],
)
def test_a_vote_opens_only_while_two_thirds_of_all_are_present(
    engine: Engine, delegates: int, arrived: int, quorate: bool
) -> None:
    story = start(delegates, arrived)
    story["step"].append(put("" if quorate else "no_quorum"))
    told(engine, story)


def test_observers_never_count(engine: Engine) -> None:
    story = start(9, 5)
    story["cast"] |= {f"列席{n}": ["observer_delegate@info"] for n in range(5)}
    story["step"].insert(
        2, {"who": [f"列席{n}" for n in range(5)], "does": "arrive", "task": "session"}
    )
    story["step"].append(put("no_quorum"))
    told(engine, story)


def test_when_delegates_leave_the_next_vote_does_not_open(engine: Engine) -> None:
    story = start(9, 6)
    story["step"] += [
        {"who": "代表甲", "does": "leave", "task": "session"},
        put("no_quorum"),
        {"who": "代表庚", "does": "arrive", "task": "session"},
        put(),
    ]
    told(engine, story)


def test_who_is_absent_cannot_vote_and_nobody_enters_with_a_wrong_code(engine: Engine) -> None:
    story = start(9, 6)
    story["step"] += [
        put(),
        {
            "who": "代表辛",
            "does": "respond",
            "task": "vote",
            "with": {"choice": "yes"},
            "refused": "absent",
        },
        {
            "who": "代表辛",
            "does": "arrive",
            "task": "session",
            "with": {"code": "x"},
            "refused": "wrong_code",
        },
        {"who": "工会秘书", "does": "arrive", "task": "session", "refused": "not_found"},
    ]
    told(engine, story)


def test_a_university_demands_more_than_the_law(engine: Engine) -> None:
    """Three quarters of nine are seven: for opening the vote, and in its outcome."""
    story = start(9, 6) | {"rules": {"CG-QUORUM": "3/4"}}
    seventh = {"who": "代表庚", "does": "arrive", "task": "session"}
    story["step"] += [put("no_quorum"), seventh, put(), *votes(5, 2)]
    story["ends"] = {"facts": {"vote.passed": True, "vote.present": 7}}
    told(engine, story)


@pytest.mark.parametrize(("yes", "no", "passed"), [(4, 2, False), (5, 1, True), (6, 0, True)])
def test_more_than_half_of_all_not_of_those_present(
    engine: Engine, yes: int, no: int, passed: bool
) -> None:
    story = start(9, 6)
    story["step"] += [put(), *votes(yes, no)]
    story["ends"] = {
        "facts": {
            "vote.passed": passed,
            "vote.roll": 9,
            "vote.present": 6,
            "vote.present_at_opening": 6,
        }
    }
    told(engine, story)


def test_who_was_there_at_the_vote_and_the_fewest_meanwhile(engine: Engine) -> None:
    """142 of 213 are the quorum; two leave and come back inside the window, before the opening
    nobody was there.
    """
    crowd = [f"代表{n:03}" for n in range(213)]
    story = start(0, 0)
    story["cast"] |= {name: ["formal_delegate@info"] for name in crowd}
    story["step"][1]["who"] = ["列席"]
    hall = {"task": "session"}
    named = [f"member:{name}" for name in crowd]
    given = {"with": {"candidates": named[:2], "tellers": named[2:4]}}
    cast = {"who": crowd[:107], "does": "respond", "task": "vote", "with": {"choice": "yes"}}
    story["step"] += [
        {"who": crowd[:141], "does": "arrive", **hall},
        put("no_quorum") | given,
        {"who": crowd[141], "does": "arrive", **hall},
        put() | given,
        {"who": crowd[:2], "does": "leave", **hall},
        {"who": crowd[:2], "does": "arrive", **hall},
        cast,
        {"who": "主席团主席", "does": "close_poll", "task": "vote"},
    ]
    numbers = {"roll": 213, "present_at_opening": 142, "present_needed": 142, "present_least": 140}
    numbers |= {"present": 142, "passed": True}
    story["ends"] = {"facts": {f"vote.{name}": n for name, n in numbers.items()}}
    told(engine, story)


def test_exactly_half_of_all_is_not_more_than_half(engine: Engine) -> None:
    story = start(8, 8)
    story["step"] += [put(), *votes(4, 4)]
    story["ends"] = {"facts": {"vote.passed": False, "vote.why": WHY}}
    told(engine, story)


@pytest.mark.parametrize(("votes_for", "elected"), [(4, []), (5, ["member:代表甲"])])
def test_a_seat_needs_more_than_half_of_those_due(
    engine: Engine, votes_for: int, elected: list[str]
) -> None:
    story = election(
        choose(people(9)[:votes_for], "代表甲"), choose(people(9)[votes_for:]), CLOSE, SIGN
    )
    story["ends"] = {
        "facts": {"elect.elected": elected, "elect.passed": bool(elected), "elect.valid": 9}
    }
    told(engine, story)


def test_too_many_names_are_refused_and_the_count_waits_for_both_signatures(engine: Engine) -> None:
    story = election(
        choose(["代表甲"], "代表甲", "代表乙", refused="invalid"),
        choose(people(9)[:5], "代表乙"),
        CLOSE,
        {"who": "代表甲", "does": "count", "task": "elect", "refused": "not_found"},
        {"who": "代表丙", "does": "count", "task": "elect", "expect": ["elect", "session"]},
        {"who": "代表丙", "does": "count", "task": "elect", "refused": "answered"},
        {"who": "代表丁", "does": "count", "task": "elect", "expect": ["session"]},
    )
    story["ends"] = {"facts": {"elect.elected": ["member:代表乙"]}}
    told(engine, story)


def paper(
    who: str, returned: int, invalid: int = 0, refused: str = "", issued: int = 3, **counts: int
) -> dict[str, Any]:
    step = {
        "who": who,
        "does": "paper",
        "task": "elect",
        "with": {"issued": issued, "returned": returned, "invalid": invalid, "counts": counts},
    }
    return {**step, "refused": refused} if refused else step


GIVE = {
    "who": "代表丙",
    "does": "give_paper",
    "task": "elect",
    "with": {"members": ["member:代表己", "member:代表庚", "member:代表辛"]},
}


def test_paper_and_electronic_ballots_make_one_count_when_two_tellers_agree(engine: Engine) -> None:
    story = election(
        choose(people(5), "代表甲"),
        GIVE,
        choose(["代表庚"], "代表甲", refused="on_paper"),
        CLOSE,
        {**SIGN, "refused": "paper_differs"},
        paper("代表丙", 3, 1, abstain=2),
        paper("代表丁", 3, 2, abstain=1),
        {**SIGN, "refused": "paper_differs"},
        paper("代表丁", 3, 1, abstain=1, refused="invalid"),
        paper("代表丁", 3, 1, refused="invalid", issued=4, abstain=2),
        paper("代表丁", 3, 1, abstain=2),
        SIGN,
    )
    story["ends"] = {
        "facts": {
            "elect.returned": 8,
            "elect.invalid": 1,
            "elect.abstain": 2,
            "elect.issued": 8,
            "elect.passed": True,
        }
    }
    told(engine, story)


VOID = {"does": "void_poll", "task": "elect"}


def test_more_papers_returned_than_issued_is_void_and_put_again(engine: Engine) -> None:
    story = election(
        choose(people(5), "代表甲"),
        GIVE,
        CLOSE,
        paper("代表丙", 4, abstain=4),
        paper("代表丁", 4, abstain=4),
        choose(["代表己"], "代表乙"),
        {"who": "代表丙", **VOID, "with": {"reason": "发错选票"}},
        {"who": "代表丁", **VOID, "refused": "needs_other"},
        {"who": "主席团主席", **VOID},
        choose(people(5), "代表乙"),
        CLOSE,
        SIGN,
    )
    story["ends"] = {
        "facts": {"elect.elected": ["member:代表乙"], "elect.issued": 5},
        "events": ["poll_voided"],
    }
    told(engine, story)


def test_a_tie_elects_nobody_of_those_level(engine: Engine) -> None:
    """With one seat two candidates cannot both have more than half; level votes leave the seat empty."""
    story = election(choose(people(9)[:4], "代表甲"), choose(people(9)[4:8], "代表乙"), CLOSE, SIGN)
    story["ends"] = {"facts": {"elect.elected": [], "elect.passed": False}}
    told(engine, story)


def test_a_guard_holds_at_the_end_event_and_the_meeting_waits_for_open_votes(
    engine: Engine,
) -> None:
    story = start(9, 6)
    finish = {"who": "主席团主席", "does": "complete", "task": "session"}
    story["step"] += [
        put(),
        {**finish, "refused": "polls_open"},
        *votes(4, 2),
        CLOSE,
        SIGN,
        {**finish, "refused": "guard"},
    ]
    story["ends"] = {"at": "open", "events": ["attempt_refused", "meeting_opened", "poll_signed"]}
    told(engine, story)


def test_a_session_ends_with_its_numbers_on_record(engine: Engine) -> None:
    story = start(9, 7)
    story["step"] += [
        put(),
        *votes(5, 1),
        CLOSE,
        SIGN,
        {"who": "主席团主席", "does": "complete", "task": "session"},
    ]
    story["ends"] = {
        "at": "done",
        "events": ["meeting_closed"],
        "facts": {
            "session.meeting.due": 9,
            "session.meeting.present": 7,
            "session.meeting.needed": 6,
            "session.meeting.observers": 1,
        },
    }
    told(engine, story)


OPTIONS = {
    "candidates = 'put.candidates'\nseats = '1'": 'choices = ["gym", "bus", "nursery"]\nseats = \'1 + 1\'',
    'words_en = "More than half of those due."': """words_en = "More than half of those due."
[tasks.elect.poll.labels]
gym = "健身房"
bus = "班车"
nursery = "托管"
[tasks.elect.poll.labels_en]
gym = "Gym"
bus = "Bus"
nursery = "Nursery\"""",
}


def test_several_of_many_may_be_chosen_and_each_needs_its_share(engine: Engine) -> None:
    """Choosing up to two of three things: what more than half of all want is taken, most votes first."""
    files = dict(definitions.read(HALL))
    for old, new in OPTIONS.items():
        assert old in files["process.toml"]
        files["process.toml"] = files["process.toml"].replace(old, new)
    answer = {"does": "respond", "task": "elect"}
    story = election(
        {**answer, "who": people(9)[:6], "with": {"choices": ["gym", "bus"]}},
        {
            **answer,
            "who": people(9)[6:7],
            "with": {"choices": ["gym", "bus", "nursery"]},
            "refused": "invalid",
        },
        {**answer, "who": people(9)[6:8], "with": {"choices": ["gym"]}},
        CLOSE,
        SIGN,
    )
    story["ends"] = {
        "facts": {
            "elect.elected": ["gym", "bus"],
            "elect.votes.gym": 8,
            "elect.votes.bus": 6,
            "elect.passed": True,
        }
    }
    played = scenarios.play(engine, story, files, STANDARD)
    assert played.ok, played.why
    assert not [
        fault for fault in check.faults(files, rulebook(), set()) if "elect" in fault.element
    ]

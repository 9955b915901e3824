"""Counting, ballot by ballot: every number, the last seat, ties, abstentions, invalid and paper ballots. No database."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from engine.db import Session
from engine.definitions import Process
from engine.instance import counting
from engine.instance.context import Context

NOBODY = UUID(int=0)
LAWS: list[Any] = [[], [], {}, "宁波市"]  # a university without values of its own


def tally(*given: Any) -> dict[str, Any]:
    """The outcome as it is stored."""
    return counting.tally(*given).stored()


def run(decided_on: int = 2026) -> Context:
    """A matter that needs no database: nothing that is counted may look into one."""
    row = {
        "id": NOBODY,
        "union_id": NOBODY,
        "starter_id": NOBODY,
        "unit_id": None,
        "number": "1",
        "title": "",
        "facts": {},
        "rounds": {},
        "seq": 1,
        "head": bytes(32),
        "started_at": datetime(decided_on, 3, 2, tzinfo=UTC),
        "union_law": LAWS,
    }
    return Context(cast("Session", None), None, row, cast("Process", None))


def poll(passes: str = "true", roll: int = 9, **rule: Any) -> Any:
    """A vote with three choices."""
    return SimpleNamespace(
        kind="vote",
        choices=["yes", "no", "abstain"],
        roll_size=roll,
        rule={"passes": passes, **rule},
    )


def vote(yes: int = 0, no: int = 0, abstain: int = 0) -> dict[str, int]:
    return {"yes": yes, "no": no, "abstain": abstain}


def election(wins: str, seats: int = 1, roll: int = 9, passes: str = "true", **rule: Any) -> Any:
    """An election among a, b, c and d."""
    return SimpleNamespace(
        kind="election",
        choices=["a", "b", "c", "d"],
        roll_size=roll,
        rule={"passes": passes, "wins": wins, "seats": seats, **rule},
    )


def elected(seats: int, wins: str = "votes > 0", **votes: int) -> tuple[list[str], list[str]]:
    """Who has a seat, and who is tied."""
    found = tally(run(), election(wins, seats), {**votes, "answered": 9})
    return found["elected"], found["tied"]


# --- the numbers --------------------------------------------------------------------------------------------------------
def test_a_vote_without_paper() -> None:
    found = tally(run(), poll(), vote(4, 2, 1))
    assert found == {
        "yes": 4,
        "no": 2,
        "abstain": 1,
        "roll": 9,
        "answered": 7,
        "silent": 2,
        "issued": 7,
        "returned": 7,
        "valid": 7,
        "invalid": 0,
        "passed": True,
        "why": "",
        "why_en": "",
    }


def test_nobody_answered() -> None:
    found = tally(run(), poll(), {})
    assert [
        found[k] for k in ("yes", "no", "abstain", "answered", "silent", "valid", "issued")
    ] == [
        *(0, 0, 0, 0),
        *(9, 0, 0),
    ]


def test_sealed_ballots_that_nobody_can_read_were_cast_but_are_not_valid() -> None:
    found = tally(run(), poll(invalid=2), vote(4, 1))
    assert (found["answered"], found["returned"], found["issued"]) == (7, 7, 7)
    assert (found["valid"], found["invalid"], found["silent"]) == (5, 2, 2)


PAPER = {"issued": 5, "returned": 4, "invalid": 1, "counts": {"yes": 2, "abstain": 1}}


def test_paper_is_added_number_by_number() -> None:
    found = tally(run(), poll(invalid=1, roll=20), vote(3, 2), PAPER)
    assert (found["yes"], found["no"], found["abstain"]) == (5, 2, 1)
    assert (found["issued"], found["returned"]) == (
        11,
        10,
    )  # six in the system; five and four on paper
    assert (found["invalid"], found["valid"]) == (2, 8)
    assert (found["answered"], found["silent"]) == (10, 10)
    assert found["on_paper"] == PAPER


def test_without_paper_nothing_is_said_of_it() -> None:
    assert "on_paper" not in tally(run(), poll(), vote(1), {})


def test_presence_is_that_at_the_closing_and_that_at_the_opening_is_kept() -> None:
    both = tally(run(), poll(presence={"opening": 8, "closing": 6}), vote(1))
    assert (both["present_at_opening"], both["present"]) == (8, 6)
    opening = tally(run(), poll(presence={"opening": 8}), vote(1))
    assert (opening["present_at_opening"], opening["present"]) == (8, 8)
    nobody_left = tally(run(), poll(presence={"opening": 8, "closing": 0}), vote(1))
    assert nobody_left["present"] == 0
    assert "present" not in tally(run(), poll(), vote(1))


def test_of_an_election_ballots_are_counted_not_votes() -> None:
    """Five ballots with seven votes on them, of which one chooses nobody."""
    counts = {"a": 4, "b": 3, "answered": 5, "abstain": 1}
    found = tally(
        run(),
        election("votes > 0", 2, invalid=1),
        counts,
        PAPER | {"counts": {"b": 2, "abstain": 1}},
    )
    assert (found["answered"], found["returned"], found["issued"]) == (10, 10, 11)
    assert (found["invalid"], found["valid"], found["abstain"]) == (2, 8, 2)
    assert found["votes"] == {"a": 4, "b": 5, "c": 0, "d": 0}
    assert (found["seats"], found["candidates"]) == (2, ["a", "b", "c", "d"])


def test_an_election_in_which_nobody_answered() -> None:
    found = tally(run(), election("votes > 0"), {})
    assert (found["answered"], found["abstain"], found["silent"]) == (0, 0, 9)
    assert (found["elected"], found["tied"]) == ([], [])


# --- whether a vote passes ----------------------------------------------------------------------------------------------
HALF = 'reaches("CG-VOTE-ENT", yes, roll)'  # more than one half
QUORUM = 'reaches("CG-QUORUM", present, roll)'  # two thirds at least


@pytest.mark.parametrize(
    ("roll", "yes", "passed"),
    [(9, 4, False), (9, 5, True), (8, 4, False), (8, 5, True), (1, 0, False), (1, 1, True)],
)
def test_more_than_half(roll: int, yes: int, passed: bool) -> None:
    assert tally(run(), poll(HALF, roll), vote(yes))["passed"] is passed


@pytest.mark.parametrize(
    ("roll", "present", "passed"),
    [(9, 5, False), (9, 6, True), (9, 7, True), (8, 5, False), (8, 6, True), (10, 6, False)],
)
def test_two_thirds_at_least(roll: int, present: int, passed: bool) -> None:
    held = poll(QUORUM, roll, presence={"opening": roll, "closing": present})
    assert tally(run(), held, vote(1))["passed"] is passed


@pytest.mark.parametrize(
    ("present", "yes", "passed"), [(6, 5, True), (5, 5, False), (6, 4, False), (5, 4, False)]
)
def test_both_shares_are_needed(present: int, yes: int, passed: bool) -> None:
    held = poll(f"{QUORUM} and {HALF}", 9, presence={"opening": present})
    assert tally(run(), held, vote(yes))["passed"] is passed


@pytest.mark.parametrize(
    "name", ["roll", "answered", "silent", "issued", "returned", "valid", "invalid", "yes"]
)
def test_a_rule_may_name_every_number(name: str) -> None:
    counts = tally(run(), poll(roll=30, invalid=1), vote(3, 2), PAPER)
    assert tally(run(), poll(f"{name} == {counts[name]}", 30, invalid=1), vote(3, 2), PAPER)[
        "passed"
    ]
    assert not tally(
        run(), poll(f"{name} == {counts[name] + 1}", 30, invalid=1), vote(3, 2), PAPER
    )["passed"]


# --- who is elected -----------------------------------------------------------------------------------------------------
def test_the_most_votes_come_first_and_the_ballot_decides_the_order_of_none() -> None:
    assert elected(3, a=2, b=5, c=4) == (["b", "c", "a"], [])


def test_as_many_as_there_are_seats_need_no_last_one() -> None:
    """Two who are level for two seats both have one."""
    assert elected(2, a=3, b=3) == (["a", "b"], [])
    assert elected(1, c=1) == (["c"], [])


def test_fewer_than_there_are_seats() -> None:
    assert elected(3, b=4) == (["b"], [])
    assert elected(3) == ([], [])


def test_one_vote_decides_about_the_last_seat() -> None:
    assert elected(1, a=4, b=5) == (["b"], [])
    assert elected(2, a=6, b=4, c=5) == (["a", "c"], [])


def test_who_is_level_at_the_last_seat_has_none() -> None:
    assert elected(1, a=4, b=4) == ([], ["a", "b"])
    assert elected(2, a=6, b=4, c=4) == (["a"], ["b", "c"])
    assert elected(2, a=4, b=4, c=4) == ([], ["a", "b", "c"])
    assert elected(3, a=6, b=4, c=5, d=4) == (["a", "c"], ["b", "d"])


def test_who_is_level_above_the_last_seat_is_not_tied() -> None:
    assert elected(2, a=5, b=5, c=4) == (["a", "b"], [])
    assert elected(3, a=5, b=5, c=4, d=1) == (["a", "b", "c"], [])
    assert elected(2, a=5, b=4, c=4, d=3) == (["a"], ["b", "c"])


WINS = 'reaches("EL-WIN", votes, roll)'  # more than one half


@pytest.mark.parametrize(("votes", "who"), [(4, []), (5, ["a"]), (9, ["a"])])
def test_a_seat_needs_enough_votes(votes: int, who: list[str]) -> None:
    assert elected(2, WINS, a=votes, b=4) == (who, [])


def test_who_has_not_enough_is_not_tied_either() -> None:
    assert elected(1, WINS, a=4, b=4) == ([], [])


@pytest.mark.parametrize(("wins", "who"), [("votes > valid - 4", ["a"]), ("votes > valid - 3", [])])
def test_enough_may_be_measured_by_the_valid_ballots(wins: str, who: list[str]) -> None:
    """Five ballots, one of them invalid: one vote is more than none, and not more than one."""
    found = tally(run(), election(wins, invalid=1), {"a": 1, "answered": 4})
    assert (found["valid"], found["elected"]) == (4, who)


def test_enough_may_be_measured_by_those_present() -> None:
    held = {"presence": {"opening": 6, "closing": 4}}
    assert tally(run(), election("votes == present", **held), {"a": 4, "answered": 4})[
        "elected"
    ] == ["a"]
    assert (
        tally(run(), election("votes == present", **held), {"a": 6, "answered": 6})["elected"] == []
    )


def test_an_election_passes_by_who_is_elected() -> None:
    filled = election("votes > 0", 1, passes="count(elected) == seats")
    assert tally(run(), filled, {"a": 2, "b": 1, "answered": 3})["passed"] is True
    assert tally(run(), filled, {"a": 2, "b": 2, "answered": 4})["passed"] is False


# --- why ----------------------------------------------------------------------------------------------------------------
def test_the_reason_says_the_share_needed_and_the_share_reached() -> None:
    held = poll(f"{QUORUM} and {HALF}", 9, presence={"opening": 6})
    found = tally(run(), held, vote(4))
    assert found["why"] == (
        "教代会法定人数：应到 9 人，须到 6 人，实到 6 人，符合法定人数；"
        "职代会表决通过（企业、民办）：全体 9 人，须有 5 人同意，同意 4 人，不符合通过条件。"
    )
    assert found["why_en"] == (
        "Congress quorum: 9 due, 6 needed, 6 present: met; "
        "Congress vote (enterprises, private): 5 of 9 votes needed, 4 in favour: not met."
    )


def test_a_share_asked_about_twice_is_said_once_and_of_two_counts_twice() -> None:
    twice = tally(run(), poll(f"{HALF} and {HALF}"), vote(5))
    assert twice["why"].count("须有") == 1
    two = tally(run(), poll(f'{HALF} and reaches("CG-VOTE-ENT", yes, answered)'), vote(5))
    assert two["why"].count("须有") == 2


def test_the_reason_of_an_election_is_what_the_first_has_not_every_candidate() -> None:
    found = tally(run(), election(WINS, 1), {"a": 3, "b": 6, "answered": 9})
    assert found["why"].count("须得") == 1
    assert "须得 5 票，得票最多者 6 票，符合当选条件" in found["why"]


def test_a_count_forgets_what_was_measured_before() -> None:
    asked = run()
    tally(asked, poll(HALF, 9), vote(9))
    assert tally(asked, poll("yes > 0", 9), vote(1))["why"] == ""


def test_what_may_not_be_exceeded_is_said_so() -> None:
    """Experts from outside may be a third of a side at most."""
    within = tally(run(), poll('reaches("CC-EXPERT", yes, roll)', 9), vote(3))
    beyond = tally(run(), poll('reaches("CC-EXPERT", yes, roll)', 9), vote(4))
    assert (within["passed"], beyond["passed"]) == (True, False)
    assert "总数 9，不得超过 3，实有 3，符合规定" in within["why"]
    assert "总数 9，不得超过 3，实有 4，不符合规定" in beyond["why"]
    assert within["why_en"].endswith("3 of 9 at most, 3 reached: met.")
    assert beyond["why_en"].endswith("3 of 9 at most, 4 reached: not met.")

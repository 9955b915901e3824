"""Numbers of law that move by one are noticed by a story; and the mutants are those that mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from engine import db, law
from engine.instance import union_law
from tests.conftest import named
from tests.mutants.laws import PROCESSES, Moved, Theatre, in_force, moved, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

BOOK = law.load(PROCESSES / "law")
NUMBERS = {number[0].id: number for number in numbers(BOOK)}

# the rule, how it reads with the fault, the story that tells
KNOWN = (
    ("CG-EXTRA", ">= 2/3 share", "congress_session/scenarios/202_three_of_nine_are_a_third.toml"),
    ("CG-EXTRA", ">= 0/3 share", "congress_session/scenarios/201_two_of_nine_are_not_a_third.toml"),
    (
        "CC-COORD",
        "within 31 day",
        "collective_consultation/scenarios/605_coordination_ended_on_the_last_day.toml",
    ),
    (
        "CC-CANCEL",
        "within 4 working_day",
        "collective_consultation/scenarios/917_cancellation_filed_the_day_before.toml",
    ),
    ("CG-EXTRA", "> 1/3 share", "congress_session/scenarios/202_three_of_nine_are_a_third.toml"),
)


@pytest.fixture(scope="module")
def theatre(server: str) -> Iterator[Theatre]:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE laws TEMPLATE tpl")
    url = named(server, "laws")
    yield Theatre(db.connect(url))
    db.release(url)


@pytest.mark.parametrize(("rule", "reads", "story"), KNOWN, ids=[f"{r} {m}" for r, m, _ in KNOWN])
def test_a_story_notices(theatre: Theatre, rule: str, reads: str, story: str) -> None:
    (fault,) = [each for each in moved(BOOK, NUMBERS[rule]) if str(each).endswith(f"-> {reads}")]
    assert theatre.notices(PROCESSES / story, fault)


def test_a_story_that_never_looks_a_rule_up_is_played_once(theatre: Theatre) -> None:
    story = PROCESSES / "congress_session" / "scenarios" / "202_three_of_nine_are_a_third.toml"
    fault = moved(BOOK, NUMBERS["CC-FILE"])[0]
    assert not theatre.notices(story, fault)
    asked = theatre.asked[story]
    assert "CG-EXTRA" in asked and "CC-FILE" not in asked
    theatre.asked[story] = set()
    assert not theatre.notices(story, fault) and theatre.asked[story] == set()


def test_every_number_of_law_in_use_has_mutants_that_hold_somewhere() -> None:
    assert len(NUMBERS) > 40
    faults = {id: moved(BOOK, number) for id, number in NUMBERS.items()}
    assert all(faults.values()), [id for id, found in faults.items() if not found]
    assert not any(rule.unused for number in NUMBERS.values() for rule in number)


def test_a_number_beside_a_stricter_one_has_no_looser_mutant() -> None:
    several = {str(fault) for number in numbers(BOOK) for fault in moved(BOOK, number)}
    assert "CC-FILE-COPIES: >= 5 copies -> >= 4 copies" in several
    assert "CC-FILE-COPIES: >= 3 copies -> >= 4 copies" not in several
    assert "CC-REPLY: within 20 day -> within 19 day" in several  # only a calendar compares them


def test_the_law_is_as_before_when_a_mutant_has_been_tried() -> None:
    before = union_law.rulebook()
    number = NUMBERS["CG-EXTRA"]
    fault: Moved = moved(BOOK, number)[0]
    with in_force(fault.book(BOOK)):
        assert {rule.numerator for rule in union_law.rulebook().get("CG-EXTRA")} != {1}
    assert union_law.rulebook() is before

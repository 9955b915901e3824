"""Numbers of law that move by one are noticed by a story; and the mutants are those that mean something."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import psycopg
import pytest

from engine import db, law
from engine.instance import union_law
from tests.conftest import named
from tests.engine import table_cases
from tests.mutants.laws import (
    PROCESSES,
    TABLE,
    Moved,
    Theatre,
    Trial,
    every_trial,
    in_force,
    moved,
    numbers,
    read_folders,
    record,
    recorded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


KILLERS = recorded()
TRIALS = every_trial(BOOK, read_folders())
# a process names the rule and counts nothing by it: whoever removes an officer asks the shared table; and the quorum of a
# session, the same two thirds of the same roll, is looked at before those of its elections and of its contracts
BY_TABLE = {
    ("cadre_transfer", "TR-REMOVE"),
    ("congress_session", "EL-QUORUM"),
    ("congress_session", "CC-PASS-QUORUM"),
}


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
    assert not theatre.notices(story, fault) and theatre.asked.pop(story) == set()


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


def test_each_number_of_law_has_something_that_notices_in_each_process_that_uses_it() -> None:
    assert {trial.fault.id for trial in TRIALS} == set(NUMBERS) and len(TRIALS) > 150
    assert set(KILLERS) == {str(trial) for trial in TRIALS}
    by_table = {
        (trial.folder, trial.fault.id) for trial in TRIALS if KILLERS[str(trial)].startswith(TABLE)
    }
    assert by_table == BY_TABLE
    assert {killer for killer in KILLERS.values() if killer.startswith(TABLE)} <= {
        TABLE + name for name in table_cases.CASES
    }
    stories = [trial for trial in TRIALS if not KILLERS[str(trial)].startswith(TABLE)]
    assert all((PROCESSES / KILLERS[str(trial)]).is_file() for trial in stories)
    assert all(KILLERS[str(trial)].startswith(trial.folder + "/") for trial in stories)


def test_what_is_recorded_still_notices(theatre: Theatre) -> None:
    """One number of each family of law, another each time, and all that tables notice."""
    families: dict[str, list[Trial]] = {}
    for trial in TRIALS:
        families.setdefault(trial.fault.id.partition("-")[0], []).append(trial)
    drawn = [random.choice(trials) for trials in families.values()]
    drawn += [trial for trial in TRIALS if KILLERS[str(trial)].startswith(TABLE)]
    assert {trial.fault.id[:2] for trial in drawn} == {"CC", "CG", "EL", "LS", "MD", "SR", "TR"}
    # tests/scenarios holds that they go as told without the fault
    theatre.sound |= {PROCESSES / KILLERS[str(trial)] for trial in drawn}
    slept = [str(each) for each in drawn if not theatre.kills(KILLERS[str(each)], each.fault)]
    assert not slept


def test_a_story_that_proves_nothing_of_a_rule_does_not_notice(theatre: Theatre) -> None:
    (fault,) = [each for each in moved(BOOK, NUMBERS["TR-REMOVE"]) if each.after[0].op == ">="]
    assert not theatre.kills("congress_session/scenarios/202_three_of_nine_are_a_third.toml", fault)
    assert not theatre.kills(TABLE + "regime", fault) and theatre.kills(
        TABLE + "quorum_vote", fault
    )


def test_the_record_is_tried_first_and_gone_stories_are_passed_over(theatre: Theatre) -> None:
    trial = Trial("cadre_transfer", moved(BOOK, NUMBERS["TR-REMOVE"])[0])
    at_once = Theatre(theatre.engine, {str(trial): TABLE + "quorum_vote"})
    assert at_once.killer(trial) == TABLE + "quorum_vote" and not at_once.asked
    gone = Theatre(theatre.engine, {str(trial): "cadre_transfer/scenarios/000_gone.toml"})
    assert next(gone._candidates(trial)) != "cadre_transfer/scenarios/000_gone.toml"


def test_the_record_keeps_what_it_knows_of_faults_there_still_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "killers.toml"
    kept.write_text('[killers]\n"A" = "old"\n"B" = "b"\n"C" = "c"\n', "utf-8")
    monkeypatch.setattr("tests.mutants.laws.KILLERS", kept)
    record({"A": "new", "D": "d"}, ["A", "B", "D", "E"])
    assert recorded() == {"A": "new", "B": "b", "D": "d"}

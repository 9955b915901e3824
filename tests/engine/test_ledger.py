"""The ledger of duties: what events come to, whose they are, in which year, and that nothing else is asked."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select

from engine import clock, db, definitions
from engine.commands import people
from engine.db import tables
from engine.definitions.duties import catalogue
from engine.errors import NotFound
from engine.history.duties import Mark
from engine.people import organisation
from engine.people.organisation import Actor
from engine.queries import ledger, ledger_words
from engine.queries.duty_cases import Noted, Terms, case_of, spans, standings
from tests.conftest import fresh
from tests.engine.played import played

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

    from engine.queries.duty_cases import Case

SESSION, OF_MOTIONS, CONTRACT, OFFICE = "D06-1", "D06-3", "D08-4", "D16-1"
KEPT = date(2025, 1, 1)
TERMS = Terms(date(2026, 5, 1), 60, Fraction(95, 100), Fraction(80, 100), 8, KEPT)


def case(*said: tuple[str, str, str | None] | tuple[str, str, str | None, str]) -> Case:
    """What (mark, day, last day, until) come to on 1 May 2026."""
    one = uuid4()
    days = [
        [
            date.fromisoformat(day) if day else None
            for day in (each[1], *each[2:], *([None] * (4 - len(each))))
        ]
        for each in said
    ]
    notes = [
        Noted(one, OF_MOTIONS, Mark(each[0]), day or KEPT, due, until)
        for each, (day, due, until) in zip(said, days, strict=True)
    ]
    return case_of(notes, TERMS.today)


def state(duty: str, year: int, *cases: Case, **terms: Any) -> str:
    """State and light of the only row of a duty."""
    (found,) = standings(catalogue()[duty], cases, year, replace(TERMS, **terms))
    return f"{found.state} {found.light}"


@pytest.mark.parametrize(
    ("said", "came", "spare"),
    [
        ([("open", "2026-03-02", "2026-04-16"), ("done", "2026-04-15", None)], "done", 1),
        ([("open", "2026-03-02", "2026-04-16"), ("done", "2026-04-16", None)], "done", 0),
        ([("open", "2026-03-02", "2026-04-16"), ("done", "2026-04-17", None)], "late", -1),
        ([("open", "2026-03-02", "2026-04-30")], "overdue", None),
        ([("open", "2026-03-02", "2026-05-01")], "open", None),  # its last day is today
        (
            [("open", "2026-03-02", "2026-04-16"), ("open", "2026-04-10", "2026-05-20")],
            "open",
            None,
        ),
        ([("done", "2026-03-02", None), ("closed", "2026-04-02", None)], "done", None),
        ([("done", "2026-03-02", None), ("void", "2026-04-02", None)], "void", None),
        ([("done", "2026-03-02", None), ("undone", "2026-04-02", None)], "void", None),
        ([("open", "2026-03-02", None), ("none", "2026-04-02", None)], "none", None),
        ([("open", "2026-03-02", None), ("closed", "2026-04-02", None)], "closed", None),
        ([("breached", "2026-03-02", None), ("done", "2026-04-02", None)], "breached", None),
    ],
)
def test_what_the_events_of_a_matter_come_to(said: list[Any], came: str, spare: int | None) -> None:
    found = case(*said)
    assert (found.came, found.spare) == (came, spare)


def test_a_yearly_duty_is_done_by_the_day_of_the_fact_in_the_period_that_ends_in_the_year() -> None:
    held = case(("done", "2025-08-31", None))  # whenever it was entered
    assert state(SESSION, 2025, held) == "done green"
    assert state(SESSION, 2026, held) == "not_due grey"
    assert state(SESSION, 2026, case(("done", "2025-09-01", None))) == "done green"
    assert (
        state(SESSION, 2026, case(("done", "2026-03-01", None), ("void", "2026-03-09", None)))
        == "not_due grey"
    )
    assert state(SESSION, 2026, case(("open", "2026-03-01", None))) == "open grey"
    assert state(SESSION, 2026, today=date(2026, 7, 2)) == "soon amber"
    assert state(SESSION, 2026, today=date(2026, 8, 31)) == "soon amber"
    assert state(SESSION, 2026, today=date(2026, 9, 1)) == "overdue red"
    assert state(SESSION, 2026, today=date(2026, 9, 1), since=date(2025, 9, 2)) == "unknown amber"
    assert state(SESSION, 2026, today=date(2026, 9, 1), since=date(2026, 9, 1)) == "before grey"


def test_periods_are_those_that_end_in_the_year() -> None:
    assert [(str(s.first), str(s.last)) for s in spans(2026, 12, 9)] == [
        ("2025-10-01", "2026-09-30")
    ]
    halves = [(str(s.first), str(s.last)) for s in spans(2028, 6, 0)]
    assert halves == [("2028-01-01", "2028-06-30"), ("2028-07-01", "2028-12-31")]
    assert [str(s.last) for s in spans(2028, 1, 0)][1] == "2028-02-29"


def test_by_occasion_one_that_was_not_in_time_is_too_many_by_law_and_a_share_otherwise() -> None:
    good = case(("done", "2026-04-01", "2026-04-02"))
    late = case(("done", "2026-04-01", "2026-03-31"))
    assert state(OF_MOTIONS, 2026) == "no_case grey"
    assert state(OF_MOTIONS, 2026, case(("open", "2026-03-02", None))) == "open grey"
    to_come = case(("open", "2025-12-01", "2027-01-31"))
    assert [state(OF_MOTIONS, year, to_come) for year in (2025, 2026, 2027)] == ["open grey"] * 3
    missed = case(("open", "2024-12-01", "2025-01-31"))  # and still not done
    assert state(OF_MOTIONS, 2024, missed) == "before grey"
    assert [state(OF_MOTIONS, year, missed) for year in (2025, 2026)] == ["overdue red"] * 2
    assert state(OF_MOTIONS, 2027, missed) == "no_case grey"
    assert state(OF_MOTIONS, 2026, case(("none", "2026-03-02", None))) == "not_applicable grey"
    assert state(OF_MOTIONS, 2025, good) == "no_case grey"
    assert state(OF_MOTIONS, 2026, *[good] * 38, late, late) == "late green"  # 95 of 100
    assert state(OF_MOTIONS, 2026, *[good] * 37, *[late] * 3) == "late amber"
    assert state(OF_MOTIONS, 2026, *[good] * 32, *[late] * 8) == "late amber"  # 80 of 100
    assert state(OF_MOTIONS, 2026, *[good] * 31, *[late] * 9) == "late red"
    assert state(OFFICE, 2026, *[good] * 39, late) == "late red"
    assert state(OFFICE, 2026, good, case(("breached", "2026-03-01", None))) == "breached red"


def test_what_holds_for_a_term_is_kept_while_it_holds() -> None:
    in_force = case(("done", "2025-04-29", None, "2026-12-31"))
    assert state(CONTRACT, 2025, in_force) == "done green"
    assert state(CONTRACT, 2026, in_force) == "done green"
    assert state(CONTRACT, 2026, in_force, today=date(2026, 11, 1)) == "soon amber"
    assert state(CONTRACT, 2027, in_force, today=date(2027, 1, 1)) == "overdue red"
    assert state(CONTRACT, 2026) == "unknown amber"


# --- from the events ------------------------------------------------------------------------------------------------
FOLDER = Path("processes/congress_motion")
EVIDENCE = ("event", "definition", "unit")  # the history, the versions it names, the units it made
UP_TO_THE_DISPATCH = 8  # steps of the story


def two_motions() -> dict[str, Any]:
    """One is answered and closed, another assigned and then ended by hand."""
    (story,) = (FOLDER / "scenarios").glob("101_*.toml")
    told = tomllib.loads(story.read_text("utf-8"))
    again, *others = told["step"][:UP_TO_THE_DISPATCH]
    by_hand = {"who": "工会秘书", "does": "terminate", "with": {"reason": "重复"}, "on": "B"}
    told["step"] += [{**again, "alias": "B"}, *({**step, "on": "B"} for step in others), by_hand]
    return {key: said for key, said in told.items() if key != "ends"}


MAY = datetime(2026, 5, 1, 4, tzinfo=clock.CHINA)


def told_of(session: db.Session, union: UUID, at: datetime) -> ledger.Ledger:
    """The ledger of 2026 for somebody who may see no matter."""
    with clock.set_to(at):
        return ledger.ledger(session, Actor(uuid4(), "谁", union, union, ()), union, 2026)


def standing(session: db.Session, union: UUID, at: datetime = MAY) -> dict[str, tuple[Any, ...]]:
    """How each duty stands in it."""
    told = told_of(session, union, at)
    assert all(row.untold == len(row.standing.cases) for row in told.rows)
    return {row.duty.key: (row.standing, row.since, row.guarded) for row in told.rows}


def test_the_ledger_is_computed_from_events_and_of_one_union(engine: Engine, server: str) -> None:
    """Replayed into an empty database it is equal; what one union did is no other's."""
    with played(engine, two_motions(), definitions.read(FOLDER)) as session:
        instance = tables.instance.c
        union, starter = (
            session.execute(select(instance.union_id, instance.starter_id)).tuples().first() or ()
        )
        more = {"owner_type": "province", "city": "杭州市"}
        other = people.create_unit(session, None, "X", "university_union", "别校工会", **more)
        before = standing(session, union)
        motions, *_beside = before[OF_MOTIONS]
        answered, ended = motions.cases
        assert (answered.came, answered.day, answered.spare) == ("done", date(2026, 3, 25), 22)
        assert (motions.state, motions.light, ended.came) == ("done", "green", "void")
        assert before["D02-1"][0].state == "not_kept"
        assert standing(session, other)[OF_MOTIONS][0].state == "no_case"
        with pytest.raises(NotFound):
            ledger.ledger(session, Actor(uuid4(), "谁", other, other, ()), union, 2026)
        mine = ledger.ledger(session, organisation.actor(session, starter), union, 2026)
        assert [len(row.told) for row in mine.rows if row.duty.key == OF_MOTIONS] == [2]
        rows = {name: _all(session, name) for name in EVIDENCE}
        session.execute(tables.instance.update().values(confidential=True))
        assert standing(session, union)[OF_MOTIONS][0].cases == ()
    with fresh(server) as url:
        empty = db.connect(url, size=1)
        with db.transaction(empty) as session:
            session.exec_driver_sql("SET session_replication_role = replica")  # no foreign keys
            for name, kept in rows.items():
                session.execute(insert(tables.metadata.tables[name]), kept)
            assert standing(session, union) == before
        db.release(url)


def _all(session: db.Session, name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(select(tables.metadata.tables[name])).mappings()]


ELSEWHERE = Path("processes/duty_elsewhere")


@pytest.mark.parametrize(
    ("story", "state", "cases"),
    [("101", "done", ["done"]), ("102", "not_kept", []), ("103", "not_kept", [])],
)
def test_what_was_done_elsewhere_stands_in_the_ledger_as_such(
    engine: Engine, story: str, state: str, cases: list[str]
) -> None:
    """By the day on which it was done; refused or revoked it proves nothing, and no other duty is
    kept because of it.
    """
    (path,) = (ELSEWHERE / "scenarios").glob(f"{story}_*.toml")
    with played(engine, path, definitions.read(ELSEWHERE)) as session:
        union = session.execute(select(tables.instance.c.union_id)).scalars().first()
        assert union is not None
        told = told_of(session, union, datetime(2027, 2, 1, 4, tzinfo=clock.CHINA))
        (row,) = [row for row in told.rows if row.duty.key == "D07-1"]
        found = row.standing
        assert (found.state, [case.came for case in found.cases]) == (state, cases)
        others = {r.standing.state for r in told.rows if r.duty.key != "D07-1"}
        assert others <= {"not_kept", "not_applicable"}
        for case in found.cases:
            assert case.elsewhere and case.day == date(2026, 11, 10) and found.light == "green"
            assert "系统外办理、事后补记 1 件" in ledger_words.told(row)

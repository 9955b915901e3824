"""Books: each item has facts of its own under the same names, and what is published of one stands beside that of the others."""

from __future__ import annotations

import tomllib
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine import definitions
from engine.commands import objections
from engine.db import tables
from engine.definitions.check import faults
from engine.definitions.shelves import BookRule
from engine.errors import Conflict
from engine.history import seals
from engine.instance import books
from engine.people import organisation
from engine.queries import publications
from tests.engine.errands import KEY
from tests.engine.played import played
from tests.hostile.sound import POSTS, rulebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from engine import db

FOLDER = Path(__file__).parents[2] / "processes" / "congress_session"
BOOK = BookRule("elections", ("slate", "tally"), ("notice", "heard"))
STORY = FOLDER / "scenarios" / "690_two_elections_one_with_a_run_off_one_with_a_second_round.toml"


def turned(facts: dict[str, Any], *items: str | None) -> dict[str, Any]:
    for item in items:
        books.turn(facts, BOOK, {"notice"}, item)
    return facts


def test_each_item_has_facts_of_its_own() -> None:
    facts = turned({"slate": {"seats": 2}, "other": 1}, "committee")
    assert facts["slate"] == {"seats": 2}  # the first takes over what stands there
    turned(facts, "audit")
    assert "slate" not in facts and facts["other"] == 1
    facts |= {"slate": {"seats": 1}, "heard": "said"}
    turned(facts, "committee")
    assert facts["slate"] == {"seats": 2} and "heard" not in facts
    kept, apart = facts["elections"]["kept"], facts["elections"]["apart"]
    assert kept == {"audit": {"slate": {"seats": 1}, "tally": None}}
    assert apart == {"audit": {"heard": "said"}}
    assert facts["elections"]["items"] == ["committee", "audit"]
    turned(facts, None, "committee")
    assert facts["slate"] == {"seats": 2}
    assert turned(facts, "audit")["heard"] == "said"


def test_turning_changes_nothing_of_what_stood_before() -> None:
    before = turned({"slate": {"seats": 2}, "notice": {"publication": "1"}}, "committee", "audit")
    seen = dict(before["elections"]["kept"])
    turned(dict(before), "committee")
    assert before["elections"]["kept"] == seen


def test_what_is_published_stands_beside() -> None:
    facts = turned({}, "committee") | {"notice": {"publication": "1", "objections": []}}
    facts = turned(facts, "audit")
    assert facts["notice"] == {
        "beside": [{"publication": "1", "objections": [], "item": "committee"}]
    }
    facts["notice"] = {"publication": "2", "objections": [], **facts["notice"]}
    assert books.sheet_of(facts["notice"], "1")["item"] == "committee"
    assert books.sheet_of(facts["notice"], "2")["publication"] == "2"
    heard = {**books.sheet_of(facts["notice"], "1"), "objections": ["no"]}
    facts["notice"] = books.with_sheet(facts["notice"], "1", heard)
    facts = turned(facts, "committee")
    assert facts["notice"]["objections"] == ["no"]
    assert [sheet["objections"] for sheet in facts["notice"]["beside"]] == [[]]


@pytest.fixture
def published(engine: Engine) -> Iterator[db.Session]:
    """A session with two elections, both published."""
    told = tomllib.loads(STORY.read_text("utf-8"))
    del told["ends"]
    told["step"] = list(takewhile(lambda s: s.get("task") != "clear_candidates", told["step"]))
    with played(engine, told, definitions.read(FOLDER)) as session:
        yield session


def test_two_candidacies_stand_published_and_each_hears_its_own(published: db.Session) -> None:
    session = published
    rows = session.execute(tables.publication.select().order_by(tables.publication.c.id)).all()
    committee, audit = rows
    assert committee.current and audit.current
    who = organisation.actor(session, committee.circle[0])
    shown = publications.publications(session, who)
    assert {each.id for each in shown} == {committee.id, audit.id}
    titles = {each.id: str([answer.text for answer in each.shown]) for each in shown}
    assert "工会委员会委员" in titles[committee.id] and "经费审查" in titles[audit.id]

    objections.make(session, who, committee.id, {"reason": "不符合任职条件"})
    with pytest.raises(Conflict):
        objections.make(session, who, committee.id, {"reason": "再提一次"})
    mine = {each.id: each.mine for each in publications.publications(session, who)}
    assert mine[committee.id] and mine[audit.id] is None
    objections.make(session, who, audit.id, {"reason": "也有意见"})
    facts = session.execute(tables.instance.select()).one().facts["candidacy"]
    assert len(facts["objections"]) == len(facts["beside"][0]["objections"]) == 1
    found = seals.verify(session, KEY.public)
    assert not found.broken and not found.fault, found


FAULTS = [
    ("a fact that is none", '"nominate", "issue', '"nobody", "issue', "不是本流程的事实"),
    ("a fact twice", '"nominate", "issue', '"slate", "issue', "列了两次"),
    ("no such book", 'book = "elections"', 'book = "ballots"', "没有分册 ballots"),
    (
        "a fact of a room",
        "[publications.candidacy]",
        '[publications.candidacy]\nroom = ["union_office"]',
        "限定范围",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "told"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_the_faults_of_a_book(old: str, new: str, told: str) -> None:
    files = dict(definitions.read(FOLDER))
    assert old in files["process.toml"]
    files["process.toml"] = files["process.toml"].replace(old, new, 1)
    found = faults(files, rulebook(), POSTS, folder=FOLDER.name)
    assert told in "\n".join(map(str, found))

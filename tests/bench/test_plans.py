"""The short form of `make bench`: no page reads a growing table from end to end. Plans only; times are the bench's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from engine import db
from tests.bench import life, plans
from tests.conftest import fresh
from tests.measure.ground import SECRETARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

MATTERS, ROLL = 2000, 40
WHO = (life.TELLER, SECRETARY)  # who is asked most often, and who sees all
GROWN = 1000  # rows; the tables that do not grow with the matters stay far below
GROWING = {
    "attempt",
    "document",
    "event",
    "instance",
    "login",
    "reply",
    "roll",
    "share",
    "task",
    "timer",
}


@pytest.fixture(scope="module")
def grown(server: str) -> Iterator[tuple[Engine, life.Life]]:
    with fresh(server) as url:
        engine = db.connect(url, size=3)
        yield engine, life.grow(engine, MATTERS, ROLL)
        db.release(url)


@pytest.fixture(scope="module")
def asked(
    grown: tuple[Engine, life.Life], tmp_path_factory: pytest.TempPathFactory
) -> list[plans.Asked]:
    return list(plans.measured(*grown, tmp_path_factory.mktemp("home"), who=WHO))


def test_the_union_has_grown(grown: tuple[Engine, life.Life]) -> None:
    rows = life.counts(grown[0])
    assert {table for table in GROWING if rows[table] <= GROWN} == set()
    assert rows["instance"] >= MATTERS * 0.99
    assert rows["roll"] > 5 * MATTERS


def test_no_page_reads_a_growing_table_from_end_to_end(asked: list[plans.Asked]) -> None:
    found = {
        (scan.table, " ".join(sent.sql.split())[:300]): each.name()
        for each in asked
        for sent in each.sent
        for scan in sent.scans
        if scan.table in GROWING
    }
    assert not found


def test_every_page_was_reached_by_somebody(asked: list[plans.Asked]) -> None:
    answers: dict[str, set[int]] = {}
    for each in asked:
        answers.setdefault(each.path, set()).add(each.status)
    never = {path for path, seen in answers.items() if seen <= {302, 401}}
    assert not never


def test_a_table_read_whole_is_seen(grown: tuple[Engine, life.Life]) -> None:
    engine, _ = grown
    with plans.explained(engine, life.counts(engine)) as sent, db.transaction(engine) as session:
        session.execute(text("SELECT count(*) FROM task WHERE salt IS NULL"))
        session.execute(text("SELECT 1 FROM task WHERE id = gen_random_uuid()"))
    assert [[scan.table for scan in each.scans] for each in sent] == [["task"], []]

"""The short form of `make bench`: no page reads a growing table from end to end. Plans only; times are the bench's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from engine import clock, db
from engine.db import tables
from engine.people import access, organisation
from engine.queries import instances
from engine.queries.instances import Wanted
from tests.bench import life, plans
from tests.conftest import fresh
from tests.measure.ground import SECRETARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

MATTERS, ROLL = 2000, 40
WHO = (SECRETARY, life.TELLER)  # who sees all, and who is asked most often
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
    return list(plans.measured(*grown, tmp_path_factory.mktemp("home"), who=WHO, lists=True))


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
    # a kind of which nobody has several is done one by one: it leads back to the inbox; and where
    # one process has a table, /grid leads to it
    assert {path for path in never if not path.startswith("/together/")} <= {"/grid"}


def test_a_table_read_whole_is_seen(grown: tuple[Engine, life.Life]) -> None:
    engine, _ = grown
    with plans.explained(engine, life.counts(engine)) as sent, db.transaction(engine) as session:
        session.execute(text("SELECT count(*) FROM task WHERE salt IS NULL"))
        session.execute(text("SELECT 1 FROM task WHERE id = gen_random_uuid()"))
    assert [[scan.table for scan in each.scans] for each in sent] == [["task"], []]


# --- every way to a page gives the same page ---------------------------------------------------------------------------
LISTS = (
    *(Wanted(words=words) for words in plans.WORDS),
    *(Wanted(words=words, others=True) for words in ("食堂延长", "会", "体检")),
    Wanted(words="食堂", state="terminated"),
    Wanted(),
    Wanted(mine=True),
    Wanted(others=True),
    Wanted(state="terminated"),
    Wanted(state="ended", others=True),
    Wanted(process="hall"),
    Wanted(process="errand", overdue=True),
)
LIMITS = [(1000, 5000, 3000), (1000, 5000, 7), (3, 5000, 7)]  # FEW, NEWEST, PROBED


def _plainly(session: db.Session, actor: organisation.Actor, wanted: Wanted) -> list[str]:
    """The numbers on the first page, from all instances that this person may see."""
    column = tables.instance.c
    seen = select(tables.instance).where(access.visible(actor)).order_by(column.id.desc())
    late = text("SELECT instance_id FROM task WHERE state = 'open' AND due_at <= :now")
    overdue = set(session.execute(late, {"now": clock.now()}).scalars())
    search = instances.Search.of(wanted.words)
    part = {
        *session.execute(select(column.id).where(column.starter_id == actor.id)).scalars(),
    }
    put_before = {
        key
        for ids in (access.shared(actor), *access.asked(actor))
        for key in session.execute(ids).scalars()
    }
    return [
        row.number
        for row in session.execute(seen).all()
        if (not wanted.state or row.state == wanted.state)
        and (not wanted.process or row.process_id == wanted.process)
        and (not wanted.overdue or (row.id in overdue and row.state == "running"))
        and (not wanted.mine or row.id in part)
        and (not wanted.others or (row.id in put_before and row.id not in part))
        and (search is None or set(search.grams) <= set(row.grams))
        and all(letter in row.title for letter in (search.letters if search else ()))
    ]


@pytest.mark.parametrize(("few", "newest", "probed"), LIMITS)
def test_whichever_way_a_list_takes_it_shows_the_same(
    grown: tuple[Engine, life.Life],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    newest: int,
    probed: int,
) -> None:
    engine, union = grown
    for name, value in (("FEW", few), ("NEWEST", newest), ("PROBED", probed)):
        monkeypatch.setattr(instances, name, value)
    shown = set()
    with clock.set_to(union.at), db.transaction(engine) as session:
        for who in (*WHO, life.MOVER):
            actor = organisation.actor(session, union.members[who])
            for wanted in LISTS:
                page = instances.instances(session, actor, wanted, limit=20)
                numbers = [row.number for row in page.items]
                plain = _plainly(session, actor, wanted)
                assert numbers == plain[:20], (who, wanted)
                assert (page.next is None) == (len(plain) <= 20)
                shown.add(min(len(numbers), 2))
    assert shown == {0, 1, 2}  # nothing, one, and more were met

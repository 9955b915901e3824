"""Two web processes and two workers on one database carry motions to their end while one of each is killed."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine import db
from engine.db import queue
from tests.chaos.house import PATIENCE, Customer, House, motion
from tests.conftest import fresh
from tests.races.latches import attempt
from tests.races.union import Union
from tests.webui.api.world import ERRAND, MOTION, Api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID


@pytest.fixture
def town(server: str, tmp_path: Path) -> Iterator[tuple[House, Api, Union]]:
    with fresh(server) as url:
        engine = db.connect(url, size=5)
        api = Api.built(None, engine, MOTION, ERRAND)  # type: ignore[arg-type]
        house = House(url, tmp_path)
        yield house, api, Union(engine, None, api.units, api.people)
        house.end()
        db.release(url)


def overdue(union: Union, errands: list[str]) -> dict[UUID, datetime]:
    """Let the reminders of errands fall due now, and ask the workers to look; gives when each timer
    was due.
    """
    which = "FROM timer WHERE state = 'waiting' AND instance_id = ANY(:keys)"
    with db.transaction(union.engine) as session:
        rows = session.execute(text(f"SELECT id, due_at {which}"), {"keys": errands}).all()
        session.execute(
            text("UPDATE timer SET due_at = now() WHERE id = ANY(:ids)"),
            {"ids": [row.id for row in rows]},
        )
        queue.defer(session, "sweep", once=f"sweep:test{len(errands)}")
    return {row.id: row.due_at for row in rows}


def due_as_told(union: Union, was: dict[UUID, datetime]) -> None:
    """Take back what was moved by hand: verification compares it with the history."""
    for key, due in was.items():
        union.run("UPDATE timer SET due_at = :due WHERE id = :id", due=due, id=key)


def travel(town: tuple[House, Api, Union], many: int) -> None:
    house, api, union = town
    house.await_answer()
    titles: SimpleQueue[str] = SimpleQueue()
    for number in range(many):
        titles.put(f"第 {number} 号提案")
    customers = [Customer(house, api, number) for number in range(4)]
    done: list[str] = []
    answers, acts = motion(api)
    errands = [
        Customer(house, api, 0).carry(
            f"办事 {n}", "errand", {}, [("secretary", "complete", "check", {"decision": "pass"})]
        )
        for n in range(max(6, many // 5))
    ]

    def work(customer: Customer) -> None:
        while True:
            try:
                title = titles.get_nowait()
            except Empty:
                return
            done.append(customer.carry(title, "congress_motion", answers, acts))

    def until_acknowledged(share: float) -> None:
        until = time.monotonic() + 40 * PATIENCE
        while (
            sum(len(c.acknowledged) for c in customers) < share * many * (len(acts) + 1)
            and time.monotonic() < until
        ):
            if not any(thread.is_alive() for thread in threads):
                return
            time.sleep(0.02)

    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda c=c: found.append(attempt(lambda: work(c))))
        for c in customers
    ]
    for thread in threads:
        thread.start()
    until_acknowledged(0.2)
    was = overdue(union, errands[: len(errands) // 2])
    house.kill("web0")
    house.kill("job0")
    until_acknowledged(0.5)
    was |= overdue(union, errands[len(errands) // 2 :])
    house.start("web0")
    house.start("job0")
    for thread in threads:
        thread.join(50 * PATIENCE)
        assert not thread.is_alive()
    assert [f.error for f in found] == [None] * 4
    await_reminders(union, len(errands))
    due_as_told(union, was)
    nothing_lost_nothing_double(union, customers, done, many, errands)


def await_reminders(union: Union, many: int) -> None:
    """The workers that are left, and what came for the dead one, do all that was asked."""
    until = time.monotonic() + PATIENCE
    while (
        union.one("SELECT count(*) FROM event WHERE kind = 'reminder_sent'") < many
        and time.monotonic() < until
    ):
        time.sleep(0.1)


def nothing_lost_nothing_double(
    union: Union, customers: list[Customer], done: list[str], many: int, errands: list[str]
) -> None:
    assert len(set(done)) == many
    rows = union.ask(
        "SELECT id, title, number, state FROM instance WHERE process_id = 'congress_motion' ORDER BY number"
    )
    assert sorted(str(r.id) for r in rows) == sorted(done)
    assert sorted(r.title for r in rows) == sorted(f"第 {n} 号提案" for n in range(many))
    assert len({r.number for r in rows}) == many
    assert {r.state for r in rows} == {"ended"}
    histories = {tuple(union.events(r.id)) for r in rows}
    assert len(histories) == 1, (
        histories
    )  # all went the same way, and nothing happened twice in any
    assert union.one("SELECT count(*) FROM reply WHERE status = 0") == 0
    assert sum(len(c.acknowledged) for c in customers) == many * 13  # the launch and twelve acts
    for key in errands:
        assert union.events(key).count("timer_fired") == 1  # type: ignore[arg-type]
        assert union.events(key).count("reminder_sent") == 1  # type: ignore[arg-type]
    assert union.counted()["incident"] == 0
    union.whole()


def test_six_motions_come_to_their_end_while_a_web_process_and_a_worker_are_killed(
    town: tuple[House, Api, Union],
) -> None:
    travel(town, 6)


@pytest.mark.prove
def test_five_hundred_motions_come_to_their_end_while_a_web_process_and_a_worker_are_killed(
    town: tuple[House, Api, Union],
) -> None:
    travel(town, 500)

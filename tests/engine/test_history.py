"""Chains: every break is found where it is, and two writers at once make one chain."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from engine.db import canonical, tables
from engine.history import event_log

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sqlalchemy import Engine

    from engine.db import Session

CHAIN = UUID("0199aabb-0000-7000-8000-000000000001")


def chain(*kinds: str) -> tuple[list[Any], event_log.EventLog]:
    """The rows of a chain as the database gives them, and the ledger that wrote them."""
    ledger = event_log.EventLog(CHAIN, 0, canonical.genesis(CHAIN))
    for kind in kinds:
        ledger.add(kind, None)
    rows = [SimpleNamespace(**row) for row in ledger.rows()]
    return rows, ledger


def broken_at(rows: list[Any], seq: int | None = None, head: bytes | None = None) -> int | None:
    found = event_log.first_broken(CHAIN, rows, seq, head)
    return found.seq if found else None


def test_a_whole_chain_holds_with_and_without_its_head() -> None:
    rows, ledger = chain("launched", "completed", "ended")
    assert ledger.seq == 3 and [row.seq for row in rows] == [1, 2, 3]
    assert broken_at(rows) is None
    assert broken_at(rows, 3, ledger.head) is None
    assert broken_at([], 0, canonical.genesis(CHAIN)) is None


@pytest.mark.parametrize("gone", [0, 1])
def test_a_missing_event_is_named(gone: int) -> None:
    rows, _ = chain("launched", "completed", "ended")
    del rows[gone]
    assert broken_at(rows) == gone + 1


@pytest.mark.parametrize("field", ["body", "hash"])
def test_a_changed_event_is_named(field: str) -> None:
    rows, _ = chain("launched", "completed", "ended")
    setattr(rows[1], field, getattr(rows[0], field))
    assert broken_at(rows) == 2


def test_a_cut_or_longer_tail_is_found_by_the_head_that_the_owner_holds() -> None:
    rows, ledger = chain("launched", "completed", "ended")
    assert broken_at(rows[:2]) is None
    assert broken_at(rows[:2], 3, ledger.head) == 3
    assert broken_at([], 3, ledger.head) == 1
    assert broken_at(rows, 2, bytes(rows[1].hash)) == 4


def test_seq_and_head_must_both_agree() -> None:
    rows, ledger = chain("launched", "completed")
    assert broken_at(rows, 2, bytes(rows[0].hash)) == 3
    assert broken_at(rows, 1, ledger.head) == 3


def test_two_notes_at_once_stand_one_after_the_other(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second waits at the head's row: without its lock both would take the same number."""
    flush, others = event_log.EventLog.flush, []

    def note(kind: str) -> None:
        with engine.begin() as session:
            event_log.note(session, CHAIN, kind, None)

    def held(ledger: event_log.EventLog, session: Session) -> None:
        """The first has read the head and not yet written: now comes the second."""
        monkeypatch.setattr(event_log.EventLog, "flush", flush)
        others.append(pool.submit(note, "second"))
        _until_it_waits(engine, others[0])
        flush(ledger, session)

    note("opened")
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(event_log.EventLog, "flush", held)
        note("first")
        others[0].result(timeout=20)
    event, owner = tables.event.c, tables.chain.c
    with engine.connect() as session:
        rows = session.execute(
            select(event.seq, event.kind, event.body, event.hash)
            .where(event.instance_id == CHAIN)
            .order_by(event.seq)
        ).all()
        seq, head = session.execute(select(owner.seq, owner.head)).one()
    assert [row.kind for row in rows] == ["opened", "first", "second"]
    assert broken_at(list(rows), seq, bytes(head)) is None


def _until_it_waits(engine: Engine, other: Future[None]) -> None:
    """Until a transaction waits for a lock, or the other is over without having waited."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(400):
        with engine.connect() as session:
            if other.done() or session.scalar(waiting):
                return
        time.sleep(0.05)
    raise TimeoutError("the second neither waits nor ends")

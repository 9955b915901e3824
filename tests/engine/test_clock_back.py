"""Time only goes forward: a wrong clock does nothing, and an event that went back is found."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from engine import clock, db, jobs
from engine.commands import instances, tasks, unit_of_work
from engine.db import apart, canonical, tables
from engine.errors import Unavailable
from engine.history import event_log, keys, seals
from engine.jobs import worker
from engine.messages import CHINESE
from engine.settings import ROOT, Settings
from tests.engine.errands import KEY, Errands
from tests.engine.forgery import rechain, unprotect

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy import Engine

EVENT = tables.event.c


@pytest.fixture
def world(engine: Engine) -> Errands:
    return Errands.built(engine, KEY)


def ahead(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    """The clock of this process goes wrong."""
    wrong = timedelta(**by)
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + wrong)


@pytest.mark.parametrize(("seconds", "works"), [(50, True), (-50, True), (70, False), (-70, False)])
def test_a_clock_more_than_a_minute_away_may_do_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, seconds: int, works: bool
) -> None:
    ahead(monkeypatch, seconds=seconds)
    with db.transaction(engine) as session:
        if works:
            apart.check(session)
            return
        with pytest.raises(Unavailable) as caught:
            apart.check(session)
    assert caught.value.code == "clock" and "70 秒" in caught.value.message


def test_a_moved_clock_of_a_story_is_not_a_wrong_one(engine: Engine) -> None:
    with db.transaction(engine) as session, clock.set_to(datetime(2020, 1, 1, tzinfo=UTC)):
        apart.check(session)


def test_a_worker_three_days_ahead_lets_no_timer_happen(
    engine: Engine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sweep three days ahead once closed an open vote for good."""
    world = Errands.built(engine, KEY, count=0)
    world.at = datetime.now(UTC)
    mover, secretary = world.actor("张敏"), world.actor("陈秘书")
    key = world.do(
        lambda s: instances.launch(s, mover, "errand", {"subject": "修缮"}), timedelta(0)
    )
    check = world.task(key, "check")
    world.do(lambda s: tasks.complete(s, secretary, check, {"decision": "pass"}), timedelta(0))
    settings = Settings(home=tmp_path, database_url=url, processes=ROOT / "processes")
    sweep = worker.app(settings, url, english=CHINESE).tasks["sweep"]

    def waiting() -> int:
        timer = tables.timer.c
        with db.transaction(engine) as session:
            rows = session.execute(select(timer.id).where(timer.state == "waiting")).all()
        return len(rows)

    before = waiting()
    assert before
    ahead(monkeypatch, days=60)
    with pytest.raises(Unavailable):
        sweep()
    assert waiting() == before
    assert len(jobs.due(engine, None)) == before  # it would have let them happen


def test_verification_finds_an_event_that_went_back(world: Errands) -> None:
    key = world.done[0]
    with db.transaction(world.engine) as session:
        unprotect(session)
        row = session.execute(
            select(tables.event).where(EVENT.instance_id == key).order_by(EVENT.seq.desc())
        ).first()
        assert row is not None
        early = row.at - timedelta(days=30)
        body = canonical.dumps({**json.loads(row.body), "at": early.isoformat()})
        session.execute(
            tables.event.update().where(EVENT.id == row.id).values(at=early, body=body.decode())
        )
        rechain(session, key)
        broken = seals.verify(session, KEY.public).broken
    assert broken is not None
    assert (broken.chain_id, broken.seq, broken.why) == (key, row.seq, "时刻早于前一条")


def test_an_event_long_before_the_newest_checkpoint_becomes_an_incident(
    engine: Engine, tmp_path: Path
) -> None:
    world = Errands.built(engine, keys.load_or_create(tmp_path / "keys"))
    settings = Settings(home=tmp_path, database_url="", processes=ROOT / "processes")
    with db.transaction(engine) as session:
        point = seals.latest(session)
    assert point is not None
    mover = world.actor("张敏")

    def launched(at: datetime) -> object:
        with db.transaction(engine) as session, clock.set_to(at):
            return instances.launch(session, mover, "errand", {"subject": "修缮"})

    good = launched(point.at - timedelta(seconds=110))
    late = launched(point.at - timedelta(seconds=130))
    with clock.set_to(world.at):
        jobs.seal(engine, settings)
    with db.transaction(engine) as session:
        found = session.execute(select(tables.incident)).all()
        verdict = seals.verify(session, world.key.public)
    assert [(row.instance_id, row.what) for row in found] == [(late, "clock")] and good != late
    assert "早于已签名的检查点" in found[0].message
    assert (verdict.fault, verdict.late) == ("", 1)


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (2, True), (3, False), (3600, False)])
def test_an_event_earlier_than_the_one_before_it_is_refused(
    world: Errands, seconds: int, taken: bool
) -> None:
    """In the chain of a matter and in that of a union alike; nothing of the command stays."""
    key, union = world.done[0], world.units["工会"]
    for chain in (key, union):
        with db.transaction(world.engine) as session, clock.set_to(world.at):
            _note(session, chain)
    last = world.at.replace(microsecond=0)
    for chain in (key, union):
        before = _length(world, chain)
        try:
            with (
                db.transaction(world.engine) as session,
                clock.set_to(last - timedelta(seconds=seconds)),
            ):
                _note(session, chain)
            assert taken
        except Unavailable as fault:
            assert not taken and fault.code == "clock_back", fault
        assert _length(world, chain) == before + taken
    with db.transaction(world.engine) as session:
        assert seals.verify(session, KEY.public).broken is None


def _note(session: db.Session, chain: UUID) -> None:
    """Any event: of a matter by its unit of work, of a union by its own chain."""
    if session.execute(select(tables.instance.c.id).where(tables.instance.c.id == chain)).first():
        work = unit_of_work.lock(session, None, chain)
        work.log.add("history_read", None)
        unit_of_work.note(work)
    else:
        event_log.note(session, chain, "history_read", None)


def _length(world: Errands, chain: UUID) -> int:
    with db.transaction(world.engine) as session:
        found = session.execute(select(func.count()).where(EVENT.instance_id == chain))
        return int(found.scalar_one())

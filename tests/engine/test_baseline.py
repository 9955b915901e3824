"""A database whose events tell less: the baseline of an upgrade, two people, and from there on all is compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from engine import clock, db, jobs
from engine.commands import baseline, instances, sealing, tasks
from engine.db import migrate
from engine.errors import Conflict, HistoryBroken
from engine.history import keys, resumed, seals
from engine.people import organisation
from engine.settings import ROOT, Settings
from tests.engine.errands import Errands
from tests.forge.composed import rehashed
from webui import cli

if TYPE_CHECKING:
    from pathlib import Path

    from pytest import CaptureFixture, MonkeyPatch
    from sqlalchemy import Engine

pytest_plugins = ("tests.empty",)
LATER = ("tells", "facts", "timers", "shown", "waits", "passed", "opened", "tellers")
FORGED = {
    "a fact that an action computed": "UPDATE instance SET facts = jsonb_set(facts, '{nudge,times}', '9') WHERE facts ? 'nudge'",
    "where it stands": "UPDATE instance SET stage = ARRAY['check'] WHERE state = 'running'",
    "a task's day": "UPDATE task SET due_at = due_at + interval '9 days' WHERE state = 'open'",
    "a timer": "UPDATE timer SET due_at = due_at + interval '9 days' WHERE state = 'waiting'",
    "a reader": "INSERT INTO share SELECT gen_random_uuid(), id FROM instance LIMIT 1",
    "a person": "UPDATE member SET name = '王五' WHERE username = '王芳'",
    "a post": "UPDATE post SET kind = 'auditor' WHERE kind = 'formal_delegate'",
    "a unit": "UPDATE unit SET city = '宁波' WHERE code = '信息学院'",
}


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url="", processes=ROOT / "processes")


@pytest.fixture
def world(engine: Engine, home: Settings) -> Errands:
    return older(engine, home)


def older(engine: Engine, home: Settings) -> Errands:
    """An errand that has ended and one that waits, as an older product left them."""
    made = Errands.built(engine, keys.load_or_create(home.home / "keys"), 1)
    with db.transaction(engine) as session:
        made._member(session, "副总管", "工会", "installation")
    mover, secretary = made.actor("张敏"), made.actor("陈秘书")
    key = made.do(lambda s: instances.launch(s, mover, "errand", {"subject": "等办"}))
    made.complete("陈秘书", key, "check", decision="pass")
    task = made.task(key, "do")
    made.do(lambda s: tasks.claim(s, secretary, task))
    with db.transaction(engine) as session:
        _aged(session)
    with clock.set_to(made.at):
        jobs.seal(engine, home)
    return made


def _aged(session: db.Session) -> None:
    """The same history as events of before would have told it."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("DELETE FROM checkpoint"))
    session.execute(text("UPDATE event SET leaf_no = NULL"))
    chains = set()
    for key, chain, body in session.execute(text("SELECT id, instance_id, body FROM event")).all():
        says = {name: value for name, value in json.loads(body).items() if name not in LATER}
        told = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        session.execute(text("UPDATE event SET body = :b WHERE id = :k"), {"b": told, "k": key})
        chains.add(chain)
    for chain in chains:
        rehashed(session, chain)


def _found(world: Errands, statement: str) -> bool:
    with world.engine.connect() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        assert session.execute(text(statement)).rowcount > 0, statement
        verdict = seals.verify(session, world.key.public)
        session.rollback()
    return bool(verdict.broken or verdict.fault)


def _verdict(world: Errands) -> seals.Verdict:
    with db.transaction(world.engine) as session:
        found = seals.verify(session, world.key.public)
    assert not found.broken, found
    assert not found.fault, found
    return found


def _confirm(world: Errands, who: str, seq: int) -> None:
    actor = world.actor(who)
    world.do(lambda s: sealing.confirm(s, actor, seq))


def test_from_a_baseline_that_two_people_confirm_everything_is_compared(world: Errands) -> None:
    found = _verdict(world)
    assert (found.older, found.older_unions, found.unproved) == (2, 2, "")
    assert "2 件事项和 2 个单位" in str(found.since) and "只能核对到当时" in str(found.since)
    assert [what for what, statement in FORGED.items() if _found(world, statement)] == []

    assert world.do(baseline.write) == (2, 2)
    waits = _verdict(world)
    assert "须由两人确认，现有 0 人确认" in waits.unproved and not waits.baseline
    assert [what for what, statement in FORGED.items() if not _found(world, statement)] == []

    with db.transaction(world.engine) as session:
        told = resumed.baseline(session)
    assert told is not None
    _confirm(world, "总管", told.seq)
    with pytest.raises(Conflict):
        _confirm(world, "总管", told.seq)
    assert "现有 1 人确认" in _verdict(world).unproved
    _confirm(world, "副总管", told.seq)
    proved = _verdict(world)
    assert not proved.unproved and proved.baseline == told.at and proved.older == 2
    assert f"自 {told.at} 补记现状起逐项核对" in str(proved.since)


def test_work_goes_on_from_a_baseline_and_is_told_once(world: Errands) -> None:
    assert world.do(baseline.write) == (2, 2)
    with db.transaction(world.engine) as session:
        waiting = session.execute(
            text("SELECT id FROM instance WHERE state = 'running'")
        ).scalar_one()
    world.complete("陈秘书", waiting, "do", note="已办")
    assert not _found(world, "UPDATE task SET revision = revision + 1 WHERE state = 'done'")
    assert _found(world, "UPDATE task SET assignee_id = NULL WHERE element = 'do'")
    assert world.do(baseline.write) == (0, 0)


def test_nothing_false_becomes_a_baseline(world: Errands) -> None:
    with db.transaction(world.engine) as session:
        session.execute(text("UPDATE instance SET outcome = 'other' WHERE state = 'ended'"))
    with pytest.raises(HistoryBroken):
        world.do(baseline.write)


def test_a_backup_of_before_is_restored_with_a_baseline_and_says_since_when_it_proves(
    empty_url: str, tmp_path: Path, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIXING_DATABASE_URL", empty_url)
    monkeypatch.setenv("YIXING_HOME", str(tmp_path))
    monkeypatch.setenv("LANGUAGE", "en")
    migrate.migrate(empty_url)
    home = Settings(home=tmp_path, database_url=empty_url, processes=ROOT / "processes")
    world, file = older(db.connect(empty_url), home), str(tmp_path / "old.backup")
    assert cli.main(["backup", file]) == cli.OK
    assert cli.main(["verify"]) == cli.OK
    assert "2 matters and 2 unions, which are compared only as far" in capsys.readouterr().out
    db.release(empty_url)
    assert cli.main(["restore", file, "--force"]) == cli.OK
    assert "Early events tell less of 2 matters and 2 unions" in capsys.readouterr().err

    world.engine = db.connect(empty_url)
    for sentence in ("restored to size", "where 2 matters and 2 unions stand"):
        assert cli.main(["verify"]) == cli.UNPROVED
        assert sentence in capsys.readouterr().err
        with db.transaction(world.engine) as session:
            waits = resumed.newest(session)
            assert waits is not None
            for who in ("总管", "副总管"):
                actor = organisation.actor(session, world.people[who])
                sealing.confirm(session, actor, waits.seq)
    assert cli.main(["verify"]) == cli.OK
    assert "all of them is compared since the baseline of" in capsys.readouterr().out

    assert cli.main(["backup", str(tmp_path / "new.backup")]) == cli.OK
    db.release(empty_url)
    assert cli.main(["restore", str(tmp_path / "new.backup"), "--force"]) == cli.OK
    assert "all of them is compared since the baseline of" in capsys.readouterr().err

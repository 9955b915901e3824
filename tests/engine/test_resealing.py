"""Nobody reseals a cut history unseen: the log beside the key, the key itself, restorations, repairs."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import clock, db, jobs
from engine.commands import instances, sealing
from engine.db import tables
from engine.errors import Conflict, EngineError, HistoryBroken, NotFound, Refused
from engine.history import keys, resumed, seals, signing
from engine.history.kept import FILE_NAME, Log
from engine.people.organisation import RUNNER
from engine.settings import ROOT, Settings
from tests.engine.errands import Errands
from tests.engine.forgery import rechain, unprotect

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy import Engine

EVENT, POINT = tables.event.c, tables.checkpoint.c


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", database_url="", processes=ROOT / "processes")


@pytest.fixture
def world(engine: Engine, home: Settings) -> Errands:
    """Two errands, sealed by the job of this home."""
    made = Errands.built(engine, keys.load_or_create(home.home / "keys"))
    with db.transaction(engine) as session:
        unprotect(session)
        session.execute(text("DELETE FROM checkpoint"))
        session.execute(text("UPDATE event SET leaf_no = NULL"))
        for name in ("陈秘书", "孙审计"):
            answers_for_the_installation(session, made.people[name], made.units["工会"])
    sealed(made, home)
    made.done.append(made.errand("第二件"))
    sealed(made, home)
    return made


def answers_for_the_installation(session: db.Session, member: UUID, unit: UUID) -> None:
    post = {"id": tables.new_id(), "member_id": member, "kind": RUNNER, "unit_id": unit}
    session.execute(tables.post.insert().values(**post, from_on=date(2025, 1, 1), term=""))


def sealed(world: Errands, home: Settings) -> int:
    """The job of the workers; the size of the newest checkpoint."""
    with clock.set_to(world.at):
        jobs.seal(world.engine, home)
    with db.transaction(world.engine) as session:
        point = seals.latest(session)
    return point.size if point else 0


def launched(world: Errands) -> None:
    """There is something new to seal."""
    mover = world.actor("张敏")
    world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "另一件"}))


def log(home: Settings) -> Log:
    return Log(home.home / "keys")


def verdict(world: Errands, home: Settings) -> seals.Verdict:
    with db.transaction(world.engine) as session:
        signer = signing.signing(session, home, make=False).signer
        public = signer.key.public if signer else None
        return seals.verify(session, public, log=log(home).lines())


def test_every_checkpoint_stands_in_the_log_beside_the_key(world: Errands, home: Settings) -> None:
    with db.transaction(world.engine) as session:
        sizes = list(session.execute(select(POINT.size).order_by(POINT.size)).scalars())
    lines = log(home).lines()
    assert [line.size for line in lines] == sizes and len(sizes) >= 2
    key = keys.load(home.home / "keys" / keys.FILE_NAME)
    for line in lines:
        assert keys.verify(key.public, line.signature, line.checkpoint.text())
    assert log(home).path.stat().st_mode & 0o077 == 0
    found = verdict(world, home)
    assert (found.fault, found.unproved, found.broken) == ("", "", None)


def everything_unsealed(session: db.Session) -> None:
    session.execute(text("DELETE FROM checkpoint"))
    session.execute(text("UPDATE event SET leaf_no = NULL"))


def refused_tries_deleted(session: db.Session) -> None:
    """The chain of the matter is written anew without them, by who knows the rules."""
    gone = session.execute(select(tables.event).where(EVENT.kind == "attempt_refused")).first()
    assert gone is not None
    session.execute(tables.event.delete().where(EVENT.id == gone.id))
    rechain(session, gone.instance_id)
    everything_unsealed(session)


def newest_checkpoint_deleted(session: db.Session) -> None:
    size = session.execute(text("SELECT max(size) FROM checkpoint")).scalar()
    session.execute(text("DELETE FROM checkpoint WHERE size = :s"), {"s": size})
    before = session.execute(text("SELECT max(size) FROM checkpoint")).scalar()
    session.execute(text("UPDATE event SET leaf_no = NULL WHERE leaf_no >= :b"), {"b": before})


def last_leaf_taken_back(session: db.Session) -> None:
    session.execute(
        text("UPDATE event SET leaf_no = NULL WHERE leaf_no = (SELECT max(leaf_no) FROM event)")
    )


@pytest.mark.parametrize(
    "attack",
    [
        everything_unsealed,
        refused_tries_deleted,
        newest_checkpoint_deleted,
        last_leaf_taken_back,
    ],
)
def test_the_servers_own_job_does_not_reseal_a_cut_history(
    world: Errands, home: Settings, attack: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with db.transaction(world.engine) as session:
        unprotect(session)
        attack(session)
    launched(world)
    with db.transaction(world.engine) as session:
        before = sorted(session.execute(select(POINT.size)).scalars())
    lines = log(home).path.read_bytes()
    sealed(world, home)
    with db.transaction(world.engine) as session:
        assert sorted(session.execute(select(POINT.size)).scalars()) == before
    assert log(home).path.read_bytes() == lines
    assert "nothing is sealed" in caplog.text
    found = verdict(world, home)
    assert found.fault, found


def test_a_pack_is_not_made_on_a_history_that_was_cut(world: Errands, home: Settings) -> None:
    with db.transaction(world.engine) as session:
        unprotect(session)
        everything_unsealed(session)
        signer = signing.signing(session, home).signer
        assert signer is not None
        with pytest.raises(HistoryBroken) as caught:
            sealing.seal(session, signer)
        assert caught.value.code == "not_extended"


def test_half_a_line_of_a_crash_does_no_harm(world: Errands, home: Settings) -> None:
    path = log(home).path
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind": "sealed", "si')
    launched(world)
    sealed(world, home)
    assert path.read_bytes().startswith(whole)
    assert [line.kind for line in log(home).lines()] == ["sealed"] * (whole.count(b"\n") + 1)
    path.write_bytes(b"hello\n")
    with pytest.raises(HistoryBroken):
        log(home).lines()


def test_what_was_committed_before_a_crash_is_caught_up(world: Errands, home: Settings) -> None:
    lines = log(home).path.read_bytes().splitlines(keepends=True)
    log(home).path.write_bytes(b"".join(lines[:-1]))
    sealed(world, home)
    assert log(home).path.read_bytes() == b"".join(lines)


def test_a_checkpoint_of_another_key_is_not_taken_into_the_log(
    world: Errands, home: Settings
) -> None:
    lines = log(home).path.read_bytes().splitlines(keepends=True)
    log(home).path.write_bytes(b"".join(lines[:-1]))
    with db.transaction(world.engine) as session:
        unprotect(session)
        session.execute(
            text(
                "UPDATE checkpoint SET signature = :s WHERE size = (SELECT max(size) FROM checkpoint)"
            ),
            {"s": bytes(64)},
        )
        key = keys.load(home.home / "keys" / keys.FILE_NAME)
        assert log(home).catch_up(session, key.public) == 0


# --- restored and repaired -------------------------------------------------------------------------------------------
def restored(world: Errands, home: Settings, kind: str = "restored") -> int:
    words = {"source": "2026-03-01"} if kind == "restored" else {"why": "磁盘损坏"}
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        sealing.resume(session, log(home), kind, "root", **words)
        found = resumed.newest(session)
    assert found is not None
    return found.seq


def confirm(world: Errands, who: str, seq: int) -> None:
    actor = world.actor(who)
    world.do(lambda s: sealing.confirm(s, actor, seq))


@pytest.mark.parametrize("kind", ["restored", "repaired"])
def test_a_restored_history_goes_on_and_waits_for_two_people(
    world: Errands, home: Settings, kind: str
) -> None:
    with db.transaction(world.engine) as session:  # as the older backup has it
        unprotect(session)
        newest_checkpoint_deleted(session)
    seq = restored(world, home, kind)
    last = log(home).last()
    assert last is not None and last.kind == kind and dict(last.words)["by"] == "root"
    assert sealed(world, home) > last.size  # it goes on from there
    found = verdict(world, home)
    assert found.fault == ""
    sentence = "已由 root 用 2026-03-01 的备份恢复到" if kind == "restored" else "由 root 修复"
    assert sentence in found.unproved and "现有 0 人确认" in found.unproved
    confirm(world, "陈秘书", seq)
    assert "现有 1 人确认" in verdict(world, home).unproved
    with pytest.raises(Conflict) as caught:
        confirm(world, "陈秘书", seq)
    assert caught.value.code == "same_person"
    assert "现有 1 人确认" in verdict(world, home).unproved
    confirm(world, "孙审计", seq)
    sealed(world, home)
    found = verdict(world, home)
    assert (found.fault, found.unproved) == ("", "")


def test_only_those_who_answer_for_the_installation_confirm_and_only_in_time(
    world: Errands, home: Settings
) -> None:
    seq = restored(world, home)
    for who in ("张敏", "外人"):  # a secretary's desk is not enough
        with pytest.raises(Refused):
            confirm(world, who, seq)
    with pytest.raises(NotFound):
        confirm(world, "陈秘书", seq + 100)
    confirm(world, "陈秘书", seq)
    world.at += timedelta(days=resumed.DAYS)
    with pytest.raises(Conflict) as caught:
        confirm(world, "孙审计", seq)
    assert caught.value.code == "too_late"
    assert "现有 1 人确认" in verdict(world, home).unproved
    again = restored(world, home, "repaired")
    confirm(world, "陈秘书", again)
    confirm(world, "孙审计", again)
    assert verdict(world, home).unproved == ""


def test_a_restoration_cannot_be_taken_out_of_the_history(world: Errands, home: Settings) -> None:
    seq = restored(world, home)
    with db.transaction(world.engine) as session:
        unprotect(session)
        chain = tables.chain.c.id == resumed.INSTALLATION
        session.execute(
            tables.event.delete().where(EVENT.instance_id == resumed.INSTALLATION, EVENT.seq == seq)
        )
        last = session.execute(
            select(EVENT.hash).where(
                EVENT.instance_id == resumed.INSTALLATION, EVENT.seq == seq - 1
            )
        ).scalar_one()
        session.execute(tables.chain.update().where(chain).values(seq=seq - 1, head=last))
    assert "没有这次恢复或修复的记录" in verdict(world, home).fault


# --- whose key -------------------------------------------------------------------------------------------------------
def test_a_key_is_never_made_beside_the_one_that_the_database_names(
    world: Errands, home: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Settings(home=tmp_path / "other", database_url="", processes=home.processes)
    launched(world)
    before = sealed(world, home)
    launched(world)
    assert sealed(world, other) == before
    assert "nothing is sealed" in caplog.text and not (other.home / "keys").exists()
    with db.transaction(world.engine) as session, pytest.raises(Conflict) as caught:
        signing.signer(session, other)
    assert caught.value.code == "no_key"
    found = verdict(world, other)
    assert found.fault == "" and "不在本机上" in found.unproved


def test_another_key_does_not_sign_either(world: Errands, home: Settings, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "other", database_url="", processes=home.processes)
    keys.load_or_create(other.home / "keys")
    before = sealed(world, home)
    launched(world)
    assert sealed(world, other) == before
    assert verdict(world, home).fault == ""


def test_the_key_may_come_by_setting(world: Errands, home: Settings, tmp_path: Path) -> None:
    pem = (home.home / "keys" / keys.FILE_NAME).read_text()
    other = Settings(
        home=tmp_path / "other", database_url="", processes=home.processes, signing_key=pem
    )
    launched(world)
    before = sealed(world, home)
    launched(world)
    assert sealed(world, other) > before
    assert (other.home / "keys" / FILE_NAME).exists()
    assert sealed(world, home) > before  # and the first host takes the line into its own log
    assert log(other).last() == log(home).last()
    with db.transaction(world.engine) as session, pytest.raises(EngineError) as caught:
        bad = Settings(home=home.home, database_url="", processes=home.processes, signing_key="x")
        signing.signing(session, bad)
    assert caught.value.code == "key_unreadable"


def test_the_list_of_public_keys_is_in_the_history(world: Errands, home: Settings) -> None:
    with db.transaction(world.engine) as session:
        bodies = session.execute(select(EVENT.body).where(EVENT.kind == "key_introduced")).scalars()
        (said,) = [json.loads(body) for body in bodies]
    key = keys.load(home.home / "keys" / keys.FILE_NAME)
    assert (said["key"], said["public"]) == (key.key_id, key.public.hex())

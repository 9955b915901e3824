"""Backups by themselves: made when due, tried by a restore, kept so long; and what grows is bounded."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import insert, text

from engine import clock, db, jobs
from engine.commands import drafts
from engine.db import backup, migrate, safekeeping, tables
from engine.errors import EngineError
from engine.queries import health
from engine.settings import ROOT, Settings
from webui.cli import installation

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ("tests.empty",)
NIGHT = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)  # half past two in China
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.fixture
def own(empty_url: str, tmp_path: Path) -> Settings:
    migrate.migrate(empty_url)
    with db.transaction(db.connect(empty_url)) as session:
        row = {"id": tables.new_id(), "code": "U", "kind": "university_union", "name": "校工会"}
        session.execute(insert(tables.unit).values(**row, union_id=row["id"]))
        person = {"id": tables.new_id(), "username": "wang", "name": "王芳", "unit_id": row["id"]}
        session.execute(
            insert(tables.member).values(**person, union_id=row["id"], created_at=clock.now())
        )
    return Settings(home=tmp_path, database_url=empty_url, processes=ROOT / "processes")


def databases(own: Settings) -> set[str]:
    with psycopg.connect(own.database_url) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def test_a_backup_is_tried_and_leaves_nothing_behind(own: Settings) -> None:
    before = databases(own)
    found = safekeeping.keep(own)
    assert found.fault == "" and (own.home / "backups" / found.file).stat().st_mode & 0o077 == 0
    assert databases(own) == before
    assert safekeeping.last(own) == found
    assert {p.name for p in (own.home / "backups").iterdir()} == {found.file, "last.json"}


def test_a_backup_that_cannot_be_restored_is_no_backup(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(settings: Settings, file: Path) -> None:
        real(settings, file)
        whole = file.read_bytes()
        middle = len(whole) // 2
        file.write_bytes(whole[:middle] + b"XXXXXXXX" + whole[middle + 8 :])

    real = backup.backup
    monkeypatch.setattr(backup, "backup", cut)
    found = safekeeping.keep(own)
    assert found.fault and safekeeping.last(own) == found
    with db.transaction(db.connect(own.database_url)) as session:
        assert "failed" in health.ready(session, own).checks["backup"]


def test_a_login_that_makes_no_databases_is_told(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(own.database_url, autocommit=True) as admin:
        with suppress(psycopg.errors.DuplicateObject):
            admin.execute("CREATE ROLE keeper LOGIN")
        admin.execute("GRANT pg_read_all_data TO keeper")
    poor = replace(own, database_url=own.database_url.replace("postgres:@", "keeper@", 1))
    with pytest.raises(EngineError, match="CREATEDB"):
        file = own.home / "b.backup"
        backup.backup(own, file)
        safekeeping.tried(poor, file)


def test_a_full_disk_makes_no_backup(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(own.home)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found = safekeeping.keep(own)
    assert "磁盘空间不足" in found.fault and found.file == ""


@pytest.mark.parametrize(
    ("hours", "now", "due"),
    [
        (2, NIGHT, False),
        (20, NIGHT, True),
        (20, NOON, False),
        (31, NOON, True),
    ],
)
def test_it_is_due_once_a_night_or_when_it_is_late(
    own: Settings, hours: int, now: datetime, due: bool
) -> None:
    with clock.set_to(now):
        assert safekeeping.is_due(own)  # there was none
    with clock.set_to(now - timedelta(hours=hours)):
        safekeeping.keep(own)
    with clock.set_to(now):
        assert safekeeping.is_due(own) is due
        assert not safekeeping.is_due(replace(own, backup_days=0))


def test_old_ones_go_and_the_newest_stays(own: Settings) -> None:
    folder = own.home / "backups"
    folder.mkdir()
    names = [f"yixing-2026030{n}T000000Z.backup" for n in range(1, 6)]
    for n, name in enumerate(names):
        (folder / name).write_text("x")
        age = time.time() - (30 - n) * 86400
        os.utime(folder / name, (age, age))
    kept = folder / "before-0007-from-0006-x.backup"
    kept.write_text("x")
    os.utime(kept, (0, 0))
    left = folder / "tmpabc"
    left.mkdir()
    os.utime(left, (0, 0))
    gone = safekeeping.forget(own)
    assert [p.name for p in gone] == names[:-1]
    assert {p.name for p in folder.iterdir()} == {names[-1], kept.name}


def test_the_job_makes_one_only_when_it_is_due(own: Settings) -> None:
    jobs.back_up(own)
    first = safekeeping.last(own)
    assert first is not None and first.fault == ""
    jobs.back_up(own)
    assert safekeeping.last(own) == first


# --- an upgrade can be taken back ---------------------------------------------------------------------------------------
def test_an_upgrade_backs_up_first_and_one_can_go_back(own: Settings) -> None:
    engine = db.connect(own.database_url)
    versions = ROOT / "engine" / "db" / "migrations" / "versions"
    steps = sorted(p.name[:4] for p in versions.glob("0*.py"))
    with db.transaction(engine) as session:  # as the release before had it
        session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": steps[-2]})
        session.execute(text("ALTER TABLE draft DROP COLUMN IF EXISTS revision"))
        session.execute(text("ALTER TABLE draft ADD COLUMN revision integer NOT NULL DEFAULT 1"))
    assert migrate.pending(own.database_url) == steps[-2]
    db.release(own.database_url)
    kept = safekeeping.before_upgrade(own, own.database_url)
    assert kept is not None and steps[-2] in kept.name
    with psycopg.connect(own.database_url) as connection:
        connection.execute("DELETE FROM member")
    with psycopg.connect(own.database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (steps[-1],))
    assert safekeeping.before_upgrade(own, own.database_url) is None
    folder = own.home / "out"
    folder.mkdir()
    assert backup.unpack(kept, folder)["schema"] == steps[-2]
    backup.restore(own, kept, force=True)
    with psycopg.connect(own.database_url) as connection:
        assert connection.execute("SELECT name FROM member").fetchall() == [("王芳",)]


def test_an_empty_database_is_not_backed_up(empty_url: str, tmp_path: Path) -> None:
    own = Settings(home=tmp_path, database_url=empty_url, processes=ROOT / "processes")
    assert installation.migrated(own, empty_url)
    assert not (tmp_path / "backups").exists()
    assert not installation.migrated(own, empty_url)


# --- what grows is bounded ----------------------------------------------------------------------------------------------
def test_old_logins_and_drafts_go(own: Settings) -> None:
    engine = db.connect(own.database_url)
    now = clock.now()
    with db.transaction(engine) as session:
        member = session.execute(text("SELECT id FROM member")).scalar_one()
        for name, seen, ended in (("old", 40, None), ("ended", 40, 35), ("new", 3, None)):
            session.execute(
                insert(tables.login).values(
                    id=name,
                    member_id=member,
                    created_at=now - timedelta(days=50),
                    seen_at=now - timedelta(days=seen),
                    ended_at=None if ended is None else now - timedelta(days=ended),
                )
            )
        for key, days in (
            ("launch:errand", 300),
            ("launch:other", 400),
            (f"task:{tables.new_id()}", 8),
            (f"task:{tables.new_id()}", 2),
        ):
            assert drafts.KEY.fullmatch(key)
            session.execute(
                insert(tables.draft).values(
                    member_id=member, key=key, answers={}, saved_at=now - timedelta(days=days)
                )
            )
    jobs.tidy(engine)
    with db.transaction(engine) as session:
        assert session.execute(text("SELECT id FROM login")).scalars().all() == ["new"]
        left = session.execute(text("SELECT key FROM draft ORDER BY key")).scalars().all()
    assert len(left) == 2 and left[0] == "launch:errand"

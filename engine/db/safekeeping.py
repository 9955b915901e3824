"""Backups that come by themselves, each tried by a restore into a scratch database, kept for some days.

They lie in YIXING_BACKUPS (the home's `backups`) of the host whose worker made them. What the last one came to stands beside
them in last.json, which readiness reads: a backup that nobody could restore is none.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from engine import clock, db
from engine.db import backup, migrate
from engine.errors import EngineError
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.settings import Settings

DAILY, BEFORE = (
    "yixing-",
    "before-",
)  # how the names of daily ones, and of those before an upgrade, begin
ENDING = ".backup"
NIGHT = range(1, 5)  # hours in China at which a backup disturbs nobody
SOON, LATE = (
    timedelta(hours=18),
    timedelta(hours=30),
)  # the age that is due at night, and at any hour
LEAST_ROOM = 512 * 1024 * 1024  # bytes that stay free


@dataclass(frozen=True)
class Last:
    """What the last backup came to: when it was begun, its file, and what is wrong with it ("" when it was restored)."""

    at: str
    file: str
    fault: str


def place(settings: Settings) -> Path:
    """The folder of the backups."""
    return settings.backups or settings.home / "backups"


def last(settings: Settings) -> Last | None:
    """What the last backup of this host came to; None when there was none."""
    try:
        return Last(**json.loads((place(settings) / "last.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def is_due(settings: Settings) -> bool:
    """Is it time for one? At night once a day; at any hour when the last good one is old or there is none."""
    if not settings.backup_days:
        return False
    known = last(settings)
    if known is None:
        return True
    age, night = (
        clock.now() - datetime.fromisoformat(known.at),
        clock.now().astimezone(clock.CHINA).hour in NIGHT,
    )
    return age > LATE or (night and age > SOON) or (bool(known.fault) and age > timedelta(hours=3))


def keep(settings: Settings) -> Last:
    """Make a backup, try it, note what it came to, and remove old ones. It raises nothing: the note says what went wrong."""
    folder = place(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    at = clock.now()
    file = folder / f"{DAILY}{at:%Y%m%dT%H%M%SZ}{ENDING}"
    fault = ""
    try:
        _must_have_room(folder)
        backup.backup(settings, file)
        tried(settings, file)
    except (EngineError, OSError, psycopg.Error) as wrong:
        fault = str(wrong).splitlines()[0] if str(wrong) else type(wrong).__name__
    found = Last(at.isoformat(timespec="seconds"), file.name if file.exists() else "", fault)
    _note(folder, found)
    if not fault:
        forget(settings)
    return found


def tried(settings: Settings, file: Path) -> None:
    """Restore a backup into a scratch database and compare every row; the database goes again.

    EngineError: it cannot be restored, or this login may not make a database.
    """
    url = db.url_of(settings)
    with TemporaryDirectory(dir=file.parent) as folder, _scratch(url) as scratch:
        manifest = backup.unpack(file, Path(folder))
        backup.put_rows(scratch, Path(folder), manifest)


def forget(settings: Settings) -> list[Path]:
    """Remove the daily backups that are older than they are kept, never the newest; gives those that went. Also what
    interrupted ones left behind.
    """
    folder, oldest = place(settings), clock.now() - timedelta(days=settings.backup_days)
    daily = sorted(folder.glob(f"{DAILY}*{ENDING}"))
    gone = [file for file in daily[:-1] if _made(file) < oldest]
    for file in gone:
        file.unlink()
    for left in folder.glob("tmp*"):
        if left.is_dir() and _made(left) < clock.now() - timedelta(days=1):
            shutil.rmtree(left, ignore_errors=True)
    return gone


def before_upgrade(settings: Settings, url: str) -> Path | None:
    """A backup of a database that holds something and is about to be migrated; None where nothing is to be kept."""
    step = migrate.pending(url)
    if step is None:
        return None
    folder = place(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _must_have_room(folder)
    file = folder / f"{BEFORE}{migrate.head()}-from-{step}-{clock.now():%Y%m%dT%H%M%SZ}{ENDING}"
    backup.backup(settings, file)
    return file


def _made(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, clock.CHINA)


def _must_have_room(folder: Path) -> None:
    newest = max((file.stat().st_size for file in folder.glob(f"*{ENDING}")), default=0)
    if shutil.disk_usage(folder).free < 2 * newest + LEAST_ROOM:
        raise EngineError(
            _("{folder} 所在的磁盘空间不足，没有备份。", folder=folder), code="disk_full"
        )


def _note(folder: Path, found: Last) -> None:
    draft = folder / f"last.{os.getpid()}"
    draft.write_text(json.dumps(asdict(found), ensure_ascii=False), "utf-8")
    draft.replace(folder / "last.json")


@contextmanager
def _scratch(url: str) -> Iterator[str]:
    """The URL of an empty database beside that of `url`, dropped afterwards."""
    name = f"yixing_trial_{os.getpid()}_{int(clock.now().timestamp())}"
    with psycopg.connect(url, autocommit=True) as admin:
        try:
            admin.execute(
                sql.SQL(
                    "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
                ).format(sql.Identifier(name))
            )
        except psycopg.errors.InsufficientPrivilege as fault:
            raise EngineError(
                _("备份没有试过恢复：数据库用户不能建立数据库（ALTER ROLE … CREATEDB）。"),
                code="not_tried",
            ) from fault
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

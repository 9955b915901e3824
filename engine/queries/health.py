"""What the operator watches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from shutil import disk_usage
from socket import gethostname
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text

from engine import clock
from engine.db import blobs, demo, migrate, queue, safekeeping, shared, shred
from engine.errors import EngineError
from engine.history import signing
from engine.people import strokes

if TYPE_CHECKING:
    from engine.db import Session
    from engine.settings import Settings

OK = "ok"
LEAST_DISK = 512 * 1024 * 1024  # bytes
BACKUP_AGE = timedelta(days=2)
CLOCK_APART = 60.0  # seconds between this clock and the database's, from which on nothing is done

_FIGURES = {
    "yixing_instances_running": (
        "Running instances",
        "SELECT count(*) FROM instance WHERE state = 'running' AND NOT confidential",
    ),
    "yixing_tasks_open": (
        "Open user tasks",
        "SELECT count(*) FROM task t JOIN instance i ON i.id = t.instance_id WHERE t.state = 'open' AND NOT i.confidential",
    ),
    "yixing_timers_overdue": (
        "Timers due and not yet fired",
        "SELECT count(*) FROM timer t JOIN instance i ON i.id = t.instance_id "
        "WHERE t.state = 'waiting' AND i.state = 'running' AND NOT i.confidential AND t.due_at <= :now",
    ),
    "yixing_incidents_open": (
        "Incidents not yet resolved",
        "SELECT count(*) FROM incident n JOIN instance i ON i.id = n.instance_id "
        "WHERE n.resolved_at IS NULL AND NOT i.confidential",
    ),
    "yixing_events_unsealed": (
        "Events without a leaf",
        "SELECT count(*) FROM event e WHERE e.leaf_no IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM instance i WHERE i.id = e.instance_id AND i.confidential)",
    ),
}
_JOBS = {
    "yixing_jobs_waiting": ("Jobs that wait, those to be tried again included", "todo"),
    "yixing_jobs_failed": ("Jobs that failed", "failed"),
}


@dataclass(frozen=True)
class Readiness:
    """What each thing that the product needs is like: "ok", or what is wrong with it, in
    English, for programs.
    """

    checks: dict[str, str]
    notes: tuple[str, ...] = ()  # what is missing, and the product works without

    @property
    def faults(self) -> list[str]:
        """What keeps the product from working; empty when it is ready."""
        return [said for said in self.checks.values() if said != OK]


def ready(session: Session, settings: Settings) -> Readiness:
    """Look at everything that can be looked at from here, in one transaction."""
    checks = {"database": OK, "disk": _disk(settings), "clock": _clock(session)}
    checks["schema"] = _schema(session)
    if checks["schema"] == OK:
        checks["processes"] = _processes(session)
        checks["workers"] = _workers(session)
        checks["key"] = _key(session, settings)
        checks["secrets"] = _secrets(session, settings)
        checks["backup"] = _backup(session, settings)
        checks["ballots"] = _ballots(session)
    missing = "the data of strokes are not installed: official lists go by pinyin"
    return Readiness(checks, () if strokes.installed() else (missing,))


def unreachable(settings: Settings, reason: str) -> Readiness:
    """The same while the database is away."""
    return Readiness(
        {"database": f"the database does not answer: {reason}", "disk": _disk(settings)}
    )


def _disk(settings: Settings) -> str:
    try:
        free = disk_usage(settings.home).free
    except OSError as fault:
        return f"{settings.home} cannot be read: {fault.strerror}"
    if free < LEAST_DISK:
        return f"only {free >> 20} MiB are free at {settings.home}"
    if not os.access(settings.home, os.W_OK):
        return f"{settings.home} cannot be written"
    return OK


def _clock(session: Session) -> str:
    there = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = abs((clock.now() - there).total_seconds())
    return OK if apart <= CLOCK_APART else f"this clock and the database's are {apart:.0f} s apart"


def _schema(session: Session) -> str:
    if session.execute(text("SELECT to_regclass('alembic_version') IS NULL")).scalar():
        return "database is not migrated"
    found = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found == migrate.head():
        return OK
    return f"the schema of the database is {found}, this release wants {migrate.head()}"


def _processes(session: Session) -> str:
    published = text("SELECT EXISTS (SELECT 1 FROM definition WHERE state = 'published')")
    return OK if session.execute(published).scalar() else "no process definition is published"


def _workers(session: Session) -> str:
    silent = queue.silence(session)
    if silent is None:
        return "no worker runs"
    return OK if silent <= queue.DEAD_AFTER else f"no worker gave a sign for {silent:.0f} s"


_BEGAN_BEFORE = text(  # by the first events of the chains of unions and of the installation
    "SELECT EXISTS (SELECT FROM chain c JOIN event e ON e.instance_id = c.id AND e.seq = 1 "
    "WHERE e.at < :then)"
)


def _backup(session: Session, settings: Settings) -> str:
    """Was there one within two days that could be restored? A new installation has two days'
    time; a demo, whose events are older than it is, needs none.
    """
    last = safekeeping.last(settings)
    if not settings.backup_days:
        return OK
    if last is None:
        then = clock.now() - BACKUP_AGE
        old = session.execute(_BEGAN_BEFORE, {"then": then}).scalar_one()
        return "no backup was ever made" if old and not demo.is_demo(session) else OK
    if last.fault:
        return f"the last backup failed: {last.fault}"
    old_one = clock.now() - datetime.fromisoformat(last.at) > BACKUP_AGE
    return f"the last backup is of {last.at}" if old_one else OK


_OUTER_KEYS = text(
    "SELECT b.outer_key FROM box b JOIN poll p ON p.id = b.poll_id WHERE p.state IN ('open', 'counting') "
    "AND b.urn_hash IS NULL AND b.outer_key IS NOT NULL AND b.keeper = :host"
)


def _ballots(session: Session) -> str:
    """Are the keys here of the secret ballots that this host must open?"""
    kept = session.execute(_OUTER_KEYS, {"host": gethostname()}).scalars()
    lost = [key for key in kept if shred.of(session).find(bytes(key).hex()) is None]
    return f"the outer keys of {len(lost)} open secret ballots are lost" if lost else OK


def _key(session: Session, settings: Settings) -> str:
    """Is the key that signed the newest checkpoint the one that lies here?"""
    named = signing.key_of(session)
    if named is None:
        return OK
    source = "YIXING_SIGNING_KEY" if settings.signing_key else str(settings.home / "keys")
    try:
        here = signing.here(settings)
    except (EngineError, OSError):
        return f"the signing key in {source} cannot be read"
    if here is None:
        return f"the signing key {named} is not here: nothing is sealed by this host"
    if here.key_id == named:
        return OK
    return f"the signing key in {source} is {here.key_id}, the newest checkpoint has {named}"


def _secrets(session: Session, settings: Settings) -> str:
    """Are the cookies of this host those of the others, and the keys of sealed files here?"""
    if lost := blobs.missing(session):
        return f"the keys of {lost} files of confidential matters are not in shred"
    if shared.fault(session, settings) is None:
        return OK
    return "the key of the shared secrets (YIXING_SHARED_KEY or keys/shared.key) is not here: logins of other hosts do not hold"


def metrics(session: Session) -> bytes:
    """The figures as Prometheus text. Counts only, nothing of any matter; confidential ones are not
    even counted.
    """
    registry = CollectorRegistry()
    for name, (words, query) in _FIGURES.items():
        value = session.execute(
            text(query), {"now": clock.now()} if ":now" in query else {}
        ).scalar()
        Gauge(name, words, registry=registry).set(int(value or 0))
    jobs = queue.counts(session)
    for name, (words, state) in _JOBS.items():
        Gauge(name, words, registry=registry).set(jobs.get(state, 0))
    return generate_latest(registry)

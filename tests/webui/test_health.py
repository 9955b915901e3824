"""/readyz tells the truth, in JSON, also while the database is away."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

import webui
from engine import clock, db
from engine.commands import bundled
from engine.db import demo, migrate
from engine.history import keys, seals
from engine.queries import health
from engine.settings import ROOT, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from sqlalchemy import Engine

pytest_plugins = ("tests.empty",)


@pytest.fixture
def running(empty_url: str) -> Engine:
    """A migrated database with a published process and a worker that has just given a sign."""
    migrate.migrate(empty_url)
    engine = db.connect(empty_url)
    with db.transaction(engine) as session:
        bundled.publish(session, ROOT / "tests" / "processes" / "errand")
        session.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
    return engine


@pytest.fixture
def own(empty_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=empty_url, processes=ROOT / "processes")


@pytest.fixture
def browser(running: Engine, own: Settings) -> FlaskClient:
    return webui.create_app(own).test_client()


def change(engine: Engine, statement: str) -> None:
    with db.transaction(engine) as session:
        session.execute(text(statement))


def faults(browser: FlaskClient) -> list[str]:
    answer = browser.get("/readyz")
    assert answer.is_json
    told: dict[str, Any] = answer.get_json()
    assert (answer.status_code, told["status"]) in ((200, "ok"), (503, "not ready"))
    assert (told["faults"] == []) == (answer.status_code == 200)
    assert told["faults"] == [said for said in told["checks"].values() if said != "ok"]
    return told["faults"]


def test_all_is_well(browser: FlaskClient, running: Engine, own: Settings) -> None:
    assert faults(browser) == []
    key = keys.load_or_create(own.home / "keys")
    with db.transaction(running) as session:
        seals.seal(session, key)
    assert faults(browser) == []
    assert set(browser.get("/readyz").get_json()["checks"]) == {
        *("database", "disk", "clock", "schema", "processes", "workers", "key", "backup"),
        *("ballots", "secrets"),
    }


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE alembic_version SET version_num = '0099'", "schema of the database is 0099"),
        ("UPDATE alembic_version SET version_num = '0001'", "schema of the database is 0001"),
        ("DROP TABLE alembic_version", "not migrated"),
        ("UPDATE definition SET state = 'retired'", "no process definition"),
        (
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'",
            "no worker gave a sign",
        ),
        ("DELETE FROM procrastinate_workers", "no worker runs"),
    ],
)
def test_what_is_wrong_in_the_database_is_named(
    browser: FlaskClient, running: Engine, statement: str, said: str
) -> None:
    change(running, statement)
    (told,) = faults(browser)
    assert said in told


def test_an_installation_without_a_backup_is_named_and_a_demo_is_not(
    browser: FlaskClient, running: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "BACKUP_AGE", timedelta())
    assert faults(browser) == ["no backup was ever made"]
    with db.transaction(running) as session:
        demo.mark(session)
    assert faults(browser) == []


def test_one_living_worker_is_enough(browser: FlaskClient, running: Engine) -> None:
    change(running, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    change(running, "INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert faults(browser) == []


def test_a_key_that_is_another_or_not_here_is_named(
    browser: FlaskClient, running: Engine, own: Settings
) -> None:
    with db.transaction(running) as session:
        seals.seal(session, keys.load_or_create(own.home / "elsewhere"))
    (told,) = faults(browser)
    assert "is not here" in told
    keys.load_or_create(own.home / "keys")
    (told,) = faults(browser)
    assert "the newest checkpoint has" in told
    (own.home / "keys" / keys.FILE_NAME).write_text("no key")
    (told,) = faults(browser)
    assert "cannot be read" in told


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=90)

    monkeypatch.setattr(clock, "now", now)


def test_a_clock_that_goes_wrong_is_named(browser: FlaskClient, late: None) -> None:
    (told,) = faults(browser)
    assert "90 s apart" in told


def test_a_disk_that_is_nearly_full_is_named(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "disk_usage", lambda _: SimpleNamespace(free=100 << 20))
    (told,) = faults(browser)
    assert "100 MiB" in told
    monkeypatch.undo()
    monkeypatch.setattr(os, "access", lambda *_: False)
    (told,) = faults(browser)
    assert "cannot be written" in told


def test_it_is_json_while_the_database_is_away(own: Settings) -> None:
    away = replace(own, database_url="postgresql://nobody@127.0.0.1:1/none")
    browser = webui.create_app(away).test_client()
    with browser.session_transaction() as cookie:
        cookie["key"] = "whoever"
    (told,) = faults(browser)
    assert "does not answer" in told
    assert browser.get("/healthz").status_code == 200

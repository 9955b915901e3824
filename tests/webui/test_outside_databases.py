"""On an operator's own PostgreSQL, with and without the right to make roles, and through a pooler."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import text

import webui
from engine import db, settings
from engine.commands import people
from engine.commands.people.logins import open_login
from engine.db import migrate
from engine.settings import ROOT, Settings
from tests import outside
from webui import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

PAGES = ("/", "/launch", "/matters", "/definitions", "/rules", "/me", "/readyz")
CLIENTS, ROUNDS = 8, 4
pytest_plugins = ("tests.empty",)


@pytest.fixture
def own(empty_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=empty_url, processes=ROOT / "processes")


@pytest.fixture
def pooler(empty_url: str) -> Iterator[str]:
    with outside.pooled(empty_url) as through:
        yield through


def peopled(url: str) -> str:
    """A migrated database with one person; gives the secret of her login."""
    migrate.migrate(url)
    with db.transaction(db.connect(url)) as session:
        unit = people.create_unit(session, None, "U", "provincial_federation", "省总工会")
        key = people.create_member(session, None, "wang", "王芳", unit)
        return open_login(session, key)


def rounds(app: Any, secret: str) -> Counter[int]:
    """Many browsers at once; gives how often each status was answered."""
    found: Counter[int] = Counter()

    def browse(number: int) -> None:
        browser: FlaskClient = app.test_client()
        with browser.session_transaction() as cookie:
            cookie["key"] = secret
        for n in range(ROUNDS):
            for page in PAGES:
                found[browser.get(page).status_code] += 1
            sent = {"subject": f"{number} {n}"}
            found[browser.post(f"/drafts/launch:p{number}", json=sent).status_code] += 1

    threads = [threading.Thread(target=browse, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_pages_work_through_a_pooler_in_transaction_mode(
    own: Settings, empty_url: str, pooler: str
) -> None:
    secret = peopled(empty_url)
    through = replace(own, database_url=pooler, database_direct_url=empty_url, database_pooled=True)
    app = webui.create_app(through)
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        found = rounds(app, secret)
    finally:
        db.release(pooler)
    assert sum(found.values()) == CLIENTS * ROUNDS * (len(PAGES) + 1)
    assert set(found) <= {200, 503} and found[503] <= CLIENTS * ROUNDS, (
        found
    )  # 503: readyz, no worker


def test_nothing_is_left_in_a_session_of_the_pooler(
    own: Settings, empty_url: str, pooler: str
) -> None:
    through = replace(own, database_url=pooler, database_direct_url=empty_url, database_pooled=True)
    engine = db.connect_web(through)
    try:
        for _ in range(8):
            with db.transaction(engine) as session:
                shown = session.execute(text("SHOW statement_timeout")).scalar()
                assert shown == "30s"
                session.execute(text("SELECT count(*) FROM pg_class")).scalar()
        with psycopg.connect(pooler, autocommit=True) as plain:
            assert plain.execute("SHOW statement_timeout").fetchone() == ("0",)
            assert plain.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
    finally:
        db.release(pooler)
    assert db.url_of(through) == empty_url


def test_a_pooler_without_a_direct_way_is_refused() -> None:
    with pytest.raises(ValueError, match="YIXING_DATABASE_DIRECT_URL"):
        settings.load({"YIXING_DATABASE_URL": "postgresql://h/x", "YIXING_DATABASE_POOLED": "1"})


@pytest.fixture(scope="module")
def debians() -> Iterator[str]:
    with outside.machines_own() as url:
        yield url


def test_the_machines_own_postgresql_serves(
    debians: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with psycopg.connect(debians) as connection:
        assert connection.info.server_version >= 150000
    secret = peopled(debians)
    own = Settings(home=tmp_path, database_url=debians, processes=ROOT / "processes")
    app = webui.create_app(own)
    app.config["WTF_CSRF_ENABLED"] = False
    found = rounds(app, secret)
    assert set(found) <= {200, 503} and found[503] <= CLIENTS * ROUNDS, found
    assert migrate.has_role(debians)
    monkeypatch.setenv("YIXING_DATABASE_URL", debians)
    monkeypatch.setenv("YIXING_HOME", str(tmp_path))
    for words in (["verify"], ["backup", str(tmp_path / "b")]):
        assert cli.main(words) == cli.OK, capsys.readouterr()
    db.release(debians)


def test_the_missing_append_only_role_is_said_and_a_given_one_is_used(
    debians: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with psycopg.connect(debians, autocommit=True) as admin:
        admin.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        admin.execute("CREATE DATABASE poor OWNER plain")
        with suppress(psycopg.errors.UndefinedObject):  # another test may have made it
            admin.execute("DROP OWNED BY yixing_app")
            admin.execute("DROP ROLE yixing_app")
    poor = debians.replace("owner:two%20words@", "plain:plain@").replace("/yixing", "/poor")
    monkeypatch.setenv("YIXING_DATABASE_URL", poor)
    monkeypatch.setenv("YIXING_HOME", str(tmp_path))
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert cli.main(["migrate"]) == cli.OK
    assert "CREATE ROLE yixing_app" in capsys.readouterr().err
    with psycopg.connect(debians, autocommit=True) as admin:
        admin.execute("CREATE ROLE yixing_app")
    assert cli.main(["migrate"]) == cli.OK
    assert "yixing_app" not in capsys.readouterr().err
    with psycopg.connect(poor) as connection:
        rights = "SELECT has_table_privilege('yixing_app', 'event', 'INSERT'), has_table_privilege('yixing_app', 'event', 'DELETE')"
        assert connection.execute(rights).fetchone() == (True, False)

"""What all hosts share lies encrypted in the database; its key comes by a setting or a file, and is never made beside it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

import webui
from engine import db
from engine.commands.people.logins import open_login
from engine.db import shared
from engine.queries import health
from engine.settings import ROOT, Settings
from tests.webui.api.world import Api

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def hosts(engine: Engine, url: str, tmp_path: Path) -> tuple[Settings, Settings]:
    """Two homes on one database."""
    del engine
    own = Settings(home=tmp_path / "one", database_url=url, processes=ROOT / "processes")
    return own, replace(own, home=tmp_path / "two")


def secret(engine: Engine, own: Settings) -> shared.Shared:
    with db.transaction(engine) as session:
        return shared.cookies(session, own)


def ready(engine: Engine, own: Settings) -> str:
    with db.transaction(engine) as session:
        return health._secrets(session, own)


def copy_key(one: Settings, two: Settings) -> None:
    (two.home / "keys").mkdir(parents=True, exist_ok=True)
    shutil.copy(one.home / "keys" / shared.KEY, two.home / "keys" / shared.KEY)


def test_a_second_host_with_the_key_has_the_same_secret(
    engine: Engine, hosts: tuple[Settings, Settings]
) -> None:
    one, two = hosts
    first = secret(engine, one)
    assert first.why is None and len(first.secret) == 64
    copy_key(one, two)
    assert secret(engine, two) == first == secret(engine, one)
    for own in hosts:
        assert (own.home / "keys" / "cookies").read_text() == first.secret
        assert ready(engine, own) == health.OK
        for file in (own.home / "keys").iterdir():
            assert file.stat().st_mode & 0o077 == 0, file
    with db.transaction(engine) as session:
        (stored,) = session.execute(text("SELECT sealed FROM shared_secret")).scalars()
    assert first.secret.encode() not in bytes(stored)
    assert bytes.fromhex(first.secret) not in bytes(stored)


def test_by_a_setting_no_file_is_made(engine: Engine, hosts: tuple[Settings, Settings]) -> None:
    one, two = (replace(own, shared_key="ein langer Satz, den beide kennen") for own in hosts)
    assert secret(engine, one) == secret(engine, two)
    assert not (one.home / "keys" / shared.KEY).exists()
    wrong = secret(engine, replace(two, shared_key="another one"))
    assert wrong.why is not None


def test_without_the_key_none_is_made_and_it_is_said(
    engine: Engine, hosts: tuple[Settings, Settings]
) -> None:
    one, two = hosts
    first, found = secret(engine, one), secret(engine, two)
    assert found.why is not None and "YIXING_SHARED_KEY" in found.why
    assert found.secret != first.secret and not (two.home / "keys" / shared.KEY).exists()
    assert "logins of other hosts" in ready(engine, two)
    assert secret(engine, one) == first  # what the first host put there stays


def test_an_older_home_keeps_its_logins(engine: Engine, hosts: tuple[Settings, Settings]) -> None:
    """The secret of before goes into the database, so that an upgrade logs nobody out."""
    one, _two = hosts
    (one.home / "keys").mkdir(parents=True)
    (one.home / "keys" / "cookies").write_text("before")
    assert secret(engine, one) == shared.Shared("before")


def test_a_login_of_one_host_holds_on_the_other(
    engine: Engine, hosts: tuple[Settings, Settings]
) -> None:
    one, two = hosts
    api = Api.built(None, engine)  # type: ignore[arg-type]
    with db.transaction(engine) as session:
        key = open_login(session, api.people["zhang"])
    here = webui.create_app(one).test_client()
    with here.session_transaction() as cookies:
        cookies["key"] = key
    cookie = here.get_cookie("yixing")
    assert cookie is not None and here.get("/me").status_code == 200
    assert visit(two, cookie.value) == 302  # it has no key: to the login page
    copy_key(one, two)
    assert visit(two, cookie.value) == 200


def visit(own: Settings, cookie: str) -> int:
    """How a fresh process of this host answers to somebody with this cookie."""
    browser = webui.create_app(own).test_client()
    browser.set_cookie("yixing", cookie)
    return browser.get("/me").status_code

"""Drafts have revisions, scripts learn that the login has ended, and what a proxy hides is said."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

import webui
from engine import db
from engine.commands import drafts
from engine.commands.people import logins
from engine.db import migrate
from engine.errors import Conflict
from engine.settings import ROOT, Settings
from webui.http import proxies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.webui.conftest import House

pytest_plugins = ("tests.empty",)
KEY = "launch:errand"
SCRIPT = {"X-Requested-With": "yixing"}


def answers(house: House) -> Any:
    with db.transaction(house.engine) as session:
        return session.execute(text("SELECT answers, revision FROM draft")).one()


def save(browser: FlaskClient, given: dict[str, Any], revision: object) -> TestResponse:
    return browser.post(f"/drafts/{KEY}?revision={revision}", json=given, headers=SCRIPT)


def test_a_newer_draft_is_not_overwritten(client: Callable[..., FlaskClient], house: House) -> None:
    one, two = client("office"), client("office")
    assert save(one, {"subject": "甲"}, 0).json == {"saved": True, "revision": 1}
    refused = save(two, {"subject": ""}, 0)
    assert refused.status_code == 409 and refused.json["code"] == "draft_newer"
    assert tuple(answers(house)) == ({"subject": "甲"}, 1)
    assert save(one, {"subject": "甲乙"}, 1).json["revision"] == 2
    assert save(two, {"subject": "甲乙"}, 0).json["revision"] == 3  # the same words do no harm
    assert save(two, {"subject": "丙"}, "any").json["revision"] == 4
    assert tuple(answers(house)) == ({"subject": "丙"}, 4)
    assert one.post(f"/drafts/{KEY}", json=["no", "object"], headers=SCRIPT).status_code == 422


def test_programs_may_give_a_revision_and_need_not(house: House) -> None:
    actor = house.actor("office")
    with db.transaction(house.engine) as session:
        assert drafts.save(session, actor, KEY, {"a": "1"}) == 1
        assert drafts.save(session, actor, KEY, {"a": "2"}) == 2
        with pytest.raises(Conflict):
            drafts.save(session, actor, KEY, {"a": "3"}, 1)


def test_drafts_of_before_have_a_revision(empty_url: str) -> None:
    migrate.migrate(empty_url)
    engine = db.connect(empty_url)
    with db.transaction(engine) as session:
        session.execute(text("ALTER TABLE draft DROP COLUMN revision"))
        session.execute(
            text("UPDATE alembic_version SET version_num = :before"),
            {"before": before("draft_revisions")},
        )
    assert migrate.migrate(empty_url)
    with db.transaction(engine) as session:
        assert session.execute(text("SELECT count(revision) FROM draft")).scalar() == 0


def before(slug: str) -> str:
    """The step before the one with this name."""
    (file,) = (ROOT / "engine" / "db" / "migrations" / "versions").glob(f"*_{slug}.py")
    (line,) = [at for at in file.read_text().splitlines() if at.startswith("down_revision")]
    return line.partition('"')[2].rstrip('"')


# --- the login has ended ------------------------------------------------------------------------------------------------
def ended(house: House, client: Callable[..., FlaskClient]) -> FlaskClient:
    browser = client("office")
    assert browser.get("/me").status_code == 200
    with db.transaction(house.engine) as session:
        logins.end_logins(session, house.people["office"])
    return browser


def test_scripts_get_401_before_and_after_the_cookie_is_cleared(
    client: Callable[..., FlaskClient], house: House, app: Flask
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    browser = ended(house, client)
    with browser.session_transaction() as cookie:
        cookie["csrf_token"] = "x"
    for _ in range(3):
        reply = save(browser, {"subject": "甲"}, 0)
        assert reply.status_code == (400 if "key" in _cookie(browser) else 401), reply.text
        browser.get("/")  # which clears the cookie
    large = {"file": (io.BytesIO(b"x" * 2_000_000), "a.pdf")}
    reply = browser.post("/files", data=large, headers=SCRIPT)
    assert reply.status_code == 401 and reply.json["code"] == "logged_out"


def _cookie(browser: FlaskClient) -> dict[str, Any]:
    with browser.session_transaction() as cookie:
        return dict(cookie)


def test_every_page_that_needs_a_login_tells_scripts(
    client: Callable[..., FlaskClient], app: Flask
) -> None:
    told = 0
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not hasattr(view, "__wrapped__") or rule.rule.startswith("/api/") or rule.arguments:
            continue
        for method in rule.methods & {"GET", "POST"}:
            reply = client("").open(rule.rule, method=method, headers=SCRIPT)
            if reply.status_code == 401:
                told += 1
                assert reply.json["code"] == "logged_out"
            assert reply.status_code != 302, rule.rule
    assert told > 20


def test_a_form_is_led_to_the_login_and_back(
    client: Callable[..., FlaskClient], house: House
) -> None:
    browser = ended(house, client)
    reply = browser.post(
        "/launch/errand",
        data={"f.subject": "甲"},
        headers={"Referer": "http://localhost/launch/errand"},
    )
    assert reply.status_code == 303
    assert "next=/launch/errand" in reply.location.replace("%2F", "/")
    page = browser.get(reply.location).text
    assert "登录已失效" in page and 'value="/launch/errand"' in page and "data-unsent" in page


def test_an_old_login_page_is_given_anew(app: Flask, client: Callable[..., FlaskClient]) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    reply = client("").post("/login", data={"username": "a", "password": "b"})
    assert reply.status_code == 303 and "again=1" in reply.location
    assert "再登录一次" in client("").get(reply.location).text


# --- behind a proxy -----------------------------------------------------------------------------------------------------
@pytest.fixture
def made(url: str, tmp_path: Path, house: House) -> Callable[..., FlaskClient]:
    def browser(**own: Any) -> FlaskClient:
        base = Settings(home=tmp_path, database_url=url, processes=ROOT / "processes")
        return webui.create_app(replace(base, **own)).test_client()

    return browser


def test_a_hidden_proxy_is_said_on_the_page_and_in_the_log(
    made: Callable[..., FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "yixing.web")
    behind = {"X-Forwarded-For": "203.0.113.9"}
    plain = made()
    assert "YIXING_TRUSTED_PROXIES" not in plain.get("/login").text
    for _ in range(3):
        assert "YIXING_TRUSTED_PROXIES" in plain.get("/login", headers=behind).text
    assert len([r for r in caplog.records if "YIXING_TRUSTED_PROXIES" in r.message]) == 1
    told = made(trusted_proxies=1).get("/login", headers=behind)
    assert "YIXING_TRUSTED_PROXIES" not in told.text


def test_a_form_from_another_address_is_told_the_right_one(
    made: Callable[..., FlaskClient],
) -> None:
    address = "https://yixing.example.edu.cn"
    browser = made(address=address)
    page = browser.get("/login", headers={"Host": "10.0.0.7"})
    assert f'data-address="{address}"' in page.text
    with browser.session_transaction() as cookie:
        cookie["key"] = "x"
    for sent in ({"Referer": "http://10.0.0.7/launch"}, {"Origin": "http://10.0.0.7"}):
        reply = browser.post("/drafts/launch:errand", headers={**SCRIPT, **sent})
        assert reply.status_code == 400 and address in reply.json["detail"], reply.text
    reply = browser.post(
        "/drafts/launch:errand", headers={**SCRIPT, "Referer": f"{address}/launch"}
    )
    assert reply.json["code"] == "csrf"


def test_settings_that_give_a_proxy_away_are_said_at_start() -> None:
    home = ROOT / "var"
    own = Settings(home=home, database_url="", processes=ROOT / "processes")
    assert proxies.at_start(own) == []
    https = replace(own, address="https://y.example")
    assert "YIXING_TRUSTED_PROXIES" in proxies.at_start(https)[0]
    assert proxies.at_start(replace(https, trusted_proxies=1)) == []
    assert "YIXING_ADDRESS" in proxies.at_start(replace(own, trusted_proxies=1))[0]

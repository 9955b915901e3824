"""Pages through Flask's test client on the real database: a small union with its people, and `client(username)`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from engine import clock, db
from engine.commands import definitions, edge
from engine.commands.people.logins import open_login
from engine.db import tables
from engine.definitions import read
from engine.people import organisation
from engine.settings import ROOT, Settings
from tests.webui import apps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Engine

ERRAND = ROOT / "tests" / "processes" / "errand"


@dataclass
class House:
    """Two unions and their people by user name; `do` carries a command out, `look` reads."""

    engine: Engine
    units: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)

    def actor(self, username: str) -> organisation.Actor:
        return self.look(lambda s: organisation.actor(s, self.people[username]))

    def look(self, work: Callable[[db.Session], Any]) -> Any:
        with db.transaction(self.engine) as session:
            return work(session)

    def do(self, username: str, command: Callable[..., Any], *args: Any, **more: Any) -> Any:
        actor = self.actor(username)
        return edge.carry_out(self.engine, actor, lambda s: command(s, actor, *args, **more))

    def unit(self, session: db.Session, code: str, kind: str, name: str, union: str) -> None:
        key = self.units[code] = tables.new_id()
        row = {"id": key, "code": code, "kind": kind, "name": name, "union_id": self.units[union]}
        session.execute(insert(tables.unit).values(**row))

    def person(
        self, session: db.Session, username: str, name: str, unit: str, union: str, *posts: str
    ) -> None:
        key = self.people[username] = tables.new_id()
        row = {
            "id": key,
            "username": username,
            "name": name,
            "unit_id": self.units[unit],
            "union_id": self.units[union],
        }
        session.execute(insert(tables.member).values(**row, created_at=clock.now()))
        for post in posts:
            kind, _, where = post.partition("@")
            held = {
                "member_id": key,
                "kind": kind,
                "unit_id": self.units[where],
                "from_on": date(2020, 1, 1),
            }
            session.execute(insert(tables.post).values(id=tables.new_id(), **held))


@pytest.fixture
def house(engine: Engine) -> House:
    """校工会： delegates mover, second, third; office, auditor, plain. 外校工会： a delegate stranger, its office foreign."""
    made = House(engine)
    with db.transaction(engine) as session:
        made.unit(session, "union", "university_union", "校工会", "union")
        made.unit(session, "info", "college_union", "信息学院", "union")
        made.unit(session, "other", "university_union", "外校工会", "other")
        for username, name in (("mover", "张敏"), ("second", "李强"), ("third", "王芳")):
            made.person(session, username, name, "info", "union", "formal_delegate@info")
        made.person(session, "office", "陈秘书", "union", "union", "union_secretary@union")
        made.person(session, "auditor", "孙审计", "union", "union", "auditor@union")
        made.person(session, "plain", "周会员", "info", "union")
        made.person(session, "stranger", "外人", "other", "other", "formal_delegate@other")
        made.person(session, "foreign", "外校秘书", "other", "other", "union_secretary@other")
        definitions.publish_shipped(session, read(ERRAND))
    return made


@pytest.fixture
def app(url: str, engine: Engine, tmp_path: Path) -> Flask:
    """The application on the fresh database of this test; forms need no CSRF token unless a test turns that on."""
    own = Settings(home=tmp_path, database_url=url, processes=ROOT / "processes")
    made = apps.on(own, engine)
    made.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False, WTF_CSRF_ENABLED=False)
    return made


@pytest.fixture
def client(app: Flask, house: House) -> Callable[[str], FlaskClient]:
    """A browser in which this person is logged in; "" for nobody."""

    def login(username: str) -> FlaskClient:
        browser = app.test_client()
        if username:
            secret = house.look(lambda s: open_login(s, house.people[username]))
            with browser.session_transaction() as cookie:
                cookie["key"] = secret
        return browser

    return login

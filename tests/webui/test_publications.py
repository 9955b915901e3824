"""A publication in the browser and by the API: its circle sees the facts shown and nothing else of the matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import db
from engine.commands import definitions, instances, objections, people, tasks
from engine.db import tables
from engine.definitions import read
from engine.errors import Conflict
from engine.queries import inbox
from engine.settings import ROOT
from tests.webui.conftest import House

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

    Login = Callable[[str], FlaskClient]

FOLDER = ROOT / "tests" / "processes" / "posting"
SECRET = "翠鸟考察材料"
GIVEN = {"subject": "翠鸟聘任", "candidate": "周全", "office": "head", "background": SECRET}
REASON = "任职年限不够，请再核"


@pytest.fixture(params=["named", "internal"])
def posted(request: pytest.FixtureRequest, house: House, engine: Engine) -> tuple[UUID, UUID]:
    """A matter, confidential or not, that has published: (instance, publication)."""
    files = read(FOLDER)
    files["process.toml"] = files["process.toml"].replace('"named"', f'"{request.param}"')
    with db.transaction(engine) as session:
        definitions.publish_shipped(session, files)
    key: UUID = house.do("mover", instances.launch, "posting", GIVEN)
    item = house.look(lambda s: inbox.inbox(s, house.actor("office")).items[0])
    house.do("office", tasks.complete, item.id, {"decision": "publish"})
    query = select(tables.publication.c.id)
    return key, house.look(lambda s: s.execute(query).scalar_one())


def ids(house: House, key: UUID, table: Any) -> list[UUID]:
    query = select(table.c.id).where(table.c.instance_id == key)
    return house.look(lambda s: list(s.execute(query).scalars()))


def test_the_circle_sees_the_notice_and_nothing_else(
    house: House, client: Login, posted: tuple[UUID, UUID]
) -> None:
    key, published = posted
    browser = client("second")
    head = browser.get("/").text
    assert 'href="/publications"' in head and "翠鸟聘任" not in head
    assert house.look(lambda s: inbox.inbox(s, house.actor("second"))).total == 0
    assert "拟聘人选公示" in browser.get("/publications").text
    page = browser.get(f"/publications/{published}").text
    assert "周全" in page and "主任" in page and "提出异议" in page
    assert SECRET not in page and "翠鸟" not in page and str(key) not in page
    browser.post("/language/en")
    english = browser.get(f"/publications/{published}").text
    assert "Candidate to be appointed" in english and "Head" in english
    browser.post("/language/zh")
    done = browser.post(f"/publications/{published}", data={"f.reason": REASON})
    assert done.status_code == 302
    shown = browser.get(f"/publications/{published}").text
    assert "回执号" in shown and REASON in shown and "翠鸟" not in shown
    again = browser.post(f"/publications/{published}", data={"f.reason": REASON})
    assert again.status_code == 409 and "不能重复提出" in again.text
    spoken = ids(house, key, tables.task)
    assert len(spoken) == 3  # launch, check, the objection
    for path in (f"/matters/{key}", f"/audit/{key}", *(f"/tasks/{each}" for each in spoken)):
        assert browser.get(path).status_code in (403, 404), path
    for path in ("/matters", f"/matters?words={GIVEN['subject']}", "/search?q=翠鸟"):
        assert GIVEN["candidate"] not in browser.get(path).text
        assert str(key) not in browser.get(path).text


def test_no_other_hears_of_it(house: House, client: Login, posted: tuple[UUID, UUID]) -> None:
    _key, published = posted
    for who in ("plain", "auditor", "stranger", "foreign", "office"):
        browser = client(who)
        home = browser.get("/").text  # the place is there for everybody, and counts nothing
        assert 'data-count="publications"></b>' in home and "拟聘人选公示" not in home
        assert "拟聘人选公示" not in browser.get("/publications").text
        assert browser.get(f"/publications/{published}").status_code == 404
        sent = browser.post(f"/publications/{published}", data={"f.reason": REASON})
        assert sent.status_code == 404
    assert client("").get("/publications").status_code == 302


def test_an_empty_objection_is_told_what_it_lacks(client: Login, posted: tuple[UUID, UUID]) -> None:
    answer = client("third").post(f"/publications/{posted[1]}", data={"f.reason": ""})
    assert answer.status_code == 422 and "请按提示修改" in answer.text


class Api:
    """One person's token."""

    def __init__(self, app: Flask, house: House, who: str) -> None:
        self.app = app
        self.token = house.look(lambda s: people.create_token(s, None, house.people[who], "test"))

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        said = {"Authorization": f"Bearer {self.token}"}
        return self.app.test_client(use_cookies=False).open(
            f"/api/v1{path}", method=method, headers=said, **more
        )


def test_the_api_lists_reads_and_objects_and_shows_nothing_else(
    app: Flask, house: House, posted: tuple[UUID, UUID]
) -> None:
    key, published = posted
    mine, other = Api(app, house, "second"), Api(app, house, "plain")
    (item,) = mine.ask("/publications").get_json()["items"]
    assert item["id"] == str(published) and item["takes"] and item["mine"] is None
    assert [each["text"] for each in item["shown"]] == ["周全", "主任"]
    sent = {"answers": {"reason": REASON}}
    made = mine.ask(f"/publications/{published}/objections", "POST", json=sent)
    assert made.status_code == 201
    read_again = mine.ask(f"/publications/{published}").get_json()
    assert read_again["mine"]["receipt"] == made.get_json()["receipt"]
    assert SECRET not in str(read_again) and str(key) not in str(read_again)
    assert mine.ask(f"/publications/{published}/objections", "POST", json=sent).status_code == 409
    for path in (f"/process-instances/{key}", f"/process-instances/{key}/history"):
        assert mine.ask(path).status_code == 404
    assert mine.ask("/search?q=翠鸟").get_json()["items"] == []
    assert mine.ask("/process-instances").get_json()["items"] == []
    assert other.ask("/publications").get_json()["items"] == []
    assert other.ask(f"/publications/{published}").status_code == 404
    assert other.ask(f"/publications/{published}/objections", "POST", json=sent).status_code == 404


def test_the_next_task_of_the_lane_shows_the_objections(
    house: House, client: Login, posted: tuple[UUID, UUID], engine: Engine
) -> None:
    key, published = posted
    client("second").post(f"/publications/{published}", data={"f.reason": REASON})
    timer = tables.timer.c
    waits = select(timer.id).where(timer.instance_id == key, timer.state == "waiting")
    with db.transaction(engine) as session:  # the time is over
        session.execute(text("UPDATE timer SET due_at = now() - interval '1 minute'"))
        session.execute(text("UPDATE publication SET until = now() - interval '1 minute'"))
        assert instances.wake(session, session.execute(waits).scalar_one())
    item = house.look(lambda s: inbox.inbox(s, house.actor("office")).items[0])
    page = client("office").get(f"/tasks/{item.id}").text
    assert "公示给 3 人" in page and "1 人提出异议" in page
    assert "李强" in page and page.count(REASON) == 1
    late = client("third").post(f"/publications/{published}", data={"f.reason": REASON})
    assert late.status_code == 404  # it is over, and third has no receipt
    assert "您的异议" in client("second").get(f"/publications/{published}").text
    with pytest.raises(Conflict):
        house.do("third", objections.make, published, {"reason": REASON})

"""Decisions made without a network: done once by their key, and only on what was shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine.commands import tasks
from tests.webui import errands

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]

ASKS = {"X-Requested-With": "yixing"}


class Card:
    """A card as a browser has it before it, and what it sends from its queue."""

    def __init__(self, house: House, browser: FlaskClient) -> None:
        errands.started(house)
        self.browser = browser
        path = re.search(r'href="(/tasks/[^"?]+)', browser.get("/").text)
        assert path
        self.page = browser.get(path[1]).text
        self.url, self.as_of = (
            found[1]
            for name in ("queued", "as-of")
            if (found := re.search(rf'data-{name}="([^"]+)"', self.page))
        )

    def send(self, key: str = "queued-1", **answers: Any) -> TestResponse:
        given = {f"f.{name}": value for name, value in (answers or {"decision": "pass"}).items()}
        sent = {**given, "key": key, "as_of": self.as_of}
        return self.browser.post(self.url, data=sent, headers=ASKS)


def done(house: House) -> int:
    query = "SELECT count(*) FROM event WHERE kind = 'task_completed'"
    return int(house.look(lambda s: s.execute(text(query)).scalar()))


def test_a_queued_decision_is_done_once_however_often_it_is_sent(
    house: House, client: Browser
) -> None:
    card = Card(house, client("office"))
    first, again = card.send(), card.send()
    assert first.status_code == 200 and first.json and first.json["done"]
    assert again.status_code == 200 and again.json == first.json, "the receipt of the first"
    assert done(house) == 1
    other = card.send(decision="return")
    assert other.status_code == 422, "one key, another decision"
    assert card.send("queued-2").status_code == 409 and done(house) == 1


@pytest.mark.parametrize("change", ["text", "limit", "holder"])
def test_what_has_changed_meanwhile_is_not_decided_and_said(
    house: House, client: Browser, change: str
) -> None:
    card = Card(house, client("office"))
    statement = {
        "text": "UPDATE instance SET revision = revision + 1",
        "limit": "UPDATE task SET due_at = due_at + interval '1 day' WHERE state = 'open'",
        "holder": "UPDATE task SET revision = revision + 1 WHERE state = 'open'",
    }[change]
    with house.engine.begin() as session:
        session.execute(text(statement))
    reply = card.send()
    assert reply.status_code == 409 and reply.json and "有了变化" in reply.json["detail"]
    assert done(house) == 0
    assert card.send().status_code == 409, "and it stays so"


def test_a_matter_that_moved_on_or_a_wrong_answer_is_told_and_nothing_done(
    house: House, client: Browser
) -> None:
    card = Card(house, client("office"))
    wrong = card.send(decision="nonsense")
    assert wrong.status_code == 422 and done(house) == 0
    task = card.url.split("/")[2]
    house.do("office", tasks.complete, task, {"decision": "pass"})
    assert card.send("queued-3").status_code == 409 and done(house) == 1


def test_a_device_keeps_parts_of_pages_and_no_page_of_a_person(client: Browser) -> None:
    browser = client("office")
    worker = browser.get("/worker.js")
    assert worker.mimetype == "text/javascript" and 'OFFLINE = "/offline"' in worker.text
    assert "{{" not in worker.text
    page = browser.get("/offline").text
    assert "网络中断" in page and "陈秘书" not in page and 'data-me=""' in page

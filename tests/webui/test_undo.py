"""Taking back what was just done, in the pages: the offer, its button, the inboxes of others, and what could not be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from engine import clock, jobs
from engine.commands import holding, tasks
from engine.queries import inbox as waiting
from tests.webui.errands import started

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]

PASS = {"f.decision": "pass"}


@pytest.fixture(autouse=True)
def ten_seconds(app: Flask) -> None:
    app.config["YIXING"] = replace(app.config["YIXING"], undo=10)


@pytest.fixture
def task(house: House) -> UUID:
    """A check that waits for the office."""
    started(house)
    found: UUID = house.look(lambda s: waiting.inbox(s, house.actor("office")).items[0].id)
    return found


def _hold(house: House, task: UUID) -> None:
    actor = house.actor("office")
    house.look(
        lambda s: holding.submit(
            tasks.open_task(s, actor, task, None), {"decision": "pass"}, seconds=10
        )
    )


def test_the_next_page_offers_it_once_and_the_inbox_as_long_as_it_lasts(
    client: Browser, task: UUID
) -> None:
    office = client("office")
    reply = office.post(f"/tasks/{task}", data=PASS)
    assert (reply.status_code, reply.location) == (302, "/")
    for page in (office.get("/").text, office.get("/").text):
        assert f'action="/tasks/{task}/undo"' in page and "秒内可撤回" in page
        assert f'href="/tasks/{task}' not in page  # it is done, as far as its author is concerned
    card = office.get(f"/tasks/{task}").text
    assert f'action="/tasks/{task}/undo"' in card and 'name="f.decision"' not in card
    taken = office.post(f"/tasks/{task}/undo")
    assert (taken.status_code, taken.location) == (302, f"/tasks/{task}")
    back = office.get(f"/tasks/{task}").text
    assert "已撤回，您填写的内容还在。" in back and 'name="f.decision"' in back
    assert f'action="/tasks/{task}/undo"' not in back
    assert f'href="/tasks/{task}' in office.get("/").text


def test_to_others_it_is_being_done(house: House, client: Browser, task: UUID) -> None:
    with house.engine.begin() as session:
        house.person(session, "deputy", "林副书", "union", "union", "union_secretary@union")
    _hold(house, task)
    deputy = client("deputy")
    assert "陈秘书正在办理" in deputy.get("/").text
    card = deputy.get(f"/tasks/{task}").text
    assert (
        "陈秘书正在办理此项。" in card and "/undo" not in card and 'name="f.decision"' not in card
    )
    assert deputy.post(f"/tasks/{task}", data=PASS).status_code == 409
    assert deputy.post(f"/tasks/{task}/undo").status_code == 404
    assert client("office").post(f"/tasks/{task}/undo").status_code == 302


def test_too_late_says_so(house: House, client: Browser, task: UUID) -> None:
    _hold(house, task)
    with clock.set_to(clock.now() + timedelta(seconds=11)):
        assert jobs.carry_out_held(house.engine) == 1
    office = client("office")
    assert office.post(f"/tasks/{task}/undo").status_code == 302
    assert "撤回的时间已过，此项已经办理。" in office.get(f"/tasks/{task}").text


def test_what_could_not_be_done_stays_in_the_inbox_until_it_is_read(
    house: House, client: Browser, task: UUID
) -> None:
    _hold(house, task)
    for active in (False, True):
        with house.engine.begin() as session:
            who = {"a": active, "u": "office"}
            session.execute(text("UPDATE member SET active = :a WHERE username = :u"), who)
        if not active:
            with clock.set_to(clock.now() + timedelta(seconds=11)):
                assert jobs.carry_out_held(house.engine) == 1
    office = client("office")
    page = office.get("/").text
    assert "没有办成" in page and "没有这个人，或已停用。" in page and "更换三号楼饮水机" in page
    assert 'value="pass" checked' in office.get(f"/tasks/{task}").text
    assert office.post(f"/tasks/{task}/seen").status_code == 302
    assert "没有办成" not in office.get("/").text

"""The inbox: what comes next after something was finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine.commands import instances

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]


def _task(house: House, instance: UUID, element: str) -> UUID:
    query = "SELECT id FROM task WHERE instance_id = :i AND element = :e AND state = 'open'"
    found: UUID = house.look(
        lambda s: s.execute(text(query), {"i": instance, "e": element}).scalar_one()
    )
    return found


def _sent(browser: FlaskClient, task: UUID, **answers: Any) -> str:
    reply = browser.post(f"/tasks/{task}", data={f"f.{k}": v for k, v in answers.items()})
    assert reply.status_code == 302, reply.text[:2000]
    return str(reply.location)


def test_next_is_the_same_matter_then_the_same_step_and_never_a_confidential_one(
    house: House, client: Browser
) -> None:
    one, two, three = (
        house.do("mover", instances.launch, "errand", {"subject": f"第{n}件"}) for n in (1, 2, 3)
    )
    browser = client("office")
    after = _sent(browser, _task(house, two, "check"), decision="pass")
    assert after == f"/tasks/{_task(house, two, 'do')}"  # what is left of the same matter
    after = _sent(browser, _task(house, one, "check"), decision="pass")
    _sent(browser, _task(house, one, "do"), note="已办")
    after = _sent(browser, _task(house, two, "do"), note="已办")
    assert after == f"/tasks/{_task(house, three, 'check')}"
    four = house.do("mover", instances.launch, "errand", {"subject": "第四件"})
    _sent(browser, _task(house, four, "check"), decision="pass")
    five = house.do("mover", instances.launch, "errand", {"subject": "第五件"})
    _sent(browser, _task(house, five, "check"), decision="pass")
    after = _sent(browser, _task(house, five, "do"), note="已办")
    assert after == f"/tasks/{_task(house, four, 'do')}"  # the same step, though 核对 is due sooner
    house.look(lambda s: s.execute(text("UPDATE instance SET confidential = true")))
    assert _sent(browser, _task(house, four, "do"), note="已办") == "/"
    assert _task(house, three, "check")  # it waits in the inbox all the same

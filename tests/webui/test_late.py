"""What happened on an earlier day: its consequences are shown before it is sent, and nothing is done until they were seen."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import clock, db
from engine.commands import definitions, instances
from engine.db import tables
from tests.engine.late_entries import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


def checked(house: House, client: Login) -> tuple[FlaskClient, str, Callable[[], list[Any]]]:
    """The office before a check that says on which day it was made; what is done so far."""
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, files())
    house.do("mover", instances.launch, "errand", {"subject": "修灯"})
    task = house.look(
        lambda s: s.scalars(select(tables.task.c.id).where(tables.task.c.element == "check")).one()
    )
    done = select(tables.event.c.body).where(tables.event.c.kind == "task_completed")
    return (
        client("office"),
        f"/tasks/{task}",
        lambda: list(house.look(lambda s: s.scalars(done).all())),
    )


def test_what_follows_from_a_late_entry_is_shown_before_it_is_sent(
    house: House, client: Login
) -> None:
    page, address, done = checked(house, client)
    day = (clock.today() - timedelta(days=60)).isoformat()
    said = {"f.decision": "pass", "f.met_on": day}
    shown = page.post(address, data=said)
    assert shown.status_code == 200 and not done()
    assert f"发生于 {day}，今天登记" in shown.text and "已经届满" in shown.text
    assert f'name="seen" value="{day}"' in shown.text and f'value="{day}"' in shown.text
    another = (clock.today() - timedelta(days=50)).isoformat()
    assert page.post(address, data={**said, "seen": another}).status_code == 200 and not done()
    assert page.post(address, data={**said, "seen": day}).status_code == 302
    (body,) = done()
    assert json.loads(body)["happened_on"] == day


def test_what_happens_today_is_sent_at_once(house: House, client: Login) -> None:
    page, address, done = checked(house, client)
    today = {"f.decision": "pass", "f.met_on": clock.today().isoformat()}
    assert page.post(address, data=today).status_code == 302 and len(done()) == 1


def test_a_late_entry_that_is_refused_is_refused_at_once(house: House, client: Login) -> None:
    page, address, done = checked(house, client)
    day = (clock.today() - timedelta(days=3)).isoformat()
    answer = page.post(address, data={"f.decision": "", "f.met_on": day})
    assert answer.status_code == 422 and not done()

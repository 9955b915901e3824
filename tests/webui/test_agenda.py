"""The calendar of a person for another program: what stands in it, and who can read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from icalendar import Calendar
from sqlalchemy import text

from engine.commands import notices
from tests.webui import errands

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]


def address(browser: FlaskClient) -> str:
    """A new one, as the page shows it once."""
    found = re.search(r"(/calendar/[^\"]+\.ics)", browser.post("/me/calendar").text)
    assert found
    return found[1]


def summaries(browser: FlaskClient, path: str) -> list[str]:
    reply = browser.get(path)
    assert reply.status_code == 200 and reply.mimetype == "text/calendar"
    return [str(each["summary"]) for each in Calendar.from_ical(reply.data).walk("VEVENT")]


def test_deadlines_stand_in_it_and_of_a_confidential_matter_only_that_there_is_one(
    house: House, client: Browser
) -> None:
    errands.started(house, "修理电梯, 三号楼; 急")
    key = errands.started(house, "与学校的争议")
    with house.engine.begin() as session:
        session.execute(text("UPDATE instance SET confidential = true WHERE id = :k"), {"k": key})
    path = address(client("office"))
    stranger = client("")
    assert sorted(summaries(stranger, path)) == [
        "截止：保密事项",
        "截止：核对：修理电梯, 三号楼; 急",
    ]
    (first, *_rest) = Calendar.from_ical(stranger.get(path).data).walk("VEVENT")
    due = house.look(lambda s: s.execute(text("SELECT min(due_at) FROM task")).scalar())
    assert abs((first["dtstart"].dt - due.date()).days) <= 1
    assert "争议" not in stranger.get(path).text and "办〔" not in stranger.get(path).text


def test_an_address_ends_when_it_is_renewed_given_up_or_its_person_is_switched_off(
    house: House, client: Browser
) -> None:
    browser, reader = client("office"), client("")
    old = address(browser)
    assert old not in browser.get("/me/notices").text, "shown once"
    new = address(browser)
    assert reader.get(old).status_code == 404 and reader.get(new).status_code == 200
    browser.post("/me/calendar/end")
    assert reader.get(new).status_code == 404
    last = address(browser)
    kept = house.look(lambda s: s.execute(text("SELECT id, read_at FROM feed")).all())
    assert [row.id for row in kept] == [notices.feed_key(last[10:-4])] and last[10:-4] not in str(
        kept
    )
    with house.engine.begin() as session:
        session.execute(text("UPDATE member SET active = false WHERE username = 'office'"))
    assert reader.get(last).status_code == 404

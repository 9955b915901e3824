"""What cannot be done yet says from when: in the list, in a group of its own, and on the card."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

from engine import clock, db
from engine.commands import definitions
from engine.definitions import read
from engine.queries import tasks as reading
from tests.webui import errands
from tests.webui.conftest import ERRAND

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]

WHOLE = 'today >= "{day}"'
CHOICE = 'check.decision != "pass" or today >= "{day}"'
NEVER = 'today < "2020-01-01"'
GATE = """
[[tasks.check.gates]]
holds = '{holds}'
text = "要等公示期满。"
text_en = "Only after the publication."
"""


def gated(house: House, folder: Path, *gates: str) -> None:
    """An errand of which the check has these gates besides."""
    shutil.copytree(ERRAND, folder)
    own = folder / "process.toml"
    extra = "".join(GATE.format(holds=holds) for holds in gates)
    own.write_text(own.read_text("utf-8") + extra, "utf-8")
    with db.transaction(house.engine) as session:
        definitions.publish_shipped(session, read(folder))


def in_days(n: int) -> date:
    return clock.today() + timedelta(days=n)


def card(house: House, client: Browser) -> tuple[str, reading.Task]:
    page = client("office").get("/").text
    task = re.search(r'href="/tasks/([^"?]+)', page)
    assert task
    found = house.look(lambda s: reading.task(s, house.actor("office"), task[1]))
    return client("office").get(f"/tasks/{task[1]}").text, found


def test_a_task_that_waits_for_its_day_stands_in_a_group_of_its_own_and_says_the_day(
    house: House, client: Browser, tmp_path: Path
) -> None:
    day = in_days(12)
    gated(house, tmp_path / "errand", WHOLE.format(day=day), WHOLE.format(day=in_days(5)))
    errands.started(house, "换灯管")
    page = client("office").get("/").text
    assert "还不能办" in page and f"{day:%m-%d} 起可办" in page.replace(f"{day:%Y}-", "")
    text, found = card(house, client)
    assert {each.from_on for each in found.barred} == {day, in_days(5)}
    assert "现在还不能办" in text and "要等公示期满" in text


def test_a_choice_that_is_barred_today_says_so_before_it_is_made_and_the_task_stays_where_it_was(
    house: House, client: Browser, tmp_path: Path
) -> None:
    gated(house, tmp_path / "errand", CHOICE.format(day=in_days(3)))
    errands.started(house)
    assert "还不能办" not in client("office").get("/").text, "another choice can be made"
    text, found = card(house, client)
    (barred,) = found.barred
    assert barred.from_on == in_days(3) and barred.choice and f"现在不能选“{barred.choice}”" in text


def test_what_time_will_not_bring_about_promises_no_day(
    house: House, client: Browser, tmp_path: Path
) -> None:
    gated(house, tmp_path / "errand", NEVER, WHOLE.format(day=in_days(2)))
    errands.started(house)
    assert "还不能办" not in client("office").get("/").text
    _text, found = card(house, client)
    assert [each.from_on for each in found.barred] == [None, in_days(2)]


def test_what_can_be_done_says_nothing_of_a_day(house: House, client: Browser) -> None:
    errands.started(house)
    assert "还不能办" not in client("office").get("/").text
    assert card(house, client)[1].barred == ()

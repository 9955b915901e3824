"""The desk of an office: what waits, where, with whom; and lists narrowed to it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from engine import clock
from engine.queries import desk
from tests.webui.errands import started

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]


def due(house: House, key: object, days: int) -> None:
    """The open task of a matter comes due so many days from now; 0: just now."""
    at = clock.now() + timedelta(days=days)
    house.look(
        lambda s: s.execute(
            text("UPDATE task SET due_at = :at WHERE instance_id = :k AND state = 'open'"),
            {"at": at, "k": key},
        )
    )


def test_the_office_sees_what_waits_at_which_step_and_with_whom(
    client: Login, house: House
) -> None:
    late, near, far = (
        started(house, subject) for subject in ("饮水机漏水", "校车加班", "图书馆空调")
    )
    due(house, late, -3)
    due(house, near, 2)
    due(house, far, 30)
    found = house.look(lambda s: desk.desk(s, house.actor("office")))
    assert (found.tasks, found.late) == (3, 1)
    (stage,) = found.stages
    assert (stage.count, stage.late) == (3, 1)
    assert sum(person.count for person in found.people) == 3
    assert [count for _day, count in found.days] == [1] and not found.today
    page = client("office").get("/").text
    assert "全部在办" in page and "3 个环节在等人办理" in page
    for by in ("stage", "waits"):
        (address,) = set(
            re.findall(
                rf'href="(/audit\?(?:process=\w+&amp;)?{by}=[^"&]*(?:&amp;process=\w+)?)"', page
            )
        )
        listed = client("office").get(address.replace("&amp;", "&")).text
        assert "饮水机漏水" in listed and "图书馆空调" in listed
    assert "没有找到" in client("office").get("/audit?stage=nowhere").text


def test_what_became_late_today_is_named(client: Login, house: House) -> None:
    key = started(house, "操场照明")
    due(house, key, 0)
    found = house.look(lambda s: desk.desk(s, house.actor("office")))
    assert [each.subject for each in found.today] == ["操场照明"]
    assert "操场照明" in client("office").get("/").text


def test_only_an_office_has_a_desk(client: Login, house: House) -> None:
    started(house)
    assert house.look(lambda s: desk.desk(s, house.actor("plain"))) is None
    assert "全部在办" not in client("plain").get("/").text
    other = [name for name in house.people if name.startswith("other")]
    assert all("更换三号楼" not in client(name).get("/").text for name in other)

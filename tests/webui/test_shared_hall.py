"""Two congresses in one hall, as the pages and the API show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import db
from engine.people import organisation
from engine.queries import meetings
from tests.engine.shared_hall import shared
from tests.webui.hall import Hall
from webui.api.meetings import MeetingShape

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]


def as_json(house: House, hall: Hall, who: str) -> dict[str, Any]:
    """The meeting as the API tells it to this person."""

    def read(session: db.Session) -> dict[str, Any]:
        actor = organisation.actor(session, house.people[who])
        return dict(MeetingShape().dump(meetings.meeting(session, actor, hall.id)))

    return house.look(read)


def test_one_door_and_the_numbers_of_each_body(house: House, client: Browser) -> None:
    """Nine of the staff are due; of the members nobody but m0, who stands on the list of the first meeting, too."""
    with db.transaction(house.engine) as session:
        house.person(session, "m0", "会员代表", "info", "union", "member_delegate@info")
    hall = Hall(house, files=shared())
    door, code = f"/meetings/{hall.id}", hall.code
    assert "会员 正式" in client("m0").get(f"{door}/check-in?code={code}").text
    assert client("m0").post(f"{door}/check-in", data={"code": code}).status_code == 303
    assert "已签到" in client("m0").get(f"{door}/check-in").text
    assert client("d0").post(f"{door}/check-in", data={"code": code}).status_code == 303
    listed = client("chair").get(door).text
    assert "会员代表" in listed and "代表甲" in listed and "11 人" in listed
    assert client("chair").post(f"{door}/open").status_code == 303
    screen = client("chair").get(f"{door}/hall").text
    assert ">职工<" in screen and ">会员<" in screen
    assert "达到法定人数" in screen and "不够法定人数，还差 5 人" in screen
    told = as_json(house, hall, "m0")
    assert [
        (b["name"], b["due"], b["present"], b["quorate"], b["mine"]) for b in told["bodies"]
    ] == [
        ("职工", 9, 1, False, ""),
        ("会员", 1, 1, True, "formal"),
    ]
    assert told["mine"] == "formal" and told["am_here"] is True
    inbox = client("d0").get("/").text
    assert inbox.count("yx-session-head") == 1 and "职工 应到 9，实到 1" in inbox
    assert client("m0").post(f"{door}/leave").status_code == 303
    after = as_json(house, hall, "chair")
    assert [body["present"] for body in after["bodies"]] == [1, 0]

"""The tellers' table on the pages: dissent, replacement, and the chair who declares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.commands import meetings, polls
from tests.webui.hall import Hall

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]

TERMS = "signs = 'reaches(\"BALLOT-SIGN\", signed, tellers)'\ndeclared = true\n"


@pytest.fixture
def hall(house: House) -> Hall:
    return Hall(house, TERMS)


def counted(hall: Hall) -> UUID:
    """Six of nine chose the first candidate, and the chair closed the election."""
    hall.election()
    key = hall.poll("elect")
    for n in range(6):
        hall.house.do(f"d{n}", polls.respond, key, choices=[str(hall.house.people["d0"])])
    hall.house.do("chair", polls.close, key)
    return key


def page(client: Browser, who: str, key: UUID) -> str:
    return client(who).get(f"/polls/{key}").text


def kept(name: str, text: str) -> str:
    """The page; a copy for looking at where YIXING_LOOK names a folder."""
    if folder := os.environ.get("YIXING_LOOK"):
        Path(folder, f"{name}.html").write_text(text, "utf-8")
    return text


def test_the_result_is_shown_when_the_chair_declares_it(hall: Hall, client: Browser) -> None:
    key = counted(hall)
    assert "宣布结果</button>" not in page(client, "chair", key)
    assert client("chair").post(f"/polls/{key}/declare").status_code == 409
    for teller in ("d2", "d3"):
        assert "等主持人宣布" not in page(client, teller, key)
        assert client(teller).post(f"/polls/{key}/sign").status_code == 303
        assert "等主持人宣布" in page(client, teller, key)
    screen = client("chair").get(f"/meetings/{hall.id}/hall").text
    assert "正在计票" in screen and "当选：代表甲" not in screen
    assert "yx-result" not in page(client, "d5", key)
    assert "宣布结果</button>" in kept("declare", page(client, "chair", key))
    assert client("d2").post(f"/polls/{key}/declare").status_code == 403
    assert client("chair").post(f"/polls/{key}/declare").status_code == 303
    assert "当选：代表甲" in client("chair").get(f"/meetings/{hall.id}/hall").text
    assert "代表甲" in page(client, "d5", key) and "yx-result" in page(client, "d5", key)


def test_a_dissent_is_typed_once_and_read_by_everybody(hall: Hall, client: Browser) -> None:
    key = counted(hall)
    kept("teller", page(client, "d2", key))
    empty = client("d2").post(f"/polls/{key}/dissent", data={"dissent": " "})
    assert empty.status_code == 422 and "请写明理由" in empty.text
    typed = {"dissent": "有一张票涂改过"}
    assert client("d2").post(f"/polls/{key}/dissent", data=typed).status_code == 303
    assert "没有签字，不同意见：有一张票涂改过" in page(client, "chair", key)
    assert "记录不同意见" not in page(client, "d2", key)
    assert client("d5").post(f"/polls/{key}/dissent", data=typed).status_code == 404


def test_the_chair_replaces_a_teller_who_left(hall: Hall, client: Browser) -> None:
    key = counted(hall)
    assert "离开的监票人" not in page(client, "chair", key)
    hall.house.do("d2", meetings.leave, hall.id)
    assert "您已离会" in kept("left", page(client, "d2", key))
    assert client("d2").post(f"/polls/{key}/sign").status_code == 409
    shown = kept("replace", page(client, "chair", key))
    assert "代表丙 (不在会场)" in shown and "代表戊" in shown
    options = shown.partition('name="successor"')[2].partition("</select>")[0]
    assert "代表甲" not in options and "代表丁" not in options  # a candidate, a teller
    who = {name: str(hall.house.people[name]) for name in ("d2", "d4")}
    change = {"teller": who["d2"], "successor": who["d4"]}
    no_reason = client("chair").post(f"/polls/{key}/tellers/replace", data=change)
    assert no_reason.status_code == 422 and "请写明理由" in no_reason.text
    change["left"] = "身体不适"
    reply = client("chair").post(f"/polls/{key}/tellers/replace", data=change)
    assert reply.status_code == 303
    assert "由代表戊接替：身体不适" in kept("replaced", page(client, "d4", key))
    assert client("d4").post(f"/polls/{key}/sign").status_code == 303


def test_a_teller_asks_to_be_replaced(hall: Hall, client: Browser) -> None:
    key = counted(hall)
    asked = client("d3").post(f"/polls/{key}/tellers/leave", data={"leave": "与候选人是亲属"})
    assert asked.status_code == 303
    assert "您已离会或者请求更换监票人" in page(client, "d3", key)
    assert "代表丁 (与候选人是亲属)" in page(client, "chair", key)
    inbox = client("d3").get("/inbox").text
    assert str(key) not in inbox

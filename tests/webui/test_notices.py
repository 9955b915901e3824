"""Telling people outside of the pages: what, whom, when, once, and with proof."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from engine import clock, settings
from engine.commands import instances, notices
from engine.errors import Conflict, Invalid, NotFound
from engine.jobs import channels, notifying
from engine.messages import CHINESE
from engine.people import wishes
from engine.queries import notices as reading
from engine.settings import CHANNELS, Mail, Platform, Settings
from tests.webui import errands, mailboxes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.webui.conftest import House
    from tests.webui.mailboxes import Mailbox

    Browser = Callable[[str], FlaskClient]

NEVER: dict[str, Any] = {"quiet_from": "", "quiet_to": ""}
ALL = {**NEVER, "singly": "all", "digest": ""}
NOW = clock.now().astimezone(clock.CHINA).strftime("%H:%M")
DIGEST = {**NEVER, "singly": "none", "digest": NOW}


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailboxes.smtp() as made:
        yield made


@pytest.fixture
def set_up(tmp_path: Path, box: Mailbox) -> Settings:
    mail = Mail("127.0.0.1", box.port, tls=False, user="", password="", sender="gonghui@example.cn")
    return Settings(
        home=tmp_path, database_url="", processes=tmp_path, mail=mail, address="https://yx.test"
    )


def addressed(house: House, *usernames: str) -> None:
    with house.engine.begin() as session:
        for name in usernames or house.people:
            row = {"id": house.people[name], "email": f"{name}@example.cn"}
            session.execute(text("UPDATE member SET email = :email WHERE id = :id"), row)


def work(house: House, given: Settings) -> int:
    return notifying.notify(house.engine, given, CHINESE, lambda: False)


def rows(house: House) -> list[Any]:
    found: list[Any] = house.look(
        lambda s: s.execute(text("SELECT * FROM sending ORDER BY asked_at, id")).all()
    )
    return found


def later(house: House) -> None:
    """Let the time of the next try come."""
    with house.engine.begin() as session:
        session.execute(text("UPDATE sending SET next_at = now() - interval '1 second'"))


def test_one_message_a_day_tells_everything_once_and_its_link_proves_the_reading(
    house: House, client: Browser, set_up: Settings, box: Mailbox
) -> None:
    addressed(house)
    house.do("office", notices.wish, DIGEST)
    errands.started(house, "更换三号楼饮水机")
    errands.started(house, "修理电梯")
    assert work(house, set_up) == 1 and work(house, set_up) == 0, "once a day"
    (letter,) = box.texts()
    assert "议行：待办 2 件" in letter and "核对：修理电梯" in letter
    assert box.letters[0]["To"] == "office@example.cn"
    (row,) = rows(house)
    assert row.state == "sent" and row.host and len(row.digest) == 64 and row.read_at is None
    assert box.letters[0]["Message-ID"].startswith(f"<{row.id}@")
    link = re.search(r"https://yx\.test(/notices/\S+)", letter)
    assert link
    assert client("plain").get(link[1]).status_code == 404, "another's message"
    assert rows(house)[0].read_at is None
    assert client("office").get(link[1]).location == "/"
    assert rows(house)[0].read_at is not None
    page = client("office").get("/me/notices").text
    assert "已发出" in page and "打开" in page and "accepted by 127.0.0.1" in page


def test_single_messages_go_to_whoever_has_it_and_nothing_is_told_that_is_done(
    house: House, client: Browser, set_up: Settings, box: Mailbox
) -> None:
    addressed(house)
    house.do("office", notices.wish, ALL)
    errands.started(house, "修理电梯")
    assert work(house, set_up) == 1
    assert "核对：修理电梯" in box.texts()[0]
    (row,) = rows(house)
    assert client("office").get(f"/notices/{row.id}").location.startswith("/tasks/")
    errands.started(house, "换灯管")
    while notifying._spread(house.engine, set_up):
        pass
    key = house.look(
        lambda s: s.execute(text("SELECT id FROM instance ORDER BY started_at DESC")).scalar()
    )
    house.do("office", instances.terminate, key, "重复")
    assert work(house, set_up) == 0 and len(box.letters) == 1
    assert [each.state for each in rows(house)] == ["sent", "void"]


def test_only_what_presses_is_told_singly_unless_one_wants_more_and_urging_presses(
    house: House, set_up: Settings, box: Mailbox
) -> None:
    addressed(house)
    house.do("office", notices.wish, {**ALL, "singly": "urgent"})
    key = errands.started(house, "修理电梯")
    assert work(house, set_up) == 0, "it is due in days"
    with house.engine.begin() as session:
        session.execute(
            text(
                "UPDATE task SET due = coalesce(due, '{}') || '{\"reminded\": \"2026-03-02\"}'"
                " WHERE instance_id = :key AND state = 'open'"
            ),
            {"key": key},
        )
    assert work(house, set_up) == 1 and "议行：催办" in box.texts()[0]


def test_what_fails_is_tried_again_later_and_shown_and_given_up_when_it_is_hopeless(
    house: House, client: Browser, set_up: Settings, box: Mailbox
) -> None:
    addressed(house)
    house.do("office", notices.wish, ALL)
    box.refuses += ["451 later", "550 no such mailbox"]
    errands.started(house)
    assert work(house, set_up) == 0
    (row,) = rows(house)
    assert row.state == "waiting" and row.tries == 1
    assert timedelta(seconds=50) < row.next_at - row.asked_at < timedelta(seconds=90)
    assert work(house, set_up) == 0 and rows(house)[0].tries == 1, "not before its time"
    later(house)
    work(house, set_up)
    assert rows(house)[0].state == "failed"
    page = client("office").get("/me/notices").text
    assert "没有发成" in page and "邮件服务器不接受这个收件地址" in page
    assert client("office").post(f"/me/notices/{row.id}/again").status_code == 302
    assert work(house, set_up) == 1 and len(box.letters) == 1
    with pytest.raises(Conflict):
        house.do("office", notices.again, row.id)


def test_a_killed_worker_loses_nothing_and_the_second_try_bears_the_same_key(
    house: House, set_up: Settings, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    addressed(house)
    house.do("office", notices.wish, ALL)
    errands.started(house)
    really = channels.send

    def killed(*given: Any) -> str:
        really(*given)
        raise SystemExit  # the message is out, and nothing of it is noted

    monkeypatch.setattr(channels, "send", killed)
    with pytest.raises(SystemExit):
        work(house, set_up)
    monkeypatch.undo()
    assert rows(house)[0].state == "sending"
    assert work(house, set_up) == 0, "another worker leaves it alone while the lease runs"
    later(house)
    assert work(house, set_up) == 1
    (row,) = rows(house)
    assert row.state == "sent" and row.doubtful == 1
    assert len({each["Message-ID"] for each in box.letters}) == 1 and len(box.letters) == 2
    assert house.look(lambda s: reading.sent(s, house.people["office"]))[0].doubtful == 1


@pytest.mark.parametrize(
    ("channel", "parts", "key"),
    [
        ("wecom", ("corp", "1000002", "geheim"), "touser"),
        ("dingtalk", ("app", "77", "geheim"), "userid_list"),
        ("feishu", ("app", "geheim"), "receive_id"),
    ],
)
def test_the_platforms_are_asked_as_they_want_and_know_people_by_login_name(
    house: House, set_up: Settings, channel: str, parts: tuple[str, ...], key: str
) -> None:
    house.do("office", notices.wish, ALL)
    errands.started(house, "修理电梯")
    with mailboxes.platform() as calls:
        own = dataclasses.replace(
            set_up, mail=None, platforms={channel: Platform(calls.url, parts)}
        )
        calls.answer = {"msgid": "M1", "task_id": "M1", "data": {"message_id": "M1"}}
        assert work(house, own) == 1
        (path, body) = calls.asked[-1]
        assert body[key] == "office" and "修理电梯" in str(body)
        assert rows(house)[0].proof == "M1" and "geheim" not in path
        calls.answer = {"errcode": 60111, "code": 60111}
        errands.started(house, "换灯管")
        assert work(house, own) == 0
    assert rows(house)[1].state == "failed", "no such person there: trying again does not help"


def test_of_a_confidential_matter_nothing_is_told_but_that_there_is_one(
    house: House, set_up: Settings, box: Mailbox
) -> None:
    addressed(house)
    key = errands.started(house, "与学校的争议")
    with house.engine.begin() as session:
        session.execute(text("UPDATE instance SET confidential = true WHERE id = :k"), {"k": key})
    house.do("office", notices.wish, {**ALL, "digest": NOW})
    assert work(house, set_up) == 2
    for letter in box.texts():
        assert "保密事项" in letter and "争议" not in letter and "办〔" not in letter
        assert "核对" not in letter


def test_without_a_channel_everything_works_and_the_outbox_does_not_grow(
    house: House, client: Browser, set_up: Settings
) -> None:
    errands.started(house)
    assert work(house, dataclasses.replace(set_up, mail=None)) == 0
    assert not rows(house)
    left = "SELECT count(*) FROM outbox WHERE spread_at IS NULL"
    assert house.look(lambda s: s.execute(text(left)).scalar()) == 0
    assert "没有设置任何通知渠道" in client("office").get("/me/notices").text


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-03-02 21:29", None),
        ("2026-03-02 21:30", "2026-03-03 07:00"),
        ("2026-03-03 06:59", "2026-03-03 07:00"),
        ("2026-03-03 07:00", None),
    ],
)
def test_quiet_hours_go_over_midnight(at: str, until: str | None) -> None:
    found = wishes.Wishes().quiet_until(datetime.fromisoformat(f"{at}+08:00"))
    assert found == (until and datetime.fromisoformat(f"{until}+08:00"))


@pytest.mark.parametrize(
    ("digest", "at", "due"),
    [
        ("07:30", "07:29", False),
        ("07:30", "07:30", True),
        ("07:30", "11:29", True),
        ("07:30", "15:00", False),  # what comes in the afternoon waits for the morning
        ("06:00", "06:30", False),  # quiet
        ("06:00", "07:00", True),
        ("", "07:30", False),
    ],
)
def test_a_digest_comes_at_its_time_and_not_whenever_something_comes(
    digest: str, at: str, due: bool
) -> None:
    now = datetime.fromisoformat(f"2026-03-03 {at}+08:00")
    assert wishes.Wishes(digest=digest).digest_due(now) is due


def test_wishes_are_kept_by_page_and_api_and_wrong_ones_keep_what_was_typed(
    house: House, client: Browser, app: Flask
) -> None:
    browser = client("office")
    wrong = {"digest": "25:00", "singly": "all", "quiet_from": "22:00", "quiet_to": ""}
    reply = browser.post("/me/notices", data=wrong)
    assert reply.status_code == 422 and "25:00" in reply.text and "应写成 07:30" in reply.text
    assert "免打扰要写开始和结束" in reply.text
    browser.post("/me/notices", data={**wrong, "digest": "08:15", "quiet_to": "06:00"})
    kept, _at = house.look(lambda s: reading.wished(s, house.actor("office")))
    assert (kept.digest, kept.singly, kept.quiet_to) == ("08:15", "all", "06:00")
    assert kept.channels == CHANNELS, "a channel that is not there was not refused"
    with pytest.raises(Invalid):
        house.do("office", notices.wish, {"channels": ["pigeon"]})
    with pytest.raises(NotFound):
        house.do("office", notices.read, house.people["office"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"YIXING_SMTP": "mail.example.cn", "YIXING_SMTP_FROM": "a@b.cn"},
        {"YIXING_SMTP": "smtp://u:geheim@h:25"},
        {"YIXING_WECOM": "corp:geheim"},
    ],
)
def test_wrong_settings_are_named_without_their_secrets(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="YIXING_") as told:
        settings.load(wrong)
    assert "geheim" not in str(told.value)

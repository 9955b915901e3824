"""Meetings and votes on pages: the door, the list, the screen in the hall, ballots on paper, tellers, the certificate."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from engine import db
from engine.commands import instances, meetings, polls
from engine.documents import pdf
from engine.errors import Conflict
from engine.history import keys
from engine.history.signing import Signer
from tests.webui.hall import Hall
from webui.http import evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Browser = Callable[[str], FlaskClient]


@pytest.fixture
def hall(house: House) -> Hall:
    return Hall(house)


# --- the meeting ----------------------------------------------------------------------------------------------------------
def test_the_chair_opens_the_meeting_and_the_door_has_a_qr_code(
    hall: Hall, client: Browser
) -> None:
    page = client("chair").get(f"/meetings/{hall.id}").text
    assert (
        "宣布开会" in page
        and "data:image/svg+xml" in page
        and hall.code in page
        and "签到名单" in page
    )
    assert (
        "应到" in page and "还差 6 人" in page and "教代会法定人数" not in page.partition("依据")[0]
    )
    assert "依据" in page and "CG-QUORUM" in page and "第" in page.partition("CG-QUORUM")[2]
    reply = client("chair").post(f"/meetings/{hall.id}/open")
    assert reply.status_code == 303
    assert "开会中" in client("chair").get(f"/meetings/{hall.id}").text
    again = client("chair").post(f"/meetings/{hall.id}/open")
    assert again.status_code == 409 and "会议已经开始" in again.text and "签到名单" in again.text


def test_who_does_not_run_it_sees_the_numbers_but_neither_the_code_nor_the_names(
    hall: Hall, client: Browser
) -> None:
    page = client("d0").get(f"/meetings/{hall.id}").text
    assert (
        "您还没有签到" in page
        and hall.code not in page
        and "代表乙" not in page
        and "宣布开会" not in page
    )
    assert client("d0").post(f"/meetings/{hall.id}/open").status_code == 403
    who = str(hall.house.people["d1"])
    assert client("d0").post(f"/meetings/{hall.id}/seat", data={"member": who}).status_code == 403
    assert (
        client("d0").post(f"/meetings/{hall.id}/match", data={"names": "代表甲"}).status_code == 404
    )


def test_strangers_find_nothing(hall: Hall, client: Browser) -> None:
    hall.arrived(6).opened().put()
    poll = hall.poll("vote")
    for who in ("stranger", "foreign", "plain"):
        browser = client(who)
        for path in ("", "/now", "/hall", "/hall/now", "/check-in"):
            assert browser.get(f"/meetings/{hall.id}{path}").status_code == 404, (who, path)
        for path in ("/open", "/seat", "/match", "/check-in", "/leave"):
            reply = browser.post(
                f"/meetings/{hall.id}{path}",
                data={"code": hall.code, "member": str(hall.house.people["d0"])},
            )
            assert reply.status_code == 404, (who, path)
        for path in ("/certificate.pdf", "/verify"):
            assert browser.get(f"/polls/{poll}{path}").status_code == 404, (who, path)
        for path in ("/sign", "/paper", "/paper/give", "/void"):
            assert browser.post(f"/polls/{poll}{path}", data={"reason": "x"}).status_code == 404, (
                who,
                path,
            )
        assert "第八届二次教代会" not in browser.get("/").text
    assert hall.one("SELECT count(*) FROM presence") == 6


def test_checking_in_at_the_door_is_one_tap(hall: Hall, client: Browser) -> None:
    path = f"/meetings/{hall.id}/check-in"
    assert client("").get(f"{path}?code={hall.code}").location.startswith("/login?next=")
    browser = client("d0")
    page = browser.get(f"{path}?code={hall.code}").text
    assert f'name="code" value="{hall.code}"' in page and "已签到" not in page
    wrong = browser.post(path, data={"code": "not-this"})
    assert (
        wrong.status_code == 403 and "签到码不对" in wrong.text and 'value="not-this"' in wrong.text
    )
    reply = browser.post(path, data={"code": hall.code})
    page = browser.get(reply.location).text
    assert reply.status_code == 303 and "已签到" in page and "我要离场" in page
    assert hall.one("SELECT present FROM meeting") == 1
    assert browser.post(f"/meetings/{hall.id}/leave").status_code == 303
    assert hall.one("SELECT present FROM meeting") == 0
    assert "您不在这次会议的名册上" in client("office").get(f"{path}?code={hall.code}").text
    assert client("office").post(path, data={"code": hall.code}).status_code == 404


def test_votes_appear_on_the_phone_of_who_has_checked_in(hall: Hall, client: Browser) -> None:
    hall.arrived(6).opened()
    assert "还没有表决" in client("d0").get(f"/meetings/{hall.id}/now").text
    hall.put()
    now = client("d0").get(f"/meetings/{hall.id}/now").text
    assert "去投票" in now and f"/polls/{hall.poll('vote')}" in now
    assert "去投票" not in client("d8").get(f"/meetings/{hall.id}/now").text


def test_the_chair_finds_people_and_taps_them_in_and_out(hall: Hall, client: Browser) -> None:
    browser, who = client("chair"), str(hall.house.people["d4"])
    page = browser.get(f"/meetings/{hall.id}?words=代表戊").text
    assert "代表戊" in page and "代表甲" not in page
    reply = browser.post(
        f"/meetings/{hall.id}/seat", data={"member": who, "came": "1", "words": "代表戊"}
    )
    assert (
        reply.status_code == 303
        and "words=" in reply.location
        and hall.one("SELECT present FROM meeting") == 1
    )
    assert "代表戊" in browser.get(f"/meetings/{hall.id}?which=here").text
    assert (
        "代表戊" not in browser.get(f"/meetings/{hall.id}?which=away").text.partition("签到名单")[2]
    )
    browser.post(f"/meetings/{hall.id}/seat", data={"member": who, "came": "0"})
    assert hall.one("SELECT present FROM meeting") == 0


def test_a_pasted_list_is_shown_before_anybody_is_checked_in(hall: Hall, client: Browser) -> None:
    browser, names = client("chair"), "代表甲、d1\n代表丙 代表丁\n查无此人，列席人"
    page = browser.post(f"/meetings/{hall.id}/match", data={"names": names}).text
    assert (
        "名册上有 5 人" in page
        and "名册上没有 1 个" in page
        and "查无此人" in page
        and "代表甲、d1" in page
    )
    assert hall.one("SELECT count(*) FROM presence") == 0
    members = re.findall(r'name="member" value="([^"]+)"', page.partition('id="matched"')[2])
    browser.post(
        f"/meetings/{hall.id}/seat", data={"member": members, "came": "1", "way": "import"}
    )
    assert hall.one("SELECT present FROM meeting") == 4  # an observer never counts
    assert hall.one("SELECT count(*) FROM presence WHERE way = 'import'") == 5


def test_two_of_the_same_name_are_told_apart_by_hand(house: House, client: Browser) -> None:
    from engine import db

    with db.transaction(house.engine) as session:
        house.person(session, "twin", "代表甲", "info", "union", "formal_delegate@info")
    hall = Hall(house)
    page = client("chair").post(f"/meetings/{hall.id}/match", data={"names": "代表甲"}).text
    assert "“代表甲”有 2 人" in page and "twin" in page and "名册上有 0 人" in page


# --- the screen -----------------------------------------------------------------------------------------------------------
def test_the_screen_says_in_words_whether_there_is_a_quorum(hall: Hall, client: Browser) -> None:
    hall.arrived(5).opened()
    page = client("d0").get(f"/meetings/{hall.id}/hall").text
    numbers = re.findall(r"<dd>(\d+)</dd>", page)
    assert numbers == ["9", "6", "5"] and "不够法定人数，还差 1 人" in page
    assert (
        'data-every="3"' in page
        and "/hall/now" in page
        and "<style" not in page
        and "onload" not in page
    )
    client("d5").post(f"/meetings/{hall.id}/check-in", data={"code": hall.code})
    piece = client("d0").get(f"/meetings/{hall.id}/hall/now").text
    assert "达到法定人数" in piece and "不够" not in piece and "<html" not in piece


def test_the_screen_shows_how_many_voted_and_no_result_before_the_close(
    hall: Hall, client: Browser
) -> None:
    hall.arrived(6).opened().put()
    key = hall.poll("vote")
    for n in range(5):
        hall.house.do(f"d{n}", polls.respond, key, "yes" if n < 4 else "no")
    for path in (f"/meetings/{hall.id}/hall/now", f"/polls/{key}", f"/matters/{hall.instance}"):
        page = client("d5").get(path).text
        assert "5" in page and not re.search(r"同意\D{0,30}4|<b>4</b>", page), path
    assert "正在表决" in client("d5").get(f"/meetings/{hall.id}/hall/now").text
    assert (
        "已作答" in client("d5").get(f"/polls/{key}").text
    )  # in an open vote one sees who has voted, not how
    hall.house.do("chair", polls.close, key)
    page = client("d5").get(f"/meetings/{hall.id}/hall/now").text
    assert "未通过" in page and "全体 9 人，须有 5 人同意，同意 4 人，不符合通过条件" in page
    page = client("d5").get(f"/polls/{key}").text
    assert "未通过" in page and "须有 5 人同意，同意 4 人" in page and "开始时到会 6 人" in page


# --- votes ----------------------------------------------------------------------------------------------------------------
def test_who_is_marked_in_two_halls_is_told_to_who_runs_them(hall: Hall, client: Browser) -> None:
    hall.arrived(3)
    assert "另一个会场" not in client("chair").get(f"/meetings/{hall.id}").text
    house = hall.house
    house.do("chair", instances.launch, "hall", {"subject": "同一天的另一次会议"})
    other = hall.one("SELECT id FROM meeting WHERE id <> :m", m=hall.id)
    code = hall.one("SELECT code FROM meeting WHERE id = :m", m=other)
    house.do("d1", meetings.arrive, other, code)
    for each in (hall.id, other):
        page = client("chair").get(f"/meetings/{each}").text
        assert "同时登记在另一个会场的 1 人：代表乙" in page
    assert "另一个会场" not in client("d0").get(f"/meetings/{hall.id}").text
    house.do("d1", meetings.leave, hall.id)
    assert "另一个会场" not in client("chair").get(f"/meetings/{other}").text


def test_a_vote_without_quorum_is_refused_on_the_page_with_nothing_lost(
    hall: Hall, client: Browser
) -> None:
    hall.arrived(5).opened()
    put = hall.task("put")
    sent = {f"f.{k}": v for k, v in hall.answers().items()}
    reply = client("chair").post(f"/tasks/{put}", data=sent)
    assert (
        reply.status_code == 403
        and "应到 9 人，须到 6 人，实到 5 人，不够法定人数，不能表决" in reply.text
    )
    assert reply.text.count("checked") >= 4
    assert hall.one("SELECT state FROM task WHERE id = :t", t=put) == "open"


def test_who_is_not_in_the_hall_is_told_so_and_cannot_vote(hall: Hall, client: Browser) -> None:
    hall.arrived(6).opened().put()
    key = hall.poll("vote")
    page = client("d8").get(f"/polls/{key}").text
    assert "您没有签到，不能表决" in page and "去签到" in page
    reply = client("d8").post(f"/polls/{key}/answer", data={"choice": "yes"})
    assert reply.status_code == 403 and "您没有签到" in reply.text
    assert client("d0").post(f"/polls/{key}/answer", data={"choice": "yes"}).status_code == 302
    assert "您已选择：同意" in client("d0").get(f"/polls/{key}").text


def test_the_chair_closes_the_vote(hall: Hall, client: Browser) -> None:
    hall.arrived(6).opened().put()
    key = hall.poll("vote")
    assert "截止表决" in client("chair").get(f"/polls/{key}").text
    assert "截止表决" not in client("d0").get(f"/polls/{key}").text
    assert client("d0").post(f"/polls/{key}/close").status_code == 403
    assert client("chair").post(f"/polls/{key}/close").status_code == 302
    assert hall.one("SELECT state FROM poll WHERE id = :p", p=key) == "closed"


def test_an_election_offers_cards_and_abstaining_has_to_be_said(
    hall: Hall, client: Browser
) -> None:
    hall.election()
    key, who = hall.poll("elect"), hall.house.people
    page = client("d0").get(f"/polls/{key}").text
    assert (
        "最多选 1 人" in page
        and "代表甲" in page
        and 'name="abstain"' in page
        and 'data-elect="1"' in page
    )

    def send(voter: str, *chosen: str, abstain: bool = False) -> tuple[int, str]:
        sent = {
            "ballot": "1",
            "choices": [str(who[c]) for c in chosen],
            **({"abstain": "1"} if abstain else {}),
        }
        reply = client(voter).post(f"/polls/{key}/answer", data=sent)
        return reply.status_code, reply.text

    status, page = send("d0", "d0", "d1")
    assert status == 422 and "最多选 1 人，多选的选票无效" in page and page.count("checked") == 2
    assert send("d0")[0] == 422 and send("d0", "d0", abstain=True)[0] == 422
    assert send("d0", "d1")[0] == 302 and send("d4", abstain=True)[0] == 302
    assert "您已选择：代表乙" in client("d0").get(f"/polls/{key}").text
    assert "您已选择：弃权" in client("d4").get(f"/polls/{key}").text


def test_two_tellers_who_disagree_are_told_so_without_seeing_numbers(
    hall: Hall, client: Browser
) -> None:
    hall.election()
    key, who = hall.poll("elect"), hall.house.people
    page = client("d2").get(f"/polls/{key}").text
    assert (
        "发放纸质票" in page
        and "代表己" in page
        and "发放纸质票" not in client("d0").get(f"/polls/{key}").text
    )
    given = {"member": [str(who["d5"]), str(who["d6"]), str(who["d7"])]}
    assert client("d2").post(f"/polls/{key}/paper/give", data=given).status_code == 303
    assert client("d2").post(f"/polls/{key}/paper/give", data={}).status_code == 422
    assert "您领了纸质票" in client("d5").get(f"/polls/{key}").text
    for voter in ("d0", "d1", "d2", "d3", "d4"):
        client(voter).post(
            f"/polls/{key}/answer", data={"ballot": "1", "choices": [str(who["d0"])]}
        )
    client("chair").post(f"/polls/{key}/close")
    assert "录入纸质票" in client("d3").get("/").text

    def enter(teller: str, returned: int, invalid: int, first: int) -> int:
        counts = {
            f"n.{who['d0']}": str(first),
            f"n.{who['d1']}": "0",
            "n.abstain": str(returned - invalid - first),
        }
        return (
            client(teller)
            .post(f"/polls/{key}/paper", data={"returned": returned, "invalid": invalid, **counts})
            .status_code
        )

    assert enter("d2", 3, 1, 1) == 303
    page = client("d3").get(f"/polls/{key}").text
    assert (
        "另一名监票人已录入" in page
        and 'name="returned" value=""' in page
        and "签字</button>" not in page
    )
    assert enter("d3", 3, 1, 2) == 303
    for teller in ("d2", "d3"):
        page = client(teller).get(f"/polls/{key}").text
        assert "数目不一致，请分别重新清点" in page and "计票无误" not in page
    assert (
        f'name="n.{who["d0"]}" value="2"' in page and f'name="n.{who["d0"]}" value="1"' not in page
    )
    reply = client("d2").post(f"/polls/{key}/sign")
    assert reply.status_code == 409 and "数目一致后才能签字" in reply.text
    wrong = client("d3").post(
        f"/polls/{key}/paper", data={"returned": "3", "invalid": "7", f"n.{who['d0']}": "二"}
    )
    assert wrong.status_code == 422 and 'value="7"' in wrong.text and 'value="二"' in wrong.text
    assert enter("d3", 3, 1, 1) == 303
    assert "数目一致" in client("d2").get(f"/polls/{key}").text
    for teller in ("d2", "d3"):
        assert client(teller).post(f"/polls/{key}/sign").status_code == 303
    page = client("d8").get(f"/polls/{key}").text
    assert (
        "当选" in page
        and "代表甲" in page
        and "其中纸质票发出 3 张，收回 3 张" in page
        and "签字" in page
    )
    assert re.search(r"<dt>无效</dt><dd>1</dd>", page) and re.search(
        r"<dt>收回</dt><dd>8</dd>", page
    )


def test_a_vote_is_declared_void_with_a_reason_and_put_anew(hall: Hall, client: Browser) -> None:
    hall.arrived(6).opened().put()
    key = hall.poll("vote")
    assert "宣布本次表决无效" not in client("d0").get(f"/polls/{key}").text
    assert client("d0").post(f"/polls/{key}/void", data={"reason": "无"}).status_code == 403
    assert client("chair").post(f"/polls/{key}/void", data={"reason": " "}).status_code == 422
    assert (
        client("chair").post(f"/polls/{key}/void", data={"reason": "表决器故障"}).status_code == 303
    )
    assert hall.poll("vote") == key  # ballots may be in the box: one side alone is not enough
    page = client("chair").get(f"/polls/{key}").text
    assert "主席提出本次表决无效：表决器故障" in page and "确认无效" not in page
    assert client("chair").post(f"/polls/{key}/void").status_code == 409
    assert "确认无效" in client("office").get(f"/polls/{key}").text
    assert client("office").post(f"/polls/{key}/void").status_code == 303
    again = hall.poll("vote")
    assert again != key and "此前有 1 次宣布无效" in client("d0").get(f"/polls/{again}").text
    assert "已作废" in client("d0").get(f"/polls/{key}").text


# --- the certificate --------------------------------------------------------------------------------------------------------
def test_the_certificate_is_a_pdf_for_all_who_see_the_matter_and_can_be_checked(
    hall: Hall, client: Browser
) -> None:
    hall.arrived(6).opened().put()
    key: UUID = hall.poll("vote")
    early = client("d0").get(f"/polls/{key}/certificate.pdf")
    assert early.status_code == 404 and "还没有结果" in early.text
    hall.vote(5, 1)
    assert "表决结果证明书" in client("d0").get(f"/polls/{key}").text
    first, second = (client(who).get(f"/polls/{key}/certificate.pdf") for who in ("d0", "office"))
    assert (
        first.status_code == 200
        and first.mimetype == "application/pdf"
        and first.data.startswith(b"%PDF-")
    )
    assert first.data == second.data
    query = "SELECT encode(hash, 'hex') FROM event WHERE kind = 'poll_closed'"
    seal = hall.one(query)
    page = client("d1").get(f"/polls/{key}/verify?hash={seal}").text
    assert "相符" in page and "不符" not in page
    assert "不符" in client("d1").get(f"/polls/{key}/verify?hash={'0' * 64}").text


def test_the_quorum_stands_on_page_screen_certificate_and_pack(
    hall: Hall, client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody had come when the meeting opened; six of nine are the quorum, one leaves and is back."""
    hall.opened().arrived(6).put()
    key: UUID = hall.poll("vote")
    hall.house.do("d5", meetings.leave, hall.id)
    hall.house.do("d5", meetings.arrive, hall.id, hall.code)
    page = client("d0").get(f"/polls/{key}").text
    assert "全体正式代表 2/3 到会。" in page and "应到 9 人，须到 6 人。" in page
    screen = client("d0").get(f"/meetings/{hall.id}/hall/now").text
    assert "全体正式代表 2/3 到会。" in screen and "<dt>须到</dt><dd>6</dd>" in screen
    hall.vote(5, 1)
    assert "期间最少 5 人" in client("d0").get(f"/polls/{key}").text
    printed: dict[str, Any] = {}
    composed = pdf.composed

    def kept(files: Any, kind: str, data: Any) -> bytes:
        printed.update(data)
        return composed(files, kind, data)

    monkeypatch.setattr(pdf, "composed", kept)
    assert client("d0").get(f"/polls/{key}/certificate.pdf").status_code == 200
    assert printed["poll"]["quorum"] == "全体正式代表 2/3 到会。"
    assert printed["presence"] == {
        "due": "9",
        "needed": "6",
        "opening": "6",
        "least": "5",
        "closing": "6",
    }
    hall.house.do("chair", polls.close, hall.poll("elect"))
    for teller in ("d2", "d3"):
        client(teller).post(f"/polls/{hall.poll('elect')}/sign")
    told = _pack(hall).read("answer.txt").decode()
    line = "应到 9 人、须到 6 人、开始表决时到会 6 人、表决期间最少到会 5 人、截止时到会 6 人"
    assert line in told
    shown = client("auditor").get(f"/audit/{hall.instance}").text
    shown = re.sub("<pre.*?</pre>", "", shown, flags=re.DOTALL)  # an event as it was hashed
    for text_ in (told, shown, client("chair").get(f"/matters/{hall.instance}").text):
        assert "reaches(" not in text_ and not re.search(r"\{[A-Z]+-[A-Z-]+\}", text_)


def test_a_certificate_says_what_the_history_says_whatever_the_columns_say(
    hall: Hall, client: Browser
) -> None:
    hall.arrived(6).opened().put()
    key: UUID = hall.poll("vote")
    hall.vote(5, 1)
    before = client("d0").get(f"/polls/{key}/certificate.pdf").data
    hall.house.look(
        lambda s: s.execute(
            text(
                'UPDATE poll SET outcome = outcome || \'{"passed": false, "yes": 0, "no": 6}\', counts = \'{"no": 6}\', roll_size = 6, '
                "roll_hash = repeat('0', 64), choices = '{no}', kind = 'rating', closed_at = closed_at - interval '1 day'"
            )
        )
    )
    assert client("d0").get(f"/polls/{key}/certificate.pdf").data == before
    page = client("d1").get(f"/polls/{key}/verify").text
    assert "与历史不符" in page and "yx-passed" in page and "yx-failed" not in page
    hall.house.look(
        lambda s: s.execute(
            text(
                "UPDATE roll SET member_id = (SELECT id FROM member m WHERE m.id NOT IN (SELECT member_id FROM roll) LIMIT 1) "
                "WHERE member_id = (SELECT member_id FROM roll LIMIT 1)"
            )
        )
    )
    assert client("d0").get(f"/polls/{key}/certificate.pdf").status_code >= 400


# --- inbox and matter -------------------------------------------------------------------------------------------------------
def _acts(client: Browser, who: str) -> list[str]:
    """What the buttons of the meeting under way say on the inbox, and on the piece that renews it."""
    said = re.compile(r'<span class="btn[^>]*>(.*?)</span>')
    page, piece = client(who).get("/"), client(who).get("/now")
    under_way = page.text.partition('<section data-live="/now"')[2].partition("</section>")[0]
    assert said.findall(under_way) == said.findall(piece.text)
    assert piece.headers["X-Every"] == ("8" if said.findall(piece.text) else "30")
    return said.findall(piece.text)


def test_the_inbox_begins_with_what_one_does_next_in_a_meeting_under_way(
    hall: Hall, client: Browser
) -> None:
    assert _acts(client, "d0") == []
    hall.opened()
    assert "会议正在进行，您还没有签到" in client("d0").get("/").text
    assert _acts(client, "d0") == ["去签到"] and _acts(client, "office") == []
    hall.arrived(1)
    assert "还差 5 人达到法定人数" in client("d0").get("/").text
    assert _acts(client, "d0") == ["会议情况"]  # here, and nothing to do
    hall.arrived(9).put().vote(6, 3)
    key = hall.poll("elect")
    page = client("d0").get("/").text
    assert _acts(client, "d0") == ["去投票"]
    assert page.count(f"/polls/{key}") == 1  # once on the page, not in the list as well
    assert _acts(client, "chair")[0] == "截止表决"
    assert "已投票 0 / 9" in page


def test_a_page_that_lies_open_learns_that_the_poll_went_on(hall: Hall, client: Browser) -> None:
    hall.election()
    key, who = hall.poll("elect"), hall.house.people
    shown = re.compile(r'data-mark="([^"]+)"')

    def marks(name: str) -> tuple[str, str]:
        page = shown.findall(client(name).get(f"/polls/{key}").text)
        return page[0], client(name).get(f"/polls/{key}/now").json["mark"]

    before = marks("d1")
    assert before[0] == before[1]
    hall.house.do("d0", polls.respond, key, "", choices=[str(who["d0"])])
    assert marks("d1") == before  # another one's vote is a number and no other page
    assert client("d1").get(f"/polls/{key}/now").json["voted"] == 1
    voted = marks("d0")
    assert voted[0] == voted[1] != before[0]
    client("chair").post(f"/polls/{key}/close")
    closed = marks("d1")
    assert closed[0] == closed[1] != before[0]


def test_matter_and_task_lead_to_the_meeting(hall: Hall, client: Browser) -> None:
    link = f"/meetings/{hall.id}"
    assert link in client("chair").get(f"/matters/{hall.instance}").text
    assert link in client("chair").get(f"/tasks/{hall.task('session')}").text
    hall.election()
    assert client("d0").get(f"/matters/{hall.instance}").status_code == 200


def test_the_meeting_ends_with_its_task_and_stays_readable(hall: Hall, client: Browser) -> None:
    hall.election()
    key = hall.poll("elect")
    early = client("chair").post(f"/tasks/{hall.task('session')}", data={})
    assert early.status_code == 409 and "还有表决没有结束" in early.text
    client("chair").post(f"/polls/{key}/close")
    for teller in ("d2", "d3"):
        client(teller).post(f"/polls/{key}/sign")
    assert (
        client("chair")
        .post(f"/tasks/{hall.task('session')}", data={"f.note": "会议顺利"})
        .status_code
        == 302
    )
    page = client("d0").get(f"/meetings/{hall.id}").text
    assert "已结束" in page and "无人当选" not in page and "去签到" not in page
    closed = client("d0").post(f"/meetings/{hall.id}/check-in", data={"code": hall.code})
    assert closed.status_code == 409 and "会议已经结束" in closed.text


def test_nobody_learns_a_choice_while_the_vote_runs(hall: Hall, client: Browser) -> None:
    hall.arrived(9).opened().put()
    for who, choice in (("d0", "yes"), ("d1", "no")):
        hall.house.do(who, polls.respond, hall.poll("vote"), choice)
    page = client("auditor").get(f"/audit/{hall.instance}").text
    assert "中作答" in page
    assert "中答：" not in page and '"choice"' not in page and "&#34;choice&#34;" not in page
    key = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    with pytest.raises(Conflict, match="表决还没有结束"):
        hall.house.do("auditor", evidence.export, hall.instance, Signer(key))
    client("chair").post(f"/polls/{hall.poll('vote')}/close")
    for teller in ("d2", "d3"):
        client(teller).post(f"/polls/{hall.poll('vote')}/sign")
    assert "中答：" in client("auditor").get(f"/audit/{hall.instance}").text


def _pack(hall: Hall) -> zipfile.ZipFile:
    key = keys.SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    actor = hall.house.actor("auditor")
    with db.transaction(hall.house.engine) as session:
        made = evidence.export(session, actor, hall.instance, Signer(key))
    return zipfile.ZipFile(io.BytesIO(made))


def test_the_evidence_tells_who_was_there(hall: Hall, client: Browser) -> None:
    hall.election()
    client("chair").post(f"/polls/{hall.poll('elect')}/close")
    for teller in ("d2", "d3"):
        client(teller).post(f"/polls/{hall.poll('elect')}/sign")
    client("chair").post(f"/tasks/{hall.task('session')}", data={"f.note": "会议顺利"})
    pack = _pack(hall)
    said = pack.read("answer.txt").decode()
    for words in (
        "开会时应到 9，须到 6，实到 9，达到法定人数",
        "散会时应到 9，须到 6，实到 9",
        "名册与开会时一致",
        "签到记录与散会时一致",
        "会议开始 [",
        "应到：9",
        "at the closing: due 9, needed 6, present 9, Quorum reached",
    ):
        assert words in said, words
    ledger = pack.read("meetings/session-ledger.txt")
    closed = next(
        e
        for e in map(json.loads, pack.read("events.jsonl").splitlines())
        if "meeting_closed" in e["body"]
    )
    assert (
        json.loads(closed["body"])["ledger"] == hashlib.sha256(ledger).hexdigest()
        and ledger.count(b" + ") == 9
    )
    due = list(csv.reader(io.StringIO(pack.read("meetings/session-roll.csv").decode("utf-8-sig"))))[
        1:
    ]
    assert len(due) == 10 and [kind for *_, kind in due].count("列席 observer") == 1


def test_everything_is_there_in_english(hall: Hall, client: Browser) -> None:
    hall.election()
    for path in (
        f"/meetings/{hall.id}",
        f"/meetings/{hall.id}/hall",
        f"/meetings/{hall.id}/check-in",
        f"/polls/{hall.poll('vote')}",
        f"/polls/{hall.poll('elect')}",
    ):
        page = client("chair").get(f"{path}?lang=en").text
        left = re.findall(
            r">[^<]*[\u4e00-\u9fff][^<]*<",
            re.sub(
                r"(代表.|第八届二次教代会|主席|>主<|会〔2026〕001|列席人|信息学院|中文|议)",
                "",
                page,
            ),
        )
        assert not left, (path, left[:5])


def test_tellers_of_a_secret_ballot_sign_on_the_same_page(house: House, client: Browser) -> None:
    from tests.webui.ballot_box import VOTERS, Ballot

    ballot = Ballot(house).open()
    ballot.vote(*VOTERS[:6])
    ballot.count()
    page = client("second").get(f"/polls/{ballot.id}").text
    assert (
        "计票无误，签字" in page and "计票无误" not in client("v0").get(f"/polls/{ballot.id}").text
    )
    assert "计票签字" in client("second").get("/").text
    for teller in ("mover", "second", "third"):
        assert client(teller).post(f"/polls/{ballot.id}/sign").status_code == 303
    page = client("v0").get(f"/polls/{ballot.id}").text
    assert (
        "表决结果证明书" in page
        and "核对选票" in page
        and client("v0").get(f"/polls/{ballot.id}/certificate.pdf").status_code == 200
    )


def test_after_a_vote_the_page_of_the_check_in_shows_what_comes_next(
    hall: Hall, client: Browser
) -> None:
    hall.arrived(6).opened().put()
    browser = client("d0")
    reply = browser.post(f"/polls/{hall.poll('vote')}/answer", data={"choice": "yes"})
    assert reply.location == f"/meetings/{hall.id}/check-in"
    page = browser.get(reply.location).text
    assert "已投票" in page and "已签到" in page and "表决中" in page and "去投票" not in page

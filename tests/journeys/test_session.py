"""A session of the congress from launch to the archive: forty-one delegates, a hall without a quorum, an open and a secret vote.

Who matters acts in a browser of their own; the rest of the hall checks in and votes by the same commands.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import text

from engine import ballots as sealing
from engine.commands import ballots, meetings, polls
from engine.queries import ballots as boxes
from engine.queries import inbox
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

NOW = "2026-03-02T09:00:00"
TITLE = "第八届教职工代表大会第三次会议"
LOGS_IN = ("zhang", "li", "wang", "zhao", "secretary", "chair", "auditor")
HALL = tuple(
    f"d{n:02}" for n in range(1, 37)
)  # with the five of the cast: 41 due, 28 make a quorum, 21 a majority
OTHERS = ("li", "wang", "zhao", "qian", *HALL[:23])  # who comes besides zhang: just enough
WORDS = {"wang": "三月的风很轻啊啊", "zhao": "桂花开在后山上了"}  # the tellers' passphrases


@pytest.fixture(scope="module")
def town(site: Site) -> University:
    town = site.town
    town.joined("congress", "何静文", "congress_secretary@XD", logs_in=True)
    town.joined("presidium", "郑国华", "presidium_chair@XD", logs_in=True)
    for username in HALL:
        town.joined(username, f"代表{username[1:]}", "formal_delegate@SX")
    town.published("congress_session")
    return town


def does(person: Desk, task: str, **answers: str | list[str]) -> None:
    """Find the session in the inbox, see which task it is, fill the form, hand it in."""
    person.open(TITLE)
    assert task in person.page.locator(".yx-ask").inner_text()
    person.fill(**answers)
    person.submit()
    assert f"已办理：{task}" in person.said()


def refused(person: Desk, *words: str) -> None:
    """Hand in a form that is refused in these words."""
    person.expected = (403,)
    person.submit()
    said = person.page.locator(".alert-danger").first.inner_text()
    assert all(word in said for word in words), said
    person.expected = ()


def convened(desk: Callable[..., Desk]) -> None:
    """Launch, credentials, report on motions, agenda, notice."""
    office = desk("congress", "/launch", DESKTOP)
    office.press("填写")
    office.fill(
        kind="年度会议",
        title=TITLE,
        last_on="2025-04-10",
        agenda="审议学校工作报告和教职工考核办法",
    )
    office.submit()
    assert "已发起" in office.said()

    secretary = desk("secretary", size=DESKTOP)
    secretary.open(TITLE)
    assert (
        secretary.field("delegates").input_value() == "41"
    )  # the number of the roll is there already
    secretary.fill(regime="公办学校", teachers="20", decision="合格")
    refused(secretary, "教师代表低于规定比例，不能通过资格审查")
    secretary.fill(teachers="27")
    secretary.submit()
    does(desk("chair"), "提交提案办理情况报告")  # the figures are counted already

    office.open(TITLE)
    office.fill(
        items=["学校工作报告"],
        members=["张敏", "李强", "王芳", "代表01", "代表02"],
        presidium_teachers="3",
    )
    refused(office, "年度会议的议程不得缺少提案办理情况报告")
    office.fill(items=["提案办理情况报告", "审议涉及教职工切身利益的办法"])
    office.submit()
    does(desk("presidium"), "审定议程和主席团", decision="同意")

    office.open(TITLE)
    office.fill(meeting_on="2026-03-08", time="上午九时", place="学术报告厅")
    refused(office, "来不及按规定提前通知代表")
    office.fill(meeting_on="2026-03-12")
    office.submit()


def gathered(
    town: University, desk: Callable[..., Desk], office: Desk, presidium: Desk
) -> tuple[dict[str, Desk], Locator]:
    """The hall fills: by the code at the door, by the list, by a pasted list; no session without a quorum."""
    office.open(TITLE)
    office.press("会议：签到、开会与表决")
    office.press("宣布开会")
    assert "会议已开始，名册已固定" in office.said()
    place = office.page.url
    door = f"{place}/check-in?code={office.page.locator('.yx-door code').inner_text()}"

    hall = {
        name: desk(name, door) for name in ("zhang", "li", "wang")
    }  # the code leads through the login
    for person in hall.values():
        person.press("签到")
        assert "已签到" in person.page.locator(".yx-signed").inner_text()
        person.shot()
    hall["zhao"] = desk(
        "zhao"
    )  # comes without the code: the inbox tells, and the wrong one is told so
    hall["zhao"].press("去签到")
    hall["zhao"].page.locator("#code").fill("不是这个码")
    hall["zhao"].expected = (403,)
    hall["zhao"].press("签到")
    assert (
        "签到码不对，请扫描会场的二维码" in hall["zhao"].page.locator("[role=alert]").inner_text()
    )

    office.page.goto(f"{place}?words=赵磊")
    office.press("赵磊签到")
    office.page.goto(place)
    office.page.get_by_text("粘贴名单签到").click()
    office.page.locator("#names").fill("钱进、代表01、代表02、某某某")
    office.press("核对名单")
    matched = office.page.locator("#matched").inner_text()
    assert "名册上有 3 人" in matched and "名册上没有 1 个" in matched and "某某某" in matched
    office.press("登记到会")
    assert "已登记 3 人" in office.said()

    office.page.goto(f"{place}/hall")
    screen = office.page.locator(".yx-hall-quorum")
    assert screen.locator("dd").all_inner_texts() == ["41", "28", "7"]
    assert "不够法定人数，还差 21 人" in screen.inner_text()
    presidium.open(TITLE)
    presidium.fill(decision="人数够，宣布开会")
    refused(presidium, "法定人数")
    assert "正在表决" not in office.page.locator("main").inner_text()

    meeting = UUID(place.rpartition("/")[2])
    town.do("congress", meetings.seat, meeting, [town.people[name] for name in HALL[2:22]])
    screen.get_by_text("不够法定人数，还差 1 人").wait_for()  # the screen looks by itself
    refused(presidium, "法定人数")
    town.do("congress", meetings.seat, meeting, [town.people[HALL[22]]])
    screen.get_by_text("达到法定人数").wait_for()
    presidium.submit()
    office.shot()
    return hall, office.page.locator(".yx-hall-vote")


ITEM = {"item": "审议涉及教职工切身利益的办法", "form": "决议"}


def answered(town: University, first: Desk, choice: str, others: tuple[str, ...]) -> None:
    """One votes on the phone, others by the command."""
    first.page.reload()
    first.page.locator(".yx-vote-mine").click()
    first.page.wait_for_load_state()
    poll = UUID(first.page.url.rpartition("/")[2])
    first.vote(choice)
    assert "已投票" in first.said()
    for name in others:
        town.do(name, polls.respond, poll, {"同意": "yes", "不同意": "no"}[choice])
    town.do("presidium", polls.close, poll)  # all have answered, and still it is the chair's word


def _running(town: University) -> object:
    """The poll that is open now."""
    with town.engine.connect() as session:
        return session.execute(text("SELECT id FROM poll WHERE state = 'open'")).scalar_one()


def voted_in_secret(
    town: University, hall: dict[str, Desk], presidium: Desk, vote: Locator
) -> None:
    """Tellers, keys, envelopes, the box opened by two, signed; and a voter finds the own ballot."""
    presidium.open(TITLE)
    presidium.fill(kind="表决一项议题", **ITEM, title="教职工考核办法", way="无记名投票")
    presidium.submit()
    assert "推选监票人" in presidium.page.locator(".yx-ask").inner_text()
    presidium.fill(decision="名单已提出", tellers=["王芳", "赵磊"])
    presidium.field("chief").first.select_option(value=str(town.people[next(iter(WORDS))]))
    presidium.submit()
    passed = UUID(str(_running(town)))
    for name in OTHERS:
        town.do(name, polls.respond, passed, "yes")
    town.do("presidium", polls.close, passed)
    for name, words in WORDS.items():
        hall[name].open(TITLE)
        assert "领取密钥" in hall[name].page.locator("main").inner_text()
        hall[name].page.get_by_label("口令", exact=True).fill(words)
        hall[name].page.get_by_label("再输入一次").fill(words)
        hall[name].press("领取")
        assert "密钥已领取" in hall[name].said()

    voter = hall["zhang"].page
    voter.reload()
    voter.locator(".yx-vote-mine").click()
    voter.wait_for_load_state()
    poll = UUID(voter.url.rpartition("/")[2])
    assert "教职工考核办法" in voter.locator("h1").inner_text()  # one knows what one votes on
    voter.locator("fieldset").get_by_text("不同意", exact=True).click()
    voter.get_by_role("button", name="下一步").click()
    assert voter.locator("[data-part=chosen]").inner_text() == "不同意"
    voter.get_by_role("button", name="封好并投出").click()
    voter.get_by_text("选票已投出").wait_for()
    code = voter.locator("[data-part=code]").inner_text()
    hall["zhang"].shot()
    for name in OTHERS[:22]:
        box = town.look(name, boxes.box, poll)
        sealed = sealing.seal(
            str(poll), ["yes"], os.urandom(16), base64.b64decode(box.public_key), box.size
        )
        town.do(name, ballots.cast, poll, sealed)
    vote.locator("b", has_text="23").wait_for()

    presidium.see(f"/polls/{poll}")
    assert "主持人宣布以前不公布各项票数" in presidium.page.locator("main").inner_text()
    presidium.page.get_by_text("截止表决").click()
    presidium.press("确定截止")
    for name, words in WORDS.items():
        hall[name].open(TITLE)
        hall[name].page.get_by_label("口令", exact=True).fill(words)
        hall[name].press("输入口令")
        assert "口令正确" in hall[name].said()
    for name in WORDS:
        hall[name].open(TITLE)
        assert "22" in hall[name].page.locator("main").inner_text()
        hall[name].press("计票无误，签字")
        assert "已签字" in hall[name].said()
    presidium.see(f"/polls/{poll}")
    presidium.press("宣布结果")
    vote.get_by_text("通过", exact=True).wait_for()
    voter.goto(f"/polls/{poll}/check")
    assert "✗" not in voter.locator("main").inner_text()
    voter.get_by_label("我的回执或核对码").fill(code)
    assert "记为：不同意" in voter.locator("[data-part=answer]").inner_text()


def test_a_session_from_its_launch_to_the_archive(
    town: University, desk: Callable[..., Desk]
) -> None:
    convened(desk)
    town.turn_to("2026-03-12T08:30:00")
    office, presidium = desk("congress", size=DESKTOP), desk("presidium")
    hall, vote = gathered(town, desk, office, presidium)

    answered(town, hall["zhang"], "同意", OTHERS)
    vote.get_by_text("通过", exact=True).wait_for()
    put = {"kind": "表决一项议题", **ITEM, "title": "后勤改革方案", "way": "举手或电子表决"}
    does(presidium, "下一项议程", **put)
    vote.get_by_text("后勤改革方案").wait_for()
    answered(town, hall["li"], "不同意", ("zhang", *(name for name in OTHERS if name != "li")))
    voted_in_secret(town, hall, presidium, vote)

    presidium.open(TITLE)
    presidium.fill(kind="议程完毕，闭会", heard=["学校工作报告"])
    refused(presidium, "年度会议须审议提案办理情况报告，才能闭会")
    presidium.fill(heard=["提案办理情况报告"])
    presidium.submit()
    office.page.goto("/")
    does(office, "大会签到和会务", note="会议按程序进行")
    does(
        office, "整理会议纪要", summary="会议听取了学校工作报告，审议了两个方案", recorder="何静文"
    )
    does(presidium, "签署会议纪要", decision="签署")
    assert "都办完了" in presidium.page.locator("main").inner_text()

    town.turn_to("2026-03-25T09:00:00")
    assert town.look("li", inbox.inbox).total == 0
    delegate = desk("li", "/matters")
    delegate.press("别人发起、我参与的")
    delegate.page.locator(".yx-row", has_text=TITLE).click()
    delegate.page.wait_for_load_state()
    assert "办结" in delegate.page.locator(".yx-now").inner_text()
    papers = delegate.page.locator(".yx-papers li > a:first-child")
    assert (
        papers.all_inner_texts().count("大会决议") == 1
        and papers.all_inner_texts().count("表决结果报告单") == 2
    )
    for title in ("大会决议", "会议纪要", "公告"):
        link = delegate.page.get_by_role("link", name=title, exact=True).get_attribute("href")
        paper = delegate.page.request.get(str(link))
        assert paper.status == 200 and paper.body().startswith(b"%PDF-"), title

    auditor = desk("auditor", "/audit", DESKTOP)
    auditor.page.get_by_role("searchbox").fill(TITLE)
    auditor.press("查找")
    auditor.page.locator(".yx-row").click()
    auditor.page.wait_for_load_state()
    assert "没有断裂" in auditor.page.get_by_role("region", name="结论").inner_text()
    line = auditor.page.locator(".yx-line").inner_text()
    assert "不够法定人数" in line and "何静文" in line and "郑国华" in line

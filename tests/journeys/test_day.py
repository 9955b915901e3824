"""A day in the hall as the congress office and the chair live it: preparatory vote, an election with a run-off, a teller who
leaves, an adjournment, the session continued with another election that takes two rounds; their taps are counted.

They act in browsers of their own; the delegates vote by the same commands.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from engine import ballots as sealing
from engine.commands import ballots, instances, meetings, polls, signing, teller_keys
from engine.queries import ballots as boxes
from engine.queries import instance as files
from engine.queries import polls as asked
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

NOW = "2026-03-02T09:00:00"
TITLE = "补选工会委员会议"
LOGS_IN = ("secretary",)
HALL = ("zhang", "li", "wang", "zhao", "qian", "d1", "d2", "d3", "d4")  # nine are due, six a quorum
CANDIDATES = ("ca", "cb", "cc", "cd")
AUDITORS = ("ce", "cf")
WRITES_IN = "d1"  # votes in a browser, for somebody who is no candidate
WORDS = {"d2": "三月的风很轻啊啊", "d3": "桂花开在后山上了", "d4": "运河边的灯都亮了"}
TAPS = 60  # of the office and the chair on the day, together: two elections of two rounds each
COUNT = """addEventListener("pointerdown", (e) => {
  if (e.isTrusted) sessionStorage.taps = (Number(sessionStorage.taps) || 0) + 1;
}, true);"""


@pytest.fixture(scope="module")
def town(site: Site) -> University:
    town = site.town
    town.joined("congress", "何静文", "congress_secretary@XD", logs_in=True)
    town.joined("presidium", "郑国华", "presidium_chair@XD", logs_in=True)
    for username in HALL[5:]:
        secret = {"logs_in": username == WRITES_IN}
        town.joined(username, f"代表{username[1:]}", "member_delegate@SX", **secret)
    for username in HALL[:5]:
        town.given(username, "member_delegate@SX")
    for name in (*CANDIDATES, *AUDITORS):
        town.joined(name, f"候选人{name[1:].upper()}", "union_committee@XD")
    town.published("congress_session")
    return town


@pytest.fixture(scope="module")
def called(town: University) -> UUID:
    """The session on the morning of its day."""
    given = {"kind": "by_election", "title": TITLE}
    key: UUID = town.do("congress", instances.launch, "congress_session", given)
    members = [str(town.people[name]) for name in HALL[:7]]
    candidates = [str(town.people[name]) for name in CANDIDATES]
    checked = {"regime": "public", "delegates": 9, "teachers": 6, "decision": "pass"}
    town.complete("secretary", key, "credentials", **checked)
    planned = {
        "items": ["election"],
        "elections": ["committee", "audit"],
        "members": members,
        "presidium_teachers": 4,
    }
    town.complete("congress", key, "agenda", **planned)
    town.complete("presidium", key, "confirm_agenda", decision="approve")
    published = {"office": "committee", "office_title": "工会委员会委员", "seats": 2}
    origin = {"origin": "经工会委员会提名，党委和上一级工会同意", "contact": "校工会办公室"}
    published |= {"sex": "both", "women": candidates[:2]}
    town.complete("secretary", key, "nominate", candidates=candidates, **published, **origin)
    auditors = [str(town.people[name]) for name in AUDITORS]
    published = {"office": "audit", "office_title": "经费审查委员会委员", "seats": 1}
    published |= {"write_in": "elected", "sex": "men"}
    town.complete("secretary", key, "nominate", candidates=auditors, **published, **origin)
    held = {"time": "上午九时", "place": "学术报告厅"}
    town.complete("congress", key, "call", meeting_on="2026-03-20", **held)
    town.turn_to("2026-03-12T09:00:00")
    kept = {"decision": "confirm", "candidates": candidates, "seats": 2}
    town.complete("secretary", key, "clear_candidates", **kept)
    kept = {"decision": "confirm", "candidates": auditors, "seats": 1}
    town.complete("secretary", key, "clear_candidates", **kept)
    town.turn_to("2026-03-20T08:30:00")
    return key


def under_way(person: Desk, act: str) -> None:
    """To what comes next in the meeting: the page is there already, or shows it, or the inbox does."""
    page = person.page
    here = page.locator(".yx-ask .badge, .yx-bar button, details.yx-hand > summary", has_text=act)
    shown = page.locator(".yx-live", has_text=act)
    if "/polls/" in page.url:  # it lies open and looks by itself
        here.or_(shown).first.wait_for()
    if here.count():
        return
    if not shown.count():
        page.get_by_role("link", name="待办").last.click()
        page.wait_for_load_state()
    with page.expect_navigation():
        shown.first.click()


def poll_of(person: Desk) -> UUID:
    return UUID(person.page.url.rpartition("/")[2])


def closed(person: Desk, voted: int, due: int = 9) -> None:
    """The chair sees how many have voted, and closes."""
    shown = person.page.locator(".yx-tally")
    assert f"{voted}\n已投票" in shown.inner_text() and f"{due}\n总人数" in shown.inner_text()
    person.page.get_by_text("截止表决").click()
    person.press("确定截止")


def keyed(town: University, poll: UUID, *tellers: str) -> None:
    for teller in tellers:
        town.do(teller, teller_keys.take, poll, WORDS[teller])


def voted(
    town: University, poll: UUID, ballots_: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]
) -> None:
    """(voters, candidates) of an election."""
    for voters, names in ballots_:
        chosen = [str(town.people[name]) for name in names]
        for voter in voters:
            box = town.look(voter, boxes.box, poll)
            key = base64.b64decode(box.public_key)
            sealed = sealing.seal(str(poll), chosen, os.urandom(16), key, box.size)
            town.do(voter, ballots.cast, poll, sealed)


def agreed(town: University, poll: UUID, voters: Iterable[str]) -> None:
    for voter in voters:
        town.do(voter, polls.respond, poll, "yes")


def joined(town: University, poll: UUID, *tellers: str) -> None:
    for teller in tellers:
        town.do(teller, teller_keys.join, poll, WORDS[teller])


def signed(town: University, poll: UUID, *tellers: str) -> None:
    for teller in tellers:
        town.do(teller, signing.sign, poll)


def opened(town: University, office: Desk, chair: Desk, here: Iterable[str], **said: str) -> UUID:
    """The meeting from the door to the first item. Gives its id."""
    office.page.get_by_role("link", name="待办").last.click()
    office.page.locator(".yx-row", has_text=TITLE).first.click()
    office.press("会议：签到、开会与表决")
    office.press("宣布开会")
    meeting = UUID(office.page.url.rpartition("/")[2])
    code = office.page.locator(".yx-door code").inner_text()
    for name in here:
        town.do(name, meetings.arrive, meeting, code)
    under_way(chair, "宣布开会")
    chair.fill(**said)
    chair.submit()
    return meeting


def running(town: University, called: UUID) -> UUID:
    """The poll that is under way in the session."""
    found = town.look("presidium", files.file, called).polls
    return next(poll.id for poll in found if poll.state in ("called", "open", "counting"))


def passed(town: University, chair: Desk) -> None:
    """The list of tellers, put to the congress."""
    under_way(chair, "截止表决")
    agreed(town, poll_of(chair), HALL[:5])
    chair.page.locator("[data-voted]", has_text="5").wait_for()  # the page looks by itself
    closed(chair, 5)


def elected(town: University, chair: Desk, called: UUID, meeting: UUID) -> None:
    """An election of two: one is elected, two are level; a teller leaves and is replaced; the run-off."""
    chair.fill(kind="选举", title="选举工会委员会委员")
    chair.submit()
    tellers = ["代表2", "代表3", "代表4"]
    chair.fill(decision="名单已提出", chief="代表4", tellers=tellers)
    chair.submit()
    passed(town, chair)
    poll = running(town, called)
    keyed(town, poll, "d2", "d3", "d4")
    under_way(chair, "截止表决")
    voted(town, poll, ((HALL[:4], ("ca", "cb")), (HALL[4:7], ("ca", "cc"))))
    voted(town, poll, ((("d3",), ("cb", "cc")), (("d4",), ("cc",))))
    chair.page.locator("[data-voted]", has_text="9").wait_for()
    closed(chair, 9)
    joined(town, poll, "d2", "d4")
    signed(town, poll, "d2", "d4")
    town.do("d3", meetings.leave, meeting)
    under_way(chair, "更换监票人")
    chair.page.get_by_label("接替的监票人").select_option(str(town.people["d1"]))
    chair.page.get_by_label("理由（监票人自己写明的不用填）").fill("急病送医")
    chair.press("更换")
    signed(town, poll, "d1")
    under_way(chair, "宣布结果")
    chair.press("宣布结果")
    result = town.look("zhang", asked.poll, poll).result
    assert result.elected == (str(town.people["ca"]),)
    assert set(result.tied) == {str(town.people["cb"]), str(town.people["cc"])}

    under_way(chair, "下一项议程")
    chair.fill(kind="票数相等者另行投票", title="另行投票选举工会委员会委员")
    chair.submit()  # the list has passed: those of it who are in the hall serve on
    poll = running(town, called)
    keyed(town, poll, "d2", "d4")
    under_way(chair, "截止表决")
    voted(town, poll, ((HALL[:5], ("cb",)), (("d1", "d2", "d4"), ("cc",))))
    chair.page.locator("[data-voted]", has_text="8").wait_for()
    closed(chair, 8)
    joined(town, poll, "d2", "d4")
    signed(town, poll, "d4", "d2")
    under_way(chair, "宣布结果")
    chair.press("宣布结果")
    assert town.look("zhang", asked.poll, poll).result.elected == (str(town.people["cb"]),)


def written_in(voter: Desk, poll: UUID, name: str) -> None:
    """Vote for somebody who is on no ballot."""
    voter.page.goto(f"/polls/{poll}")
    voter.page.locator("#written").fill("无此人")
    voter.page.get_by_role("button", name="加到选票上").click()
    assert voter.page.get_by_text("名单里没有这个人").is_visible()
    label = voter.page.locator(f"#eligible option[value^='{name}']").get_attribute("value")
    voter.page.locator("#written").fill(str(label))
    voter.page.get_by_role("button", name="加到选票上").click()
    voter.page.get_by_role("button", name="下一步").click()
    assert f"{name}" in voter.page.locator("[data-part=chosen]").inner_text()
    voter.shot()
    voter.page.get_by_role("button", name="封好并投出").click()
    voter.page.get_by_text("选票已投出").wait_for()


def audited(
    town: University, chair: Desk, called: UUID, votes: int, voter: Desk
) -> tuple[str, ...]:
    """A round for one seat: so many of nine vote for the first, the others for the second, and one writes
    somebody in. Gives who is elected.
    """
    chair.fill(kind="选举", title="选举经费审查委员会委员")
    chair.submit()  # all three of the list are here again
    poll = running(town, called)
    keyed(town, poll, "d2", "d3", "d4")
    under_way(chair, "截止表决")
    rest = [name for name in HALL[votes:8] if name != WRITES_IN]
    voted(town, poll, ((HALL[:votes], AUDITORS[:1]), (rest, AUDITORS[1:])))
    written_in(voter, poll, "候选人A")
    voted(town, poll, ((HALL[8:], ()),))
    chair.page.locator("[data-voted]", has_text="9").wait_for()
    closed(chair, 9)
    joined(town, poll, "d2", "d4")
    signed(town, poll, "d2", "d4")
    under_way(chair, "宣布结果")
    chair.press("宣布结果")
    chair.shot()
    under_way(chair, "下一项议程")
    result = town.look("zhang", asked.poll, poll).result
    assert result.outcome["votes"][result.outcome["written_in"][0]] == 1
    return result.elected


def test_a_day_of_election_adjourned_and_continued(
    town: University, called: UUID, desk: Callable[..., Desk]
) -> None:
    office, chair = desk("congress", size=DESKTOP), desk("presidium")
    for person in (office, chair):
        person.context.add_init_script(COUNT)

    meeting = opened(town, office, chair, HALL, decision="人数够，宣布开会")
    under_way(chair, "截止表决")
    agreed(town, poll_of(chair), HALL[:5])
    chair.page.reload()
    closed(chair, 5)
    under_way(chair, "下一项议程")
    elected(town, chair, called, meeting)

    under_way(chair, "下一项议程")
    chair.fill(kind="休会，另定日期继续", reason="下午停电")
    chair.submit()
    office.press("散会并填写会议情况")
    office.fill(note="休会")
    office.submit()
    office.fill(meeting_on="2026-03-30", time="上午九时", place="学术报告厅")
    office.submit()
    town.turn_to("2026-03-30T08:30:00")
    office, chair, before = desk("congress", size=DESKTOP), desk("presidium"), (office, chair)
    for person in (office, chair):
        person.context.add_init_script(COUNT)

    opened(town, office, chair, HALL, decision="人数够，宣布开会")
    voter = desk(WRITES_IN)
    assert audited(town, chair, called, 4, voter) == ()
    assert audited(town, chair, called, 5, voter) == (str(town.people["ce"]),)
    chair.fill(kind="议程完毕，闭会")
    chair.submit()
    office.press("散会并填写会议情况")
    office.fill(note="会议顺利")
    office.submit()
    office.fill(summary="会议选举了工会委员", recorder="何静文")
    office.submit()
    papers = [paper.title for paper in town.look("congress", files.file, called).papers]
    assert {"选举结果报告单", "另行投票结果报告单", "休会通知"} <= set(papers), papers
    taps = sum(
        int(person.page.evaluate("Number(sessionStorage.taps) || 0"))
        for person in (*before, office, chair)
    )
    assert 20 < taps <= TAPS, taps

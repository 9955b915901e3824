"""What the journeys of a collective consultation share: its people, and how it goes until the congress has voted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.journeys.desk import DESKTOP, PHONE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

NOW = "2026-03-02T09:00:00"
TITLE = "2026 年度集体合同"
PEOPLE = (
    ("president", "沈宏伟", "president@XD"),
    ("staff", "林秀珍", "union_chair@XD"),
    ("hr", "贺长春", "hr_officer@XD"),
    ("congress", "何静文", "congress_secretary@XD"),
)
DESKS = ("secretary", "congress")  # who sits at a desk; everybody else has a phone


def peopled(site: Site) -> University:
    """A university whose two sides may consult."""
    for username, name, post in PEOPLE:
        site.town.joined(username, name, post, logs_in=True)
    site.town.published("collective_consultation")
    return site.town


def does(
    desk: Callable[..., Desk],
    username: str,
    task: str,
    wrong: tuple[str, str, str] | None = None,
    paper: Path | None = None,
    **answers: str | list[str],
) -> None:
    """Find it in the inbox and hand it in; with `wrong` first (field, value, words of the refusal), then right.

    `paper` is the scan that the form asks for.
    """
    person = desk(username, size=DESKTOP if username in DESKS else PHONE)
    person.open(TITLE)
    assert task in person.page.locator(".yx-ask").inner_text()
    person.fill(**answers)
    if paper:
        attach(person, paper)
    if wrong:
        field, value, words = wrong
        right = str(answers[field])
        person.fill(**{field: value})
        person.expected = (403, 422)  # of a gate; of a date outside its bounds
        person.submit()
        assert words in person.page.locator("main").inner_text()
        person.expected = ()
        person.fill(**{field: right})  # everything else is still there
    person.submit()
    assert f"已办理：{task}" in person.said()


def attach(person: Desk, paper: Path) -> None:
    """Upload to the form that lies open, and wait until it stands in its list."""
    person.page.locator("input[type=file]").set_input_files(paper)
    person.page.locator(".yx-file-list li", has_text=paper.name).wait_for()


def signs(desk: Callable[..., Desk], username: str, task: str, choice: str) -> Desk:
    person = desk(username)
    person.open(TITLE)
    assert task in person.page.locator(".yx-ask").inner_text()
    assert person.page.locator(".yx-papers a").first.is_visible()  # what one signs can be read here
    person.vote(choice)
    assert "已作答" in person.said() and "可以撤回" not in person.said()
    return person


def demanded(town: University, desk: Callable[..., Desk]) -> None:
    """Demand, reply, representatives of both sides."""
    chair = desk("staff", "/launch")
    chair.press("填写")
    chair.fill(
        subject=TITLE,
        employer="民办高校、独立学院",
        staff="劳动合同制职工",
        kind="综合集体合同",
        proposed_on="2026-03-20",
        topics="劳动报酬、工作时间、休息休假和职工培训的标准",
        place="行政楼三楼会议室",
        contact="工会办公室 88000001",
    )
    chair.submit()
    assert "用人单位书面答复" in chair.page.locator(".yx-now").inner_text()
    town.turn_to("2026-03-05T09:00:00")
    does(
        desk,
        "hr",
        "用人单位书面答复",
        decision="同意协商",
        proposed_on="2026-03-20",
        contact="人事处 88000002",
    )
    does(
        desk,
        "staff",
        "报职工方代表名单",
        wrong=("elected_on", "2026-03-06", "选举日期不能晚于今天"),
        chief="林秀珍",
        reps=["张敏", "李强"],
        outsiders="0",
        elected_on="2026-03-04",
        staff_total="300",
        women_total="120",
        women="2",
        election="职工代表大会选举，应到 120 人，实到 110 人，各得 100 票以上",
        election_due="120",
        election_present="110",
        election_least="100",
    )
    does(
        desk,
        "hr",
        "报用人单位代表名单",
        chief_by="法定代表人或主要负责人",
        leader="沈宏伟",
        reps=["冯刚", "沈丽"],
        outsiders="0",
    )


def agreed(town: University, desk: Callable[..., Desk], draft: Path, minutes: Path) -> None:
    """The meeting, its record signed by both chiefs, the draft and the congress's vote."""
    does(desk, "secretary", "公布协商代表", published_on="2026-03-05", where="校园网和公告栏")
    town.turn_to("2026-03-09T09:00:00")
    does(
        desk,
        "secretary",
        "通知协商会议",
        wrong=("meeting_on", "2026-03-13", "会前送达不足法定天数，会议必须改期"),
        meeting_on="2026-03-20",
        time="14:00",
        place="行政楼三楼会议室",
        convener="职工方",
        agenda="就要约书所列内容协商",
        data="近三年工资总额和人员情况",
        recorder="工会办公室 吴敏",
        neutral="记录员不是双方协商代表",
    )
    town.turn_to("2026-03-20T17:00:00")
    does(
        desk,
        "secretary",
        "登记协商会议",
        held_on="2026-03-20",
        staff_present="3",
        employer_present="3",
        record="双方逐项交换了意见，记录在案",
        outcome="达成一致，形成草案",
        terms="工资年增长不低于百分之五，每年安排一次体检",
    )
    signs(desk, "president", "签署会议记录", "签字")
    chair = signs(desk, "staff", "签署会议记录", "签字")
    assert (
        "提交草案" in chair.page.locator(".yx-ask").inner_text()
    )  # the next thing to do opened by itself
    cited = chair.page.locator(".yx-cited").all_text_contents()
    assert [c for c in cited if "CC-SUBMIT" in c] and not [c for c in cited if "CC-RESUBMIT" in c]
    attach(chair, draft)
    chair.fill(
        term_years="1",
        start_on="2026-05-01",
        end_on="2027-04-30",
        lowest_pay="2490",
        minimum_wage="2490",
    )
    chair.expected = (403,)
    chair.submit()
    assert "等于也不行" in chair.page.locator(".alert-danger").first.inner_text()
    chair.expected = ()
    chair.fill(lowest_pay="2600")
    chair.submit()
    town.turn_to("2026-04-03T17:00:00")
    does(
        desk,
        "congress",
        "登记教代会决议",
        wrong=("returned", "81", "本次投票无效，应当重新投票"),
        paper=minutes,
        body="教职工（职工）代表大会",
        held_on="2026-04-03",
        due="120",
        present="80",
        secret="无记名投票",
        issued="80",
        returned="80",
        yes="61",
        no="19",
        abstain="0",
        invalid="0",
        tellers="监票人陈立、计票人何芳",
    )

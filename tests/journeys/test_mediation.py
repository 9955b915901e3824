"""A dispute before the mediators, on phones: two rooms, four signatures, and nobody else who knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import FilePayload

from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

NOW = "2026-03-02T09:00:00"
TITLE = "解除劳动合同的经济补偿"
LISTED = "保密事项"  # what a list says of it
MINE, THEIRS = (
    "不低于二万元，其余可以不要",
    "不超过二万五千元，须分两期",
)  # what each side says to the mediator only
NOTES = {"caucus_applicant": "申请人急需用钱看病", "caucus_respondent": "学校担心引起攀比"}
LOGS_IN = ("zhang", "li", "secretary", "auditor", "admin")


@pytest.fixture(scope="module")
def town(site: Site) -> University:
    for username, name, post in (
        ("hr", "贺长春", "hr_officer@XD"),
        ("office", "石卫东", "mediation_clerk@XD"),
        ("head-of-mediation", "汤慧芳", "mediation_chair@XD"),
        ("mediator", "唐明哲", "mediator@XD"),
        ("mediator2", "俞晓梅", "mediator@XD"),
    ):
        site.town.joined(username, name, post, logs_in=True)
    site.town.published("dispute_mediation")
    return site.town


def does(person: Desk, task: str, scan: str = "", **answers: str | list[str]) -> None:
    """Find it in the inbox and hand it in; `scan` is the name of the paper that it asks for."""
    person.open(LISTED)
    assert task in person.page.locator(".yx-ask").inner_text()
    person.fill(**answers)
    if scan:
        paper = FilePayload(name=scan, mimeType="text/plain", buffer=scan.encode())
        person.page.locator("input[type=file]").first.set_input_files(paper)
        person.page.locator(".yx-file-list li", has_text=scan).wait_for()
    person.submit()
    assert f"已办理：{task}" in person.said()


def agrees(person: Desk, task: str, choice: str) -> None:
    person.open(LISTED)
    assert task in person.page.locator(".yx-ask").inner_text()
    person.vote(choice)
    assert "已作答" in person.said()


def read(person: Desk, address: str) -> str:
    """All that the page of the matter says to somebody, folded parts too."""
    person.page.goto(address)
    person.shot()
    return str(person.page.locator("main").text_content())


def nobody_else_knows(outsiders: list[Desk], *addresses: str) -> None:
    """Neither by address nor in any list or search: for the office, the auditor, the administrator, a colleague."""
    for person in outsiders:
        page = person.page
        assert [page.request.get(address).status for address in addresses] == [404] * len(
            addresses
        ), person.name
        person.expected = (403, 404)  # the audit is closed to the administrator and the colleague
        page.goto(addresses[0])
        assert "404" in page.locator("main").inner_text() and TITLE not in page.content()
        for path in ("/", "/matters", "/matters?part=1", "/audit", f"/audit?words={TITLE}"):
            page.goto(path)
            assert (
                page.locator(".yx-row").count() == 0
                and "调字" not in page.locator("main").inner_text()
            ), (person.name, path)


def accepted(
    desk: Callable[..., Desk],
    outsiders: list[Desk],
    applicant: Desk,
    respondent: Desk,
    mediator: Desk,
) -> str:
    """The application, both sides willing, a mediator without an interest. Gives the matter's address."""
    applicant.page.locator(".yx-offered", has_text="劳动人事争议调解").click()
    applicant.page.wait_for_load_state()
    applicant.fill(
        way="本人书面申请",
        subject=TITLE,
        respondent="贺长春",
        by="职工",
        employer="公办高校",
        employer_name="浙江某大学",
        staff="非编，劳动合同",
        matter="经济补偿、赔偿金",
        claims="请求支付解除劳动合同的经济补偿三万元",
        facts="收到解除劳动合同通知，没有支付经济补偿，多次交涉没有结果",
        known_on="2026-01-15",
        pending="没有",
        esign="同意本件使用电子签名",
        contact="13800000000",
    )
    assert applicant.field(
        "represented"
    ).first.is_hidden()  # nobody is asked for a list of the whole university
    applicant.page.get_by_text("多人有共同请求").click()
    assert applicant.field("represented").first.is_visible()
    applicant.page.get_by_text("多人有共同请求").click()
    applicant.submit()
    assert "已发起" in applicant.said()
    address = applicant.page.url
    nobody_else_knows(outsiders, address)

    office = desk("office", size=DESKTOP)
    office.open(LISTED)
    assert (
        "尚未具备" not in office.page.locator("main").inner_text()
    )  # what the decision will say is not known yet
    does(
        office,
        "审查申请",
        scan="授权委托书.txt",
        pending="没有",
        times="核对属实",
        legal_rep="陈校长",
        agent="贺长春",
        agent_power="特别授权",
        agent_paper="授权委托书，2026年3月2日",
        arbitration_body="杭州市劳动人事争议仲裁委员会",
    )
    does(
        respondent,
        "答复是否同意调解",
        decision="同意调解",
        opinion="愿意听取意见",
        esign="同意本件使用电子签名",
    )
    head = desk("head-of-mediation")
    does(head, "决定受理", decision="受理")
    assert (
        "指定调解员" in head.page.locator(".yx-ask").inner_text()
    )  # the next thing to do opened by itself
    head.fill(mode="一名调解员", chief="唐明哲")
    head.submit()
    agrees(mediator, "披露利害关系", "以下情形都没有")
    return address


def heard(applicant: Desk, respondent: Desk, mediator: Desk, address: str) -> None:
    """Each side in its own room; the mediator is in both."""
    does(applicant, "申请人单独陈述", statement="希望尽快了结", bottom_line=MINE, pass_on="不可以")
    assert MINE not in read(respondent, address) and MINE in read(applicant, address)
    does(
        respondent,
        "被申请人单独陈述",
        statement="学校愿意按规定补偿",
        bottom_line=THEIRS,
        pass_on="不可以",
    )
    assert THEIRS not in read(applicant, address) and THEIRS in read(respondent, address)
    for task, element in (
        ("与申请人单独谈话", "caucus_applicant"),
        ("与被申请人单独谈话", "caucus_respondent"),
    ):
        mediator.page.goto("/")
        mediator.page.locator(".yx-row", has_text=task).first.click()
        mediator.page.wait_for_load_state()
        mediator.fill(held_on="2026-03-02", note=NOTES[element])
        mediator.submit()
    respondent.page.goto("/matters")
    respondent.press(
        "别人发起、我参与的"
    )  # nothing waits for the respondent now, who may yet want to leave
    respondent.page.locator(".yx-row", has_text=TITLE).click()
    respondent.page.get_by_role("link", name="不愿继续调解").wait_for()
    mine, theirs = read(applicant, address), read(respondent, address)
    assert NOTES["caucus_applicant"] in mine and NOTES["caucus_respondent"] in theirs
    assert not [w for w in (THEIRS, NOTES["caucus_respondent"]) if w in mine]
    assert not [w for w in (MINE, NOTES["caucus_applicant"]) if w in theirs]
    both = read(mediator, address)
    assert not [w for w in (MINE, THEIRS, *NOTES.values()) if w not in both]


def signed(
    desk: Callable[..., Desk], applicant: Desk, respondent: Desk, mediator: Desk, address: str
) -> str:
    """Agreed in words is not an agreement; with the fourth signature it is. Gives the agreement's address."""
    does(
        mediator,
        "共同调解",
        held_on="2026-03-02",
        place="工会调解室",
        record="双方到场，就补偿数额交换意见",
        decision="达成一致",
        terms="学校一次性支付经济补偿二万三千元，双方再无其他争议",
        perform_by="2026-04-15",
        manner="转入申请人工资卡",
    )
    for person, task in ((applicant, "申请人签名"), (respondent, "被申请人签名或盖章")):
        person.open(LISTED)
        assert "二万三千元" in str(
            person.page.locator(".yx-opinions[aria-labelledby=before]").text_content()
        )  # one reads what one signs
        others = (
            (MINE, NOTES["caucus_applicant"])
            if person is respondent
            else (THEIRS, NOTES["caucus_respondent"])
        )
        assert not [w for w in others if w in person.page.content()]
        does(person, task, decision="签署", way="电子签名")
    does(mediator, "调解员签名", witnessed="协议由双方自愿达成", decision="签名")
    read(applicant, address)
    assert "审核并盖章" in applicant.page.locator(".yx-now").inner_text()
    papers = applicant.page.locator(".yx-papers").inner_text()
    assert papers.count("调解协议书") == papers.count("调解协议书（待签稿）") > 0
    head = desk("head-of-mediation")
    head.open(LISTED)
    head.fill(checks=["双方自愿", "不违反法律"], decision="盖章")
    head.expected = (403,)
    head.submit()
    assert "三项审核没有都通过，不得盖章" in head.page.locator(".alert-danger").first.inner_text()
    head.fill(checks=["不损害国家、集体和第三人利益"])
    head.submit()
    for person in (applicant, respondent):
        read(person, address)
        assert "是否共同申请仲裁审查" in person.page.locator(".yx-now").inner_text()
        paper = (
            person.page.locator(".yx-papers a", has_text="调解协议书")
            .filter(has_not_text="待签稿")
            .first.get_attribute("href")
        )
        assert person.page.request.get(str(paper)).body().startswith(b"%PDF-")
    return str(paper)


def test_an_agreement_that_only_those_concerned_know_of(
    town: University, desk: Callable[..., Desk]
) -> None:
    applicant, respondent, mediator = desk("zhang", "/launch"), desk("hr"), desk("mediator")
    outsiders = [desk(name, size=DESKTOP) for name in ("secretary", "auditor", "admin", "li")]
    address = accepted(desk, outsiders, applicant, respondent, mediator)
    heard(applicant, respondent, mediator, address)
    paper = signed(desk, applicant, respondent, mediator, address)
    agrees(applicant, "是否共同申请仲裁审查", "愿意共同申请")
    agrees(respondent, "是否共同申请仲裁审查", "愿意共同申请")
    nobody_else_knows(outsiders, address, paper)

    town.turn_to("2026-04-20T10:00:00")
    office = desk("office", size=DESKTOP)
    does(office, "回访", asked_on="2026-04-20", review="双方同意申请，尚未提交", result="已履行")
    applicant.log_in("zhang", path=address)
    said = applicant.page.locator("main").inner_text()
    assert (
        "办结" in said and "贺长春" in said and "陈秘书" not in said
    )  # who has read it stands there


def test_the_mediator_falls_ill(town: University, desk: Callable[..., Desk]) -> None:
    """The office urges, the chair names another, who declares; the first one finds the matter no more."""
    applicant, respondent, mediator = desk("zhang", "/launch"), desk("hr"), desk("mediator")
    address = accepted(desk, [], applicant, respondent, mediator)
    does(applicant, "申请人单独陈述", statement="希望尽快了结", bottom_line=MINE, pass_on="不可以")

    office = desk("office", address, size=DESKTOP)
    watch = office.page.locator(".yx-desk")
    assert "督办" in watch.inner_text() and "暂停办理" not in watch.inner_text()
    watch.locator("summary", has_text="催办").click()
    watch.locator("textarea, input[name=reason]").last.fill("调解员三天没有回音")
    watch.get_by_role("button", name="催办").click()
    assert "已催办" in office.said()

    head = desk("head-of-mediation", address)
    head.page.get_by_role("link", name="更换调解员").click()
    head.page.wait_for_load_state()
    head.fill(mediator="唐明哲", reason="因病不能继续", note="住院治疗")
    head.submit()
    head.open(LISTED)
    head.fill(mode="一名调解员", chief="俞晓梅")
    head.submit()
    successor = desk("mediator2")
    agrees(successor, "披露利害关系", "以下情形都没有")
    does(respondent, "被申请人单独陈述", statement="愿意补偿", bottom_line=THEIRS, pass_on="不可以")
    assert "与申请人单独谈话" in read(successor, address)
    gone = read(mediator, address)
    assert MINE not in gone and THEIRS not in gone
    mediator.page.goto("/")
    assert "与申请人单独谈话" not in mediator.page.locator("main").inner_text()

"""A family in need, on phones: its income is read by those who handle it, and finance reads a name, an account and a sum."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from playwright.sync_api import FilePayload

from engine.commands import polls
from engine.queries import instance as files
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

NOW = "2026-03-02T09:00:00"
TITLE = "家人患病申请帮扶"
LISTED = "保密事项"
SECRETS = ("18,000.00", "500.00", "60,000.00", "正在住院", "诊断证明")
PANEL = [f"panel{n}" for n in range(1, 8)]
LOGS_IN = ("zhang", "li", "secretary")


@pytest.fixture(scope="module")
def town(site: Site) -> University:
    for username, name, post in (
        ("college", "顾明", "union_chair@XX"),
        ("welfare", "顾惠芳", "hardship_clerk@XD"),
        ("cashier", "江素琴", "union_finance@XD"),
    ):
        site.town.joined(username, name, post, logs_in=True)
    for n, username in enumerate(PANEL):
        site.town.joined(username, f"评审{'甲乙丙丁戊己庚'[n]}", "hardship_panel@XD")
    site.town.published("hardship_help")
    return site.town


def asks(desk: Callable[..., Desk]) -> tuple[Desk, str]:
    """The member fills in the family, person by person. Gives the address of the matter."""
    person = desk("zhang", "/launch/hardship_help")
    person.fill(subject=TITLE, college="信息学院", cause="重大疾病", happened_on="2026-01-10")
    person.fill(story="配偶患重大疾病，正在住院治疗")
    family = (("张敏", "本人", "1985", "40000"), ("林芳", "配偶", "1986", "20000"))
    for n, row in enumerate(family):
        if n:
            person.page.get_by_role("button", name="添一行").click()
        for column, value in zip(("name", "relation", "born", "income"), row, strict=True):
            person.field(f"household.{n}.{column}").fill(value)
    assert "60,000.00" in person.page.locator("[data-field='income']").inner_text()
    person.fill(costs="42000", cost="30000", others_gave="0", homes="1", area="90", staff="0")
    person.fill(cars="1", account="6222000011112222", named="不写姓名，只写编号、单位、等级")
    paper = FilePayload(name="诊断证明.txt", mimeType="text/plain", buffer=b"x")
    person.page.locator("[data-field='attachments'] input[type=file]").set_input_files(paper)
    person.page.locator(".yx-file-list li", has_text="诊断证明").wait_for()
    for box in ("truth", "consent"):
        person.field(box).first.check()
    person.submit()
    assert "已发起" in person.said()
    return person, person.page.url


def does(person: Desk, **answers: str | list[str]) -> None:
    person.open(LISTED)
    person.fill(**answers)
    person.submit()
    assert "已办理" in person.said()


def test_helped_without_a_word_to_others(town: University, desk: Callable[..., Desk]) -> None:
    applicant, address = asks(desk)
    college = desk("college")
    does(college, opinion="情况属实", visited_on="2026-03-02", visitors="王敏、李强", note="属实")
    clerk = desk("welfare", size=DESKTOP)
    clerk.open(LISTED)
    clerk.fill(decision="材料齐全", income="60000", costs="42000", cost="30000", persons="3")
    clerk.fill(line="1100", line_source="杭民发〔2026〕1号", proofs=["收入证明"])
    clerk.submit()
    assert "提请评审" in clerk.page.locator(".yx-ask").inner_text()
    clerk.fill(decision="提请", amount="25000", pot="工会经费", reasons="一等，照标准提请")
    clerk.expected = (403,)
    clerk.submit()
    assert "金额不在该等级的标准以内" in clerk.page.locator(".alert-danger").first.inner_text()
    clerk.fill(amount="5000")
    clerk.submit()
    key = UUID(address.rpartition("/")[2])
    opened = town.look("welfare", files.file, key).tasks
    poll = next(task.poll_id for task in opened if task.element == "panel_vote")
    for who in PANEL:
        town.do(who, polls.respond, poll, "yes")

    colleague = desk("li")
    colleague.expected = (404,)
    colleague.page.goto(address)
    assert "404" in colleague.page.locator("main").inner_text()
    colleague.page.goto("/")
    colleague.press("公示")
    colleague.page.locator(".yx-row", has_text="困难帮扶公示").click()
    colleague.page.wait_for_load_state()
    shown = colleague.page.locator("main").inner_text()
    assert "一等" in shown and "信息学院" in shown
    assert not [word for word in ("张敏", "6222", *SECRETS) if word in shown]

    town.turn_to("2026-03-11T10:00:00")
    cashier = desk("cashier")
    cashier.open(LISTED)
    page = cashier.page.content()
    assert "6222000011112222" in page and "5,000.00" in page
    assert not [word for word in SECRETS if word in page]
    does(cashier, paid_on="2026-03-11", voucher="记-101")
    applicant.log_in("zhang", path=address)
    assert "回访" in applicant.page.locator("main").inner_text()

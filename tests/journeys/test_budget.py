"""A year's budget at a desk and on phones: a deficit is refused, whoever keeps money does not review, and the table is issued for all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from playwright.sync_api import FilePayload

from engine.commands import polls
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

NOW = "2026-11-02T09:00:00"
TITLE = "2027年度工会经费预算"
COMMITTEE = ("boss", "m1", "m2")
AUDIT = ("audit", "a1", "a2")
LOGS_IN = ("secretary", "li")
INCOME = ("拨缴经费收入", "拨缴经费", "900000", "950000", "1000000")
EXPENSE = (
    ("职工活动支出", "职工活动", "350000", "350000", "450000"),
    ("补助下级支出", "补助分工会", "180000", "180000", "200000"),
    ("上缴上级支出", "上缴省教育工会", "360000", "360000", "400000"),
)
WHY = "收入按上年工资总额和会员人数测算；支出优先保障职工活动和补助分工会。" * 4


@pytest.fixture(scope="module")
def town(site: Site) -> University:
    for username, name, post, logs_in in (
        ("accountant", "江素琴", "union_accountant@XD", True),
        ("boss", "林秀珍", "union_chair@XD", True),
        ("m1", "高志远", "union_committee@XD", False),
        ("m2", "王芳华", "union_committee@XD", False),
        ("audit", "孙明远", "audit_chair@XD", True),
        ("a1", "钱立群", "audit_member@XD", False),
        ("a2", "石卫东", "audit_member@XD", False),
    ):
        site.town.joined(username, name, post, logs_in=logs_in)
    site.town.published("funds_budget")
    return site.town


def line(person: Desk, table: str, n: int, row: tuple[str, ...]) -> None:
    """A row of a table, and one more where it is not the first."""
    if n:
        person.page.locator(f"[data-field='{table}']").get_by_text("添一行").click()
    kind, *values = row
    person.field(f"{table}.{n}.kind").select_option(label=kind)
    for column, value in zip(("name", "last_budget", "last_actual", "amount"), values, strict=True):
        person.field(f"{table}.{n}.{column}").fill(value)


def test_a_budget_from_the_draft_to_its_table(town: University, desk: Callable[..., Desk]) -> None:
    accountant = desk("accountant", "/launch/funds_budget", size=DESKTOP)
    accountant.fill(subject=TITLE, year="2027")
    accountant.submit()
    key = UUID(accountant.page.url.rpartition("/")[2])
    accountant.open(TITLE)
    line(accountant, "income", 0, INCOME)
    for n, row in enumerate(EXPENSE):
        line(accountant, "expense", n, row)
        accountant.field(f"expense.{n}.nature").select_option(label="没有")
    accountant.fill(opening="30000", reserve="0", share="40", explanation=WHY)
    accountant.fill(share_basis="浙教工〔2020〕1号")
    shown = accountant.page.locator("main").inner_text()
    assert "1,050,000.00" in shown and "-20,000.00" in shown  # typed, summed, and short of money
    accountant.submit()
    assert (
        "不得编制赤字预算" in accountant.page.locator("main").inner_text()
    )  # back, all of it kept
    accountant.fill(opening="50000")
    accountant.submit()

    for element, voters in (("committee_vote", COMMITTEE), ("audit_vote", AUDIT)):
        poll = town.waiting(key, element).poll_id
        first = desk(voters[0])
        first.open(TITLE)
        assert "450,000.00" in str(first.page.locator("main").text_content())  # what is voted on
        first.shot()
        for who in voters:
            town.do(who, polls.respond, poll, "yes")
    head = desk("audit")
    head.open(TITLE)
    head.fill(decision="同意", session="第三次会议", note="收支真实，分成相符")
    head.submit()
    chair = desk("boss")
    chair.open(TITLE)
    chair.fill(text="现将有关收支情况报上，请予审批。")
    chair.submit()

    office = desk("secretary", size=DESKTOP)
    office.open(TITLE)
    office.fill(
        body="管理本会的上一级工会", decision="批准", number="浙教工〔2026〕9号", dated="2026-11-02"
    )
    for box in ("seal", "paper"):
        office.field(box).first.check()
    scan = FilePayload(name="批复.txt", mimeType="text/plain", buffer=b"x")
    office.page.locator("[data-field='scan'] input[type=file]").set_input_files(scan)
    office.page.locator(".yx-file-list li", has_text="批复").wait_for()
    office.submit()
    assert "已办理" in office.said()
    office.page.goto(f"/matters/{key}")
    assert "工会经费收支预算" in office.page.locator(".yx-papers").inner_text()
    stranger = desk("li")
    stranger.expected = (404,)
    stranger.page.goto(f"/matters/{key}")
    assert "404" in stranger.page.locator("main").inner_text()

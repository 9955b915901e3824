"""What is being written is not lost: after the login has ended, in two browsers at once, when an upload fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine import db
from engine.commands.people import logins
from tests.journeys.desk import DESKTOP
from tests.journeys.university import MOTION, SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

LOGS_IN = ("zhang", "li", "head")
FORM = "/launch/congress_motion"
REASONS = MOTION["reasons"]


def end_login(site: Site, username: str) -> None:
    """As a night, or an administrator, ends it."""
    with db.transaction(site.engine) as session:
        logins.end_logins(session, site.town.people[username])


def log_in_again(desk: Desk, username: str) -> None:
    desk.page.locator("#username").fill(username)
    desk.page.locator("#password").fill(SECRET)
    with desk.page.expect_navigation():
        desk.page.locator("form.card button[type=submit]").click()


def saved(desk: Desk) -> str:
    return desk.page.locator("form.yx-work .yx-saved").inner_text()


@pytest.mark.desk
def test_what_was_written_comes_back_after_the_login_has_ended(
    site: Site, desk: Callable[..., Desk]
) -> None:
    mover = desk("zhang", FORM)
    mover.fill(subject="延长食堂供餐时间")
    mover.page.locator(".yx-saved", has_text="草稿已保存").wait_for()
    end_login(site, "zhang")
    mover.expected = (401,)
    mover.fill(reasons=REASONS)
    notice = mover.page.locator("form.yx-work > .yx-notice")
    notice.wait_for()
    assert "登录已失效" in notice.inner_text() and "草稿未能保存" in saved(mover)
    mover.submit()
    assert "/login" in mover.page.url
    assert "登录已失效" in mover.page.locator("main").inner_text()
    log_in_again(mover, "zhang")
    assert mover.page.url.endswith(FORM)
    assert mover.field("reasons").input_value() == REASONS
    assert mover.field("subject").input_value() == "延长食堂供餐时间"
    assert "已恢复" in mover.page.locator(".yx-notice").inner_text()
    mover.page.locator(".yx-saved", has_text="草稿已保存").wait_for()
    mover.fill(measures=MOTION["measures"], category="福利待遇与生活保障")
    mover.submit()
    assert "已发起" in mover.said()
    mover.page.goto(FORM)  # nothing of it comes back once it was handed in
    assert mover.field("reasons").input_value() == ""


def test_the_link_of_the_notice_leads_back_to_the_text(
    site: Site, desk: Callable[..., Desk]
) -> None:
    mover = desk("li", FORM, DESKTOP)
    end_login(site, "li")
    mover.expected = (401,)
    mover.fill(reasons=REASONS)
    with mover.page.expect_navigation():
        mover.page.get_by_role("link", name="重新登录").click()
    log_in_again(mover, "li")
    assert mover.field("reasons").input_value() == REASONS


def test_another_person_at_the_same_tab_sees_nothing_of_it(
    site: Site, desk: Callable[..., Desk]
) -> None:
    mover = desk("li", FORM)
    end_login(site, "li")
    mover.expected = (401,)
    mover.fill(reasons="只给我自己看的理由，别人不应看到这一段文字。")
    mover.submit()
    log_in_again(mover, "zhang")
    mover.page.goto(FORM)
    assert "只给我自己看" not in mover.field("reasons").input_value()
    assert mover.page.evaluate("Object.keys(sessionStorage).filter(k => k.includes('kept'))") == []


def test_two_browsers_do_not_overwrite_each_other(site: Site, desk: Callable[..., Desk]) -> None:
    desk_one, desk_two = desk("head"), desk("head")
    site.town.seconded("更新教学楼投影设备")
    for each in (desk_one, desk_two):
        each.open("更新教学楼投影设备")
    desk_one.fill(decision="退回修改")
    desk_one.fill(reason="请补充经费来源和数量")
    desk_one.page.locator(".yx-saved", has_text="草稿已保存").wait_for()
    desk_two.expected = (409,)
    desk_two.fill(decision="退回修改")
    notice = desk_two.page.locator("form.yx-work > .yx-notice")
    notice.wait_for()
    assert "较新的草稿" in notice.inner_text()
    desk_one.page.reload()
    assert desk_one.field("reason").input_value() == "请补充经费来源和数量"
    desk_two.page.get_by_role("button", name="改用那边的草稿").click()
    desk_two.page.wait_for_load_state()
    desk_two.page.wait_for_function(
        "document.querySelector(\"[name='f.reason']\").value === '请补充经费来源和数量'"
    )
    desk_two.fill(reason="以第二个浏览器为准的理由")
    desk_two.page.locator(".yx-saved", has_text="草稿已保存").wait_for()
    desk_one.expected = (409,)
    desk_one.fill(reason="以第一个浏览器为准的理由")
    desk_one.page.get_by_role("button", name="以这里写的为准").click()
    desk_one.page.locator(".yx-saved", has_text="草稿已保存").wait_for()
    desk_two.page.reload()
    assert desk_two.field("reason").input_value() == "以第一个浏览器为准的理由"


def test_a_page_that_another_login_has_overtaken_keeps_the_text(
    site: Site, desk: Callable[..., Desk]
) -> None:
    mover = desk("zhang", FORM)
    mover.fill(reasons=REASONS)
    mover.page.locator(".yx-saved", has_text="草稿已保存").wait_for()
    other = mover.context.new_page()  # the same person logs out and in again in another tab
    other.goto("/")
    with other.expect_navigation():
        other.evaluate("document.querySelector(\"form[action$='/logout']\").submit()")
    other.locator("#username").fill("zhang")
    other.locator("#password").fill(SECRET)
    with other.expect_navigation():
        other.locator("form.card button[type=submit]").click()
    other.close()
    mover.expected = (400,)
    mover.fill(measures="写在过期页面上的办法，不应丢失。")
    mover.submit()
    assert "页面已过期" in mover.page.locator("main").inner_text()
    mover.expected = ()
    mover.press("回到刚才的页面")
    assert mover.field("measures").input_value() == "写在过期页面上的办法，不应丢失。"
    assert mover.field("reasons").input_value() == REASONS

"""An approver's day: five tasks one after the other, and two approvers at the same one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

SUBJECTS = (
    "增设校内公交站点",
    "更新教学楼投影设备",
    "延长图书馆开放时间",
    "改善教工宿舍供暖",
    "增加幼儿园学位",
)
LOGS_IN = ("head", "committee", "member2")


@pytest.mark.desk
def test_an_approver_clears_five_tasks_in_a_row(site: Site, desk: Callable[..., Desk]) -> None:
    for subject in SUBJECTS:
        site.town.seconded(subject)
    head = desk("head")
    page = head.page
    assert page.locator(".yx-count").inner_text() == "5"
    page.locator(".yx-row").first.click()
    page.wait_for_load_state()
    done = []
    for n in range(5):
        done.append(page.locator("h1").inner_text())
        assert "/tasks/" in page.url
        head.fill(decision="同意上报")
        head.submit()
        assert done[-1] in head.said(), n
    assert sorted(done) == sorted(SUBJECTS)  # each once, none twice
    assert page.url.rstrip("/") == site.address and "都办完了" in page.locator("main").inner_text()


def test_the_second_of_two_approvers_is_told_who_acted_and_keeps_the_text(
    site: Site, desk: Callable[..., Desk]
) -> None:
    key = site.town.reviewable("设立教职工健身房")
    first, second = desk("committee", size=DESKTOP), desk("member2")
    first.open("设立教职工健身房")
    second.open("设立教职工健身房")
    for person, reason in (
        (first, "属于学校职权，可以立案办理。"),
        (second, "与去年的提案相同，建议并入\n另请后勤处说明。"),
    ):
        person.fill(
            decision="转意见建议" if person is second else "立案",
            present=["吴淑华", "郑伟"],
            reason=reason,
            **({} if person is second else {"grade": "一般提案", "lead_unit": "后勤处"}),
        )
    first.submit()
    assert "已办理" in first.said()
    second.expected = (409,)
    second.submit()
    said = second.page.locator("main").inner_text()
    assert re.search(
        r"吴淑华已于 \d\d-\d\d \d\d:\d\d 办理", second.page.locator("[role=alert]").inner_text()
    )
    assert "与去年的提案相同，建议并入\n另请后勤处说明。" in said and "转意见建议" in said
    assert second.page.locator("form.yx-work").count() == 0  # and nothing to send a second time
    tried = [t for t in site.town.look("secretary", _tasks, key) if t.element == "review"]
    assert [(t.state, t.closed_by) for t in tried] == [("done", "吴淑华")]


def test_a_claimed_task_says_who_has_it_and_comes_back_when_released(
    site: Site, desk: Callable[..., Desk]
) -> None:
    site.town.reviewable("修缮体育馆屋顶")
    first, second = desk("committee"), desk("member2")
    for person in (first, second):
        person.open("修缮体育馆屋顶")
    first.press("认领，由我办理")
    assert "已认领" in first.said()
    second.fill(decision="退回修改", reason="请补充经费来源", present=["吴淑华", "郑伟"])
    second.expected = (409,)
    second.submit()
    assert "吴淑华已认领" in second.page.locator("[role=alert]").inner_text()
    assert "请补充经费来源" in second.page.locator("main").inner_text()
    first.press("放回，由同岗位的人办理")
    second.expected = ()
    second.open("修缮体育馆屋顶")
    assert (
        second.field("reason").input_value() == "请补充经费来源"
    )  # the draft that had saved itself
    second.submit()
    assert "已办理" in second.said()


def _tasks(session: object, actor: object, key: object) -> tuple[object, ...]:
    from engine.queries import instance

    return instance.file(session, actor, key).tasks  # type: ignore[arg-type]


def test_a_decision_made_without_a_network_is_sent_once_when_it_is_back(
    site: Site, desk: Callable[..., Desk]
) -> None:
    for subject in ("改造校医院候诊区", "增设自习座位"):
        site.town.seconded(subject)
    head = desk("head", size=DESKTOP)
    page = head.page
    head.open("改造校医院候诊区")
    page.evaluate("navigator.serviceWorker.ready")  # the shell is on the device
    head.context.set_offline(True)
    head.fill(decision="同意上报")
    page.locator(".yx-bar button", has_text="同意上报").click()
    queue = page.locator("[data-queue] [data-state]")
    assert queue.get_attribute("data-state") == "waits"
    assert "改造校医院候诊区" in queue.inner_text() and "等网络恢复" in queue.inner_text()
    head.context.set_offline(False)
    page.locator("[data-queue] [data-state=done]").wait_for()
    page.goto("/")
    assert "改造校医院候诊区" not in page.locator(".yx-list").inner_text()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/**")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")

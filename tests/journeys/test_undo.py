"""A head of a delegation presses the wrong button, takes it back, and lets the next one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import jobs
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

LOGS_IN = ("head",)
UNDO = 8


def test_what_was_done_is_taken_back_and_then_passes(site: Site, desk: Callable[..., Desk]) -> None:
    site.town.seconded("增设校内公交站点")
    head = desk("head")
    page = head.page
    head.open("增设校内公交站点")
    head.fill(decision="同意上报")
    head.submit()
    offer = page.locator(".yx-held")
    assert offer.count() == 1
    assert (
        "增设校内公交站点" in offer.first.inner_text() and "秒内可撤回" in offer.first.inner_text()
    )
    assert page.locator(".yx-count").first.inner_text() == "0"
    head.shot()
    with page.expect_navigation():
        offer.get_by_role("button", name="撤回").first.click()
    assert "已撤回" in head.said() and "/tasks/" in page.url
    assert page.locator("[name='f.decision']:checked").count() == 1
    head.shot()
    head.submit()
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    head.shot()
    offer.first.wait_for(state="detached", timeout=1000 * (UNDO + 5))
    assert jobs.carry_out_held(site.engine) == 1
    page.goto(site.address)
    assert offer.count() == 0 and "都办完了" in page.locator("main").inner_text()

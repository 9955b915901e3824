"""One sitting of the motions committee: ten conclusions on one sheet, on a phone, with taps counted in the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.queries import inbox as waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

LOGS_IN = ("committee",)
SUBJECTS = [f"第{n}件：延长图书馆开放时间" for n in "一二三四五六七八九十"]
MOST = 25
REASON = "属于学校职权，措施具体，可以立案办理。"
# a finger on the page is one tap; choosing from a list is two, one to open it and one to choose
LISTENER = """
addEventListener("pointerdown", (e) => { if (e.isTrusted && e.target.tagName !== "SELECT") tap(1) }, true);
addEventListener("change", (e) => { if (e.target.tagName === "SELECT") tap(2) }, true);
function tap(n) { sessionStorage.setItem("taps", Number(sessionStorage.getItem("taps") || 0) + n) }
"""


@pytest.mark.desk
def test_ten_filings_of_one_sitting_take_few_taps(site: Site, desk: Callable[..., Desk]) -> None:
    for subject in SUBJECTS:
        site.town.reviewable(subject)
    person = desk("committee")
    page = person.page
    page.request.post("/phrases/keep", form={"text": REASON, "csrf_token": _token(person)})
    page.add_init_script(LISTENER)
    page.goto("/")
    page.get_by_role("link", name="10 件“审查立案”一并办").tap()
    page.wait_for_url("**/together/**")
    sheet = page.url
    for _spot in range(2):
        page.locator("li", has_text="抽查，请先打开").locator("a").first.tap()
        page.wait_for_url("**/tasks/**")
        page.goto(sheet)
    for name in ("吴淑华", "郑伟"):
        page.locator("[data-field=present] label", has_text=name).tap()
    page.locator("[data-field=decision] label", has_text="立案").first.tap()
    page.locator("[data-field=grade] label", has_text="一般提案").tap()
    person.field("lead_unit").select_option(label="后勤处")
    own = page.locator(".yx-own select[name$='lead_unit']")
    assert own.count() == len(SUBJECTS)
    for nth in (0, 4, 8):
        own.nth(nth).select_option(label="财务处")
    field = page.locator("[data-field=reason]")
    field.locator("summary").tap()
    field.get_by_role("button", name=REASON, exact=True).tap()
    assert field.locator("textarea").input_value() == REASON
    person.shot()
    with page.expect_navigation():
        page.get_by_role("button", name="一并办理 10").tap()
    assert "已一并办理 10 件" in person.said()
    taps = (
        page.evaluate("Number(sessionStorage.getItem('taps'))") + 2
    )  # and twice back to the sheet
    assert 15 < taps <= MOST, taps
    left = site.town.look("committee", waiting.inbox)
    assert not [item for item in left.items if item.element == "review"]


def _token(person: Desk) -> str:
    return str(person.page.locator("meta[name=csrf]").get_attribute("content"))

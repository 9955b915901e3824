"""The auditor has everything verified, and goes on writing in the same page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import db, jobs
from engine.db import queue
from engine.settings import ROOT, Settings
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

LOGS_IN = ("auditor",)


def test_what_is_typed_stays_while_a_verification_runs_and_ends(
    desk: Callable[..., Desk], site: Site
) -> None:
    url = site.engine.url.render_as_string(hide_password=False)
    own = Settings(home=site.home, database_url=url, processes=ROOT / "processes")
    jobs.seal(site.engine, own)
    auditor = desk("auditor", "/audit/seal", size=DESKTOP)
    page = auditor.page
    auditor.press("校验全部记录")
    assert "已排队" in page.locator("[data-running]").inner_text()
    page.get_by_text("连同外部留存的检查点或会签一起核对").click()
    page.locator("#kept").fill("yixing/正在誊写的检查点")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4000)  # longer than a page that loaded itself anew would have waited
    assert any(url.endswith("/audit/seal/verification") for url in asked)
    with db.transaction(site.engine) as session:
        (waiting,) = queue.waiting(session, ["verify"])
    jobs.verify(site.engine, own, **waiting.task_kwargs)
    page.get_by_role("heading", name="校验结果").wait_for(timeout=10_000)
    assert "全部相符" in page.locator("[data-live]").inner_text()
    assert page.locator("#kept").input_value() == "yixing/正在誊写的检查点"
    auditor.shot()
    asked.clear()
    page.wait_for_timeout(5000)
    assert not asked  # it has ended: nothing is asked any more

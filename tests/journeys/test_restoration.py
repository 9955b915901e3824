"""After a backup was restored two people confirm it on the page, and the history is proved again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import db
from engine.commands import sealing
from engine.history.kept import Log
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

LOGS_IN = ("secretary", "auditor")


def test_two_people_confirm_a_restored_backup(site: Site, desk: Callable[..., Desk]) -> None:
    log = Log(site.home / "keys")
    with db.transaction(site.engine) as session:
        sealing.resume(session, log, "restored", "root", source="2026-03-01T02:00+00:00")
    first = desk("secretary", "/audit/seal")
    said = first.page.locator(".yx-answer.bad")
    assert "已由 root 用 2026-03-01 10:00 的备份恢复到 0" in said.inner_text()
    assert "现有 0 人确认" in said.inner_text()
    first.press("我已核对，予以确认")
    assert "现有 1 人确认" in said.inner_text()
    assert "等待另一人确认" in said.inner_text() and first.page.get_by_text("予以确认").count() == 0
    second = desk("auditor", "/audit/seal", size=DESKTOP)
    second.press("校验全部记录")
    assert "未能证明：已由 root 用" in second.page.locator("[role=status]").inner_text()
    second.press("我已核对，予以确认")
    assert second.page.locator(".yx-answer.bad").count() == 0

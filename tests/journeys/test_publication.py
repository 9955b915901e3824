"""A delegate finds what is published, objects on a phone and gets a receipt; the office reads it when the time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import db
from engine.commands import definitions, instances
from engine.definitions import read
from engine.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

LOGS_IN = ("li", "secretary")
NOW = "2026-03-02T09:00:00"
GIVEN = {"subject": "聘任实验室主任", "candidate": "周全", "office": "head"}


def test_a_delegate_objects_and_the_office_reads_it(site: Site, desk: Callable[..., Desk]) -> None:
    town = site.town
    with town.time(), db.transaction(site.engine) as session:
        folder = ROOT / "tests" / "processes" / "posting"
        definitions.publish_shipped(session, read(folder))
    given = {**GIVEN, "background": "组织考察材料"}
    key = town.do("zhang", instances.launch, "posting", given)
    town.complete("secretary", key, "check", decision="publish")
    delegate = desk("li")
    assert delegate.page.locator(".yx-row").count() == 0
    delegate.press("公示")
    delegate.page.locator(".yx-row", has_text="拟聘人选公示").click()
    delegate.page.wait_for_load_state()
    shown = delegate.page.locator("main").inner_text()
    assert "周全" in shown and "主任" in shown and "2026-03-09" in shown
    assert "实验室" not in shown and "组织考察材料" not in shown
    delegate.fill(reason="任职年限不够，请再核。")
    delegate.submit()
    assert "异议已提出" in delegate.said()
    assert "回执号" in delegate.page.locator("main").inner_text()
    town.turn_to("2026-03-10T09:00:00")
    office = desk("secretary")
    office.open("保密事项")  # a list does not say what the matter is about
    assert "聘任实验室主任" in office.page.locator("main").inner_text()
    assert "任职年限不够" in office.page.locator("main").inner_text()
    assert "1 人提出异议" in office.page.locator("main").inner_text()

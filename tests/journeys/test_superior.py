"""A transfer before the superior union, on phones: its officer drafts, its leader signs; only then may the party decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine import clock
from tests.journeys import transfers
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk

LOGS_IN = ("secretary", "auditor")


@pytest.fixture(scope="module")
def asked(site: Site) -> Site:
    return transfers.asked(site)


def test_the_superior_union_answers_and_the_party_cannot_be_faster(
    asked: Site, desk: Callable[..., Desk]
) -> None:
    del asked
    today, subject = clock.today().isoformat(), "关于校工会主席任期未满调动"
    auditor = desk("auditor", "/audit", DESKTOP)
    assert (
        subject not in auditor.page.locator("main").inner_text()
    )  # personnel intent: known to those named only

    officer = desk("superior")
    page = officer.open("保密事项")
    assert "不视为同意" in page.locator("main").inner_text()
    officer.fill(decision="同意调动")
    officer.submit()

    leader = desk("leader-above")
    leader.open("保密事项")
    leader.fill(decision="签发", number="浙教工〔2026〕18号", dated=today, seal="已加盖本会公章")
    leader.submit()

    secretary = desk("secretary")
    secretary.open("保密事项")
    secretary.fill(committee="工会委员会决议已核对", superior="上一级工会复函")
    secretary.submit()

    party = desk("party")
    party.open("保密事项")
    party.expected = (403,)
    party.fill(
        decision="决定调动",
        decided_on=today,
        effective_on=today,
        talked_on=today,
        talked_by="党委副书记",
        talk="本人表示服从组织安排",
        minutes="党委会纪要〔2026〕9号",
    )
    party.submit()
    said = party.page.locator("main").inner_text()
    assert "必须在" in said and "同意" in said, (
        said
    )  # on the day of the consents itself it is too early
    assert party.field("minutes").input_value() == "党委会纪要〔2026〕9号"  # and nothing is lost

"""The superior union changes between request and signature: the old one cannot answer any more, the office asks the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from engine import clock, db
from engine.commands import people
from engine.db import tables
from tests.journeys import transfers
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

LOGS_IN = ("secretary",)
LEADER = "浙教工〔2026〕18号"
RULING = "省总工会 浙总工办〔2026〕6号"


@pytest.fixture(scope="module")
def town(site: Site) -> University:
    return transfers.asked(site).town


def put_under_the_city(town: University) -> None:
    """The federation of the city manages the union from now on, by a ruling."""
    with db.transaction(town.engine) as session:
        city = people.create_unit(
            session, None, "HZ", "municipal_federation", "市总工会", parent_id=town.units["ZGH"]
        )
        people.change_unit(
            session, None, town.units["XD"], parent_id=city, affiliation="city", ruling=RULING
        )


def transfer(town: University) -> UUID:
    """The only one there is."""
    with db.transaction(town.engine) as session:
        found: UUID = session.execute(select(tables.instance.c.id)).scalar_one()
        return found


def test_the_union_that_was_asked_cannot_answer_after_the_superior_has_changed(
    town: University, desk: Callable[..., Desk]
) -> None:
    officer = desk("superior")
    officer.open("保密事项")
    officer.fill(decision="同意调动")
    officer.submit()
    put_under_the_city(town)

    leader = desk("leader-above")
    leader.open("保密事项")
    leader.expected = (403,)
    leader.fill(
        decision="签发", number=LEADER, dated=clock.today().isoformat(), seal="已加盖本会公章"
    )
    leader.submit()
    assert "上一级工会已经变更" in leader.page.locator("main").inner_text()
    assert leader.field("number").input_value() == LEADER  # nothing is lost, and nothing went out
    leader.expected = ()

    office = desk("secretary", size=DESKTOP)
    office.page.goto(f"/matters/{transfer(town)}")
    office.press("重新请示上一级工会")
    office.fill(reason="管理本会的上一级工会已变更为市总工会")
    office.submit()
    office.open("保密事项")
    office.fill(
        kind="请示", signed_by="副主席", vice="vice-chair 同志", text="现向你会重新请示如上"
    )
    office.submit()
    leader.page.goto("/")
    assert not leader.page.locator(".yx-row", has_text="保密事项").count()
    office.page.goto(f"/matters/{transfer(town)}")
    said = office.page.locator("main").inner_text()
    assert "取得上一级工会复函" in said and LEADER not in said

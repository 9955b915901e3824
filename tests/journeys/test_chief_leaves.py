"""The president leaves between the congress's vote and the signature: the old one cannot sign, the new one finds the contract and does."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from engine import db
from engine.commands import people
from engine.db import tables
from tests.journeys import consultations
from tests.journeys.consultations import TITLE, agreed, demanded, does, signs
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

NOW = consultations.NOW
LOGS_IN = ("secretary",)


@pytest.fixture(scope="module")
def town(site: Site) -> University:
    site.town.joined("successor", "陆建平", "unit_head@HQ", logs_in=True)
    return consultations.peopled(site)


def consultation(town: University) -> UUID:
    """The only one there is."""
    with db.transaction(town.engine) as session:
        found: UUID = session.execute(select(tables.instance.c.id)).scalar_one()
        return found


def succeeds(town: University, last: str, first: str) -> None:
    """The president's post ends on a day, the successor's begins on another."""
    with town.time(), db.transaction(town.engine) as session:
        post = tables.post.c
        held = select(post.id).where(
            post.member_id == town.people["president"], post.kind == "president"
        )
        people.end_post(
            session, None, session.execute(held).scalar_one(), date.fromisoformat(last), "调任"
        )
        begins = date.fromisoformat(first)
        people.grant_post(
            session, None, town.people["successor"], "president", town.units["XD"], begins
        )


def test_the_successor_of_a_chief_signs_the_contract(
    town: University, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    draft, minutes = tmp_path / "集体合同草案.txt", tmp_path / "会议记录和表决结果.txt"
    draft.write_text("第一条 工资年增长不低于百分之五。", "utf-8")
    minutes.write_text("应到 120 人，实到 80 人，赞成 61 票，不赞成 19 票。", "utf-8")
    demanded(town, desk)
    agreed(town, desk, draft, minutes)
    signs(desk, "staff", "签署集体合同", "签署")
    succeeds(town, "2026-04-06", "2026-04-07")
    town.turn_to("2026-04-07T09:00:00")

    old = desk("president")
    old.open(TITLE)
    old.expected = (403,)
    old.vote("签署")
    assert "已不再担任" in old.page.locator("main").inner_text()
    old.expected = ()
    assert not desk("successor").page.locator(".yx-row", has_text=TITLE).count()

    office = desk("secretary", size=DESKTOP)
    office.page.goto(f"/matters/{consultation(town)}")
    office.press("登记首席代表更换")
    office.fill(changed_on="2026-04-07", reason="学校领导班子调整")
    office.submit()
    assert "登记首席代表更换" in office.said()

    signs(desk, "staff", "签署集体合同", "签署")
    signs(desk, "successor", "签署集体合同", "签署")
    town.turn_to("2026-04-10T09:00:00")
    does(
        desk,
        "hr",
        "报送审查",
        wrong=("filed_on", "2026-04-06", "不能早于双方签署之日"),
        filed_on="2026-04-10",
        way="纸质文本",
        copies="5",
        authority="区人力资源和社会保障局",
        enclosed=[
            "集体合同文本",
            "报送说明",
            "教代会（职工代表大会）决议",
            "双方代表名单和身份证明",
        ],
        origin="职工方代表由职代会选举产生",
        course="协商一次达成一致，职代会无记名投票通过",
    )

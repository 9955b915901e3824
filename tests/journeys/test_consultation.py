"""A collective consultation from the demand to filing and publication: both sides on phones, the office at its desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.journeys import consultations
from tests.journeys.consultations import TITLE, agreed, demanded, does, signs
from tests.journeys.desk import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.journeys.conftest import Site
    from tests.journeys.desk import Desk
    from tests.journeys.university import University

NOW = consultations.NOW
LOGS_IN = ("secretary", "auditor")


@pytest.fixture(scope="module")
def town(site: Site) -> University:
    return consultations.peopled(site)


def in_force(town: University, desk: Callable[..., Desk], draft: Path) -> None:
    """Both chiefs sign, the authority receives it and keeps silent, the text is published."""
    chair = signs(desk, "staff", "签署集体合同", "签署")
    assert "都办完了" in chair.page.locator("main").inner_text()
    president = desk("president")
    president.open(TITLE)
    paper = president.page.locator("main a", has_text=draft.name)
    assert president.page.request.get(
        str(paper.first.get_attribute("href"))
    ).text() == draft.read_text("utf-8")
    president.vote("签署")

    town.turn_to("2026-04-10T09:00:00")
    does(
        desk,
        "hr",
        "报送审查",
        wrong=("copies", "2", "纸质报送的份数不足"),
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
    town.turn_to("2026-04-13T15:00:00")
    does(desk, "hr", "登记人社部门收件", received_on="2026-04-13", slip="人社收〔2026〕18号")
    office = desk("secretary", "/audit", DESKTOP)
    office.page.locator(".yx-row", has_text=TITLE).click()
    assert (
        "登记审查结果" in office.page.get_by_role("region", name="结论").inner_text()
    )  # nothing is in force before the fifteen days
    town.turn_to("2026-04-29T09:00:00")
    does(
        desk,
        "hr",
        "公布合同文本",
        wrong=("published_on", "2026-04-28", "公布日期应当在生效之后"),
        published_on="2026-04-29",
        where="校园网和公告栏",
    )
    does(desk, "secretary", "报上一级工会备案", sent_on="2026-04-29", receipt_no="省教工备 12 号")


def test_a_contract_from_the_demand_to_its_publication(
    town: University, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    draft = tmp_path / "集体合同草案.txt"
    draft.write_text("第一条 工资年增长不低于百分之五。", "utf-8")
    minutes = tmp_path / "会议记录和表决结果.txt"
    minutes.write_text("应到 120 人，实到 80 人，赞成 61 票，不赞成 19 票。", "utf-8")
    demanded(town, desk)
    agreed(town, desk, draft, minutes)
    in_force(town, desk, draft)

    chair = desk("staff", "/matters")
    assert "检查并报告履行情况" in chair.page.locator(".yx-row", has_text=TITLE).inner_text()
    chair.page.locator(".yx-row", has_text=TITLE).click()
    chair.page.wait_for_load_state()
    papers = chair.page.locator(".yx-papers li > a:first-child")
    titles = papers.all_inner_texts()
    wanted = (
        "集体协商要约书",
        "集体协商答复书",
        "会议记录",
        "决议",
        "报送说明",
        "公布通知",
        "备案函",
    )
    assert not [w for w in wanted if not any(w in t for t in titles)], titles
    for title in ("决议", "公布通知", "备案函"):
        paper = chair.page.request.get(str(papers.filter(has_text=title).get_attribute("href")))
        assert paper.status == 200 and paper.body().startswith(b"%PDF-"), title

    auditor = desk("auditor", "/audit", DESKTOP)
    auditor.page.locator(".yx-row", has_text=TITLE).click()
    line = auditor.page.locator(".yx-line").inner_text()
    for words in ("林秀珍", "沈宏伟", "期满无异议", "会前送达不足法定天数"):
        assert words in line, words

"""Pages of decision tables: the list, a table in words, a trial that stores nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from engine import db
from engine.commands import definitions
from engine.db import tables
from engine.definitions import read
from engine.settings import ROOT
from webui import cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.webui.conftest import House

    Login = Callable[[str], FlaskClient]

VOTE = {
    "f.vote.kind": "education",
    "f.vote.total": "100",
    "f.vote.present": "67",
    "f.vote.yes": "50",
}


@pytest.fixture
def motion(house: House) -> str:
    """The congress motion in force."""
    with db.transaction(house.engine) as session:
        return definitions.publish_shipped(session, read(ROOT / "processes" / "congress_motion"))


def counted(house: House) -> list[int]:
    kept = (tables.event, tables.instance, tables.draft)
    return house.look(
        lambda s: [s.execute(select(func.count()).select_from(t)).scalar_one() for t in kept]
    )


def test_everybody_reads_the_tables_in_force(client: Login, motion: str) -> None:
    page = " ".join(client("plain").get("/rules/tables").text.split())
    for said in (
        "适用制度",
        "D1",
        "法定人数和表决",
        "D4",
        "公开范围",
        "D14",
        "受理初判",
        "D3",
        "用于 教代会提案",
        "D15",
    ):
        assert said in page, said
    assert "/rules/tables" in client("plain").get("/rules").text
    assert client("").get("/rules/tables").status_code == 302


def test_a_table_of_no_published_process_is_not_there(client: Login) -> None:
    assert client("plain").get("/rules/tables/congress_motion.escalation").status_code == 404
    assert client("plain").get("/rules/tables/no.such").status_code == 404


def test_a_table_is_shown_in_words_with_articles_and_certainty(client: Login, motion: str) -> None:
    page = " ".join(client("plain").get("/rules/tables/congress_motion.admissibility").text.split())
    for said in (
        "少于 3 人",
        "不予立案",
        "MO-SECOND",
        "其他情形",
        f"/definitions/{motion}",
        "提案人是正式代表",
    ):
        assert said in page, said
    page = client("plain").get("/rules/tables/regime").text
    for said in ("公办高校", "法释〔2025〕12号", "凭记忆，待核对", "已核对原文", "争议发生之日"):
        assert said in page, said
    assert "rule(&#34;" not in page


def test_a_table_speaks_english(client: Login, motion: str) -> None:
    for table in ("regime", "quorum_vote", "benefit_amount", "congress_motion.admissibility"):
        page = client("plain").get(f"/rules/tables/{table}?lang=en").text
        body = page[page.index("<main") : page.index("</main>")].partition('id="rules"')[0]
        assert not [c for c in body if "\u4e00" <= c <= "\u9fff"], table


def test_the_numbers_are_those_of_the_day(client: Login) -> None:
    assert "超过 6 日" in client("plain").get("/rules/tables/benefit_amount").text
    assert "MB-SHORT-DAYS" in client("plain").get("/rules/tables/benefit_amount?on=2026-03-01").text
    assert client("plain").get("/rules/tables/benefit_amount?on=nonsense").status_code == 200


def test_a_trial_says_the_row_and_why_and_stores_nothing(client: Login, house: House) -> None:
    before = counted(house)
    reply = client("plain").post("/rules/tables/quorum_vote/trial", data=VOTE)
    assert reply.status_code == 200
    for said in (
        "符合第 3 行",
        "未通过",
        "51",
        "CG-VOTE-EDU",
        "没有留下记录",
        'class="yx-hit"',
        'value="67"',
    ):
        assert said in reply.text, said
    assert (
        "符合第 4 行"
        in client("plain")
        .post("/rules/tables/quorum_vote/trial", data={**VOTE, "f.vote.yes": "51"})
        .text
    )
    assert counted(house) == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"f.vote.yes": "很多"}, "请填写整数。"),
        ({"f.vote.kind": "party"}, "之一。"),
        ({"f.vote.yes": ""}, "还没有值"),
        ({"on": "昨天"}, "2026-03-01"),
        ({"f.nothing": "1"}, "有填写不对的地方"),
    ],
)
def test_what_is_wrong_is_said_in_the_page_and_nothing_is_lost(
    client: Login, changed: dict[str, str], said: str
) -> None:
    reply = client("plain").post("/rules/tables/quorum_vote/trial", data={**VOTE, **changed})
    assert reply.status_code == 422
    assert said in reply.text
    assert 'value="100"' in reply.text and 'value="67"' in reply.text


def test_faults_are_said_in_english(client: Login) -> None:
    reply = client("plain").post(
        "/rules/tables/quorum_vote/trial?lang=en", data={**VOTE, "f.vote.yes": "x"}
    )
    assert reply.status_code == 422
    body = reply.text[reply.text.index("<main") : reply.text.index("</main>")].partition(
        'id="rules"'
    )[0]
    assert not [c for c in body if "\u4e00" <= c <= "\u9fff"]


def test_a_column_that_only_a_matter_could_give_is_asked_for(client: Login, motion: str) -> None:
    given = {"f.column.1": "true", "f.second.yes": "2"}
    reply = client("plain").post("/rules/tables/congress_motion.admissibility/trial", data=given)
    assert "符合第 2 行" in reply.text and "退回修改" in reply.text


# --- the command line -------------------------------------------------------------------------------------------------
def test_the_command_line_decides(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        cli.main(
            ["decide", "benefit_amount", "claim.insured=yes", "claim.days=7", "claim.serious=no"]
        )
        == cli.OK
    )
    said = capsys.readouterr().out
    assert "total = 350" in said and "row 5" in said and "MB-DAILY" in said
    assert cli.main(["decide", "recusal", "--lang", "en"]) == cli.OK
    assert "near_relative Near relative" in capsys.readouterr().out
    for words in (["recusal", "case.duty"], ["nothing", "a=b"], ["recusal", "case.duty=x"]):
        assert cli.main(["decide", *words]) == cli.FAULT


def test_the_command_line_checks_the_shared_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--no-stories", str(ROOT / "processes" / "decisions")]) == cli.OK
    assert "no faults" in capsys.readouterr().out

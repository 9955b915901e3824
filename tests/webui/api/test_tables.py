"""Decision tables by API: list, words, evaluation without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import db
from engine.db import tables

if TYPE_CHECKING:
    from tests.webui.api.world import Api


def counted(shared: Api) -> list[Any]:
    with db.transaction(shared.engine) as session:
        kept = (tables.event, tables.instance, tables.draft)
        return [
            session.execute(select(func.count()).select_from(table)).scalar_one() for table in kept
        ]


def test_programs_read_and_evaluate(shared: Api) -> None:
    me = shared.as_("plain")
    listed = {each["id"]: each for each in me.read("/decision-tables")["items"]}
    assert listed["recusal"]["number"] == "D13" and listed["recusal"]["shared"]
    table = me.read("/decision-tables/regime", on="2025-08-31")
    assert [q["key"] for q in table["questions"]][:2] == ["launch.employer", "launch.staff"]
    assert table["on"] == "2025-08-31" and table["lines"][0]["confidence"] == "V"
    before = counted(shared)
    facts = {"launch.staff": "rehired", "launch.pension": "yes", "launch.known_on": "2025-09-01"}
    told = me.do("/decision-tables/regime/evaluate", {"facts": facts})
    assert told["row"] == 10 and told["results"][0]["value"] == "legal_review"
    english = me.do(
        "/decision-tables/regime/evaluate", {"facts": facts}, headers={"Accept-Language": "en"}
    )
    assert english["results"][0]["words"] == "Legal review"
    told = me.do(
        "/decision-tables/benefit_amount/evaluate",
        {"facts": {"claim.insured": True, "claim.days": 7}, "on": "2023-01-01"},
    )
    assert told["results"][0]["value"] == "no_term"
    assert counted(shared) == before


def test_programs_are_told_what_is_wrong(shared: Api) -> None:
    me = shared.as_("plain")
    assert me.get("/decision-tables/no-such").status_code == 404
    assert me.post("/decision-tables/no-such/evaluate", {"facts": {}}).status_code == 404
    for table, facts in (
        ("regime", {"launch.staff": "robot"}),
        ("regime", {"launch.staff": []}),
        ("regime", {"launch.staff": {"a": 1}}),
        ("quorum_vote", {"vote.total": 10**12}),
        ("quorum_vote", {"vote.total": 1.5}),
        ("quorum_vote", {"vote.total": True}),
        ("quorum_vote", {"vote.colour": "red"}),
    ):
        refused = me.post(f"/decision-tables/{table}/evaluate", {"facts": facts})
        assert refused.status_code == 422, facts
        assert next(iter(facts)) in refused.text
    assert (
        "还没有值"
        in me.post(
            "/decision-tables/quorum_vote/evaluate", {"facts": {"vote.kind": "election"}}
        ).text
    )

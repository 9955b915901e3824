"""Nobody but those named reads a family's income: what finance sees of help in hardship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from engine import definitions
from engine.db import tables
from engine.documents import pdf
from engine.errors import NotFound
from engine.instance import rooms
from engine.instance.context import context_of
from engine.people import organisation
from engine.queries import instance as files
from engine.settings import ROOT
from tests.engine.played import played

if TYPE_CHECKING:
    from sqlalchemy import Engine

FOLDER = ROOT / "processes" / "hardship_help"
INCOME = {"income", "costs", "cost", "net", "per_head", "household", "story", "cause"}


def test_finance_sees_name_account_and_sum_and_no_income(engine: Engine) -> None:
    (story,) = (FOLDER / "scenarios").glob("101_*.toml")
    with played(engine, story, definitions.read(FOLDER)) as session:
        (key,) = session.execute(
            select(tables.instance.c.id).where(tables.instance.c.process_id == "hardship_help")
        ).scalars()

        def seen(name: str) -> tuple[Any, Any]:
            query = select(tables.member.c.id).where(tables.member.c.name == name)
            actor = organisation.actor(session, session.execute(query).scalar_one())
            context = context_of(session, actor, key)
            return context, rooms.open_facts(context)

        context, facts = seen("工会出纳")
        read = {name for said in facts.values() if isinstance(said, dict) for name in said}
        assert not read & INCOME and "reason" not in facts.get("hardship_grade", {})
        assert facts["launch"]["account"] and facts["launch"]["mover"] and facts["pay"]
        papers = {kind for kind in context.process.documents if rooms.may_read_paper(context, kind)}
        assert "notice" in papers
        assert not papers & {"application", "referral", "refusal", "decision", "slip"}
        clerk, whole = seen("帮扶专员")
        assert whole["claim"]["income"] is not None and whole["launch"]["household"]
        assert rooms.may_read_paper(clerk, "application")
        (proof,) = whole["launch"]["attachments"]
        listed = {str(paper.id) for paper in files.file_of(clerk, "zh").papers}
        assert proof["id"] in listed and pdf.attachment(session, clerk.actor, UUID(proof["id"]))
        assert proof["id"] not in {str(p.id) for p in files.file_of(context, "zh").papers}
        with pytest.raises(NotFound):
            pdf.attachment(session, context.actor, UUID(proof["id"]))

"""A year in numbers: small groups show none, and no sum tells them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from engine import definitions
from engine.db import tables
from engine.errors import Refused
from engine.people import organisation
from engine.queries import statistics
from tests.engine.played import played

if TYPE_CHECKING:
    from engine import db
    from engine.people.organisation import Actor
    from engine.queries.statistics import Figures

FOLDER = Path("processes/dispute_mediation")
(REFUSED,) = (FOLDER / "scenarios").glob("501_*.toml")
AGAIN = """INSERT INTO instance SELECT (jsonb_populate_record(i, jsonb_build_object(
    'id', CAST(:id AS text), 'number', CAST(:id AS text),
    'ended_at', i.started_at + CAST(:days AS int) * interval '1 day',
    'facts', jsonb_set(i.facts, '{mediation_exit,result}', to_jsonb(CAST(:result AS text)))))).*
    FROM instance i WHERE i.number = '调字〔2026〕001'"""


def holder(session: db.Session, post: str, union: UUID) -> Actor:
    found = select(tables.post.c.member_id).where(
        tables.post.c.kind == post, tables.post.c.unit_id == union
    )
    return organisation.actor(session, session.execute(found.limit(1)).scalar_one())


def test_a_group_shows_its_numbers_from_five_matters_on(
    engine: db.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with played(engine, REFUSED, definitions.read(FOLDER)) as session:
        union = session.execute(select(tables.instance.c.union_id)).scalar_one()
        auditor = holder(session, "union_secretary", union)

        def figures(year: int = 2026) -> tuple[Figures, ...]:
            return statistics.yearly(session, auditor, union, year).figures

        def again(days: int, result: str = "refused") -> None:
            session.execute(text(AGAIN), {"id": str(uuid4()), "days": days, "result": result})

        for days in (4, 4, 9):
            again(days)
        (four,) = figures()
        assert [(g.kind, g.outcome, g.count, g.days) for g in four.groups] == [
            ("经济补偿、赔偿金", "对方拒绝调解", None, None)
        ]
        assert four.total is None  # it would tell how large the group is
        again(9)
        (five,) = figures()
        assert [(g.count, g.days) for g in five.groups] == [(5, 4)]
        assert five.total == 5
        again(1, "agreed")
        (six,) = figures()
        shown = {g.outcome: g.count for g in six.groups}
        assert shown == {"对方拒绝调解": 5, "达成协议": None} and six.total is None
        assert figures(2025) == ()
        mediator = holder(session, "mediation_clerk", union)
        with pytest.raises(Refused):
            statistics.yearly(session, mediator, union, 2026)
        monkeypatch.setattr(statistics, "SMALL", "NO-SUCH-RULE")
        unsaid = statistics.yearly(session, auditor, union, 2026)
        assert unsaid.least is None and unsaid.figures[0].total is None
        assert {g.count for g in unsaid.figures[0].groups} == {None}

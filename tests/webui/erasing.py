"""The end of a confidential matter, by two people."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from engine import db
from engine.commands import deciding, erasure
from engine.db import tables
from engine.errors import Conflict, NotFound, Refused
from tests.webui.quiet import CANARY, Case


def second_judge(case: Case) -> str:
    """Another who acts in it by the same seat."""
    if "judge2" in case.house.people:
        return "judge2"
    with db.transaction(case.app.extensions["engine"]) as session:
        post = tables.post
        seat = session.execute(
            select(post).where(post.c.member_id == case.house.people["judge"])
        ).first()
        assert seat is not None
        unit = next(k for k, v in case.house.units.items() if v == seat.unit_id)
        case.house.person(session, "judge2", "另一位", unit, "union", f"{seat.kind}@{unit}")
    return "judge2"


def erase_by_two(case: Case, reason: str = "仲裁未结") -> None:
    """One proposes it, and cannot carry it out; a hold keeps it until another lifts it."""
    house = case.house
    second = second_judge(case)
    held = house.do("judge", erasure.hold, case.id, reason)
    with pytest.raises(Conflict) as kept_back:
        house.do("judge", erasure.propose, case.id, "保存期满")
    assert kept_back.value.code == "held"
    with pytest.raises(Refused):
        house.do("judge", deciding.decide, held, True)
    house.do(second, deciding.decide, held, True)
    proposal = house.do("judge", erasure.propose, case.id, "保存期满")
    with pytest.raises(Refused) as alone:
        house.do("judge", deciding.decide, proposal, True)
    assert alone.value.code == "separated" and CANARY in kept(case)
    for who in ("mover", "office"):
        with pytest.raises((Refused, NotFound)):
            house.do(who, deciding.decide, proposal, True)
    house.do(second, deciding.decide, proposal, True)


def kept(case: Case) -> str:
    """Every text in the database but the history's own, and the definitions."""
    found = []
    with db.transaction(case.app.extensions["engine"]) as session:
        for table in tables.metadata.sorted_tables:
            if table.name not in ("event", "definition", "document"):
                found += [str(tuple(row)) for row in session.execute(select(table))]
        found += [
            str(tuple(row)) for row in session.execute(text("SELECT args FROM procrastinate_jobs"))
        ]
        found += [str(row) for row in session.execute(select(tables.document)) if not spared(row)]
        found += [
            row.data.decode("utf-8", "replace")
            for row in session.execute(select(tables.blob.c.data))
        ]
    return "\n".join(found)


def spared(row: Any) -> bool:
    """A numbered paper that a link showed to somebody outside: it left the house."""
    return bool(row.number) and row.kind == "note"

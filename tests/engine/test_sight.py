"""Who finds a confidential matter no more: whoever was asked and is no party, whoever left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import select, text

from engine import definitions
from engine.db import tables
from engine.history import verification
from engine.people import access, organisation
from tests.engine.played import played

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine import db

FOLDER = Path("processes/dispute_mediation")
(LEAVES,) = (FOLDER / "scenarios").glob("923_*.toml")


@pytest.fixture
def left(engine: db.Engine) -> Iterator[db.Session]:
    """Eleven were named: one declined, then two left."""
    with played(engine, LEAVES, definitions.read(FOLDER)) as session:
        yield session


def member(session: db.Session, name: str) -> UUID:
    found = session.execute(select(tables.member.c.id).where(tables.member.c.name == name))
    return UUID(str(found.scalar_one()))


def finds(session: db.Session, name: str) -> bool:
    who = organisation.actor(session, member(session, name))
    matters = tables.instance.c.process_id == FOLDER.name
    return session.execute(select(tables.instance).where(matters, access.visible(who))).all() != []


def test_who_declined_or_left_finds_it_no_more(left: db.Session) -> None:
    named = ["方晓", "职工甲", *(f"职工{each}" for each in "丙丁戊己庚辛")]
    assert all(finds(left, name) for name in named)
    assert not any(finds(left, name) for name in ("职工乙", "职工壬", "职工癸"))


def test_the_history_says_who_finds_it_and_until_when(left: db.Session) -> None:
    assert verification.first_false(left) is None
    gone = {"gone": member(left, "职工壬")}
    again = text(
        "INSERT INTO share (key, instance_id) SELECT :gone, id FROM instance "
        "WHERE process_id = 'dispute_mediation'"
    )
    with left.begin_nested() as back:
        left.execute(again, gone)
        broken = verification.first_false(left)
        assert broken is not None and "（share " in str(broken.why)
        back.rollback()
    left.execute(text("UPDATE poll SET rule = rule - 'sight' WHERE rule ? 'sight'"))
    broken = verification.first_false(left)
    assert broken is not None and "（poll " in str(broken.why)

"""Two sessions of the same people at the same time: who is told, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from engine import definitions
from engine.db import tables
from engine.instance import context as instance
from tests.engine.played import played

if TYPE_CHECKING:
    from engine import db

FOLDER = Path(__file__).parents[2] / "processes" / "congress_session"
(STORY,) = (FOLDER / "scenarios").glob("888_*.toml")
TASKS = ("session", "declare_open")


def told(session: db.Session) -> dict[int, int]:
    """How many of the two tasks tell of another session, by how many people are in common."""
    found = {}
    for key in session.execute(select(tables.instance.c.id)).scalars().all():
        context = instance.context_of(session, None, key)
        tells = [context.process.tasks[task].tells[-1].when for task in TASKS]
        common = context.facts["sitting"]["common"]
        found[common] = found.get(common, 0) + sum(bool(context.value(when)) for when in tells)
    return found


def test_who_moved_last_is_told_until_the_other_is_gone(engine: db.Engine) -> None:
    with played(engine, STORY, definitions.read(FOLDER)) as session:
        assert told(session) == {3: 2, 0: 0}
        ended = update(tables.instance).where(
            tables.instance.c.facts["sitting"]["common"].as_integer() == 0
        )
        session.execute(ended.values(state="withdrawn"))
        assert told(session) == {3: 0, 0: 0}

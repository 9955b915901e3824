"""A fact cannot change without an event that tells it: the choke point of the unit of work."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engine import db
from engine.commands import tasks, unit_of_work
from engine.db import canonical, tables
from engine.settings import ROOT
from tests.races.union import Union

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import Engine


@pytest.fixture
def union(engine: Engine) -> Union:
    return Union.built(engine)


def saved(union: Union, key: UUID, change: Callable[[unit_of_work.UnitOfWork], Any]) -> None:
    """A command of its own, which changes something and saves."""
    with db.transaction(union.engine) as session:
        work = unit_of_work.lock(session, None, key)
        change(work)
        unit_of_work.save(work)


def told(union: Union, key: UUID) -> list[dict[str, str | None]]:
    """What each event of a matter tells of its facts by digest."""
    bodies = select(tables.event.c.body).where(tables.event.c.instance_id == key)
    with union.engine.connect() as session:
        found = session.execute(bodies.order_by(tables.event.c.seq)).scalars()
        return [json.loads(body).get("facts", {}) for body in found]


@pytest.mark.parametrize(
    "change",
    [
        lambda work: work.facts.update(superior_reply={"decision": "consent"}),
        lambda work: work.facts.update(launch={**work.facts["launch"], "subject": "别的"}),
        lambda work: work.facts.pop("launch"),
    ],
)
def test_a_fact_that_no_event_tells_is_not_saved(
    union: Union, change: Callable[[unit_of_work.UnitOfWork], Any]
) -> None:
    key = union.launch()
    before = union.digest()
    with pytest.raises(ValueError, match=r"no event tells the fact (superior_reply|launch)"):
        saved(union, key, change)
    assert union.digest() == before


def test_an_event_names_the_fact_by_a_digest_that_its_salt_alone_explains(union: Union) -> None:
    key = union.launch()
    value = {"decision": "consent", "names": ["甲", None, 1]}

    def reply(work: unit_of_work.UnitOfWork) -> None:
        work.log.add("reminder_sent", None, task="check")
        work.log.add("reminder_sent", None, task="do")
        work.facts["superior_reply"] = value

    saved(union, key, reply)
    with union.engine.connect() as session:
        salt = session.execute(
            select(tables.instance.c.salt).where(tables.instance.c.id == key)
        ).scalar_one()
    expected = canonical.salted({"superior_reply": value}, bytes(salt))
    assert told(union, key)[-2:] == [
        {"superior_reply": expected},
        {},
    ]  # by the first of the command
    saved(
        union,
        key,
        lambda work: (work.log.add("reminder_sent", None), work.facts.pop("superior_reply")),
    )
    assert told(union, key)[-1] == {"superior_reply": None}


def test_what_is_told_in_words_is_not_told_again_unless_it_changes_later(union: Union) -> None:
    key = union.launch()
    union.do("secretary", tasks.complete, union.task(key, "check"), {"decision": "pass"})
    assert not [facts for facts in told(union, key) if facts]

    def decide(work: unit_of_work.UnitOfWork) -> None:
        work.log.add("timer_fired", None, element="late")
        work.say("table", {"group": "a"})
        work.log.add("decision_taken", None, decision="table", result={"group": "a"})
        work.facts["table"] = {"group": "b"}

    saved(union, key, decide)
    first, last = told(union, key)[-2:]
    assert not first and list(last) == ["table"]  # after the event that tells it in words


def test_no_statement_outside_of_the_unit_of_work_writes_facts() -> None:
    writes = re.compile(r"(?:SET|,)\s+facts = [:(\w]*(?:\)|,\s+\w+ = )|\.values\([^()]*\bfacts=")
    unpacks = re.compile(r"^ *(?:\w+, )+facts = ", re.MULTILINE)  # of Python, not of SQL
    rooms = (path for path in (ROOT / "engine").rglob("*.py") if "migrations" not in path.parts)
    writers = {path.name for path in rooms if writes.search(unpacks.sub("", path.read_text()))}
    assert writers == {"unit_of_work.py"}

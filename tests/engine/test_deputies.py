"""A deputy does what whoever is away may do and what he may do himself, never more; both names stand in the record; it ends with its
days, by either, and with whoever leaves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from engine import clock, db
from engine.commands import definitions, instances, people, tasks
from engine.commands.people import deputies as naming
from engine.commands.verbs import handing, returning, stepping_aside
from engine.db import tables
from engine.errors import EngineError
from engine.queries import deputies, inbox, instance, notices
from engine.queries import tasks as pages
from tests.engine import crossroads
from tests.engine.errands import KEY, Errands, act, false, refused, seen, whole

if TYPE_CHECKING:
    from sqlalchemy import Engine

AWAY, DEPUTY, OTHER, MOVER = "陈秘书", "李强", "王芳", "张敏"


def files(**replaced: str) -> dict[str, str]:
    """The crossroads; `left` and `right` are of two people, and who drafted does not check."""
    found = crossroads.files()
    toml = found["process.toml"].replace("[tasks.right]", '[tasks.right]\nnot_by = ["left"]')
    toml = toml.replace("[tasks.check]", "[tasks.check]\nrecuse = 'actor == by(\"right\")'")
    for old, new in replaced.items():
        toml = toml.replace(old, new)
    return {**found, "process.toml": toml}


@pytest.fixture
def world(engine: Engine) -> Errands:
    made = Errands.built(engine, KEY, 0)
    with db.transaction(engine) as session:
        definitions.publish_shipped(session, files())
    return made


@pytest.fixture
def key(world: Errands) -> UUID:
    return launched(world)


def launched(world: Errands, who: str = MOVER) -> UUID:
    made: UUID = act(world, who, instances.launch, "crossroads", {"subject": "修灯"})
    world.complete(who, made, "draft", note="已拟")
    return made


def name(world: Errands, to: str = DEPUTY, days: int = 5, who: str = AWAY, **more: Any) -> UUID:
    today, chosen = world.at.date(), more.pop("processes", ["crossroads"])
    start = today + timedelta(days=more.pop("later", 0))
    given = (world.people[to], start, start + timedelta(days=days), chosen)
    made: UUID = act(world, who, naming.name, *given, **more)
    return made


def waiting(world: Errands, who: str) -> list[tuple[str, str, str]]:
    items = seen(world, who, inbox.inbox).items
    return sorted((item.element, item.part, item.lender) for item in items)


def test_both_names_stand_in_the_record_and_the_deputy_finds_the_matter(
    world: Errands, key: UUID
) -> None:
    left = world.task(key, "left")
    assert waiting(world, DEPUTY) == []
    refused("not_found", world.complete, DEPUTY, key, "left", note="代办")
    name(world)
    whole(world)
    assert waiting(world, DEPUTY) == [("left", "deputy", AWAY), ("right", "deputy", AWAY)]
    with db.transaction(world.engine) as session, clock.set_to(world.at):
        assert world.people[DEPUTY] in notices.whom(session, "task", left).members
        assert world.people[DEPUTY] in notices.with_something(session)
    page = seen(world, DEPUTY, pages.task, left)
    assert (page.lender, page.actionable, page.may_step_aside) == (AWAY, True, False)
    assert page.verbs["hand_over"] and not page.verbs["send_back"]
    world.complete(DEPUTY, key, "left", note="代办")
    whole(world)
    told = f"{DEPUTY}（代{AWAY}）"
    matter = seen(world, DEPUTY, instance.file, key)
    assert [str(each.closed_by) for each in matter.tasks if each.element == "left"] == [told]
    with db.transaction(world.engine) as session:
        body = tables.event.c.body
        query = select(body).where(tables.event.c.kind == "task_completed")
        last = session.execute(query.order_by(tables.event.c.seq.desc()).limit(1)).scalar_one()
    assert f'"on_behalf_of":{{"id":"{world.people[AWAY]}","name":"{AWAY}"}}' in last
    assert "_deputies" in false(world, "UPDATE instance SET facts = facts - '_deputies'")
    act(world, DEPUTY, returning.take_back, left)
    assert "_deputies" not in seen(world, DEPUTY, instance.read, key).facts
    whole(world)


def test_what_one_of_both_may_not_do_the_deputy_does_not_do(world: Errands, key: UUID) -> None:
    name(world)
    world.complete(DEPUTY, key, "left", note="代办")
    refused("separated", world.complete, AWAY, key, "right", note="办")  # it was theirs
    refused("separated", world.complete, DEPUTY, key, "right", note="办")  # and his
    world.do(lambda s: world._member(s, "甲秘书", "工会", "union_secretary"))
    world.complete("甲秘书", key, "right", note="办")
    name(world, DEPUTY, who="甲秘书")
    world.complete(DEPUTY, key, "check", note="代办")  # for the first who lent it
    whole(world)


@pytest.mark.parametrize("who", [AWAY, DEPUTY])
def test_nobody_acts_as_two_where_recusal_looks_at_who_did_it(world: Errands, who: str) -> None:
    key = launched(world)
    for each in ("甲秘书", "乙秘书"):
        world.do(lambda s, each=each: world._member(s, each, "工会", "union_secretary"))
    name(world)
    world.complete("甲秘书", key, "left", note="办")
    world.complete(DEPUTY, key, "right", note="代办")
    refused("recused", world.complete, who, key, "check", note="办")
    name(world, DEPUTY, who="乙秘书")
    refused("recused", world.complete, DEPUTY, key, "check", note="办")
    world.complete("乙秘书", key, "check", note="办")


def test_own_matters_claimed_ones_and_other_verbs_are_not_lent(world: Errands, key: UUID) -> None:
    world.do(lambda s: world._member(s, "甲秘书", "工会", "union_secretary"))
    own = launched(world, DEPUTY)
    name(world)
    refused("not_found", world.complete, DEPUTY, own, "left", note="代办")
    left = world.task(key, "left")
    for does, given in (
        (tasks.claim, ()),
        (handing.hand_over, (world.people[OTHER], "忙")),
        (stepping_aside.step_aside, ("忙",)),
    ):
        refused("deputy", act, world, DEPUTY, does, left, *given)
    act(world, AWAY, tasks.claim, left)
    act(world, DEPUTY, returning.send_back, left, "draft", "请补充")  # claimed by who is away
    whole(world)
    world.complete(MOVER, key, "draft", note="已补")
    world.do(lambda s: world._member(s, "乙秘书", "工会", "union_secretary"))
    world.complete("甲秘书", key, "left", note="办")
    world.complete("乙秘书", key, "right", note="办")
    act(world, AWAY, stepping_aside.step_aside, world.task(key, "check"), "亲属")
    refused("aside", world.complete, DEPUTY, key, "check", note="代办")
    assert waiting(world, DEPUTY) == []


def test_a_version_that_does_not_say_so_lends_nothing(world: Errands) -> None:
    with db.transaction(world.engine) as session:
        definitions.publish_shipped(session, files(**{', "deputise"': ""}))
    key = launched(world)
    name(world)  # an older version of the process lends
    assert waiting(world, DEPUTY) == []
    refused("not_found", world.complete, DEPUTY, key, "left", note="代办")
    with db.transaction(world.engine) as session:
        lent = dict(
            session.execute(
                select(tables.definition.c.number, tables.definition.c.lent).where(
                    tables.definition.c.process_id == "crossroads"
                )
            ).all()
        )
    assert lent == {1: ["check", "left", "letter", "one", "right", "two", "wait"], 2: []}


def test_it_ends_with_its_days_by_either_and_with_who_leaves(world: Errands, key: UUID) -> None:
    name(world, days=1, due_only=True)
    assert waiting(world, DEPUTY) == []  # nothing falls due by then
    with pytest.raises(EngineError, match="这些日子已由李强代理"):
        name(world, OTHER)
    world.at += timedelta(days=2)
    first = name(world, later=1)
    assert waiting(world, DEPUTY) == []
    world.at += timedelta(days=1)
    assert len(waiting(world, DEPUTY)) == 2
    refused("not_found", act, world, OTHER, naming.end, first)
    act(world, DEPUTY, naming.end, first)
    refused("ended", act, world, AWAY, naming.end, first)
    assert waiting(world, DEPUTY) == []
    whole(world)
    name(world)
    world.do(lambda s: people.change_member(s, None, world.people[DEPUTY], active=False))
    whole(world)
    found = seen(world, AWAY, deputies.deputies)
    assert [each.state for each in found.found] == ["over", "over", "over"]
    assert found.processes == (("crossroads", "岔路"),)
    assert "代理" in false(world, "UPDATE deputy SET to_on = to_on + 1 WHERE ended_by IS NULL")
    assert "代理" in false(world, "UPDATE deputy SET ended_at = NULL, ended_by = NULL")


def test_what_is_named_must_be_meant(world: Errands) -> None:
    for wrong in (
        {"to": AWAY},
        {"to": "外人"},
        {"days": -1},
        {"days": 400},
        {"later": -1},
        {"processes": []},
        {"processes": ["errand"]},
    ):
        refused("invalid", name, world, **wrong)


def test_whoever_is_named_is_told_outside_of_the_pages_until_it_is_over(world: Errands) -> None:
    key = name(world)
    with clock.set_to(world.at), db.transaction(world.engine) as session:
        query = select(tables.outbox.c.id).where(tables.outbox.c.thing_id == key)
        entry = session.execute(query.where(tables.outbox.c.what == "deputy")).scalar_one()
        assert notices.whom(session, "deputy", key).members == (world.people[DEPUTY],)
        told = notices.written(session, world.actor(DEPUTY), entry, "zh")
        assert told is not None and str(told[0]) == "议行：代理"
        (line,) = map(str, told[1])
        assert line.startswith(f"{AWAY}请您在 ") and " 代理：" in line
        assert notices.written(session, world.actor(OTHER), entry, "zh") is None
    act(world, AWAY, naming.end, key)
    with clock.set_to(world.at), db.transaction(world.engine) as session:
        assert notices.whom(session, "deputy", key).members == ()
        assert notices.written(session, world.actor(DEPUTY), entry, "zh") is None

"""Stepping aside by one's own word: somebody else goes on, nobody conflicted does, and it is taken back in time only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from engine import db
from engine.commands import definitions, instances, tasks
from engine.commands.verbs import asking, openings, stepping_aside
from engine.history import verification
from engine.queries import inbox
from engine.queries import tasks as pages
from tests.engine import crossroads
from tests.engine.errands import KEY, Errands, act, refused, seen, whole

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

WHY = "当事人是本人亲属"
OFFICE, DEPUTY, MOVER = "陈秘书", "副秘书", "张敏"


@pytest.fixture
def world(engine: Engine) -> Errands:
    made = Errands.built(engine, KEY, 0)
    with db.transaction(engine) as session:
        made._member(session, DEPUTY, "工会", "union_secretary")
        definitions.publish_shipped(session, crossroads.files())
    return made


@pytest.fixture
def key(world: Errands) -> UUID:
    mover = world.actor(MOVER)
    made: UUID = world.do(lambda s: instances.launch(s, mover, "crossroads", {"subject": "修灯"}))
    return made


def aside(world: Errands, who: str, key: UUID, at: str, ground: str = WHY) -> None:
    act(world, who, stepping_aside.step_aside, world.task(key, at), ground)


def test_the_others_on_the_seat_go_on_and_who_stepped_aside_does_nothing_more(
    world: Errands, key: UUID
) -> None:
    world.complete(MOVER, key, "draft", note="已拟")
    for each in ("left", "right"):
        act(world, OFFICE, tasks.claim, world.task(key, each))
    refused("invalid", aside, world, OFFICE, key, "left", " ")
    aside(world, OFFICE, key, "left")
    whole(world)
    for each in ("left", "right"):
        refused("aside", world.complete, OFFICE, key, each, note="办")
    assert not seen(world, OFFICE, inbox.inbox).items
    page = seen(world, OFFICE, pages.task, world.task(key, "left"))
    assert (page.aside, page.actionable) == (True, False)
    to = world.people[OFFICE]
    refused("invalid", act, world, DEPUTY, asking.ask, world.task(key, "left"), "join", to, WHY)
    refused("nobody", aside, world, DEPUTY, key, "left")  # else nobody could do it
    world.complete(DEPUTY, key, "left", note="办")
    whole(world)


def test_where_nobody_else_is_on_the_seat_the_office_goes_on(world: Errands, key: UUID) -> None:
    aside(world, MOVER, key, "draft")
    whole(world)
    with db.transaction(world.engine) as session:
        query = text(
            "SELECT m.name FROM task t JOIN member m ON m.id = t.assignee_id WHERE t.state = 'open'"
        )
        assert session.execute(query).scalar_one() == OFFICE
    world.complete(OFFICE, key, "draft", note="由办公室拟")
    whole(world)


def test_it_is_taken_back_until_somebody_else_has_it_before_them(world: Errands, key: UUID) -> None:
    refused("not_aside", act, world, MOVER, stepping_aside.step_back, key)
    aside(world, MOVER, key, "draft")
    act(world, MOVER, stepping_aside.step_back, key)
    whole(world)
    world.complete(MOVER, key, "draft", note="已拟")
    left = world.task(key, "left")
    aside(world, OFFICE, key, "left")
    act(world, OFFICE, stepping_aside.step_back, key)
    aside(world, OFFICE, key, "left")
    act(world, DEPUTY, openings.note, left, recorded=True)
    refused("too_late", act, world, OFFICE, stepping_aside.step_back, key)
    whole(world)


def test_what_only_one_person_can_say_is_left_to_them(world: Errands, key: UUID) -> None:
    files = crossroads.files()
    own = files["process.toml"].replace("[tasks.draft]", '[tasks.draft]\nverbs = ["comment"]')
    with db.transaction(world.engine) as session:
        definitions.publish_shipped(session, {**files, "process.toml": own})
    again = act(world, MOVER, instances.launch, "crossroads", {"subject": "修窗"})
    refused("verb", aside, world, MOVER, again, "draft")
    assert not seen(world, MOVER, pages.task, world.task(again, "draft")).may_step_aside


def test_verification_compares_who_stepped_aside(world: Errands, key: UUID) -> None:
    world.complete(MOVER, key, "draft", note="已拟")
    aside(world, OFFICE, key, "left")
    with db.transaction(world.engine) as session:
        with session.begin_nested() as change:
            session.execute(text("UPDATE instance SET facts = facts - '_aside'"))
            found = verification.first_false(session)
            change.rollback()
        assert found is not None and "_aside" in str(found.why)

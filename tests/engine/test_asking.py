"""Asking somebody beside a decision: what is prepared comes back with a name, an opinion is waited for, and both are proved."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from engine import db
from engine.commands import definitions, drafts, instances, tasks
from engine.commands.verbs import asking, handing, returning
from engine.db import tables
from engine.definitions import load
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance import asks
from engine.instance.context import context_of
from engine.queries import asks as reading
from engine.queries import inbox
from engine.queries import tasks as pages
from tests.engine import crossroads
from tests.engine.errands import KEY, Errands, act, false, refused, seen, whole

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

WHAT = "请拟出处理办法"
OFFICE, DEPUTY = "陈秘书", "副秘书"


@pytest.fixture
def world(engine: Engine) -> Errands:
    made = Errands.built(engine, KEY, 0)
    with db.transaction(engine) as session:
        made._member(session, DEPUTY, "工会", "union_secretary")
        definitions.publish_shipped(session, crossroads.files())
    return made


@pytest.fixture
def key(world: Errands) -> UUID:
    """A matter in which two tasks of the office stand open."""
    mover = world.actor("张敏")
    made: UUID = world.do(lambda s: instances.launch(s, mover, "crossroads", {"subject": "修灯"}))
    world.complete("张敏", made, "draft", note="已拟")
    return made


def ask(
    world: Errands, key: UUID, what: str, to: str, words: str = WHAT, at: str = "left", **more: Any
) -> UUID:
    who, task, person = world.actor(OFFICE), world.task(key, at), world.people[to]
    made: UUID = world.do(lambda s: asking.ask(s, who, task, what, person, words, **more))
    return made


def test_what_somebody_prepares_comes_back_with_their_name_and_the_asker_decides(
    world: Errands, key: UUID
) -> None:
    task, made = world.task(key, "left"), ask(world, key, "delegate", "张敏")
    assert [each.id for each in seen(world, "张敏", inbox.inbox).asked] == [made]
    with pytest.raises(Invalid):
        act(world, "张敏", asking.answer, made, {"answers": {}})
    with pytest.raises(Invalid):  # files are for whoever decides
        act(world, "张敏", asking.answer, made, {"answers": {"note": "好", "files": ["x"]}})
    with pytest.raises(NotFound):
        act(world, DEPUTY, asking.answer, made, {"answers": {"note": "我来"}})
    act(world, "张敏", asking.answer, made, {"answers": {"note": "先换灯泡"}, "text": "供参考"})
    whole(world)
    (back,) = seen(world, OFFICE, inbox.inbox).asked
    assert (back.me, back.who, back.task_id) == (False, "张敏", task)
    (shown,) = seen(world, OFFICE, pages.task, task).asked
    assert (shown.to, shown.answer, shown.waits) == ("张敏", "供参考", False)
    assert [each.text for each in shown.prepared] == ["先换灯泡"]
    with pytest.raises(NotFound):  # who prepared it decides nothing
        act(world, "张敏", tasks.complete, task, {"note": "先换灯泡"})
    act(world, OFFICE, asking.adopt, made)
    assert seen(world, OFFICE, pages.task, task).draft == {"note": "先换灯泡"}
    world.complete(OFFICE, key, "left", note="先换灯泡")
    refused("answered", act, world, "张敏", asking.answer, made, {"answers": {"note": "再改"}})
    assert not seen(world, OFFICE, inbox.inbox).asked
    whole(world)


def test_a_task_waits_for_the_opinion_until_it_is_given_declined_or_taken_off(
    world: Errands, key: UUID
) -> None:
    for end in ("given", "declined", "taken off"):
        made = ask(world, key, "join", DEPUTY)
        refused("awaits", world.complete, OFFICE, key, "left", note="办")
        refused("asked", ask, world, key, "join", DEPUTY)
        with pytest.raises(Invalid):
            act(world, DEPUTY, asking.answer, made, {"text": "可以"})
        if end == "given":
            act(world, DEPUTY, asking.answer, made, {"text": "可以", "view": "agree"})
        elif end == "declined":
            act(world, DEPUTY, asking.decline, made, "不熟悉")
        else:
            act(world, OFFICE, asking.withdraw, made)
            refused("withdrawn", act, world, DEPUTY, asking.decline, made, "晚了")
    shown = seen(world, OFFICE, pages.task, world.task(key, "left")).asked
    assert [(e.view, e.declined, e.withdrawn, e.waits) for e in shown] == [
        ("agree", False, False, False),
        ("", True, False, False),
        ("", False, True, False),
    ]
    world.complete(OFFICE, key, "left", note="办")
    whole(world)


def test_an_opinion_may_be_asked_on_what_is_written_so_far(world: Errands, key: UUID) -> None:
    refused("invalid", ask, world, key, "join", DEPUTY, after=True)
    task = world.task(key, "left")
    act(world, OFFICE, drafts.save, f"task:{task}", {"note": "拟同意", "stray": "x"})
    made = ask(world, key, "join", DEPUTY, after=True)
    page = seen(world, DEPUTY, reading.page, made)
    assert [each.text for each in page.ask.shown] == ["拟同意"] and page.asked
    with pytest.raises(NotFound):
        seen(world, "李强", reading.page, made)


def test_whoever_is_asked_may_read_the_matter_and_only_some_may_be_asked(
    world: Errands, key: UUID
) -> None:
    with db.transaction(world.engine) as session:
        context = context_of(session, world.actor(OFFICE), key)
        row = session.execute(
            select(tables.task).where(tables.task.c.id == world.task(key, "left"))
        ).one()
        askable = {person.name for person in asks.askable(context, row)}
        assert {"张敏", DEPUTY} <= askable and not askable & {OFFICE, "外人"}
        toml = crossroads.files()["process.toml"]
        barring = toml.replace("[tasks.left]", "[tasks.left]\nrecuse = 'actor == launch.mover'")
        context.process = load({**crossroads.files(), "process.toml": barring})
        assert "张敏" not in {person.name for person in asks.askable(context, row)}
    for stranger in ("外人", OFFICE):
        with pytest.raises(Invalid):
            ask(world, key, "delegate", stranger)
    with pytest.raises(NotFound):
        act(world, "张敏", asking.ask, world.task(key, "left"), "join", world.people[DEPUTY], WHAT)
    for words in ("", "字" * 2001):
        with pytest.raises(Invalid):
            ask(world, key, "delegate", DEPUTY, words)


def test_what_is_asked_ends_with_its_task_and_goes_along_when_it_is_handed_over(
    world: Errands, key: UUID
) -> None:
    left = ask(world, key, "join", "张敏")
    act(world, OFFICE, handing.hand_over, world.task(key, "left"), world.people[DEPUTY], "您熟悉")
    refused("awaits", world.complete, DEPUTY, key, "left", note="办")
    with pytest.raises(NotFound):
        act(world, "李强", asking.withdraw, left)
    act(world, DEPUTY, asking.withdraw, left)  # whoever has the task now
    right = ask(world, key, "join", "张敏", at="right")
    act(world, OFFICE, returning.send_back, world.task(key, "right"), "draft", "请补充")
    refused("done", act, world, "张敏", asking.decline, right, "不用了")
    assert not seen(world, "张敏", inbox.inbox).asked
    whole(world)


def test_a_process_that_says_nothing_allows_neither(world: Errands) -> None:
    mover = world.actor("张敏")
    key = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "修窗"}))
    for what in ("delegate", "join"):
        with pytest.raises(Refused) as why:
            ask(world, key, what, DEPUTY, at="check")
        assert why.value.code == "verb"


def test_the_timeline_says_who_was_asked_and_not_what_was_said(world: Errands, key: UUID) -> None:
    made = ask(world, key, "delegate", DEPUTY)
    act(world, DEPUTY, asking.answer, made, {"answers": {"note": "机密的话"}})
    with db.transaction(world.engine) as session:
        bodies = session.execute(select(tables.event.c.body)).scalars().all()
    assert not any(WHAT in body or "机密的话" in body for body in bodies)


FORGED = (
    ("内容", 'UPDATE ask SET said = \'{"text": "别的"}\''),
    ("答复", "UPDATE ask SET answer = jsonb_set(answer, '{view}', '\"disagree\"')"),
    ("种类", "UPDATE ask SET what = 'delegate'"),
    ("所在环节", "UPDATE ask SET element = 'right'"),
    ("请的人", "UPDATE ask SET by_id = to_id"),
    ("被请的人", "UPDATE ask SET to_id = by_id"),
    ("时间", "UPDATE ask SET asked_at = asked_at - interval '1 hour'"),
    ("答复时间", "UPDATE ask SET answered_at = NULL"),
    ("收回时间", "UPDATE ask SET withdrawn_at = asked_at"),
    ("缺失", "DELETE FROM ask"),
)


def test_verification_compares_what_was_asked(world: Errands, key: UUID) -> None:
    made = ask(world, key, "join", DEPUTY)
    world.at += timedelta(minutes=1)
    act(world, DEPUTY, asking.answer, made, {"text": "可以", "view": "agree"})
    for named, statement in FORGED:
        assert named in false(world, statement), statement


def test_somebody_else_is_faster(world: Errands, key: UUID) -> None:
    revision = 1
    act(world, DEPUTY, tasks.claim, world.task(key, "left"))
    with pytest.raises(Conflict):
        ask(world, key, "delegate", DEPUTY, revision=revision)

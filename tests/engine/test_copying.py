"""Sent for information: who gets it may read it and no more, that they have read it is on record, and all of it is proved."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import db
from engine.commands import definitions, instances
from engine.commands.verbs import asking, comments, copying, returning, stepping_aside
from engine.db import tables
from engine.errors import Invalid, NotFound, Refused
from engine.queries import copies as reading
from engine.queries import inbox, notices
from engine.queries import instance as matters
from tests.engine import crossroads
from tests.engine.errands import KEY, Errands, act, false, refused, seen, whole

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

NOTE, OFFICE = "请知悉，不必答复", "陈秘书"


@pytest.fixture
def world(engine: Engine) -> Errands:
    made = Errands.built(engine, KEY, 0)
    with db.transaction(engine) as session:
        made._member(session, "副秘书", "工会", "union_secretary")
        definitions.publish_shipped(session, crossroads.files())
    return made


@pytest.fixture
def key(world: Errands) -> UUID:
    mover = world.actor("张敏")
    made: UUID = world.do(lambda s: instances.launch(s, mover, "crossroads", {"subject": "修灯"}))
    world.complete("张敏", made, "draft", note="已拟")
    return made


def send(world: Errands, who: str, key: UUID, *to: str, **more: Any) -> list[UUID]:
    people = [world.people[each] for each in to]
    made: list[UUID] = act(world, who, copying.send, key, people, NOTE, **more)
    return made


def run(world: Errands, statement: str, **values: Any) -> None:
    with db.transaction(world.engine) as session:
        assert session.execute(text(statement), values).rowcount


def test_it_is_read_once_and_before_that_taken_back(world: Errands, key: UUID) -> None:
    for who in ("李强", "王芳"):
        with pytest.raises(NotFound):
            seen(world, who, matters.file, key)
    first, second = send(world, OFFICE, key, "李强", "王芳", element="left")
    found = seen(world, "李强", inbox.inbox)
    assert [each.id for each in found.sent] == [first] and (found.total, found.must) == (0, 0)
    (mine, other) = seen(world, "李强", matters.file, key).copies
    assert (mine.text, mine.new, mine.place, other.text) == (NOTE, True, "甲办", "")
    assert act(world, "李强", copying.note_reading, key) == 1
    assert act(world, "李强", copying.note_reading, key) == 0
    assert not seen(world, "李强", inbox.inbox).sent
    for who in (OFFICE, "张敏"):  # who sent it, and whoever has the matter before them
        told = seen(world, who, matters.file, key).copies
        assert [(each.to, bool(each.read_at)) for each in told] == [("李强", True), ("王芳", False)]
    refused("read", act, world, OFFICE, copying.withdraw, first)
    with pytest.raises(NotFound):  # only who sent it
        act(world, "张敏", copying.withdraw, second)
    act(world, OFFICE, copying.withdraw, second)
    refused("withdrawn", act, world, OFFICE, copying.withdraw, second)
    with pytest.raises(NotFound):
        seen(world, "王芳", matters.file, key)
    assert not seen(world, "王芳", inbox.inbox).sent and not seen(world, "王芳", reading.received)
    event = tables.event.c
    query = select(event.kind, event.body).where(event.instance_id == key).order_by(event.seq)
    with db.transaction(world.engine) as session:
        told = session.execute(query).all()
    assert [each.kind for each in told][-3:] == ["copied", "copy_read", "copy_withdrawn"]
    assert not any(NOTE in each.body for each in told)
    whole(world)


def test_it_opens_the_matter_for_reading_and_to_nobody_else(world: Errands, key: UUID) -> None:
    send(world, OFFICE, key, "李强")
    with pytest.raises(Refused):  # who only reads it sends it no further, and says nothing
        send(world, "李强", key, "王芳")
    with pytest.raises(Refused):
        act(world, "李强", comments.make, key, "我看过了")
    with pytest.raises(NotFound):
        act(world, "李强", asking.ask, world.task(key, "left"), "join", world.people["王芳"], NOTE)
    act(world, OFFICE, returning.send_back, world.task(key, "right"), "draft", "请补充")
    assert [each.id for each in seen(world, "李强", reading.received)]  # whatever becomes of it
    whole(world)


def test_who_cannot_get_it_is_named_with_the_reason(world: Errands, key: UUID) -> None:
    send(world, OFFICE, key, "李强")
    act(world, OFFICE, stepping_aside.step_aside, world.task(key, "left"), "本人亲属")
    refused("aside", send, world, OFFICE, key, "王芳")
    reasons = {"外人": "不是本单位", "张敏": "自己", OFFICE: "回避", "李强": "已经抄送"}
    for who, why in reasons.items():
        with pytest.raises(Invalid) as wrong:
            send(world, "张敏", key, who)
        assert why in str(wrong.value.fields["to"]), who
    for to in ([], ["李强"] * 2 + [f"第{n}人" for n in range(50)]):
        ids = [world.people.get(each, tables.new_id()) for each in to]
        with pytest.raises(Invalid):
            act(world, "张敏", copying.send, key, ids)
    with pytest.raises(Invalid):
        act(world, "张敏", copying.send, key, [world.people["王芳"]], "字" * 501)
    asked = reading.Asked(words=" 芳", chosen=(world.people["孙丽"],))
    page = seen(world, "张敏", reading.page, key, asked)
    found = {each.name: str(each.why) for each in (*page.people, *page.found)}
    assert found["王芳"] == "" and found["孙丽"] == "" and "回避" in found[OFFICE]
    assert page.may and not seen(world, "李强", reading.page, key).may


def test_a_confidential_matter_opens_to_nobody_by_it(world: Errands, key: UUID) -> None:
    send(world, OFFICE, key, "王芳")
    run(world, "UPDATE instance SET confidential = true WHERE id = :k", k=key)
    with pytest.raises(NotFound):  # what was sent before opens nothing any more
        seen(world, "王芳", matters.file, key)
    assert not seen(world, "王芳", inbox.inbox).sent
    with pytest.raises(Invalid) as wrong:
        send(world, "张敏", key, "李强")
    assert "保密" in str(wrong.value.fields["to"])
    send(world, "张敏", key, OFFICE)
    assert seen(world, OFFICE, inbox.inbox).sent[0].subject == ""


def test_whoever_leaves_the_union_loses_it(world: Errands, key: UUID) -> None:
    send(world, OFFICE, key, "李强")
    moved = "UPDATE member SET union_id = :u, unit_id = :u WHERE id = :m"
    run(world, "DELETE FROM post WHERE member_id = :m", m=world.people["李强"])
    run(world, moved, u=world.units["外校工会"], m=world.people["李强"])
    with pytest.raises(NotFound):
        seen(world, "李强", matters.file, key)
    with pytest.raises(NotFound):
        act(world, "李强", copying.note_reading, key)
    assert not seen(world, "李强", inbox.inbox).sent


def test_a_version_that_says_nothing_allows_it_to_nobody(world: Errands) -> None:
    mover = world.actor("张敏")
    key = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "修窗"}))
    for place in ({}, {"element": "check"}):
        with pytest.raises(Refused) as why:
            send(world, OFFICE, key, "李强", **place)
        assert why.value.code == "verb"
    assert not seen(world, OFFICE, reading.page, key).may


FORGED = (
    ("附言", "UPDATE copy SET text = '别的'"),
    ("抄送的人", "UPDATE copy SET by_id = to_id"),
    ("抄送给谁", "UPDATE copy SET to_id = by_id"),
    ("时间", "UPDATE copy SET at = at - interval '1 hour'"),
    ("所在环节", "UPDATE copy SET element = ''"),
    ("看的时间", "UPDATE copy SET read_at = NULL WHERE read_at IS NOT NULL"),
    ("收回时间", "UPDATE copy SET withdrawn_at = at"),
    ("缺失", "DELETE FROM copy"),
    ("没有记录", "UPDATE copy SET id = gen_random_uuid()"),
)


def test_verification_compares_what_was_sent(world: Errands, key: UUID) -> None:
    send(world, OFFICE, key, "李强", "王芳", element="left")
    world.at += timedelta(minutes=1)
    act(world, "李强", copying.note_reading, key)
    for named, statement in FORGED:
        assert named in false(world, statement), statement


def test_it_is_told_outside_of_the_pages_until_it_is_read(world: Errands, key: UUID) -> None:
    (copy,) = send(world, OFFICE, key, "李强")
    with db.transaction(world.engine) as session:
        query = select(tables.outbox.c.id).where(tables.outbox.c.thing_id == copy)
        entry = session.execute(query.where(tables.outbox.c.what == "copy")).scalar_one()
        assert notices.whom(session, "copy", copy).members == (world.people["李强"],)
        actor = world.actor("李强")
        told = notices.written(session, actor, entry, "zh")
        assert told is not None and str(told[0]) == "议行：抄送"
        (line,) = map(str, told[1])
        assert line.startswith("陈秘书抄送给您：") and line.endswith(" 修灯")
        digest = notices.written(session, actor, None, "zh")
        assert digest is not None and "有 1 件抄送给您，还没有看。" in map(str, digest[1])
        assert world.people["李强"] in notices.with_something(session)
    act(world, "李强", copying.note_reading, key)
    with db.transaction(world.engine) as session:
        assert notices.whom(session, "copy", copy).members == ()
        assert notices.written(session, world.actor("李强"), entry, "zh") is None

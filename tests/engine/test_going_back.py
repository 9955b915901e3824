"""Sending back and taking back: verb by situation on one toy matter, each tried and undone, and verification replays all of it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from engine import clock, db
from engine.commands import definitions, instances, polls, tasks
from engine.commands.people import deputies as naming
from engine.commands.verbs import (
    asking,
    comments,
    copying,
    handing,
    openings,
    returning,
    stepping_aside,
)
from engine.db import tables
from engine.errors import Conflict, EngineError, Invalid, NotFound, Refused
from engine.history import verification
from engine.instance import going_back
from engine.instance.context import context_of
from engine.people import organisation
from tests.engine import crossroads
from tests.engine.errands import KEY, Errands, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import Engine

WHY = "请补充依据"


@pytest.fixture
def world(engine: Engine) -> Errands:
    made = Errands.built(engine, KEY, 0)
    with db.transaction(engine) as session, clock.set_to(made.at):
        made._member(session, "副秘书", "工会", "union_secretary")
        definitions.publish_shipped(session, crossroads.files())
    return made


@pytest.fixture
def key(world: Errands) -> UUID:
    mover = world.actor("张敏")
    made: UUID = world.do(lambda s: instances.launch(s, mover, "crossroads", {"subject": "修灯"}))
    return made


def done(world: Errands, key: UUID, *elements: str) -> None:
    for each in elements:
        world.complete("张敏" if each == "draft" else "陈秘书", key, each, note=f"{each}已办")


def open_(world: Errands, key: UUID) -> set[str]:
    task = tables.task.c
    query = select(task.element).where(task.instance_id == key, task.state == "open")
    with db.transaction(world.engine) as session:
        return set(session.execute(query).scalars())


def row(world: Errands, key: UUID, element: str, state: str = "open") -> Any:
    task = tables.task.c
    query = select(tables.task).where(
        task.instance_id == key, task.element == element, task.state == state
    )
    with db.transaction(world.engine) as session:
        return session.execute(query.order_by(task.opened_at.desc())).first()


def send(world: Errands, who: str, key: UUID, at: str, to: str, **more: Any) -> Any:
    actor, task = world.actor(who), world.task(key, at)
    return world.do(lambda s: returning.send_back(s, actor, task, to, WHY, **more))


def take(world: Errands, who: str, task: UUID) -> Any:
    actor = world.actor(who)
    return world.do(lambda s: returning.take_back(s, actor, task))


def facts(world: Errands, key: UUID) -> dict[str, Any]:
    with db.transaction(world.engine) as session:
        query = select(tables.instance.c.facts).where(tables.instance.c.id == key)
        return dict(session.execute(query).scalar_one())


# --- the matrix: verb by situation ----------------------------------------------------------------
# situation -> (what is done before, the task at hand, what was done last, an earlier step)
SITUATIONS = {
    "parallel half done": (("draft", "left"), "right", "left", "draft"),
    "timer pending": ((), "left", "draft", "draft"),
    "inside a subprocess": (("right", "check", "one"), "two", "one", "check"),
    "a vote runs beside": (("two",), "wait", "two", "check"),
}
# what each verb comes to: "" where it is done, else the code of its refusal
EXPECTED = {
    ("parallel half done", "send back"): "",
    ("parallel half done", "recall"): "",
    ("timer pending", "send back"): "",
    ("timer pending", "recall"): "",
    ("inside a subprocess", "send back"): "",
    ("inside a subprocess", "recall"): "",
    ("a vote runs beside", "send back"): "vote_running",
    ("a vote runs beside", "recall"): "too_late",
}


def acts(world: Errands, key: UUID, at: str, last: str, to: str) -> dict[str, Callable[[Any], Any]]:
    """Each verb on the task at hand, by who has it."""
    actor, task = world.actor("陈秘书"), world.task(key, at)
    author = world.actor("张敏") if last == "draft" else actor
    former = row(world, key, last, "done").id
    deputy = world.people["副秘书"]
    return {
        "comment": lambda s: comments.make(s, actor, key, "请看", [deputy], element=at),
        "copy": lambda s: copying.send(s, actor, key, [world.people["王芳"]], WHY, element=at),
        "hand over": lambda s: handing.hand_over(s, actor, task, deputy, WHY),
        "send back": lambda s: returning.send_back(s, actor, task, to, WHY),
        "recall": lambda s: returning.take_back(s, author, former),
        "delegate": lambda s: asking.ask(s, actor, task, "delegate", deputy, WHY),
        "step aside": lambda s: stepping_aside.step_aside(s, actor, task, WHY),
        "join": lambda s: asking.ask(s, actor, task, "join", deputy, WHY),
        "in their place": lambda s: _in_their_place(world, s, task),
    }


def _in_their_place(world: Errands, session: Any, task: UUID) -> None:
    """Somebody without that post does it, while whoever has it is away."""
    today = clock.today()
    naming.name(session, world.actor("陈秘书"), world.people["李强"], today, today, ["crossroads"])
    tasks.complete(
        session, organisation.actor(session, world.people["李强"]), task, {"note": "代办"}
    )


def tried(world: Errands, act: Callable[[Any], Any]) -> str:
    """The code with which it is refused; "" when it is done and all that it left is proved."""
    world.at += timedelta(minutes=1)
    with clock.set_to(world.at), db.transaction(world.engine) as session:
        change = session.begin_nested()
        try:
            act(session)
            broken = verification.first_false(session)
            assert broken is None, broken
            code = ""
        except EngineError as fault:
            code = fault.code
        change.rollback()
    return code


def test_every_verb_in_every_situation_is_done_and_proved_or_refused(
    world: Errands, key: UUID
) -> None:
    met: Counter[str] = Counter()
    order = ["timer pending", "parallel half done", "inside a subprocess", "a vote runs beside"]
    before = {"timer pending": ("draft",), "parallel half done": ("left",)}
    for situation in order:
        steps, at, last, to = SITUATIONS[situation]
        done(world, key, *before.get(situation, steps))
        for verb, act in acts(world, key, at, last, to).items():
            expected = EXPECTED.get((situation, verb), "")
            assert tried(world, act) == expected, (situation, verb)
            met[expected] += 1
    done(world, key, "wait")
    voters = [world.actor(name) for name in ("张敏", "李强", "王芳")]
    poll = world.do(
        lambda s: s.execute(text("SELECT id FROM poll WHERE state = 'open'")).scalar_one()
    )
    for voter in voters:
        world.do(lambda s, v=voter: polls.respond(s, v, poll, "yes"))
    found = {
        verb: tried(world, act) for verb, act in acts(world, key, "seal", "wait", "check").items()
    }
    # a guard by law stands before it: whoever has it does it, or leaves it
    by_law = {"hand over": "verb", "send back": "verb", "recall": "too_late", "delegate": "verb"}
    by_law["in their place"] = "verb"
    assert found == {"comment": "", "copy": "", "join": "", "step aside": "", **by_law}
    done(world, key, "seal")
    found = {
        verb: tried(world, act) for verb, act in acts(world, key, "letter", "seal", "check").items()
    }
    # nor does one person go back behind a consent that was asked for
    # and what somebody outside answers nobody inside prepares or holds up
    outside = {"send back": "invalid", "recall": "verb", "delegate": "verb", "join": "verb"}
    assert found == {
        "comment": "",
        "copy": "",
        "hand over": "",
        "step aside": "",
        "in their place": "",
        **outside,
    }
    assert met[""] == 34 and len(met) == 3
    whole(world)


# --- sending back ---------------------------------------------------------------------------------
def test_out_of_branches_the_others_end_on_record_and_all_is_done_again(
    world: Errands, key: UUID
) -> None:
    done(world, key, "draft", "left")
    send(world, "陈秘书", key, "right", "draft")
    assert open_(world, key) == {"draft"}
    back = row(world, key, "draft")
    assert (back.sent_from, back.straight) == ("right", False)
    draft = tables.draft.c
    with db.transaction(world.engine) as session:
        kept = session.execute(
            select(draft.member_id, draft.answers).where(draft.key == f"task:{back.id}")
        ).one()
    assert kept == (world.people["张敏"], {"note": "draft已办"})
    whole(world)
    done(world, key, "draft", "left", "right", "check")
    whole(world)


def test_timers_of_what_is_left_end_and_are_set_anew(world: Errands, key: UUID) -> None:
    def timers() -> list[str]:
        query = text(
            "SELECT state FROM timer WHERE instance_id = :k AND element = 'late' ORDER BY since"
        )
        with db.transaction(world.engine) as session:
            return [each.state for each in session.execute(query, {"k": key})]

    done(world, key, "draft")
    first = row(world, key, "left").due_at
    assert timers() == ["waiting"]
    world.at += timedelta(days=3)
    send(world, "陈秘书", key, "left", "draft")
    assert timers() == ["cancelled"]
    done(world, key, "draft")
    assert timers() == ["cancelled", "waiting"]
    assert row(world, key, "left").due_at > first
    whole(world)


def test_straight_back_leaves_out_what_was_done_between(world: Errands, key: UUID) -> None:
    done(world, key, "draft", "left", "right", "check", "one")
    send(world, "陈秘书", key, "two", "one", straight=True)
    assert open_(world, key) == {"one"}
    done(world, key, "one")
    assert open_(world, key) == {"two"}
    whole(world)
    with pytest.raises(Invalid) as other_level:
        send(world, "陈秘书", key, "two", "check", straight=True)
    assert list(other_level.value.fields) == ["straight"]
    send(world, "陈秘书", key, "two", "check")
    assert open_(world, key) == {"check"}
    done(world, key, "check", "one", "two")
    whole(world)


def test_only_to_what_was_done_and_is_not_behind_a_join(world: Errands, key: UUID) -> None:
    done(world, key, "draft", "left", "right")
    for wrong in ("left", "right", "check", "one", "sign", "nowhere", ""):
        with pytest.raises(Invalid) as refused:
            send(world, "陈秘书", key, "check", wrong)
        assert list(refused.value.fields) == ["to"]
    with pytest.raises(Invalid) as silent:
        actor, task = world.actor("陈秘书"), world.task(key, "check")
        world.do(lambda s: returning.send_back(s, actor, task, "draft", " "))
    assert list(silent.value.fields) == ["reason"]
    for stranger in ("张敏", "外人", "孙审计"):
        with pytest.raises(NotFound):
            send(world, stranger, key, "check", "draft")
    with db.transaction(world.engine) as session:
        context = context_of(session, world.actor("陈秘书"), key)
        found = going_back.targets(context, row(world, key, "check"))
    assert [(each.element, each.straight) for each in found] == [("draft", True)]


def test_a_process_that_says_nothing_sends_nothing_back(world: Errands) -> None:
    mover = world.actor("张敏")
    key = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "修灯"}))
    world.complete("陈秘书", key, "check", decision="pass")
    with pytest.raises(Refused) as refused:
        send(world, "陈秘书", key, "do", "check")
    assert refused.value.code == "verb" and "不允许" in refused.value.message
    with pytest.raises(Refused):
        take(world, "陈秘书", row(world, key, "check", "done").id)


# --- taking back ----------------------------------------------------------------------------------
def test_what_is_taken_back_was_never_said_and_its_time_runs_on(world: Errands, key: UUID) -> None:
    done(world, key, "draft")
    before, said = row(world, key, "left"), facts(world, key)
    rounds = text("SELECT rounds FROM instance WHERE id = :k")
    with db.transaction(world.engine) as session:
        counted = session.execute(rounds, {"k": key}).scalar_one()
    world.at += timedelta(days=2)
    done(world, key, "left")
    assert facts(world, key) != said
    take(world, "陈秘书", row(world, key, "left", "done").id)
    after = row(world, key, "left")
    assert facts(world, key) == said
    with db.transaction(world.engine) as session:
        assert session.execute(rounds, {"k": key}).scalar_one() == counted
    assert (after.due_at, after.seat) == (before.due_at, before.seat)
    query = text(
        "SELECT state, due_at FROM timer WHERE instance_id = :k AND element = 'late' ORDER BY since"
    )
    with db.transaction(world.engine) as session:
        timers = session.execute(query, {"k": key}).all()
    assert [each.state for each in timers] == ["cancelled", "waiting"]
    assert timers[0].due_at == timers[1].due_at
    whole(world)
    done(world, key, "left", "right")
    assert open_(world, key) == {"check"}
    whole(world)


def test_until_somebody_else_has_opened_the_next_task(world: Errands, key: UUID) -> None:
    done(world, key, "draft", "left", "right", "check")
    task = world.task(key, "one")
    mine = row(world, key, "check", "done").id
    world.do(
        lambda s: openings.note(s, world.actor("陈秘书"), task, recorded=True)
    )  # one's own look is none
    with pytest.raises(NotFound):
        take(world, "副秘书", mine)
    world.do(lambda s: openings.note(s, world.actor("副秘书"), task, recorded=True))
    world.do(lambda s: openings.note(s, world.actor("副秘书"), task, recorded=True))
    with pytest.raises(Conflict) as late:
        take(world, "陈秘书", mine)
    assert late.value.code == "too_late" and "副秘书" in late.value.message
    event = tables.event.c
    with db.transaction(world.engine) as session:
        query = select(event.actor_id).where(event.kind == "task_opened")
        assert set(session.execute(query).scalars()) == {
            world.people["陈秘书"],
            world.people["副秘书"],
        }
        assert len(session.execute(query).all()) == 2
    whole(world)


def test_an_opening_that_waits_for_an_act_is_told_after_it(world: Errands, key: UUID) -> None:
    done(world, key, "draft")
    who, left = world.actor("陈秘书"), world.task(key, "left")
    query = text("UPDATE instance SET changed_at = :now WHERE id = :key")

    def opens() -> None:
        with clock.set_to(world.at), db.transaction(world.engine) as session:
            openings.note(session, who, left, recorded=True)

    waiting = Thread(target=opens)
    with db.transaction(world.engine) as session:
        session.execute(query, {"now": world.at, "key": key})
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join()
    event = tables.event.c
    with db.transaction(world.engine) as session:
        told = select(event.actor_id).where(event.kind == "task_opened")
        assert session.execute(told).scalars().all() == [who.id]
    whole(world)


def test_not_twice_and_not_behind_what_somebody_did_since(world: Errands, key: UUID) -> None:
    done(world, key, "draft", "left")
    first = row(world, key, "left", "done").id
    take(world, "陈秘书", first)
    with pytest.raises(Conflict):
        take(world, "陈秘书", first)
    done(world, key, "left", "right")
    with pytest.raises(Conflict):
        take(world, "陈秘书", row(world, key, "left", "done").id)  # joined, and done by another act
    whole(world)


def test_not_an_earlier_round_nor_behind_a_step_that_was_opened_again(
    world: Errands, key: UUID
) -> None:
    done(world, key, "draft", "left", "right", "check")
    first = row(world, key, "check", "done").id
    send(world, "陈秘书", key, "one", "check")
    with pytest.raises(Conflict):
        take(world, "陈秘书", first)
    done(world, key, "check")
    with pytest.raises(Conflict):
        take(world, "陈秘书", first)
    take(world, "陈秘书", row(world, key, "check", "done").id)
    assert facts(world, key)["check"] == {"note": "check已办"}  # as the round before left it
    whole(world)


def test_who_opens_a_task_of_another_branch_stops_nobody(world: Errands, key: UUID) -> None:
    done(world, key, "draft", "left")
    right = world.task(key, "right")
    world.do(lambda s: openings.note(s, world.actor("副秘书"), right, recorded=True))
    take(world, "陈秘书", row(world, key, "left", "done").id)
    assert open_(world, key) == {"left", "right"}
    whole(world)


FORGED = (
    "UPDATE task SET sent_from = NULL WHERE sent_from IS NOT NULL",
    "UPDATE task SET sent_from = 'left' WHERE sent_from IS NOT NULL",
    "UPDATE task SET straight = true WHERE sent_from IS NOT NULL",
    "UPDATE task SET due_at = now() WHERE sent_from IS NOT NULL",
    "UPDATE task SET state = 'open' WHERE element = 'right' AND state = 'cancelled'",
    "UPDATE timer SET state = 'waiting' WHERE state = 'cancelled'",
    "UPDATE instance SET rounds = '{}'",
)


def test_verification_replays_it(world: Errands, key: UUID) -> None:
    done(world, key, "draft", "left")
    send(world, "陈秘书", key, "right", "draft")
    for forged in FORGED:
        with db.transaction(world.engine) as session, session.begin_nested() as change:
            assert session.execute(text(forged)).rowcount, forged
            assert verification.first_false(session) is not None, forged
            change.rollback()


def test_what_has_ended_with_its_branch_is_done_by_nobody(world: Errands, key: UUID) -> None:
    done(world, key, "draft")
    send(world, "陈秘书", key, "right", "draft")
    with pytest.raises(Conflict) as gone:
        actor, task = world.actor("陈秘书"), row(world, key, "right", "cancelled").id
        world.do(lambda s: tasks.complete(s, actor, task, {"note": "x"}))
    assert gone.value.code == "cancelled"

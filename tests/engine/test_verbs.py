"""The verbs beside a decision: each on record, taken back by its inverse, refused with a reason, proved by verification."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select

from engine import db, definitions
from engine.commands import instances, tasks
from engine.commands.verbs import comments, handing
from engine.db import tables
from engine.definitions import load
from engine.definitions.loosening import loosened
from engine.definitions.verbs import COMMENT, HAND_OVER, RECALL, SEND_BACK, lasting
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance import verbs
from engine.instance.context import context_of
from tests.engine.errands import KEY, Errands, false, files, whole

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Engine

HOUR = "请代为核对"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(engine: Engine) -> Errands:
    made = Errands.built(engine, KEY, 0)
    with db.transaction(engine) as session:
        made._member(session, "副秘书", "工会", "union_secretary")
    return made


@pytest.fixture
def key(world: Errands) -> UUID:
    """An errand that waits for its check, by one of two secretaries."""
    mover = world.actor("张敏")
    launched: UUID = world.do(lambda s: instances.launch(s, mover, "errand", {"subject": "修灯"}))
    return launched


def hand(world: Errands, who: str, task: UUID, to: str, reason: str = HOUR) -> Any:
    actor = world.actor(who)
    return world.do(lambda s: handing.hand_over(s, actor, task, world.people[to], reason))


def back(world: Errands, who: str, task: UUID, reason: str = "不熟悉此事") -> Any:
    actor = world.actor(who)
    return world.do(lambda s: handing.give_back(s, actor, task, reason))


def say(world: Errands, who: str, key: UUID, words: str, *named: str, **more: Any) -> UUID:
    actor, ids = world.actor(who), [world.people[each] for each in named]
    made: UUID = world.do(lambda s: comments.make(s, actor, key, words, ids, **more))
    return made


def row(world: Errands, task: UUID) -> Any:
    with db.transaction(world.engine) as session:
        return session.execute(select(tables.task).where(tables.task.c.id == task)).one()


def kinds(world: Errands, key: UUID) -> list[str]:
    event = tables.event.c
    query = select(event.kind).where(event.instance_id == key).order_by(event.seq)
    with db.transaction(world.engine) as session:
        return list(session.execute(query).scalars())


# --- handing over and back ------------------------------------------------------------------------
def test_a_task_is_handed_over_and_given_back_and_both_are_on_record(
    world: Errands, key: UUID
) -> None:
    task = world.task(key, "check")
    before = row(world, task)
    hand(world, "陈秘书", task, "副秘书")
    assert row(world, task).assignee_id == world.people["副秘书"]
    with pytest.raises(Conflict) as taken:
        world.complete("陈秘书", key, "check", decision="pass")
    assert taken.value.code == "claimed"
    whole(world)
    back(world, "副秘书", task)
    after = row(world, task)
    assert (after.assignee_id, after.handed_by) == (world.people["陈秘书"], None)
    assert (after.due_at, after.opened_at, after.seat) == (
        before.due_at,
        before.opened_at,
        before.seat,
    )
    assert kinds(world, key)[-2:] == ["task_handed_over", "task_given_back"]
    whole(world)
    world.complete("陈秘书", key, "check", decision="pass")
    whole(world)


def test_whoever_has_it_finishes_it_and_nobody_gives_back_what_nobody_gave(
    world: Errands, key: UUID
) -> None:
    task = world.task(key, "check")
    with pytest.raises(Conflict) as nobody:
        back(world, "陈秘书", task)
    assert nobody.value.code == "not_handed"
    hand(world, "陈秘书", task, "副秘书")
    world.complete("副秘书", key, "check", decision="pass")
    assert row(world, task).closed_by == world.people["副秘书"]
    whole(world)


def test_released_or_claimed_anew_it_is_from_nobody(world: Errands, key: UUID) -> None:
    task, deputy = world.task(key, "check"), world.actor("副秘书")
    hand(world, "陈秘书", task, "副秘书")
    world.do(lambda s: tasks.release(s, deputy, task))
    assert (row(world, task).assignee_id, row(world, task).handed_by) == (None, None)
    world.do(lambda s: tasks.claim(s, deputy, task))
    with pytest.raises(Conflict):
        back(world, "副秘书", task)
    whole(world)


def test_a_giver_who_has_left_gets_nothing_back(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    hand(world, "陈秘书", task, "副秘书")
    with db.transaction(world.engine) as session:
        mine = tables.post.c.member_id == world.people["陈秘书"]
        session.execute(delete(tables.post).where(mine))
    back(world, "副秘书", task)
    assert (row(world, task).assignee_id, row(world, task).seat) == (None, row(world, task).seat)
    assert row(world, task).seat
    whole(world)


@pytest.mark.parametrize("to", ["张敏", "陈秘书", "外人", "孙审计"])
def test_only_somebody_else_on_the_seat_takes_it(world: Errands, key: UUID, to: str) -> None:
    with pytest.raises(Invalid) as wrong:
        hand(world, "陈秘书", world.task(key, "check"), to)
    assert list(wrong.value.fields) == ["to"]
    assert kinds(world, key) == ["instance_launched"]


def test_a_reason_is_needed_and_it_must_be_ones_own_task(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    with pytest.raises(Invalid) as wrong:
        hand(world, "陈秘书", task, "副秘书", " ")
    assert list(wrong.value.fields) == ["reason"]
    for stranger in ("张敏", "孙审计", "外人"):
        with pytest.raises(NotFound):
            hand(world, stranger, task, "副秘书")
    hand(world, "陈秘书", task, "副秘书")
    with pytest.raises(Conflict):
        hand(world, "陈秘书", task, "副秘书")
    world.do(lambda s: instances.suspend(s, world.actor("陈秘书"), key, "等答复"))
    with pytest.raises(Conflict) as still:
        back(world, "副秘书", task)
    assert still.value.code == "suspended"


def test_what_is_one_persons_own_has_no_taker(world: Errands, key: UUID) -> None:
    world.complete("陈秘书", key, "check", decision="return", reason="=请写明地点")
    with pytest.raises(Refused) as own:
        hand(world, "张敏", world.task(key, "mend"), "李强")
    assert (own.value.code, "本人" in own.value.message) == ("verb", True)


def test_who_is_barred_from_a_task_is_no_taker_of_it(world: Errands, key: UUID) -> None:
    """Separation of duties holds for whom it is given to."""
    deputy = world.people["副秘书"]
    query = tables.definition.c.process_id == "errand"
    with db.transaction(world.engine) as session:
        found = session.execute(select(tables.definition.c.files).where(query)).scalar_one()
    toml = found["process.toml"].replace("[tasks.do]", '[tasks.do]\nnot_by = ["check"]')
    process = load({**found, "process.toml": toml})
    world.complete("副秘书", key, "check", decision="pass")
    with db.transaction(world.engine) as session:
        actor = world.actor("陈秘书")
        context, task = context_of(session, actor, key), row(world, world.task(key, "do"))
        assert [each.id for each in verbs.takers(context, task)] == [deputy]
        context.process = process
        assert verbs.takers(context, task) == []


def test_verification_names_who_has_it_and_who_gave_it(world: Errands, key: UUID) -> None:
    task = world.task(key, "check")
    hand(world, "陈秘书", task, "副秘书")
    of = f"WHERE id = '{task}'"
    assert "转办人" in false(world, f"UPDATE task SET handed_by = NULL {of}")
    other = world.people["张敏"]
    assert "转办人" in false(world, f"UPDATE task SET handed_by = '{other}' {of}")
    assert "承办人" in false(world, f"UPDATE task SET assignee_id = handed_by {of}")


# --- comments -------------------------------------------------------------------------------------
def test_a_comment_moves_nothing_and_is_taken_back_by_its_author(world: Errands, key: UUID) -> None:
    def matter() -> Any:
        with db.transaction(world.engine) as session:
            instance = tables.instance.c
            kept = (instance.revision, instance.changed_at, instance.machine, instance.facts)
            return session.execute(select(*kept).where(instance.id == key)).one()

    before = matter()
    made = say(world, "张敏", key, "灯在三楼。", "陈秘书")
    assert matter() == before
    whole(world)
    with pytest.raises(NotFound):
        world.do(lambda s: comments.withdraw(s, world.actor("陈秘书"), made))
    world.do(lambda s: comments.withdraw(s, world.actor("张敏"), made))
    with pytest.raises(Conflict):
        world.do(lambda s: comments.withdraw(s, world.actor("张敏"), made))
    assert kinds(world, key)[-2:] == ["comment_made", "comment_withdrawn"]
    assert matter() == before
    whole(world)


def test_who_takes_no_part_says_nothing_and_names_nobody_who_could_not_read(
    world: Errands, key: UUID
) -> None:
    for who, refusal in (("李强", NotFound), ("外人", NotFound), ("孙审计", Refused)):
        with pytest.raises(refusal):
            say(world, who, key, "插一句")
    for named in ("李强", "外人", "孙审计", "张敏"):
        with pytest.raises(Invalid) as wrong:
            say(world, "张敏", key, "请看", named)
        assert list(wrong.value.fields) == ["mentions"]
    for words in ("", "  ", "字" * 2001, "a\0b"):
        with pytest.raises(Invalid):
            say(world, "张敏", key, words)
    assert kinds(world, key) == ["instance_launched"]
    for who in ("张敏", "陈秘书", "副秘书"):
        say(world, who, key, "好", element="check")
    with pytest.raises(NotFound):
        say(world, "张敏", key, "好", element="nowhere")
    with pytest.raises(NotFound):
        say(world, "张敏", key, "好", element="withdraw")
    whole(world)


def test_an_ended_matter_takes_no_more_comments(world: Errands) -> None:
    done = world.errand("修窗")
    with pytest.raises(Conflict):
        say(world, "张敏", done, "谢谢")


def test_the_timeline_says_who_was_named_and_not_what_was_said(world: Errands, key: UUID) -> None:
    say(world, "张敏", key, "灯在三楼。", "陈秘书", element="check")
    hand(world, "陈秘书", world.task(key, "check"), "副秘书")
    with db.transaction(world.engine) as session:
        bodies = session.execute(select(tables.event.c.body)).scalars().all()
        assert len(bodies) > 3 and not any("三楼" in body for body in bodies)


FORGED = (
    ("内容", "UPDATE comment SET text = '灯在四楼。'"),
    ("内容", "UPDATE comment SET text = NULL, salt = NULL"),
    ("评论人", "UPDATE comment SET member_id = (SELECT id FROM member WHERE name = '李强')"),
    ("时间", "UPDATE comment SET at = at - interval '1 hour'"),
    ("所在环节", "UPDATE comment SET element = ''"),
    ("提到的人", "UPDATE comment SET mentions = '{}'"),
    ("收回时间", "UPDATE comment SET withdrawn_at = at"),
    ("缺失", "DELETE FROM comment"),
    ("没有记录", "UPDATE comment SET id = gen_random_uuid()"),
)


@pytest.mark.parametrize(("named", "forged"), FORGED)
def test_verification_compares_comments(world: Errands, key: UUID, named: str, forged: str) -> None:
    say(world, "张敏", key, "灯在三楼。", "陈秘书", element="check")
    assert named in false(world, forged)


# --- what a process allows ------------------------------------------------------------------------
def test_a_version_that_says_nothing_allows_two_and_a_vote_one() -> None:
    process = load(files())
    assert process.tasks["check"].verbs == {COMMENT, HAND_OVER}
    assert process.tasks["rate"].verbs == {COMMENT}
    toml = files()["process.toml"]
    silent = load({**files(), "process.toml": "verbs = []\n" + toml})
    assert not silent.tasks["check"].verbs and not silent.tasks["rate"].verbs
    mixed = toml.replace("[tasks.check]", '[tasks.check]\nverbs = ["hand_over"]')
    assert load({**files(), "process.toml": mixed}).tasks["check"].verbs == {HAND_OVER}


@pytest.mark.parametrize("written", ["", 'verbs = ["hand_over"]\n'])
def test_what_a_process_forbids_is_refused_with_a_sentence(engine: Engine, written: str) -> None:
    forbidden = {**files(), "process.toml": "verbs = []\n" + files()["process.toml"]}
    if written:
        toml = files()["process.toml"].replace("[tasks.check]", f"[tasks.check]\n{written}")
        forbidden = {**files(), "process.toml": "verbs = []\n" + toml}
    process = load(forbidden)
    check = process.tasks["check"]

    why = verbs.against(process, check, HAND_OVER)
    assert (why is None) is bool(written)
    assert "转办" in (why or "转办") and verbs.against(process, check, COMMENT)


SHIPPED = [path.parent for path in sorted((ROOT / "processes").glob("*/process.toml"))]
ONCE = {  # of each shipped process what is done once, and what may be done again
    "cadre_transfer": (
        {"issue_order", "end_office", "committee_vote", "committee_meeting"},
        {"hear"},
    ),
    "collective_consultation": (
        {"took_effect", "issue_demand", "sides"},
        {"verdict", "sign_record"},
    ),
    "congress_motion": ({"issue_review_opinion", "merge_consent", "extend"}, {"cosign", "second"}),
    "congress_session": ({"session", "election", "turn_election", "issue_notice"}, {"support"}),
    "dispute_mediation": ({"effective", "appoint", "group_consent"}, {"examine"}),
    "duty_elsewhere": (set(), {"confirm"}),
    "funds_budget": ({"issue_budget", "committee_vote", "audit_vote"}, {"draft", "request"}),
    "hardship_help": ({"note_paid", "issue_decision", "panel_vote"}, {"college", "check"}),
}


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_process_allows_going_back_but_not_behind_what_is_done_once(folder: Path) -> None:
    process = load(definitions.read(folder))
    once, again = ONCE[process.id]
    assert once <= lasting(process) and not again & lasting(process)
    assert once | again <= process.diagram.elements.keys()
    if not once:  # nothing in it binds anybody
        return
    free = {key for key, rule in process.tasks.items() if rule.verbs >= {SEND_BACK, RECALL}}
    assert free and free < process.tasks.keys()
    many = [rule for rule in process.tasks.values() if rule.poll or rule.meeting]
    assert many and not any(rule.verbs & {SEND_BACK, RECALL} for rule in many)


SET = """
[actions.note]
do = "set_fact"
{told}
"""


@pytest.mark.parametrize(
    ("told", "once"),
    [
        ('set = { "noted.at" = "now" }', False),
        ('set = { "noted.n" = "(noted.n if noted.n != null else 0) + 1" }', True),
        ('set = {}\nappend = { "noted.all" = "check" }', True),
    ],
)
def test_a_count_and_a_list_that_grows_are_done_once(told: str, once: bool) -> None:
    raw = files()["process.toml"] + SET.format(told=told)
    assert ("note" in lasting(load({**files(), "process.toml": raw}))) is once


def test_allowing_more_than_the_version_beside_it_loosens() -> None:
    silent, toml = load(files()), files()["process.toml"]

    def more(written: str) -> list[str]:
        own = load({**files(), "process.toml": f"verbs = {written}\n{toml}"})
        return [str(each) for each in loosened(silent, own, lambda _: True)]

    assert not more('["comment"]') and not more('["comment", "hand_over"]')
    wider = more('["send_back", "recall"]')
    assert wider and all("send_back" in each or "recall" in each for each in wider)

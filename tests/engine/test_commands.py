"""The commands on the two processes of the tests: what each does, refuses, records, and leaves as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from engine import clock, db, jobs
from engine.commands import definitions, edge, incidents, instances, messages, polls, tasks
from engine.errors import (
    Conflict,
    EngineError,
    Invalid,
    NotFound,
    ProcessFault,
    Refused,
    Unavailable,
)
from engine.history import event_log
from tests.hostile.sound import edited, sound
from tests.races.union import START, Union, changed, folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import Engine

CHINA = ZoneInfo("Asia/Shanghai")
HOUR, DAY, MOMENT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


@pytest.fixture
def union(engine: Engine) -> Union:
    return Union.built(engine)


def in_china(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=CHINA).astimezone(UTC)  # type: ignore[arg-type]


def unchanged(union: Union, error: type[EngineError], act: Callable[[], Any]) -> Any:
    """An act that must fail, after which not a row is different."""
    before = union.digest()
    with pytest.raises(error) as caught:
        act()
    assert union.digest() == before
    return caught.value


def recorded(union: Union, chain: UUID, error: type[EngineError], act: Callable[[], Any]) -> Any:
    """An act that must fail, and of which nothing is left but one line in the history."""
    before, events = union.counted(), union.events(chain)
    with pytest.raises(error) as caught:
        act()
    after = union.counted()
    assert union.events(chain) == [*events, "attempt_refused"]
    assert {k: v for k, v in after.items() if k not in ("event", "chain")} == {
        k: v for k, v in before.items() if k not in ("event", "chain")
    }
    return caught.value


# --- launch ----------------------------------------------------------------------------------------------------------
def test_a_launch_gives_number_title_and_the_first_task(union: Union) -> None:
    key = union.launch(subject="修缮会议室")
    row = union.row(key)
    assert (row.number, row.title, row.state, row.stage) == (
        "办〔2026〕001",
        "修缮会议室",
        "running",
        ["check"],
    )
    assert row.starter_id == union.people["d0"]
    assert row.unit_id == union.units["college"]
    assert union.open(key) == ["check"]
    assert union.events(key) == ["instance_launched"]
    assert union.body(key, "instance_launched")["version"] == row.version
    union.whole()


def test_only_the_named_posts_may_launch(union: Union) -> None:
    recorded(union, union.units["union"], Refused, lambda: union.launch("secretary"))
    assert union.counted()["instance"] == 0


@pytest.mark.parametrize(
    "answers",
    [{}, {"subject": ""}, {"subject": "长" * 61}, {"subject": "好", "more": 1}, {"subject": ["x"]}],
)
def test_a_launch_with_a_bad_form_changes_nothing(union: Union, answers: dict[str, Any]) -> None:
    fault = unchanged(union, Invalid, lambda: union.do("d0", instances.launch, "errand", answers))
    assert fault.fields
    assert union.row(union.launch()).number == "办〔2026〕001"  # no gap either


def test_an_unknown_process_is_not_found(union: Union) -> None:
    unchanged(
        union, NotFound, lambda: union.do("d0", instances.launch, "nothing", {"subject": "x"})
    )


def test_numbers_start_anew_with_the_year_in_china_and_apart_for_each_union(union: Union) -> None:
    union.at = in_china(2026, 12, 31, 23, 59)
    first = [union.row(union.launch()).number for _ in range(2)]
    far = union.row(union.launch("far.d0")).number
    union.at = in_china(2027, 1, 1, 0, 0)
    assert [*first, far] == ["办〔2026〕001", "办〔2026〕002", "办〔2026〕001"]
    assert union.row(union.launch()).number == "办〔2027〕001"


# --- claim, release, complete ----------------------------------------------------------------------------------------
def test_a_claimed_task_is_closed_to_the_others_until_it_is_released(union: Union) -> None:
    key = union.launch()
    task = union.task(key, "check")
    union.do("secretary", tasks.claim, task)
    fault = unchanged(
        union, Conflict, lambda: union.do("deputy", tasks.complete, task, {"decision": "pass"})
    )
    assert (fault.code, fault.details["who"]) == ("claimed", "姓名secretary")
    assert (
        unchanged(union, Conflict, lambda: union.do("deputy", tasks.claim, task)).code == "claimed"
    )
    unchanged(union, Conflict, lambda: union.do("deputy", tasks.release, task))
    union.do("secretary", tasks.release, task)
    union.do("deputy", tasks.complete, task, {"decision": "pass"})
    assert union.events(key) == [
        "instance_launched",
        "task_claimed",
        "task_released",
        "task_completed",
    ]
    union.whole()


def test_claiming_twice_is_one_claim(union: Union) -> None:
    key = union.launch()
    task = union.task(key, "check")
    union.do("secretary", tasks.claim, task)
    unchanged_events = union.events(key)
    union.do("secretary", tasks.claim, task)
    assert union.events(key) == unchanged_events


def test_a_persons_own_task_cannot_be_given_back(union: Union) -> None:
    key = union.to("mend")
    unchanged(union, Conflict, lambda: union.do("d0", tasks.release, union.task(key, "mend")))


def test_a_task_that_nobody_claimed_cannot_be_released(union: Union) -> None:
    key = union.launch()
    unchanged(
        union, Conflict, lambda: union.do("secretary", tasks.release, union.task(key, "check"))
    )


def test_a_completion_keeps_the_answers_moves_on_and_is_on_record(union: Union) -> None:
    key = union.to("do")
    done = union.ask("SELECT * FROM task WHERE id = :t", t=union.task(key, "check", "done"))[0]
    assert (done.answers, done.closed_by) == ({"decision": "pass"}, union.people["secretary"])
    row = union.row(key)
    assert (row.stage, row.rounds["check"], row.facts["check"]) == (["do"], 1, {"decision": "pass"})
    said = union.body(key, "task_completed")
    assert (said["task"], said["outcome"], said["seat"], said["actor"]["name"]) == (
        "check",
        "pass",
        "union_secretary",
        "姓名secretary",
    )
    assert [opened["task"] for opened in said["opened"]] == ["do"]
    assert "pass" not in said["answers"]  # only a salted digest


def test_a_trio_ends_after_its_three_tasks(union: Union) -> None:
    key = union.launch(process="trio")
    for element in ("first", "middle", "last"):
        union.complete("secretary", key, element, note="好")
    row = union.row(key)
    assert (row.state, row.outcome, row.stage, row.machine) == ("ended", "done", [], None)
    assert union.events(key) == ["instance_launched"] + ["task_completed"] * 3
    union.whole()


BAD = [
    {},
    {"decision": "maybe"},
    {"decision": "return"},
    {"decision": "pass", "x": 1},
    {"decision": None},
    {"decision": ["pass"]},
    {"decision": "return", "reason": "长" * 501},
]


@pytest.mark.parametrize("answers", BAD)
def test_invalid_answers_change_nothing(union: Union, answers: dict[str, Any]) -> None:
    key = union.launch()
    task = union.task(key, "check")
    counted = union.counted()
    assert unchanged(
        union, Invalid, lambda: union.do("secretary", tasks.complete, task, answers)
    ).fields
    assert union.counted() == counted


def test_a_task_that_is_not_yours_is_not_found_and_the_attempt_is_on_record(union: Union) -> None:
    key = union.launch()
    task = union.task(key, "check")
    for name in ("d0", "d1", "auditor", "far.secretary"):
        recorded(
            union,
            key,
            NotFound,
            lambda name=name: union.do(name, tasks.complete, task, {"decision": "pass"}),
        )
        said = union.body(key, "attempt_refused")
        assert said["actor"]["name"] == f"姓名{name}"
        assert (said["verb"], said["element"]) == ("complete", "check")
    union.whole()
    union.do("secretary", tasks.complete, task, {"decision": "pass"})


def test_an_unknown_task_is_not_found_and_leaves_no_trace(union: Union) -> None:
    for command, more in ((tasks.complete, ({},)), (tasks.claim, ()), (tasks.release, ())):
        unchanged(union, NotFound, lambda c=command, m=more: union.do("secretary", c, uuid4(), *m))


def test_a_stale_page_is_told_who_acted_and_when(union: Union) -> None:
    key = union.launch()
    task = union.task(key, "check")
    union.at = in_china(2026, 3, 3, 14, 5)
    union.do("deputy", tasks.complete, task, {"decision": "pass"})
    union.at += HOUR
    fault = unchanged(
        union,
        Conflict,
        lambda: union.do("secretary", tasks.complete, task, {"decision": "pass"}, 1),
    )
    assert fault.code == "done"
    assert fault.message == "姓名deputy已于 03-03 14:05 办理了此项。"


def test_a_page_older_than_a_claim_and_release_is_stale(union: Union) -> None:
    key = union.launch()
    task = union.task(key, "check")
    union.do("secretary", tasks.claim, task)
    union.do("secretary", tasks.release, task)
    fault = unchanged(
        union, Conflict, lambda: union.do("deputy", tasks.complete, task, {"decision": "pass"}, 1)
    )
    assert fault.code == "stale"
    union.do("deputy", tasks.complete, task, {"decision": "pass"}, 3)


def test_a_task_taken_away_says_so(union: Union) -> None:
    key = union.launch()
    task = union.task(key, "check")
    union.do("d0", instances.withdraw, key, "不办了")
    assert (
        unchanged(
            union,
            Conflict,
            lambda: union.do("secretary", tasks.complete, task, {"decision": "pass"}),
        ).code
        == "cancelled"
    )


def test_a_matter_can_go_round_two_hundred_times_and_not_more(union: Union) -> None:
    key = union.launch()
    # by hand, instead of two hundred times: verification would rightly call it false
    union.run("UPDATE instance SET rounds = '{\"check\": 199}' WHERE id = :i", i=key)
    union.complete("secretary", key, "check", decision="return", reason="再改")
    union.complete("d0", key, "mend", note="改了")
    task, counted = union.task(key, "check"), union.counted()
    with pytest.raises(ProcessFault, match="200"):
        union.do("secretary", tasks.complete, task, {"decision": "return", "reason": "再改"})
    assert union.open(key) == ["check"]  # as it was, but for the incident on record
    assert {k for k, v in union.counted().items() if v != counted[k]} <= {"event", "incident"}
    assert union.events(key)[-1] == "incident_noted"


def test_a_round_again_must_say_something_new(engine: Engine) -> None:
    files = folder("errand")
    form = json.loads(files["forms/mend.json"])
    form["components"][0]["properties"]["differs"] = "former"
    files["forms/mend.json"] = json.dumps(form)
    union = Union.built(engine, files)
    key, other = union.launch(), union.launch(subject="修门")
    for each, note in (
        (key, "换了锁"),
        (other, "换了锁"),
    ):  # the first round is free, in each matter
        union.complete("secretary", each, "check", decision="return", reason="再改")
        union.complete("d0", each, "mend", note=note)
    union.complete("secretary", key, "check", decision="return", reason="再改")
    task = union.task(key, "mend")
    for again in ("换了锁", " 换了\n锁\u3000"):
        refused = unchanged(
            union, Invalid, lambda said=again: union.do("d0", tasks.complete, task, {"note": said})
        )
        assert "与上一次完全相同" in str(refused.fields["note"])
    union.complete("d0", key, "mend", note="换了锁和门")
    union.complete("secretary", key, "check", decision="return", reason="再改")
    union.complete("d0", key, "mend", note="换了锁")  # only the round before counts
    assert union.open(key) == ["check"]


# --- withdraw, terminate, suspend, resume, messages ------------------------------------------------------------------
def test_the_mover_takes_an_errand_back_by_its_own_message(union: Union) -> None:
    key = union.launch()
    union.do("d0", instances.withdraw, key, "不办了")
    row = union.row(key)
    assert (row.state, row.outcome) == ("withdrawn", "withdrawn")
    assert union.events(key) == ["instance_launched", "message_sent"]
    union.whole()


def test_an_errand_is_not_taken_back_while_it_does_not_wait_for_that(union: Union) -> None:
    key = union.to("do")
    with pytest.raises(Conflict):
        union.do("d0", instances.withdraw, key, "不办了")
    with pytest.raises(Conflict):
        union.do("d0", messages.send, key, "withdraw", {})
    union.whole()


def test_only_the_mover_may_take_back_and_the_attempt_is_on_record(union: Union) -> None:
    key = union.launch()
    for name in ("secretary", "far.secretary", "d3"):
        with pytest.raises((Refused, NotFound)):
            union.do(name, instances.withdraw, key, "我来撤")
        with pytest.raises((Refused, NotFound)):
            union.do(name, messages.send, key, "withdraw", {})
    assert union.row(key).state == "running"
    assert "attempt_refused" in union.events(key)
    union.whole()


@pytest.mark.parametrize("name", ["", "nothing", "message_withdraw", "check"])
def test_a_message_that_nobody_waits_for_is_a_conflict(union: Union, name: str) -> None:
    key = union.launch()
    unchanged(union, Conflict, lambda: union.do("d0", messages.send, key, name, {}))


def test_a_message_with_answers_that_it_does_not_ask_for_changes_nothing(union: Union) -> None:
    key = union.launch()
    unchanged(
        union, Invalid, lambda: union.do("d0", messages.send, key, "withdraw", {"reason": "x"})
    )


def test_a_process_without_such_a_message_is_taken_back_only_while_nobody_has_acted(
    union: Union,
) -> None:
    first, second = union.launch(process="trio"), union.launch(process="trio")
    union.complete("secretary", second, "first", note="好")
    assert (
        unchanged(union, Conflict, lambda: union.do("d0", instances.withdraw, second, "算了")).code
        == "acted"
    )
    union.do("d0", instances.withdraw, first, "算了")
    assert (union.row(first).state, union.body(first, "instance_withdrawn")["reason"]) == (
        "withdrawn",
        "算了",
    )
    unchanged(union, Conflict, lambda: union.do("d0", instances.withdraw, first, "再来"))
    union.whole()


def test_readers_and_refused_strangers_do_not_keep_the_mover_from_taking_back(union: Union) -> None:
    key = union.launch(process="trio")
    for name in ("d1", "far.secretary"):
        with pytest.raises(NotFound):
            union.do(name, tasks.complete, union.task(key, "first"), {"note": "x"})
    union.do("secretary", tasks.claim, union.task(key, "first"))
    union.do("secretary", tasks.release, union.task(key, "first"))
    union.do("d0", instances.withdraw, key, "算了")
    assert union.row(key).state == "withdrawn"
    union.whole()


@pytest.mark.parametrize("reason", ["", "  ", "长" * 501, "\0"])
@pytest.mark.parametrize("command", [instances.terminate, instances.suspend])
def test_the_desk_must_give_a_reason(union: Union, command: Any, reason: str) -> None:
    key = union.launch()
    unchanged(union, Invalid, lambda: union.do("secretary", command, key, reason))


def test_the_secretary_ends_a_matter_with_a_reason_and_nothing_stays_open(union: Union) -> None:
    for element in ("check", "mend", "do", "rate"):
        key = union.to(element)
        union.do("secretary", instances.terminate, key, "重复提出")
        row = union.row(key)
        assert (row.state, row.stage, row.machine) == ("terminated", [], None)
        assert union.body(key, "instance_terminated")["reason"] == "重复提出"
        unchanged(
            union, Conflict, lambda key=key: union.do("secretary", instances.terminate, key, "再来")
        )
    assert union.ask("SELECT 1 FROM roll WHERE open") == []
    union.whole()


@pytest.mark.parametrize("name", ["d0", "auditor", "admin", "far.secretary", "far.admin"])
def test_only_the_secretary_of_the_union_suspends_and_ends(union: Union, name: str) -> None:
    key = union.launch()
    for command in (instances.terminate, instances.suspend):
        with pytest.raises((Refused, NotFound)):
            union.do(name, command, key, "我来")
    with pytest.raises((Refused, NotFound)):
        union.do(name, instances.resume, key)
    assert union.row(key).state == "running"
    union.whole()


def test_a_suspended_matter_stands_still(union: Union) -> None:
    key = union.to("do")
    task = union.task(key, "do")
    union.do("secretary", instances.suspend, key, "等材料")
    assert union.body(key, "instance_suspended")["reason"] == "等材料"
    assert (
        unchanged(
            union, Conflict, lambda: union.do("secretary", tasks.complete, task, {"note": "x"})
        ).code
        == "suspended"
    )
    unchanged(union, Conflict, lambda: union.do("secretary", tasks.claim, task))
    unchanged(union, Conflict, lambda: union.do("secretary", instances.suspend, key, "再停"))
    assert union.at is not None
    union.at += timedelta(days=400)
    assert union.timed(lambda: jobs.sweep(union.engine)) == 0
    assert union.timer(key).state == "waiting"
    union.whole()


def test_a_resumed_matter_has_its_stopped_days_on_record_and_its_deadlines_moved(
    union: Union,
) -> None:
    key = union.to("do")
    timer, task = (
        union.timer(key),
        union.ask("SELECT * FROM task WHERE id = :t", t=union.task(key, "do"))[0],
    )
    assert union.at is not None
    union.at += DAY
    union.do("secretary", instances.suspend, key, "等材料")
    union.at += 10 * DAY
    union.do("deputy", instances.resume, key)
    row = union.row(key)
    assert (row.state, row.stopped_days, row.suspended_at) == ("running", 10, None)
    assert union.body(key, "instance_resumed")["stopped_days"] == 10
    assert union.timer(key).due_at == timer.due_at + 10 * DAY
    moved = union.ask("SELECT * FROM task WHERE id = :t", t=task.id)[0]
    assert moved.due_at == task.due_at + 10 * DAY
    assert moved.due["on"] == clock.day_of(moved.due_at - MOMENT).isoformat()
    unchanged(union, Conflict, lambda: union.do("secretary", instances.resume, key))
    union.at = timer.due_at
    assert union.timed(lambda: jobs.sweep(union.engine)) == 0
    union.at = moved.due_at
    assert union.timed(lambda: jobs.sweep(union.engine)) == 1
    union.whole()


def test_the_stopped_days_of_several_stops_add_up(union: Union) -> None:
    key = union.to("do")
    assert union.at is not None
    due = union.timer(key).due_at
    for days in (3, 4):
        union.do("secretary", instances.suspend, key, "停")
        union.at += days * DAY
        union.do("secretary", instances.resume, key)
    assert union.row(key).stopped_days == 7
    assert union.timer(key).due_at == due + 7 * DAY


def test_a_stop_within_one_day_moves_nothing(union: Union) -> None:
    key = union.to("do")
    assert union.at is not None
    due = union.timer(key).due_at
    union.do("secretary", instances.suspend, key, "停")
    union.at += 8 * HOUR
    union.do("secretary", instances.resume, key)
    assert (union.row(key).stopped_days, union.timer(key).due_at) == (0, due)


def test_a_poll_of_a_suspended_matter_takes_no_answers_and_its_window_moves(union: Union) -> None:
    key = union.to("rate")
    poll = union.poll(key)
    closes = union.one("SELECT closes_at FROM poll WHERE id = :p", p=poll)
    union.do("secretary", instances.suspend, key, "停")
    unchanged(union, Conflict, lambda: union.do("d1", polls.respond, poll, "good"))
    unchanged(union, Conflict, lambda: union.do("d0", polls.close, poll))
    assert union.at is not None
    union.at = closes + 5 * DAY
    stopped = (clock.day_of(union.at) - clock.day_of(START)).days
    union.do("secretary", instances.resume, key)
    assert union.one("SELECT closes_at FROM poll WHERE id = :p", p=poll) == closes + stopped * DAY
    union.do("d1", polls.respond, poll, "good")
    union.whole()


def test_a_suspended_matter_can_be_ended(union: Union) -> None:
    key = union.to("rate")
    union.do("secretary", instances.suspend, key, "停")
    union.do("secretary", instances.terminate, key, "不再办")
    assert union.row(key).state == "terminated"
    union.whole()


# --- polls -----------------------------------------------------------------------------------------------------------
def outcome(union: Union, key: UUID) -> dict[str, Any]:
    found: dict[str, Any] = union.row(key).facts["rate"]
    return found


def late(union: Union, key: UUID) -> None:
    """Let the window of the poll end."""
    union.at = union.one("SELECT closes_at FROM poll WHERE instance_id = :i", i=key)
    assert union.timed(lambda: jobs.sweep(union.engine)) >= 1


UNTIL_END = changed("errand", ('early = "decided"', 'early = "never"'))


@pytest.mark.parametrize(
    ("good", "bad", "passed"),
    [(2, 3, False), (3, 2, True), (4, 0, True), (2, 0, False), (0, 0, False)],
)
def test_a_poll_passes_above_its_threshold_and_not_at_or_below(
    engine: Engine, good: int, bad: int, passed: bool
) -> None:
    """Five on the roll, more than half: two are too few, three are enough."""
    union = Union.built(engine, UNTIL_END)
    key = union.to("rate")
    poll = union.poll(key)
    for n in range(good + bad):
        union.do(f"d{n}", polls.respond, poll, "good" if n < good else "bad")
    late(union, key)
    found = outcome(union, key)
    assert (found["passed"], found["good"], found["bad"]) == (passed, good, bad)
    assert (found["roll"], found["answered"], found["silent"]) == (5, good + bad, 5 - good - bad)
    assert [len(found["voters"][c]) for c in ("good", "bad")] == [good, bad]
    assert union.row(key).state == "ended"
    assert union.body(key, "poll_closed")["why"] == "window_ended"
    union.whole()


@pytest.mark.parametrize(("votes", "passed"), [(4, False), (5, True)])
def test_a_threshold_that_may_be_reached_exactly(engine: Engine, votes: int, passed: bool) -> None:
    union = Union.built(
        engine,
        changed(
            "errand", ('early = "decided"', 'early = "never"'), ("2*good > roll", "good >= roll")
        ),
    )
    key = union.to("rate")
    for n in range(votes):
        union.do(f"d{n}", polls.respond, union.poll(key), "good")
    late(union, key)
    assert outcome(union, key)["passed"] is passed


@pytest.mark.parametrize(("choice", "needed"), [("good", 3), ("bad", 3)])
def test_a_poll_that_is_decided_closes_at_once(union: Union, choice: str, needed: int) -> None:
    key = union.to("rate")
    poll = union.poll(key)
    for n in range(needed):
        assert union.row(key).state == "running"
        union.do(f"d{n}", polls.respond, poll, choice)
    assert union.row(key).state == "ended"
    assert union.body(key, "poll_closed")["why"] == "early"
    assert union.ask("SELECT DISTINCT state FROM timer WHERE instance_id = :i", i=key) == [
        ("cancelled",)
    ]
    unchanged(union, Conflict, lambda: union.do("d4", polls.respond, poll, "good"))
    union.whole()


def test_an_answer_is_given_once_and_can_be_taken_back(union: Union) -> None:
    key = union.to("rate")
    poll = union.poll(key)
    union.do("d1", polls.respond, poll, "good", " 满意 ")
    assert (
        unchanged(union, Conflict, lambda: union.do("d1", polls.respond, poll, "bad")).code
        == "answered"
    )
    union.do("d1", polls.take_back, poll)
    assert union.one("SELECT counts FROM poll WHERE id = :p", p=poll) == {"good": 0, "bad": 0}
    assert (
        unchanged(union, Conflict, lambda: union.do("d1", polls.take_back, poll)).code
        == "not_answered"
    )
    union.do("d1", polls.respond, poll, "bad")
    assert union.one("SELECT counts FROM poll WHERE id = :p", p=poll) == {"good": 0, "bad": 1}
    assert union.events(key)[-3:] == ["poll_answered", "poll_answer_withdrawn", "poll_answered"]
    union.whole()


def test_an_answer_stays_where_the_process_lets_none_be_taken_back(engine: Engine) -> None:
    union = Union.built(
        engine, changed("errand", ('closable = "passes"', 'closable = "never"\nwithdrawal = false'))
    )
    key = union.to("rate")
    union.do("d1", polls.respond, union.poll(key), "good")
    unchanged(union, Conflict, lambda: union.do("d1", polls.take_back, union.poll(key)))


@pytest.mark.parametrize(
    ("choice", "comment"),
    [("great", ""), ("", ""), ("good", "长" * 501), ("good", "\0"), ("good", "\ud800")],
)
def test_an_answer_that_is_none_changes_nothing(union: Union, choice: str, comment: str) -> None:
    poll = union.poll(union.to("rate"))
    unchanged(union, Invalid, lambda: union.do("d1", polls.respond, poll, choice, comment))


@pytest.mark.parametrize("name", ["secretary", "auditor", "far.d0"])
def test_who_is_not_on_the_roll_has_no_answer(union: Union, name: str) -> None:
    key = union.to("rate")
    for command, more in ((polls.respond, ("good",)), (polls.take_back, ())):
        with pytest.raises(NotFound):
            union.do(name, command, union.poll(key), *more)
    assert union.one("SELECT counts FROM poll WHERE instance_id = :i", i=key) == {
        "good": 0,
        "bad": 0,
    }
    assert union.events(key)[-1] == "attempt_refused"
    union.whole()


def test_the_roll_is_frozen_when_the_question_is_put(union: Union) -> None:
    key = union.to("rate")
    with db.transaction(union.engine) as session:
        union.member(session, "new", "formal_delegate", "college")
    with pytest.raises(NotFound):
        union.do("new", polls.respond, union.poll(key), "good")
    union.run("UPDATE post SET to_on = '2026-01-01' WHERE member_id = :m", m=union.people["d1"])
    union.do("d1", polls.respond, union.poll(key), "good")  # the roll of the day stands
    assert union.one("SELECT roll_size FROM poll WHERE instance_id = :i", i=key) == 5


def test_the_mover_closes_early_only_when_the_rule_holds(engine: Engine) -> None:
    union = Union.built(engine, UNTIL_END)
    key = union.to("rate")
    poll = union.poll(key)
    for n in (1, 2):
        union.do(f"d{n}", polls.respond, poll, "good")
        assert (
            unchanged(union, Conflict, lambda: union.do("d0", polls.close, poll)).code
            == "not_reached"
        )
    union.do("d3", polls.respond, poll, "good")
    for name in ("d1", "secretary"):
        recorded(union, key, Refused, lambda name=name: union.do(name, polls.close, poll))
    union.do("d0", polls.close, poll)
    assert (outcome(union, key)["passed"], outcome(union, key)["silent"]) == (True, 2)
    assert union.body(key, "poll_closed")["why"] == "closed_by_owner"
    unchanged(union, Conflict, lambda: union.do("d0", polls.close, poll))
    union.whole()


def test_a_window_that_ends_in_silence_is_no_approval(union: Union) -> None:
    key = union.to("rate")
    late(union, key)
    found = outcome(union, key)
    assert (found["passed"], found["answered"], found["silent"]) == (False, 0, 5)
    assert union.ask("SELECT 1 FROM roll WHERE open") == []
    union.whole()


@pytest.mark.parametrize(
    ("before", "taken"), [(MOMENT, True), (timedelta(), False), (-MOMENT, False)]
)
def test_an_answer_counts_until_the_close_and_not_at_it(
    engine: Engine, before: timedelta, taken: bool
) -> None:
    union = Union.built(engine, UNTIL_END)
    key = union.to("rate")
    union.at = union.one("SELECT closes_at FROM poll WHERE instance_id = :i", i=key) - before
    if taken:
        union.do("d1", polls.respond, union.poll(key), "good")
    else:
        assert (
            unchanged(
                union, Conflict, lambda: union.do("d1", polls.respond, union.poll(key), "good")
            ).code
            == "closed"
        )
    late(union, key)
    assert outcome(union, key)["good"] == int(taken)


def test_a_poll_is_no_task_to_complete(union: Union) -> None:
    key = union.to("rate")
    with pytest.raises(NotFound):
        union.do("d0", tasks.complete, union.task(key, "rate"), {})
    assert union.open(key) == ["rate"]


def test_an_empty_roll_is_a_fault_that_changes_nothing_but_the_record(engine: Engine) -> None:
    union = Union.built(engine, changed("errand", ('delegates("formal")', 'delegates("observer")')))
    key = union.to("do")
    task, counted = union.task(key, "do"), union.counted()
    with pytest.raises(ProcessFault):
        union.do("secretary", tasks.complete, task, {"note": "好"})
    assert union.open(key) == ["do"]
    assert {k for k, v in union.counted().items() if v != counted[k]} <= {"event", "incident"}
    assert union.events(key)[-1] == "incident_noted"
    union.whole()


# --- timers and the clock --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("before", "fired"), [(MOMENT, 0), (timedelta(), 1), (-MOMENT, 1)])
def test_a_timer_falls_due_at_its_moment_and_not_before(
    union: Union, before: timedelta, fired: int
) -> None:
    key = union.to("do")
    union.at = union.timer(key).due_at - before
    assert union.timed(lambda: jobs.sweep(union.engine)) == fired
    assert union.events(key).count("reminder_sent") == fired
    assert union.timed(lambda: jobs.sweep(union.engine)) == 0
    assert union.open(key) == ["do"]
    union.whole()


def test_a_deadline_in_days_ends_at_midnight_in_china(union: Union) -> None:
    due = union.timer(union.to("do")).due_at.astimezone(CHINA)
    assert (due.hour, due.minute, due.second) == (0, 0, 0)


@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (12, 0), (23, 59)])
def test_the_hour_of_the_day_does_not_move_a_deadline_in_days(
    union: Union, hour: int, minute: int
) -> None:
    union.at = in_china(2026, 3, 2, hour, minute)
    noon = Union(union.engine, in_china(2026, 3, 2, 12), union.units, union.people)
    assert union.timer(union.to("do")).due_at == noon.timer(noon.to("do")).due_at


def test_a_task_begun_a_second_after_midnight_in_china_belongs_to_the_next_day(
    union: Union,
) -> None:
    union.at = in_china(2026, 3, 2, 23, 59, 59)
    first = union.timer(union.to("do")).due_at
    union.at = in_china(2026, 3, 3, 0, 0, 0)
    assert union.timer(union.to("do")).due_at > first


def test_a_clock_set_back_two_hours_repeats_nothing_and_does_nothing(union: Union) -> None:
    key = union.to("do")
    due = union.timer(key).due_at
    union.at = due + HOUR
    assert union.timed(lambda: jobs.sweep(union.engine)) == 1
    union.at = due - HOUR
    assert union.timed(lambda: jobs.sweep(union.engine)) == 0
    before = union.events(key)
    with pytest.raises(Unavailable) as caught:
        union.complete("secretary", key, "do", note="好")
    assert caught.value.code == "clock_back" and union.events(key) == before
    union.at = due + HOUR
    union.complete("secretary", key, "do", note="好")
    union.do("d1", polls.respond, union.poll(key), "good")
    assert union.events(key).count("timer_fired") == 1
    union.whole()


def test_three_days_of_downtime_are_made_up_at_once(union: Union) -> None:
    keys = [union.to("do") for _ in range(4)] + [union.to("rate") for _ in range(3)]
    union.at = (
        max(r[0] for r in union.ask("SELECT due_at FROM timer WHERE state = 'waiting'")) + 3 * DAY
    )
    assert union.timed(lambda: jobs.sweep(union.engine)) == 7
    assert union.timed(lambda: jobs.sweep(union.engine)) == 0
    assert [union.row(key).state for key in keys] == ["running"] * 4 + ["ended"] * 3
    union.whole()


def test_a_timer_of_a_finished_task_is_gone(union: Union) -> None:
    key = union.to("do")
    timer = union.timer(key)
    union.complete("secretary", key, "do", note="好")
    union.at = timer.due_at
    assert union.do(None, instances.wake, timer.id) is False
    assert "timer_fired" not in union.events(key)


def test_a_timer_that_is_not_due_or_not_there_does_not_fire(union: Union) -> None:
    key = union.to("do")
    assert union.do(None, instances.wake, union.timer(key).id) is False
    assert union.do(None, instances.wake, uuid4()) is False


# --- incidents -------------------------------------------------------------------------------------------------------
def broken(engine: Engine) -> tuple[Union, UUID, Any]:
    """An errand whose timer broke, as its action asks for a document that is not there."""
    faulty = changed(
        "errand", ('do = "remind"\ntask = "do"', 'do = "issue_document"\ndocument = "nothing"')
    )
    union = Union.built(engine, faulty)
    key = union.to("do")
    timer = union.timer(key)
    union.at = timer.due_at
    assert union.timed(lambda: jobs.sweep(engine)) == 0
    return union, key, timer


def incident(union: Union, key: UUID) -> Any:
    return union.ask("SELECT * FROM incident WHERE instance_id = :i ORDER BY id DESC", i=key)[0]


def test_a_timer_that_breaks_is_an_incident_and_the_rest_goes_on(engine: Engine) -> None:
    union, key, timer = broken(engine)
    assert union.events(key)[-1] == "incident_noted"
    assert union.ask("SELECT state, tries FROM timer WHERE id = :t", t=timer.id) == [("broken", 1)]
    assert union.timed(lambda: jobs.sweep(engine)) == 0
    assert union.counted()["incident"] == 1
    union.complete("secretary", key, "do", note="好")
    assert union.open(key) == ["rate"]
    union.whole()


def test_a_retry_tries_again_and_is_on_record(engine: Engine) -> None:
    union, key, timer = broken(engine)
    found = incident(union, key)
    for name in ("d0", "auditor", "far.secretary"):
        with pytest.raises((Refused, NotFound)):
            union.do(name, incidents.retry, found.id)
    union.do("secretary", incidents.retry, found.id)
    assert union.ask("SELECT state FROM timer WHERE id = :t", t=timer.id) == [("waiting",)]
    unchanged(union, Conflict, lambda: union.do("secretary", incidents.retry, found.id))
    unchanged(union, NotFound, lambda: union.do("secretary", incidents.retry, uuid4()))
    assert union.timed(lambda: jobs.sweep(engine)) == 0
    assert union.counted()["incident"] == 2
    assert union.events(key)[-2:] == ["incident_retried", "incident_noted"]
    union.whole()


def test_a_retry_of_a_timer_whose_task_is_done_does_not_wake_the_dead(engine: Engine) -> None:
    union, key, timer = broken(engine)
    union.complete("secretary", key, "do", note="好")
    union.do("secretary", incidents.retry, incident(union, key).id)
    assert union.timed(lambda: jobs.sweep(engine)) == 0
    assert union.counted()["incident"] == 1
    assert union.ask("SELECT state FROM timer WHERE id = :t", t=timer.id) == [("cancelled",)]
    union.whole()


def test_a_fault_noted_after_another_worker_let_the_timer_fire_does_not_make_it_fire_again(
    union: Union,
) -> None:
    key = union.to("do")
    timer = union.timer(key)
    union.at = timer.due_at
    assert union.timed(lambda: jobs.sweep(union.engine)) == 1
    union.do(None, incidents.note, key, f"timer:{timer.id}", RuntimeError("late"))
    for row in union.ask("SELECT id FROM incident"):
        union.do("secretary", incidents.retry, row.id)
    assert union.timed(lambda: jobs.sweep(union.engine)) == 0
    assert union.events(key).count("timer_fired") == 1
    union.whole()


def test_a_broken_instance_does_not_hold_up_the_others(engine: Engine) -> None:
    union, _key, _timer = broken(engine)
    assert union.at is not None
    union.at = START
    others = [union.to("rate") for _ in range(3)]
    union.at = max(r[0] for r in union.ask("SELECT due_at FROM timer"))
    union.timed(lambda: jobs.sweep(engine))
    assert [union.row(key).state for key in others] == ["ended"] * 3


# --- definitions -----------------------------------------------------------------------------------------------------
SECOND = ('title = "办事单"', 'title = "办事单（修订）"')


def test_a_definition_takes_two_people(union: Union) -> None:
    digest = union.do("admin", definitions.propose, sound(), "改一改")
    assert (
        unchanged_but_record(
            union, Refused, lambda: union.do("admin", definitions.decide, digest, True)
        ).code
        == "separated"
    )
    assert (
        unchanged(
            union, Conflict, lambda: union.do("admin2", definitions.decide, digest, True)
        ).code
        == "stories"
    )
    with clock.set_to(union.at):
        jobs.rehearse(union.engine, digest)
    union.do("admin2", definitions.decide, digest, True)
    assert union.events(event_log.INSTALLATION)[-2:] == [
        "definition_rehearsed",
        "definition_published",
    ]
    assert (
        unchanged(
            union, Conflict, lambda: union.do("admin2", definitions.decide, digest, False)
        ).code
        == "decided"
    )
    assert (
        unchanged(union, Conflict, lambda: union.do("admin", definitions.propose, sound(), "")).code
        == "same"
    )
    union.whole()


def unchanged_but_record(union: Union, error: type[EngineError], act: Callable[[], Any]) -> Any:
    before = union.counted()
    with pytest.raises(error) as caught:
        act()
    assert {k for k, v in union.counted().items() if v != before[k]} <= {"event", "chain"}
    return caught.value


def test_a_refused_version_is_never_in_force(union: Union) -> None:
    current = union.launch()
    digest = union.do("admin", definitions.propose, sound(), "")
    union.do("admin2", definitions.decide, digest, False)
    assert union.row(union.launch()).version == union.row(current).version


@pytest.mark.parametrize("name", ["d0", "auditor", "secretary"])
def test_only_administrators_approve(union: Union, name: str) -> None:
    digest = union.do("admin", definitions.propose, sound(), "")
    recorded(
        union,
        union.units["union"],
        Refused,
        lambda: union.do(name, definitions.decide, digest, True),
    )


def test_a_faulty_definition_is_refused_with_its_faults(union: Union) -> None:
    fault = unchanged(
        union,
        EngineError,
        lambda: union.do(
            "admin",
            definitions.propose,
            edited("process.toml", "launch.subject", "launch.nothing"),
            "",
        ),
    )
    assert isinstance(fault, (Invalid, ProcessFault))


def test_a_version_cannot_be_changed(union: Union) -> None:
    row = union.ask("SELECT hash, files FROM definition WHERE process_id = 'errand'")[0]
    union.do(None, definitions.publish_shipped, folder("errand"))
    assert union.ask(
        "SELECT count(*), max(number) FROM definition WHERE process_id = 'errand'"
    ) == [(1, 1)]
    union.do(None, definitions.publish_shipped, changed("errand", SECOND))
    assert (
        union.ask("SELECT hash, files FROM definition WHERE process_id = 'errand' ORDER BY number")[
            0
        ]
        == row
    )


def test_an_instance_keeps_its_version_for_life(union: Union) -> None:
    """Sixty on the first version, the second is published midway: all end on the first, with its hash in the history."""
    keys = [union.launch(process="trio", subject=f"第 {n} 件") for n in range(60)]
    first = union.row(keys[0]).version
    for key in keys[:30]:
        union.complete("secretary", key, "first", note="好")
    second = union.do(
        None,
        definitions.publish_shipped,
        changed("trio", ('title = "三步单"', 'title = "三步单（修订）"')),
    )
    assert union.row(union.launch(process="trio")).version == second != first
    for number, key in enumerate(keys):
        for element in ("first", "middle", "last")[1 if number < 30 else 0 :]:
            union.complete("secretary", key, element, note="好")
    ended = union.ask(
        "SELECT DISTINCT version, state FROM instance WHERE id = ANY(:keys)", keys=keys
    )
    assert ended == [(first, "ended")]
    query = "SELECT DISTINCT body::jsonb->>'version' FROM event WHERE kind = 'instance_launched' AND instance_id = ANY(:keys)"
    assert union.ask(query, keys=keys) == [(first,)]
    assert union.ask("SELECT count(DISTINCT number) FROM instance") == [(61,)]
    union.whole()


# --- once per key ----------------------------------------------------------------------------------------------------
def posted(
    union: Union, who: str, key: str, body: bytes, work: Callable[[db.Session, Any], Any]
) -> edge.Reply:
    """A request with an Idempotency-Key, as the API carries it out."""
    actor = union.actor(who)

    def inside(session: db.Session) -> edge.Reply:
        def made() -> edge.Reply:
            return edge.Reply(201, str(work(session, actor)), "/there")

        return edge.once(session, actor, key, edge.request_hash("POST", "/x", body), made)

    found: edge.Reply = union.timed(lambda: edge.carry_out(union.engine, actor, inside))
    return found


def launching(session: db.Session, actor: Any) -> UUID:
    return instances.launch(session, actor, "errand", {"subject": "一次"})


def test_the_same_request_is_done_once_and_answered_alike(union: Union) -> None:
    first = posted(union, "d0", "k1", b"{}", launching)
    before = union.digest()
    assert [posted(union, "d0", "k1", b"{}", launching) for _ in range(3)] == [first] * 3
    assert union.digest() == before
    assert union.counted()["instance"] == 1


def test_the_same_key_with_another_request_is_refused(union: Union) -> None:
    posted(union, "d0", "k1", b"{}", launching)
    unchanged(union, Invalid, lambda: posted(union, "d0", "k1", b'{"a":1}', launching))


def test_keys_belong_to_a_person(union: Union) -> None:
    replies = {posted(union, name, "k1", b"{}", launching).body for name in ("d0", "d1", "far.d0")}
    assert len(replies) == 3


@pytest.mark.parametrize("key", ["", "长" * 201, "a\nb", "\0"])
def test_a_key_that_is_none_is_refused(union: Union, key: str) -> None:
    unchanged(union, Invalid, lambda: posted(union, "d0", key, b"{}", launching))


def test_a_failed_request_does_not_use_up_its_key(union: Union) -> None:
    def bad(session: db.Session, actor: Any) -> UUID:
        return instances.launch(session, actor, "errand", {})

    with pytest.raises(Invalid):
        posted(union, "d0", "k1", b"{}", bad)
    assert union.counted()["reply"] == 0
    posted(union, "d0", "k1", b"{}", launching)
    assert union.counted()["instance"] == 1


# --- faults of the world below ---------------------------------------------------------------------------------------
def test_an_error_in_the_middle_of_a_command_leaves_nothing_of_it(
    union: Union, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = union.launch()
    task = union.task(key, "check")
    before = union.digest()

    def fall(*_: Any) -> None:
        raise RuntimeError("lightning")

    monkeypatch.setattr("engine.commands.unit_of_work.save", fall)
    for act in (
        lambda: union.do("secretary", tasks.complete, task, {"decision": "pass"}),
        lambda: union.do("secretary", instances.terminate, key, "x"),
        lambda: union.do("d1", instances.launch, "errand", {"subject": "y"}),
        lambda: union.do("d0", instances.withdraw, key, "x"),
    ):
        with pytest.raises(RuntimeError, match="lightning"):
            act()
        assert union.digest() == before


def test_a_refusal_is_on_record_even_when_the_first_try_to_record_it_meets_a_deadlock(
    union: Union,
) -> None:
    key = union.launch()
    task = union.task(key, "check")
    seen: list[int] = []

    def stumble(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "INSERT INTO event" in statement and not seen:
            seen.append(1)
            connection.exec_driver_sql(
                "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$"
            )

    event.listen(union.engine, "before_cursor_execute", stumble)
    try:
        with pytest.raises(NotFound):
            union.do("d1", tasks.complete, task, {"decision": "pass"})
    finally:
        event.remove(union.engine, "before_cursor_execute", stumble)
    assert seen
    assert union.events(key) == ["instance_launched", "attempt_refused"]
    union.whole()

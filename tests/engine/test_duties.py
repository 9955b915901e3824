"""What stands between a person and an act: separation of duties, recusal, gates, guards, and the state of a poll."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from engine import db, messages
from engine.commands import ballots as voting
from engine.commands import instances, meetings, polls, tasks, teller_keys
from engine.errors import Conflict, EngineError, Invalid, ProcessFault, Refused
from engine.instance import presence
from engine.instance.context import context_of
from tests.races.union import Union, changed, folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import Engine

PASS, NOTE = {"decision": "pass"}, {"note": "办了"}
DO = "due = 'due(\"MO-REPLY\")'\n"
RATE = 'title = "评价"\n'


def errand(engine: Engine, after: str, *lines: str) -> Union:
    """Two unions whose errand has these lines more under one of its tasks."""
    return Union.built(engine, changed("errand", (after, "\n".join((after, *lines)) + "\n")))


def refused(code: str, act: Callable[..., Any], *args: Any) -> Refused:
    with pytest.raises(Refused) as found:
        act(*args)
    assert found.value.code == code
    return found.value


# --- separation of duties -----------------------------------------------------------------------------------------------
def test_who_did_the_earlier_task_may_not_do_the_later_one(engine: Engine) -> None:
    union = errand(engine, DO, 'not_by = ["check"]')
    key = union.to("do")  # the secretary checked
    task = union.task(key, "do")
    refused("separated", union.do, "secretary", tasks.claim, task)
    fault = refused("separated", union.do, "secretary", tasks.complete, task, NOTE)
    assert fault.details["element"] == "do"
    assert union.events(key)[-2:] == ["attempt_refused", "attempt_refused"]
    assert union.body(key, "attempt_refused")["code"] == "separated"
    union.do("deputy", tasks.claim, task)
    union.do("deputy", tasks.complete, task, NOTE)


def test_separation_looks_at_this_matter_at_these_tasks_and_at_this_person(engine: Engine) -> None:
    """Another matter, another task and another person's work separate nobody."""
    union = errand(engine, DO, 'not_by = ["mend"]')
    key = union.launch()
    union.complete("secretary", key, "check", decision="return", reason="请写明")
    union.complete("d0", key, "mend", note="写了")  # another person's
    union.complete("secretary", key, "check", **PASS)  # another task
    union.complete("secretary", key, "do", **NOTE)


def test_separation_does_not_reach_into_another_matter(engine: Engine) -> None:
    union = errand(engine, DO, 'not_by = ["check"]')
    union.to("do")  # checked by the secretary
    key = union.launch()
    union.complete("deputy", key, "check", **PASS)
    union.complete("secretary", key, "do", **NOTE)


def test_one_of_several_tasks_is_enough_to_separate(engine: Engine) -> None:
    union = errand(engine, DO, 'not_by = ["mend", "check"]')
    key = union.to("do")
    refused("separated", union.do, "secretary", tasks.complete, union.task(key, "do"), NOTE)
    union.complete("deputy", key, "do", **NOTE)


# --- recusal ------------------------------------------------------------------------------------------------------------
def test_who_is_concerned_may_neither_claim_nor_complete(engine: Engine) -> None:
    union = errand(engine, DO, "recuse = 'actor == by(\"check\")'")
    key = union.to("do")
    task = union.task(key, "do")
    refused("recused", union.do, "secretary", tasks.claim, task)
    fault = refused("recused", union.do, "secretary", tasks.complete, task, NOTE)
    assert fault.details["element"] == "do"
    assert union.body(key, "attempt_refused")["code"] == "recused"
    union.do("deputy", tasks.complete, task, NOTE)


def test_recusal_reads_the_answers_just_given(engine: Engine) -> None:
    union = errand(engine, DO, "recuse = 'do.note == \"我自己\"'")
    key = union.to("do")
    refused("recused", lambda: union.complete("secretary", key, "do", note="我自己"))
    assert union.open(key) == ["do"]
    union.complete("secretary", key, "do", note="别人")


def test_who_is_concerned_may_not_answer_a_poll(engine: Engine) -> None:
    union = errand(engine, RATE, "recuse = 'actor == starter'")
    key = union.to("rate")
    poll = union.poll(key)
    fault = refused("recused", union.do, "d0", polls.respond, poll, "good")
    assert fault.details["element"] == "rate"
    union.do("d1", polls.respond, poll, "good")
    assert union.one("SELECT counts FROM poll WHERE id = :p", p=poll) == {"good": 1, "bad": 0}


# --- gates --------------------------------------------------------------------------------------------------------------
def gate(holds: str) -> tuple[str, ...]:
    return (
        "[[tasks.do.gates]]",
        f"holds = '{holds}'",
        'text = "还不能办。"',
        'text_en = "Not yet."',
    )


def test_a_gate_reads_the_answers_and_says_why(engine: Engine) -> None:
    union = errand(engine, DO, *gate('do.note != "x"'))
    key = union.to("do")
    fault = refused("gate", lambda: union.complete("secretary", key, "do", note="x"))
    assert fault.message == "还不能办。"
    assert fault.details["element"] == "do"
    union.complete("secretary", key, "do", note="y")


def test_every_gate_must_hold(engine: Engine) -> None:
    union = errand(engine, DO, *gate('do.note != "x"'), *gate('do.note != "y"'))
    key = union.to("do")
    for note in ("x", "y"):
        refused("gate", lambda said=note: union.complete("secretary", key, "do", note=said))
    union.complete("secretary", key, "do", note="z")


def worded_gate(holds: str, text: str) -> tuple[str, ...]:
    return "[[tasks.do.gates]]", f"holds = '{holds}'", f'text = "{text}"', f'text_en = "{text} en"'


def test_all_gates_that_fail_are_told_at_once(engine: Engine) -> None:
    first = worded_gate('do.note != "x"', "不能是 x。")
    second = worded_gate('do.note == "y" or do.note == "z"', "只能是 y、z。")
    third = worded_gate('do.note != "y"', "不能是 y。")
    union = errand(engine, DO, *first, *second, *third)
    key = union.to("do")
    fault = refused("gate", lambda: union.complete("secretary", key, "do", note="x"))
    assert fault.message == "不能是 x。只能是 y、z。"
    assert fault.message.rendered("en", str) == "不能是 x。 en 只能是 y、z。 en"
    assert (
        refused("gate", lambda: union.complete("secretary", key, "do", note="y")).message
        == "不能是 y。"
    )
    union.complete("secretary", key, "do", note="z")


def test_a_gate_that_cannot_be_judged_does_not_hide_the_others(engine: Engine) -> None:
    broken, plain = (
        worded_gate("1 / 0 > 1", "算不出。"),
        worded_gate('do.note != "x"', "不能是 x。"),
    )
    union = errand(engine, DO, *broken, *plain)
    key = union.to("do")
    fault = refused("gate", lambda: union.complete("secretary", key, "do", note="x"))
    assert fault.message == "不能是 x。"
    with pytest.raises(ProcessFault):
        union.complete("secretary", key, "do", note="y")


def test_faults_of_fields_and_gates_come_together(engine: Engine) -> None:
    """Gates that look at a faulty field wait until it is sound; the others are told with it."""
    of_the_note = worded_gate('do.note != "x"', "不能是 x。")
    of_the_matter = worded_gate("launch.subject == null", "不能有题目。")
    union = errand(engine, DO, *of_the_note, *of_the_matter)
    key = union.to("do")
    with pytest.raises(Invalid) as met:
        union.complete("secretary", key, "do", note="长" * 9_000)
    assert set(met.value.fields) == {"note", "_"}
    assert met.value.fields["_"] == ["不能有题目。"]


@pytest.mark.parametrize(
    ("holds", "before", "at"), [("overdue", False, True), ("not overdue", True, False)]
)
def test_a_task_is_overdue_from_the_moment_of_its_deadline_on(
    engine: Engine, holds: str, before: bool, at: bool
) -> None:
    for late, passes in ((timedelta(microseconds=-1), before), (timedelta(0), at)):
        if late:
            union = errand(engine, DO, *gate(holds))
        key = union.to("do")
        began = union.at
        union.at = (
            union.one("SELECT due_at FROM task WHERE id = :t", t=union.task(key, "do")) + late
        )
        if passes:
            union.complete("secretary", key, "do", **NOTE)
        else:
            refused("gate", lambda matter=key: union.complete("secretary", matter, "do", **NOTE))
        union.at = began


# --- guards -------------------------------------------------------------------------------------------------------------
def guarded(engine: Engine, holds: str, *at: str) -> Union:
    lines = (
        "[[guards]]",
        f"at = {list(at)!r}".replace("'", '"'),
        f"holds = '{holds}'",
        'text = "不合规定。"',
        'text_en = "Against the rules."',
        'basis = "MO-REVIEW"',
        "",
        "[lanes.mover]",
    )
    return Union.built(engine, changed("errand", ("[lanes.mover]", "\n".join(lines))))


@pytest.mark.parametrize("at", ["do", "passed"], ids=["a task entered", "a gateway passed"])
def test_a_guard_holds_where_its_element_is_reached(engine: Engine, at: str) -> None:
    union = guarded(engine, 'launch.subject != "假"', at)
    key = union.launch(subject="假")
    before = union.row(key)
    fault = refused("guard", lambda: union.complete("secretary", key, "check", **PASS))
    assert (fault.message, fault.details["element"]) == ("不合规定。", at)
    after = union.row(key)
    assert (after.facts, after.machine) == (before.facts, before.machine)
    assert union.open(key) == ["check"]
    assert union.events(key) == ["instance_launched", "attempt_refused"]
    real = union.launch(subject="真")
    union.complete("secretary", real, "check", **PASS)
    assert union.open(real) == ["do"]


def test_a_guard_holds_at_the_launch_too(engine: Engine) -> None:
    union = guarded(engine, 'launch.subject != "假"', "check")
    fault = refused("guard", lambda: union.launch(subject="假"))
    assert fault.details["element"] == "check"
    assert union.one("SELECT count(*) FROM instance") == 0
    assert union.open(union.launch(subject="真")) == ["check"]


def test_a_guard_elsewhere_and_one_that_holds_refuse_nobody(engine: Engine) -> None:
    union = guarded(engine, 'check.decision == "return"', "mend", "withdrawn")
    key = union.launch()
    union.complete("secretary", key, "check", **PASS)  # comes past neither
    other = union.launch()
    union.complete("secretary", other, "check", decision="return", reason="x")  # it holds
    assert union.open(other) == ["mend"]


def test_a_guard_at_the_end_and_at_the_way_of_a_message(engine: Engine) -> None:
    union = guarded(engine, 'launch.subject != "假"', "withdrawn", "done")
    key = union.launch(subject="假")
    fault = refused("guard", union.do, "d0", instances.withdraw, key, "不办了")
    assert fault.details["element"] == "withdrawn"
    assert union.row(key).state == "running"
    real = union.launch(subject="真")
    union.do("d0", instances.withdraw, real, "不办了")
    assert union.row(real).state == "withdrawn"


def test_a_guard_speaks_the_language_of_who_acts(engine: Engine) -> None:
    union = guarded(engine, "1 == 2", "do")
    union.run("UPDATE member SET locale = 'en' WHERE username = 'deputy'")
    key = union.launch()
    fault = refused("guard", union.do, "deputy", tasks.complete, union.task(key, "check"), PASS)
    assert messages.render(fault.message, "en", str) == "Against the rules."


def test_all_guards_that_fail_are_told_at_once(engine: Engine) -> None:
    each = {"甲。": 'launch.subject == "真"', "乙。": "true", "丙。": "1 == 2"}
    tables = [
        line
        for text, holds in each.items()
        for line in (
            "[[guards]]",
            'at = ["do"]',
            f"holds = '{holds}'",
            f'text = "{text}"',
            'text_en = "No."',
        )
    ]
    union = errand(engine, DO, *tables)
    key = union.launch(subject="假的")
    fault = refused("guard", lambda: union.complete("secretary", key, "check", **PASS))
    assert fault.message == "甲。丙。"
    assert fault.details["element"] == "do"


def test_one_guard_that_fails_is_enough(engine: Engine) -> None:
    union = guarded(engine, 'launch.subject == "真"', "do", "mend")
    key = union.launch(subject="假")
    for answers in (PASS, {"decision": "return", "reason": "x"}):
        refused("guard", lambda given=answers: union.complete("secretary", key, "check", **given))


# --- presence -----------------------------------------------------------------------------------------------------------
class Hall:
    """A meeting of nine delegates and an observer, whose quorum is two thirds of those due."""

    def __init__(self, engine: Engine) -> None:
        self.union = union = Union.built(engine, folder("hall"))
        self.delegates = [f"d{n}" for n in range(9)]
        with db.transaction(engine) as session:
            for name in self.delegates[5:]:
                union.member(session, name, "formal_delegate", "college")
            union.member(session, "observer", "observer_delegate", "college")
            union.member(session, "chair", "presidium_chair", "union")
        self.instance = union.launch("chair", "hall")
        found = union.ask("SELECT id, code FROM meeting")[0]
        self.id, self.code = found.id, found.code

    def arrive(self, *who: str) -> None:
        for name in who:
            self.union.do(name, meetings.arrive, self.id, self.code)

    def numbers(self, element: str = "session") -> presence.MeetingNumbers:
        actor = self.union.actor("chair")
        with db.transaction(self.union.engine) as session:
            return presence.standing(context_of(session, actor, self.instance), element)

    def here(self, who: str) -> bool:
        with db.transaction(self.union.engine) as session:
            return presence.is_here(session, self.id, self.union.people[who])


def test_the_numbers_of_a_meeting(engine: Engine) -> None:
    hall = Hall(engine)
    hall.arrive(*hall.delegates[:6], "observer")
    called = hall.numbers()
    assert (called.state, called.quorate) == ("called", False)  # not before it is open
    hall.union.do("chair", meetings.open_meeting, hall.id)
    people = {name: str(hall.union.people[name]) for name in hall.delegates}
    told = hall.numbers()
    assert (told.state, told.due, told.present, told.needed, told.quorate) == (
        "open",
        9,
        6,
        6,
        True,
    )
    assert (told.observers, told.guests) == (1, 0)
    assert sorted(told.roll) == sorted(people.values())
    assert sorted(told.here) == sorted(people[name] for name in hall.delegates[:6])
    hall.union.do("d0", meetings.leave, hall.id)
    hall.union.do("d0", meetings.leave, hall.id)  # twice is once
    less = hall.numbers()
    assert (less.present, less.quorate, len(less.here)) == (5, False, 5)
    hall.arrive("d0", "d0", "d8")
    more = hall.numbers()
    assert (more.present, more.quorate, more.observers) == (7, True, 1)


def test_who_is_here_is_a_formal_member_who_came_and_did_not_leave(engine: Engine) -> None:
    hall = Hall(engine)
    assert not hall.here("d0")
    hall.arrive("d0", "observer")
    assert hall.here("d0") and not hall.here("d1")
    assert not hall.here("observer") and not hall.here("secretary")
    hall.union.do("d0", meetings.leave, hall.id)
    assert not hall.here("d0")


def test_before_a_meeting_is_called_nobody_is_due_and_it_is_not_quorate(engine: Engine) -> None:
    hall = Hall(engine)
    actor = hall.union.actor("chair")
    with db.transaction(engine) as session:
        run = context_of(session, actor, hall.instance)
        none = presence.numbers(run, "session", None)
        assert presence.latest(session, hall.instance, "put") is None
        assert presence.latest(session, hall.instance, "session").id == hall.id
    assert (none.state, none.due, none.present, none.needed) == ("", 0, 0, 0)
    assert none.quorate is False and none.roll == none.here == ()
    with pytest.raises(EngineError, match="不是开会的环节"):
        hall.numbers("put")


# --- states of a poll ---------------------------------------------------------------------------------------------------
def test_a_poll_takes_answers_up_to_its_last_moment_and_none_from_then_on(engine: Engine) -> None:
    union = Union.built(engine, changed("errand", ('early = "decided"', 'early = "never"')))
    key = union.to("rate")
    poll = union.poll(key)
    closes = union.one("SELECT closes_at FROM poll WHERE id = :p", p=poll)
    union.at = closes - timedelta(microseconds=1)
    union.do("d1", polls.respond, poll, "good")
    for moment in (closes, closes + timedelta(days=1)):
        union.at = moment
        for act in (
            lambda: union.do("d2", polls.respond, poll, "good"),
            lambda: union.do("d1", polls.take_back, poll),
            lambda: union.do("d0", polls.close, poll),
        ):
            with pytest.raises(Conflict) as late:
                act()
            assert late.value.code == "closed"
    assert union.one("SELECT counts FROM poll WHERE id = :p", p=poll) == {"good": 1, "bad": 0}


@pytest.mark.parametrize("state", ["called", "counting", "closed", "void"])
def test_only_an_open_poll_takes_answers_or_is_closed(engine: Engine, state: str) -> None:
    union = Union.built(engine, folder("errand"))
    key = union.to("rate")
    poll = union.poll(key)
    union.do("d1", polls.respond, poll, "good")
    union.run("UPDATE poll SET state = :s WHERE id = :p", s=state, p=poll)
    code = "not_open" if state == "called" else "closed"
    for act in (
        lambda: union.do("d2", polls.respond, poll, "good"),
        lambda: union.do("d1", polls.take_back, poll),
        lambda: union.do("d0", polls.close, poll),
    ):
        with pytest.raises(Conflict) as refusal:
            act()
        assert refusal.value.code == code
    assert union.one("SELECT counts FROM poll WHERE id = :p", p=poll) == {"good": 1, "bad": 0}


@pytest.mark.parametrize("state", ["suspended", "ended", "withdrawn", "terminated"])
def test_no_answer_in_a_matter_that_does_not_run(engine: Engine, state: str) -> None:
    union = Union.built(engine, folder("errand"))
    key = union.to("rate")
    poll = union.poll(key)
    union.run("UPDATE instance SET state = :s WHERE id = :i", s=state, i=key)
    with pytest.raises(Conflict) as refusal:
        union.do("d2", polls.respond, poll, "good")
    assert refusal.value.code == "not_running"


def secret(engine: Engine) -> tuple[Union, UUID, bytes]:
    """An open secret poll, and an envelope of the right size for it."""
    union = Union.built(engine, folder("secret"))
    answers = {"subject": "表决", "tellers": [str(union.people[t]) for t in ("d0", "d1", "d2")]}
    union.do("secretary", instances.launch, "secret", answers)
    poll = union.one("SELECT id FROM poll")
    for who in ("d0", "d1", "d2"):
        union.do(who, teller_keys.take, poll, f"{who} correct horse")
    return union, poll, bytes(304)


def test_a_secret_poll_takes_envelopes_while_it_is_open_up_to_its_last_moment(
    engine: Engine,
) -> None:
    union, poll, envelope = secret(engine)

    def refusal() -> str:
        with pytest.raises(Conflict) as found:
            union.do("d3", voting.cast, poll, envelope)
        return found.value.code

    for state in ("called", "counting", "closed", "void"):
        union.run("UPDATE poll SET state = :s WHERE id = :p", s=state, p=poll)
        assert refusal() == ("not_open" if state == "called" else "closed"), state
    union.run("UPDATE poll SET state = 'open' WHERE id = :p", p=poll)
    union.run("UPDATE instance SET state = 'suspended'")
    assert refusal() == "not_running"
    union.run("UPDATE instance SET state = 'running'")
    union.at = closes = union.one("SELECT closes_at FROM poll WHERE id = :p", p=poll)
    assert refusal() == "closed"
    assert union.one("SELECT count(*) FROM envelope") == 0
    assert union.one("SELECT count(*) FROM roll WHERE open") == 5
    union.at = closes - timedelta(microseconds=1)
    union.do("d3", voting.cast, poll, envelope)
    assert union.one("SELECT count(*) FROM envelope") == 1
    assert union.one("SELECT count(*) FROM roll WHERE open") == 4


@pytest.mark.parametrize("state", ["closed", "void"])
def test_a_meeting_that_is_over_takes_nobody_in(engine: Engine, state: str) -> None:
    hall = Hall(engine)
    hall.arrive("d0")
    hall.union.run("UPDATE meeting SET state = :s", s=state)
    for act in (
        lambda: hall.arrive("d1"),
        lambda: hall.union.do("d0", meetings.leave, hall.id),
        lambda: hall.union.do("chair", meetings.seat, hall.id, [hall.union.people["d1"]]),
        lambda: hall.union.do("chair", meetings.open_meeting, hall.id),
    ):
        with pytest.raises(Conflict):
            act()
    assert hall.union.one("SELECT count(*) FROM attendance WHERE here") == 1

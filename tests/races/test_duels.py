"""Two people, or a person and a worker, act on the same thing at the same time: never both, never half, in every order."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from engine import jobs
from engine.commands import incidents, instances, polls, tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.races.arena import Arena
    from tests.races.latches import Outcome

PASS, NOTE, MOMENT = {"decision": "pass"}, {"note": "办了"}, timedelta(microseconds=1)
Race = "Callable[[Arena, int], None]"
RACES: dict[str, Callable[[Arena, int], None]] = {}


def race(run: Callable[[Arena, int], None]) -> Callable[[Arena, int], None]:
    """A race of which one round is run, with its number."""
    RACES[run.__name__] = run
    return run


def one_of(found: tuple[Outcome, Outcome], *codes: str) -> int:
    """Exactly one of two came through, the other has one of these codes; gives which."""
    assert [f.ok for f in found].count(True) == 1, [f.code for f in found]
    loser = next(f for f in found if not f.ok)
    assert loser.code in codes, loser.error
    return 0 if found[0].ok else 1


def state(arena: Arena, key: UUID) -> str:
    return str(arena.union.row(key).state)


@race
def two_approvers_complete_one_task(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    task = arena.union.task(key, "check")
    rivals = [arena.act(who, tasks.complete, task, PASS) for who in ("secretary", "deputy")]
    winner = one_of(arena.meet(n, *rivals), "done")
    done = arena.union.ask("SELECT closed_by FROM task WHERE id = :t", t=task)[0]
    assert done.closed_by == arena.union.people[("secretary", "deputy")[winner]]
    assert arena.union.events(key) == ["instance_launched", "task_completed"]


@race
def the_same_person_completes_twice_with_other_answers(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    task = arena.union.task(key, "check")
    answers = (PASS, {"decision": "return", "reason": "再改"})
    winner = one_of(
        arena.meet(n, *(arena.act("secretary", tasks.complete, task, a) for a in answers)), "done"
    )
    assert arena.union.row(key).facts["check"] == answers[winner]
    assert arena.union.open(key) == [("do", "mend")[winner]]


@race
def two_claim_one_task(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    task = arena.union.task(key, "check")
    winner = one_of(
        arena.meet(n, *(arena.act(who, tasks.claim, task) for who in ("secretary", "deputy"))),
        "claimed",
    )
    found = arena.union.ask("SELECT assignee_id, revision FROM task WHERE id = :t", t=task)
    assert found == [(arena.union.people[("secretary", "deputy")[winner]], 2)]
    assert arena.union.events(key) == ["instance_launched", "task_claimed"]


@race
def one_claims_what_another_completes(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    task = arena.union.task(key, "check")
    acts = (
        arena.act("secretary", tasks.claim, task),
        arena.act("deputy", tasks.complete, task, PASS),
    )
    winner = one_of(arena.meet(n, *acts), "claimed", "done")
    found = arena.union.ask("SELECT state, assignee_id, closed_by FROM task WHERE id = :t", t=task)[
        0
    ]
    people = arena.union.people
    assert found == (("open", people["secretary"], None), ("done", None, people["deputy"]))[winner]


@race
def one_releases_in_one_window_what_he_completes_in_another(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    task = arena.union.task(key, "check")
    arena.union.do("secretary", tasks.claim, task)
    released, completed = arena.meet(
        n,
        arena.act("secretary", tasks.release, task),
        arena.act("secretary", tasks.complete, task, PASS),
    )
    assert released.ok or completed.ok
    kinds = (
        ["instance_launched", "task_claimed"]
        + ["task_released"] * released.ok
        + ["task_completed"] * completed.ok
    )
    assert arena.union.events(key) == kinds
    assert arena.union.open(key) == (["do"] if completed.ok else ["check"])


@race
def the_mover_withdraws_what_the_office_completes(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    task = arena.union.task(key, "check")
    acts = (
        arena.act("d0", instances.withdraw, key, "不办了"),
        arena.act("deputy", tasks.complete, task, PASS),
    )
    winner = one_of(arena.meet(n, *acts), "cancelled", "acted", "not_waiting", "not_running")
    assert state(arena, key) == ("withdrawn", "running")[winner]


@race
def the_mover_withdraws_a_matter_without_such_a_message_when_the_office_completes(
    arena: Arena, n: int
) -> None:
    key = arena.union.launch(process="trio")
    task = arena.union.task(key, "first")
    acts = (
        arena.act("d0", instances.withdraw, key, "不办了"),
        arena.act("deputy", tasks.complete, task, NOTE),
    )
    winner = one_of(arena.meet(n, *acts), "cancelled", "acted")
    assert state(arena, key) == ("withdrawn", "running")[winner]


@race
def the_mover_withdraws_twice(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    one_of(
        arena.meet(n, *(arena.act("d0", instances.withdraw, key, f"{i}") for i in (1, 2))),
        "not_running",
    )
    assert arena.union.events(key).count("message_sent") == 1


def due(arena: Arena, process: str) -> tuple[UUID, UUID, Any, timedelta]:
    """A matter of which a timer falls due: instance, task, timer, and how far ahead that is."""
    key = arena.union.launch(process=process)
    arena.union.complete("secretary", key, "check", **PASS)
    timer = arena.union.timer(key)
    assert arena.union.at is not None
    return key, arena.union.task(key, "do"), timer, timer.due_at - arena.union.at


@race
def a_deadline_that_takes_the_task_away_passes_when_it_is_completed(arena: Arena, n: int) -> None:
    key, task, timer, late = due(arena, "strict")
    fired, completed = arena.meet(
        n,
        arena.act(None, instances.wake, timer.id, late=late),
        arena.act("deputy", tasks.complete, task, NOTE, late=late),
    )
    assert fired.ok
    assert bool(fired.value) != completed.ok, (fired, completed)
    if not completed.ok:
        assert completed.code == "cancelled"
    assert state(arena, key) == ("ended" if fired.value else "running")
    kinds = arena.union.events(key)
    assert (kinds.count("timer_fired"), kinds.count("task_completed")) == (
        (1, 1) if fired.value else (0, 2)
    )


@race
def a_reminder_falls_due_when_the_task_is_completed(arena: Arena, n: int) -> None:
    key, task, timer, late = due(arena, "errand")
    fired, completed = arena.meet(
        n,
        arena.act(None, instances.wake, timer.id, late=late),
        arena.act("deputy", tasks.complete, task, NOTE, late=late),
    )
    assert completed.ok
    assert fired.ok
    assert arena.union.events(key).count("reminder_sent") == int(fired.value)
    assert arena.union.one("SELECT state FROM timer WHERE id = :t", t=timer.id) == (
        "fired" if fired.value else "cancelled"
    )


@race
def two_workers_wake_one_timer(arena: Arena, n: int) -> None:
    key, _task, timer, late = due(arena, "errand")
    found = arena.meet(n, *(arena.act(None, instances.wake, timer.id, late=late) for _ in range(2)))
    assert all(f.ok for f in found)
    assert [f.value for f in found].count(True) == 1
    assert arena.union.events(key).count("timer_fired") == 1


@race
def a_worker_notes_a_fault_of_a_timer_that_another_lets_happen(arena: Arena, n: int) -> None:
    key, _task, timer, late = due(arena, "errand")
    arena.meet(
        n,
        arena.act(None, instances.wake, timer.id, late=late),
        arena.act(None, incidents.note, key, f"timer:{timer.id}", RuntimeError("x"), late=late),
    )
    for found in arena.union.ask("SELECT id FROM incident WHERE instance_id = :i", i=key):
        arena.act("secretary", incidents.retry, found.id, late=late)()
    arena.act(None, instances.wake, timer.id, late=late)()
    assert arena.union.events(key).count("timer_fired") == 1


@race
def the_secretary_suspends_what_the_deputy_completes(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    task = arena.union.task(key, "check")
    suspended, completed = arena.meet(
        n,
        arena.act("secretary", instances.suspend, key, "停"),
        arena.act("deputy", tasks.complete, task, PASS),
    )
    assert suspended.ok
    kinds = arena.union.events(key)[1:]
    assert kinds == (
        ["task_completed", "instance_suspended"] if completed.ok else ["instance_suspended"]
    )
    assert completed.code in ("", "suspended")
    assert state(arena, key) == "suspended"


@race
def the_secretary_suspends_when_a_timer_falls_due(arena: Arena, n: int) -> None:
    key, _task, timer, late = due(arena, "errand")
    woken, suspended = arena.meet(
        n,
        arena.act(None, instances.wake, timer.id, late=late),
        arena.act("secretary", instances.suspend, key, "停", late=late),
    )
    assert suspended.ok
    assert woken.ok
    kinds = [k for k in arena.union.events(key) if k in ("timer_fired", "instance_suspended")]
    assert kinds == (
        ["timer_fired", "instance_suspended"] if woken.value else ["instance_suspended"]
    )


@race
def two_resume_one_matter(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    before = arena.union.one(
        "SELECT due_at FROM task WHERE instance_id = :i AND state = 'open'", i=key
    )
    arena.union.do("secretary", instances.suspend, key, "停")
    later = timedelta(days=3)
    one_of(
        arena.meet(
            n,
            *(arena.act(who, instances.resume, key, late=later) for who in ("secretary", "deputy")),
        ),
        "state",
    )
    after = arena.union.one(
        "SELECT due_at FROM task WHERE instance_id = :i AND state = 'open'", i=key
    )
    assert (after - before, arena.union.row(key).stopped_days) == (later, 3)


@race
def the_secretary_ends_what_the_deputy_completes(arena: Arena, n: int) -> None:
    key = arena.union.launch(process="trio")
    for element in ("first", "middle"):
        arena.union.complete("secretary", key, element, **NOTE)
    task = arena.union.task(key, "last")
    terminated, completed = arena.meet(
        n,
        arena.act("secretary", instances.terminate, key, "重复"),
        arena.act("deputy", tasks.complete, task, NOTE),
    )
    one_of((terminated, completed), "state", "cancelled")
    assert state(arena, key) == ("terminated" if terminated.ok else "ended")


@race
def two_end_one_matter(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    one_of(
        arena.meet(
            n, *(arena.act(w, instances.terminate, key, "重复") for w in ("secretary", "deputy"))
        ),
        "state",
    )
    assert arena.union.events(key).count("instance_terminated") == 1


@race
def one_answers_a_poll_twice(arena: Arena, n: int) -> None:
    key = arena.union.to("rate")
    poll = arena.union.poll(key)
    winner = one_of(
        arena.meet(n, *(arena.act("d1", polls.respond, poll, c) for c in ("good", "bad"))),
        "answered",
    )
    counts = [{"good": 1, "bad": 0}, {"good": 0, "bad": 1}]
    assert arena.union.one("SELECT counts FROM poll WHERE id = :p", p=poll) == counts[winner]


@race
def two_answer_at_once(arena: Arena, n: int) -> None:
    key = arena.union.to("rate")
    poll = arena.union.poll(key)
    found = arena.meet(n, *(arena.act(who, polls.respond, poll, "good") for who in ("d1", "d2")))
    assert all(f.ok for f in found)
    assert arena.union.one("SELECT counts FROM poll WHERE id = :p", p=poll) == {"good": 2, "bad": 0}


def reached(arena: Arena) -> tuple[UUID, UUID]:
    """A poll that holds by one answer."""
    key = arena.union.to("rate")
    poll = arena.union.poll(key)
    for who in ("d1", "d2", "d3"):
        arena.union.do(arena.actors[who], polls.respond, poll, "good")
    return key, poll


@race
def one_takes_the_last_answer_back_when_the_mover_closes(arena: Arena, n: int) -> None:
    key, poll = reached(arena)
    winner = one_of(
        arena.meet(n, arena.act("d3", polls.take_back, poll), arena.act("d0", polls.close, poll)),
        "not_reached",
        "closed",
        "not_running",
    )
    assert state(arena, key) == ("running", "ended")[winner]
    if winner == 1:
        assert arena.union.row(key).facts["rate"]["good"] == 3


@race
def one_answers_when_the_mover_closes(arena: Arena, n: int) -> None:
    key, poll = reached(arena)
    answered, closed = arena.meet(
        n, arena.act("d4", polls.respond, poll, "bad"), arena.act("d0", polls.close, poll)
    )
    assert closed.ok
    assert answered.code in ("", "closed", "not_running")
    assert arena.union.row(key).facts["rate"]["bad"] == int(answered.ok)


@race
def the_window_ends_when_the_mover_closes(arena: Arena, n: int) -> None:
    key, poll = reached(arena)
    timer = arena.union.ask("SELECT * FROM timer WHERE instance_id = :i AND ref = -1", i=key)[0]
    assert arena.union.at is not None
    late = timer.due_at - arena.union.at
    woken, closed = arena.meet(
        n,
        arena.act(None, instances.wake, timer.id, late=late),
        arena.act("d0", polls.close, poll, late=late - MOMENT),
    )
    assert woken.ok
    assert bool(woken.value) != closed.ok
    assert arena.union.events(key).count("poll_closed") == 1


@race
def the_last_answer_comes_when_the_window_ends(arena: Arena, n: int) -> None:
    key, poll = reached(arena)
    timer = arena.union.ask("SELECT * FROM timer WHERE instance_id = :i AND ref = -1", i=key)[0]
    assert arena.union.at is not None
    late = timer.due_at - arena.union.at
    woken, answered = arena.meet(
        n,
        arena.act(None, instances.wake, timer.id, late=late),
        arena.act("d4", polls.respond, poll, "good", late=late - MOMENT),
    )
    assert woken.ok
    if not woken.value:  # busy: the next sweep
        assert arena.act(None, instances.wake, timer.id, late=late)()
    outcome = arena.union.row(key).facts["rate"]
    assert outcome["good"] == 3 + int(answered.ok)  # what was acknowledged is tallied, nothing else
    assert answered.code in ("", "closed", "not_running")


@race
def two_retry_one_incident(arena: Arena, n: int) -> None:
    key, _task, timer, _late = due(arena, "errand")
    arena.union.do(None, incidents.note, key, f"timer:{timer.id}", RuntimeError("x"))
    found = arena.union.one("SELECT id FROM incident WHERE instance_id = :i", i=key)
    one_of(
        arena.meet(n, *(arena.act(who, incidents.retry, found) for who in ("secretary", "deputy"))),
        "resolved",
    )
    assert arena.union.events(key).count("incident_retried") == 1


@race
def a_stranger_is_refused_while_the_office_completes(arena: Arena, n: int) -> None:
    key = arena.union.launch()
    task = arena.union.task(key, "check")
    refused, completed = arena.meet(
        n,
        arena.act("d3", tasks.complete, task, PASS),
        arena.act("secretary", tasks.complete, task, PASS),
    )
    assert completed.ok
    assert refused.code == "not_found"
    assert sorted(arena.union.events(key)) == [
        "attempt_refused",
        "instance_launched",
        "task_completed",
    ]


@pytest.mark.parametrize("name", sorted(RACES))
def test_a_race_has_one_winner_in_every_round(arena: Arena, rounds: int, name: str) -> None:
    for number in range(rounds):
        RACES[name](arena, number)


@pytest.mark.prove
@pytest.mark.parametrize("name", sorted(RACES))
def test_a_race_has_one_winner_in_every_one_of_very_many_rounds(
    arena: Arena, rounds: int, name: str
) -> None:
    for number in range(rounds):
        RACES[name](arena, number)


def test_what_all_races_left_is_whole(arena: Arena) -> None:
    arena.union.timed(lambda: jobs.sweep(arena.union.engine))
    arena.union.whole()

"""Random commands by random people at random times: the engine does what the reference model says, and nothing else."""

from __future__ import annotations

import copy
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from engine import clock, db, jobs
from engine.commands import instances, polls, tasks
from tests.conftest import fresh
from tests.races.latches import attempt
from tests.races.model import PEOPLE, Errand, No, Task
from tests.races.union import CAST, START, Union, changed, folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.people.organisation import Actor

LENGTH = 16


@pytest.fixture(scope="module")
def ground(server: str) -> Iterator[tuple[Union, dict[str, Actor]]]:
    calm = changed(
        "errand",
        ('id = "errand"', 'id = "calm"'),
        ("办〔", "缓〔"),
        ('early = "decided"', 'early = "never"'),
    )
    calm["process.bpmn"] = calm["process.bpmn"].replace(
        '<bpmn:process id="errand"', '<bpmn:process id="calm"'
    )
    with fresh(server) as url:
        engine = db.connect(url, size=5)
        union = Union.built(engine, folder("errand"), calm)
        yield union, {name: union.actor(name) for name in CAST}
        union.whole()
        db.release(url)


class Play:
    """One sequence: an errand in the engine and one in the model, and what happens to both."""

    def __init__(self, union: Union, actors: dict[str, Actor], seed: int) -> None:
        self.union, self.actors, self.dice = union, actors, random.Random(seed)
        union.at = START + timedelta(hours=self.dice.randrange(24 * 30))
        early = self.dice.random() < 0.5
        self.model = Errand(early)
        self.key = union.do(
            actors["d0"],
            instances.launch,
            "errand" if early else "calm",
            {"subject": f"第 {seed} 件"},
        )
        self.told: list[str] = []
        self.learn()
        if self.dice.random() < 0.45:  # begin where the question is put
            for element, answers in (("check", {"decision": "pass"}), ("do", {"note": "好"})):
                union.do(actors["deputy"], tasks.complete, self.ids[element, 0], answers)
                self.model.complete("deputy", self.model.tasks[-1], answers, None)
                self.learn()

    def learn(self) -> None:
        """Tell the model the ids and moments that only the engine knows."""
        self.ids = {
            (r.element, n): r.id
            for element in ("check", "mend", "do", "rate")
            for n, r in enumerate(
                self.union.ask(
                    "SELECT id, element FROM task WHERE instance_id = :i AND element = :e AND ref > 0 ORDER BY id",
                    i=self.key,
                    e=element,
                )
            )
        }
        now = self.model.open
        if now is None or now.element not in ("do", "rate"):
            return
        if (
            now.element == "do"
            and self.model.due is None
            and "timer_fired" not in self.model.events
        ):
            self.model.due = self.union.timer(self.key).due_at
        if now.element == "rate" and self.model.closes is None:
            self.model.closes = self.union.timer(self.key).due_at

    def id_of(self, task: Task) -> Any:
        same = [t for t in self.model.tasks if t.element == task.element]
        return self.ids[task.element, next(n for n, t in enumerate(same) if t is task)]

    def step(self) -> tuple[str, Callable[[], Any], Callable[[Errand], Any]]:
        """One random command: its words, the act on the engine, the act on the model."""
        dice, union = self.dice, self.union
        now = union.at
        assert now is not None
        who = dice.choice(PEOPLE)
        place = (
            len(self.model.tasks) - 1
            if dice.random() < 0.9
            else dice.randrange(len(self.model.tasks))
        )
        task = self.model.tasks[place]
        if dice.random() < 0.85:  # mostly somebody who may
            who = {"mend": "d0", "rate": dice.choice(["d0", "d1", "d2", "d3"])}.get(
                task.element, dice.choice(["secretary", "deputy"])
            )
        actor, key = self.actors[who], self.id_of(task)
        kinds = ["complete"] * 6 + [
            "claim",
            "release",
            "wait",
            "wait",
            "suspend",
            "resume",
            "resume",
            "withdraw",
            "terminate",
        ]
        if self.model.rated is not None:
            kinds = ["respond"] * 8 + ["take_back"] * 2 + ["close"] * 2 + kinds[6:]
        kind = dice.choice(kinds)
        if kind in ("terminate", "withdraw") and dice.random() < 0.5:
            kind = "complete"
        do = lambda command, *args: lambda: union.do(actor, command, *args)  # noqa: E731
        if kind == "complete":
            good = {
                "check": [
                    {"decision": "pass"},
                    {"decision": "pass"},
                    {"decision": "return", "reason": "改"},
                ]
            }
            bad = [{"note": "好"}, {"decision": "return"}, {"decision": "pass"}, {}]
            answers = dice.choice(
                good.get(task.element, [{"note": "好"}]) if dice.random() < 0.85 else bad
            )
            revision = None if dice.random() < 0.9 else dice.randrange(1, 4)
            return (
                f"{who} completes {task.element} {answers} {revision}",
                do(tasks.complete, key, answers, revision),
                lambda m: m.complete(who, m.tasks[place], answers, revision),
            )
        if kind == "claim":
            return f"{who} claims {task.element}", *self.on_task(
                do, tasks.claim, key, task, who, place
            )
        if kind == "release":
            return f"{who} releases {task.element}", *self.on_task(
                do, tasks.release, key, task, who, place
            )
        if kind == "wait":
            return self.wait()
        if kind == "withdraw":
            return (
                f"{who} withdraws",
                do(instances.withdraw, self.key, "不办"),
                lambda m: m.withdraw(who),
            )
        if kind == "terminate":
            return (
                f"{who} terminates",
                do(instances.terminate, self.key, "重复"),
                lambda m: m.terminate(who),
            )
        if kind == "suspend":
            return (
                f"{who} suspends",
                do(instances.suspend, self.key, "停"),
                lambda m: m.suspend(who, now),
            )
        if kind == "resume":
            return (
                f"{who} resumes",
                do(instances.resume, self.key),
                lambda m: m.resume(who, self.days, lambda n: timedelta(days=n)),
            )
        poll = union.poll(self.key)
        if kind == "respond":
            choice = dice.choice(["good", "good", "bad", "bad", "fine"])
            return (
                f"{who} answers {choice}",
                do(polls.respond, poll, choice),
                lambda m: m.respond(who, choice, now),
            )
        if kind == "take_back":
            return f"{who} takes back", do(polls.take_back, poll), lambda m: m.take_back(who, now)
        return f"{who} closes", do(polls.close, poll), lambda m: m.close(who, now)

    def on_task(
        self, do: Any, command: Any, key: Any, task: Task, who: str, place: int
    ) -> tuple[Any, Any]:
        return do(command, key), lambda m: getattr(m, command.__name__)(who, m.tasks[place])

    def days(self, since: Any) -> int:
        assert self.union.at is not None
        return (clock.day_of(self.union.at) - clock.day_of(since)).days

    def wait(self) -> tuple[str, Callable[[], Any], Callable[[Errand], Any]]:
        """Some time passes, often just up to, or just past, a deadline; then a worker looks."""
        near = [moment for moment in (self.model.due, self.model.closes) if moment is not None]
        later = self.union.at + timedelta(minutes=self.dice.randrange(60 * 24 * 12))  # type: ignore[operator]
        if near and self.dice.random() < 0.5:
            later = max(
                self.union.at, near[0] + self.dice.choice([-1, 0, 1]) * timedelta(microseconds=1)
            )  # type: ignore[type-var]
        self.union.at = later
        return (
            f"until {later}",
            lambda: self.union.timed(lambda: jobs.sweep(self.union.engine)) and None,
            lambda m: m.sweep(later),
        )

    def turn(self) -> None:
        words, act, expected = self.step()
        self.told.append(words)
        before, code, told = copy.deepcopy(self.model), "", False
        try:
            expected(self.model)
        except No as no:
            self.model, code, told = before, no.code, no.told
        if told:
            self.model.events.append("attempt_refused")
        found = attempt(act)
        assert found.code == code, f"{found.error!r}, expected {code!r}"
        self.learn()
        self.compare()

    def compare(self) -> None:
        union, model = self.union, self.model
        row = union.row(self.key)
        now = model.open
        assert (row.state, row.stage, row.stopped_days) == (
            model.state,
            [now.element] if now else [],
            model.stopped,
        )
        rows = union.ask(
            "SELECT element, state, assignee_id, revision FROM task WHERE instance_id = :i AND ref > 0 ORDER BY id",
            i=self.key,
        )
        names = {key: name for name, key in union.people.items()}
        assert [(r.element, r.state, names.get(r.assignee_id, "")) for r in rows] == [
            (t.element, t.state, t.assignee) for t in model.tasks
        ]
        assert union.events(self.key) == model.events
        if model.rated is not None:
            good, bad = model.counts
            assert union.one("SELECT counts FROM poll WHERE instance_id = :i", i=self.key) == {
                "good": good,
                "bad": bad,
            }
        waiting = sorted(
            r[0]
            for r in union.ask(
                "SELECT due_at FROM timer WHERE instance_id = :i AND state = 'waiting'", i=self.key
            )
        )
        assert waiting == sorted(m for m in (model.due, model.closes) if m is not None)

    def run(self) -> None:
        try:
            for _ in range(LENGTH):
                self.turn()
                if self.model.state not in ("running", "suspended") and self.dice.random() < 0.5:
                    break
            if self.model.state in ("running", "suspended"):
                self.union.do(self.actors["secretary"], instances.terminate, self.key, "演完")
        except AssertionError as fault:
            raise AssertionError("\n".join([*self.told, str(fault)])) from fault


@pytest.mark.parametrize("first", range(0, 60, 30))
def test_sixty_random_sequences_go_as_the_model_says(
    ground: tuple[Union, dict[str, Actor]], first: int
) -> None:
    for seed in range(first, first + 30):
        Play(*ground, seed).run()


@pytest.mark.prove
@pytest.mark.parametrize("first", range(1_000, 11_000, 1_000))
def test_ten_thousand_random_sequences_go_as_the_model_says(
    ground: tuple[Union, dict[str, Actor]], first: int
) -> None:
    for seed in range(first, first + 1_000):
        Play(*ground, seed).run()

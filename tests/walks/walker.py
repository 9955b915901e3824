"""A walk on from somewhere in a story: people do at random what is open to them, and now and then what is not; time goes by.

Everything goes through the commands, as at the edges. Whoever refuses says why; whatever else goes wrong ends the walk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock, machine
from engine.commands import edge, instances, messages, outside, polls, tasks
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.people import organisation
from engine.scenarios import assembly, steps, workers
from engine.scenarios.progress import WAITING
from tests.walks import meetings
from tests.walks.answers import Answers

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.forms import Form
    from engine.people.organisation import Actor
    from engine.scenarios.progress import Progress

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TRIES = 10  # of one form before somebody gives up
STRANGE = 0.05  # how often somebody tries what is not his
OUTSIDE = {"unit": "上级单位", "name": "经办人", "post": "科长"}
GATES = ("gate", "guard")  # refusals that other answers may overcome
_task, _poll, _timer = tables.task.c, tables.poll.c, tables.timer.c


@dataclass
class Walk:
    """One walk on a live story; `done` tells line by line what happened in it, for a test that fails."""

    progress: Progress
    chance: random.Random
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers = Answers(self.progress, self.chance)
        self.names = {key: name for name, key in self.progress.world.members.items()}

    @property
    def session(self) -> Session:
        return self.progress.session

    @property
    def process(self) -> Process:
        """The process of the instance at hand."""
        return self.progress.process

    def step(self) -> None:
        """One thing that somebody does in one of the running instances, or time that goes by."""
        running = self.running()
        if not running:
            return
        self.progress.current = self.chance.choice(running)
        ways: dict[Callable[[], None], int] = {
            self._complete: 50,
            self._vote: 24,
            lambda: meetings.hold(self): 10,
            self._wait: 10,
            self._message: 2,
            self._claim: 3,
            self._withdraw: 1,
        }
        self.chance.choices(list(ways), list(ways.values()))[0]()
        self.settle()

    def settle(self) -> None:
        """What the workers do at once: messages between instances, and timers that are due already."""
        with clock.set_to(self.progress.now):
            workers.let_pass(self.progress, self.progress.now)

    def running(self) -> list[str]:
        """The instances, by alias, that are not over."""
        row = tables.instance.c
        query = select(row.id).where(
            row.id.in_(self.progress.instances.values()), row.state == "running"
        )
        going = set(self.session.execute(query).scalars())
        return [alias for alias, key in self.progress.instances.items() if key in going]

    # --- who ---
    def by_name(self, members: Iterable[UUID]) -> list[UUID]:
        """In an order that does not hang on ids, which differ from run to run."""
        return sorted(members, key=lambda key: self.names.get(key, ""))

    def actor(self, member: UUID) -> Actor:
        return organisation.actor(self.session, member)

    def anybody(self) -> Actor:
        return self.actor(
            self.progress.world.members[self.chance.choice(sorted(self.progress.world.members))]
        )

    def holders(self, task: Any) -> list[UUID]:
        """Whose task it is."""
        if task.assignee_id:
            return [task.assignee_id]
        kind, _, unit = (task.seat or "").partition("@")
        day = clock.day_of(self.progress.now)
        return self.by_name(organisation.holders(self.session, kind, [unit], day)) if unit else []

    def _doer(self, task: Any) -> Actor:
        """Mostly one whose task it is, now and then anybody."""
        holders = self.holders(task)
        if not holders or self.chance.random() < STRANGE:
            return self.anybody()
        return self.actor(self.chance.choice(holders))

    def in_lane(self, element: str) -> list[UUID]:
        """Who may be asked to act for the lane of a task: the person in the facts, or whoever holds its post."""
        lane = self.process.lanes[self.process.tasks[element].lane]
        if lane.person:
            found = self.progress.meant(f"fact:{lane.person}")
            people = [found] if isinstance(found, str) else found or []
            return [key for key in self.by_name(self.names) if str(key) in people]
        day, union = clock.day_of(self.progress.now), self.progress.world.union_id
        return self.by_name(organisation.in_union(self.session, lane.post, union, day))

    # --- how ---
    def attempt(self, actor: Actor | None, act: Callable[[Session], Any], what: str) -> str:
        """Do it. Gives the code of a refusal or conflict, which are part of life; empty when it was done."""
        name = actor.name if actor else "（外单位）"
        try:
            with clock.set_to(self.progress.now):
                edge.carry_out(self.progress.engine, actor, act)
        except (Refused, Conflict, NotFound, Invalid) as fault:
            self.done.append(f"{name} {what}：{fault.code}")
            return fault.code
        self.done.append(f"{name} {what}")
        return ""

    def _fill_in(
        self,
        actor: Actor,
        form: Form | None,
        act: Callable[[Session, dict[str, Any]], Any],
        what: str,
    ) -> bool:
        """Do something with answers to its form, corrected until they are taken or somebody gives up."""
        given = self.answers.given(form, actor)
        for _ in range(TRIES):
            wrong: set[str] = set()
            try:
                with clock.set_to(self.progress.now):
                    edge.carry_out(self.progress.engine, actor, lambda s, now=given: act(s, now))
            except Invalid as fault:
                wrong = set(fault.fields)
                why = f"{fault.code} {sorted(wrong)}"
            except (Refused, Conflict, NotFound) as fault:
                why = fault.code
                if why not in GATES:
                    break
            else:
                self.done.append(f"{actor.name} {what} {self._readable(given)}")
                return True
            given = self.answers.corrected(form, actor, given, wrong)
        self.done.append(f"{actor.name} {what}：{why}")
        return False

    def _readable(self, given: dict[str, Any]) -> str:
        """Answers with names; ids of files, which are new in each walk, are left out."""
        named = {key: self.progress.by_name(value) for key, value in given.items()}
        return _ID.sub("…", str(named))

    # --- tasks ---
    def open_tasks(self) -> list[Any]:
        """The open tasks of the instance at hand, in an order that does not hang on ids."""
        query = select(tables.task).where(
            _task.instance_id == self.progress.instance(), _task.state == "open"
        )
        rows = self.session.execute(query).all()
        return sorted(
            rows, key=lambda row: (row.element, self.names.get(row.assignee_id, ""), row.opened_at)
        )

    def plain(self) -> list[Any]:
        """Tasks that one person completes."""
        return [row for row in self.open_tasks() if not self.process.tasks[row.element].poll]

    def _complete(self) -> None:
        plain = self.plain()
        if not plain:
            return
        task = self.chance.choice(plain)
        rule = self.process.tasks[task.element]
        if rule.meeting and self.chance.random() < 0.7:
            meetings.hold(self)  # a meeting is held before it is closed
            return
        actor = self._doer(task)
        if rule.link and self.chance.random() < 0.5:
            self._answer_link(task, actor, outside.asked(rule.form))
            return
        self.complete(task, actor)

    def complete(self, task: Any, actor: Actor) -> bool:
        """Let somebody complete a task of the instance at hand. Gives whether it was done."""
        return self._fill_in(
            actor,
            self.process.tasks[task.element].form,
            lambda s, given: tasks.complete(s, actor, task.id, given),
            f"complete {task.element}",
        )

    def _answer_link(self, task: Any, actor: Actor, form: Form | None) -> None:
        """Send the one-time link; whoever it was sent to answers by it."""
        sent: list[str] = []
        self.attempt(
            actor,
            lambda s: sent.append(outside.invite(s, actor, task.id, OUTSIDE["unit"])),
            f"invite {task.element}",
        )
        if not sent:
            return
        given = self.answers.given(form, actor)
        for _ in range(TRIES):
            code = self.attempt(
                None,
                lambda s, now=given: outside.answer(s, sent[0], now, OUTSIDE),
                f"answer {task.element}",
            )
            if code not in ("invalid", *GATES):
                return
            given = self.answers.corrected(form, actor, given, ())

    def _claim(self) -> None:
        plain = self.plain()
        if plain:
            task = self.chance.choice(plain)
            actor = self._doer(task)
            act, verb = self.chance.choice(((tasks.claim, "claim"), (tasks.release, "release")))
            self.attempt(actor, lambda s: act(s, actor, task.id), f"{verb} {task.element}")

    # --- what may come at any time ---
    def _row(self) -> Any:
        instance = tables.instance
        query = select(instance).where(instance.c.id == self.progress.instance())
        return self.session.execute(query).one()

    def waited_for(self) -> list[str]:
        """The messages that somebody may send to the instance at hand."""
        row = self._row()
        live = machine.look(self.process.spec, row.machine) if row.machine else ()
        known = {n for n, rule in self.process.messages.items() if rule.lane}
        return sorted({each.text for each in live if each.kind == "message"} & known)

    def _message(self) -> None:
        waiting = self.waited_for()
        if not waiting:
            return
        name, key = self.chance.choice(waiting), self.progress.instance()
        for _ in range(2):
            actor = self.anybody()
            if self._fill_in(
                actor,
                self.process.messages[name].form,
                lambda s, given, who=actor: messages.send(s, who, key, name, given),
                f"message {name}",
            ):
                return

    def _withdraw(self) -> None:
        row = self._row()
        actor = self.actor(row.starter_id) if row.starter_id else self.anybody()
        self.attempt(actor, lambda s: instances.withdraw(s, actor, row.id, "情况有变"), "withdraw")

    # --- votes ---
    def _vote(self) -> None:
        query = (
            select(tables.poll, _task.element)
            .join(tables.task, _task.id == _poll.task_id)
            .where(_poll.instance_id == self.progress.instance(), _poll.state.in_(WAITING))
        )
        rows = sorted(self.session.execute(query), key=lambda row: (row.element, row.opened_at))
        if not rows:
            return
        poll = self.chance.choice(rows)
        if poll.state in ("called", "counting"):
            for teller in poll.tellers:
                self._told(teller, "count", poll.element)
            return
        for voter in self._voters(poll):
            self._cast(voter, poll)
        if self.chance.random() < 0.4:
            self._close(poll)

    def _voters(self, poll: Any) -> list[UUID]:
        """Some of those who have not answered yet, often all of them."""
        roll = tables.roll.c
        query = select(roll.member_id).where(roll.poll_id == poll.id, roll.open)
        waiting = self.by_name(self.session.execute(query).scalars())
        many = len(waiting) if self.chance.random() < 0.5 else self.chance.randint(0, len(waiting))
        return self.chance.sample(waiting, many)

    def _cast(self, voter: UUID, poll: Any) -> None:
        if poll.kind == "election":
            seats = int(poll.rule["seats"])
            drawn = self.chance.sample(list(poll.choices), min(len(poll.choices), seats))
            given: dict[str, Any] = {"choices": drawn if self.chance.random() < 0.9 else []}
        else:
            likely = [poll.choices[0]] * 5 + list(poll.choices)
            given = {"choice": self.chance.choice(likely)}
        self._told(voter, "respond", poll.element, given, poll)

    def _close(self, poll: Any) -> None:
        for member in self.in_lane(poll.element)[:1] or [self._row().starter_id]:
            if member:
                actor = self.actor(member)
                self.attempt(
                    actor, lambda s: polls.close(s, actor, poll.id), f"close_poll {poll.element}"
                )

    def _told(
        self,
        member: UUID,
        does: str,
        element: str,
        given: dict[str, Any] | None = None,
        poll: Any = None,
    ) -> None:
        """What a ballot needs of many commands is done as the stories do it."""
        actor, given = self.actor(member), given or {}
        shown = f"{does} {element} {self._readable(given) if given else ''}"

        def act(session: Session) -> None:
            if poll is None:
                assembly.ACTIONS[does](
                    self.progress, actor, steps.Step(0, (actor.name,), does, element, given)
                )
            elif poll.secret:
                assembly.cast(self.progress, actor, poll.id, given)
            else:
                choice, chosen = given.get("choice", ""), given.get("choices")
                polls.respond(session, actor, poll.id, choice, "", chosen)

        self.attempt(actor, act, shown)

    # --- time ---
    def next_timer(self) -> Any:
        """When the next timer of the walk's instances is due; None when there is none."""
        query = select(_timer.due_at).where(
            _timer.instance_id.in_(self.progress.instances.values()), _timer.state == "waiting"
        )
        return self.session.execute(query.order_by(_timer.due_at).limit(1)).scalar()

    def _wait(self) -> None:
        """To the next timer, to its eve, or some days on."""
        timer = self.next_timer()
        target = self.progress.now + timedelta(days=self.chance.choice([1, 1, 2, 5, 9]))
        if timer is not None and self.chance.random() < 0.4:
            target = max(self.progress.now, timer + timedelta(minutes=self.chance.choice([-1, 1])))
        self.wait_until(target)

    def wait_until(self, target: Any) -> None:
        workers.let_pass(self.progress, target)
        self.done.append(f"-- {self.progress.now.astimezone(clock.CHINA):%Y-%m-%d %H:%M}")

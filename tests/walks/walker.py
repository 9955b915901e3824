"""A walk through a process: people do at random what is open to them, and what is not; time goes by; nothing may break.

Everything goes through the commands, as at the edges. Whoever refuses says why; whatever else goes wrong ends the test.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock, definitions, machine, scenarios
from engine.commands import attachments, edge, instances, meetings, polls, tasks
from engine.db import tables
from engine.errors import Conflict, EngineError, Invalid, NotFound, ProcessFault, Refused
from engine.history import event_log, verification
from engine.instance.choices import choices
from engine.people import organisation
from engine.people.access import ANYBODY
from engine.scenarios import assembly, steps, story, workers, world
from engine.scenarios.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy import Engine

    from engine.forms import Form
    from engine.forms.form import Field
    from engine.people.organisation import Actor

ROOT = Path(__file__).parents[2]
STANDARD = scenarios.standard(ROOT / "processes")
START = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)  # before the Mid-Autumn and National Day holidays
DELEGATES = [f"代表{n}" for n in range(1, 11)]
TRIES = 12
_task, _poll, _event, _timer = tables.task.c, tables.poll.c, tables.event.c, tables.timer.c


@dataclass
class Walk:
    """One walk; `done` tells what happened, for a test that fails."""

    progress: Progress
    chance: random.Random
    process_id: str
    done: list[str] = field(default_factory=list)

    # --- who and what ---
    def actor(self, name: str) -> Actor:
        return organisation.actor(self.progress.session, self.progress.world.members[name])

    def anybody(self) -> Actor:
        return self.actor(self.chance.choice(sorted(self.progress.world.members)))

    def someone_of(self, task: Any) -> Actor:
        """Mostly one whose task it is, now and then anybody."""
        if self.chance.random() < 0.06:
            return self.anybody()
        if task.assignee_id:
            return organisation.actor(self.progress.session, task.assignee_id)
        kind, _, unit = task.seat.partition("@")
        held = organisation.holders(
            self.progress.session, kind, [unit], clock.day_of(self.progress.now)
        )
        return (
            organisation.actor(self.progress.session, self.chance.choice(held))
            if held
            else self.anybody()
        )

    # --- answers ---
    def answers(
        self, form: Form | None, actor: Actor, wrong: set[str] = frozenset()
    ) -> dict[str, Any]:  # type: ignore[assignment]
        """Random answers; the fields in `wrong` are now left out, now filled otherwise."""
        found = {}
        for each in form.asked if form else ():
            if each.key in wrong and self.chance.random() < 0.5:
                continue
            if not each.required and each.key not in wrong and self.chance.random() < 0.25:
                continue
            value = self.answer(each, actor)
            if value is not None:
                found[each.key] = value
        return found

    def answer(self, asked: Field, actor: Actor) -> Any:
        chance, limits = self.chance, asked.limits
        if asked.kind in ("textfield", "textarea"):
            if limits.pattern:
                return chance.choice(
                    ["13800000000", "a@b.cn", "20260001", "2026-09-01", "09:00", "001"]
                )
            least = limits.min_length or 1
            return (
                "依法民主管理" * (least // 6 + 1)
                if not limits.max_length
                else ("依法民主管理" * 200)[: max(least, min(limits.max_length, 12))]
            )
        if asked.kind == "number":
            low = limits.minimum if limits.minimum is not None else 0
            return chance.randint(
                low, min(limits.maximum if limits.maximum is not None else low + 12, low + 500)
            )
        if asked.kind in ("select", "radio"):
            offered = self.offered(asked)
            return chance.choice(offered) if offered else None
        if asked.kind == "checklist":
            offered = self.offered(asked)
            return chance.sample(
                offered, chance.randint(min(1, len(offered)), min(len(offered), 6))
            )
        if asked.kind == "checkbox":
            return chance.random() < 0.85
        if asked.kind == "datetime":
            return (
                clock.day_of(self.progress.now)
                + timedelta(days=chance.choice([-30, -3, -1, 0, 0, 1, 5, 9, 20, 60, 400]))
            ).isoformat()
        if asked.kind == "filepicker":
            key = self.carry_out(
                actor, lambda s: attachments.add(s, actor, "扫描件.pdf", b"%PDF-1.4 scan")
            )
            return [str(key)]
        return None

    def offered(self, asked: Field) -> list[str]:
        if not asked.source:
            return [c.value for c in asked.choices]
        return [
            value
            for value, _ in choices(self.progress.session, self.progress.world.union_id)(
                asked.source
            )
        ]

    # --- acting ---
    def carry_out(self, actor: Actor | None, work: Any) -> Any:
        with clock.set_to(self.progress.now):
            return edge.carry_out(self.progress.engine, actor, work)

    def attempt(self, actor: Actor, form: Form | None, act: Any, what: str) -> bool:
        """Do something with answers that fit its form, sooner or later. Refusals and conflicts are part of life."""
        wrong: set[str] = set()
        for _ in range(TRIES):
            given = self.answers(form, actor, wrong)
            try:
                self.carry_out(actor, lambda s, given=given: act(s, given))
            except Invalid as fault:
                wrong = set(fault.fields)
                continue
            except (Refused, Conflict, NotFound) as fault:
                self.done.append(f"{actor.name} {what}：{fault.code}")
                if fault.code in ("gate", "guard"):
                    continue
                return False
            self.done.append(f"{actor.name} {what} {given}")
            return True
        self.done.append(f"{actor.name} {what}：no answers fit ({wrong})")
        return False

    def launch(self) -> bool:
        process = (
            self.progress.world.process
            if self.process_id == self.progress.world.process.id
            else self.progress.world.others[self.process_id]
        )
        names = sorted(self.progress.world.members)
        able = [n for n in names if any(p.kind in process.launch for p in self.actor(n).posts)]
        if ANYBODY in process.launch and (not able or self.chance.random() < 0.5):
            able = names
        who = self.actor(self.chance.choice(able))

        def begin(session: Any, given: dict[str, Any]) -> None:
            self.progress.instances["A"] = instances.launch(session, who, process.id, given)
            self.progress.current = "A"

        return self.attempt(who, process.launch_form, begin, "launch")

    def step(self) -> None:
        """One thing that somebody does, or time that goes by."""
        ways = (
            [self._complete] * 8
            + [self._message] * 1
            + [self._poll] * 6
            + [self._meeting] * 3
            + [self._wait] * 2
        )
        self.chance.choice(ways)()
        with clock.set_to(self.progress.now):
            workers.let_pass(self.progress, self.progress.now)

    def _open(self) -> list[Any]:
        return list(
            self.progress.session.execute(
                select(tables.task)
                .where(_task.instance_id == self.progress.instance(), _task.state == "open")
                .order_by(_task.id)
            )
        )

    def _complete(self) -> None:
        plain = [t for t in self._open() if not self.progress.process.tasks[t.element].poll]
        if not plain:
            return
        task = self.chance.choice(plain)
        actor, rule = self.someone_of(task), self.progress.process.tasks[task.element]
        self.attempt(
            actor,
            rule.form,
            lambda s, given: tasks.complete(s, actor, task.id, given),
            f"complete {task.element}",
        )

    def _message(self) -> None:
        row = self.progress.session.execute(
            select(tables.instance).where(tables.instance.c.id == self.progress.instance())
        ).one()
        live = machine.look(self.progress.process.spec, row.machine) if row.machine else ()
        waiting = sorted(
            {
                w.text
                for w in live
                if w.kind == "message" and w.text in self.progress.process.messages
            }
        )
        if not waiting:
            return
        name = self.chance.choice(waiting)
        rule = self.progress.process.messages[name]
        for _ in range(4):
            actor = self.anybody()
            if rule.lane and self.attempt(
                actor,
                rule.form,
                lambda s, given, a=actor: instances.send(s, a, row.id, name, given),
                f"message {name}",
            ):
                return

    def _poll(self) -> None:
        rows = self.progress.session.execute(
            select(tables.poll).where(
                _poll.instance_id == self.progress.instance(),
                _poll.state.in_(("called", "open", "counting")),
            )
        ).all()
        if not rows:
            return
        poll = self.chance.choice(rows)
        if poll.state in ("called", "counting") or (poll.secret and self.chance.random() < 0.2):
            for teller in poll.tellers:
                self._hall(teller, "count", poll)
            return
        voters = (
            self.progress.session.execute(
                select(tables.roll.c.member_id).where(
                    tables.roll.c.poll_id == poll.id, tables.roll.c.open
                )
            )
            .scalars()
            .all()
        )
        for voter in self.chance.sample(
            sorted(voters), min(len(voters), self.chance.randint(1, 9))
        ):
            if poll.kind == "election":
                given: dict[str, Any] = {
                    "choices": self.chance.sample(
                        list(poll.choices), min(len(poll.choices), self.chance.randint(0, 1))
                    )
                }
            else:
                likely = poll.choices[:1] * 6 + poll.choices
                given = {"choice": self.chance.choice(likely)}
            self._hall(voter, "respond", poll, given)
        if self.chance.random() < 0.5:
            for name in ("主席团主席", "工会主席", "大会秘书"):
                if name in self.progress.world.members:
                    self._try(
                        self.actor(name), lambda s, a: polls.close(s, a, poll.id), "close_poll"
                    )

    def _hall(
        self, member: UUID, does: str, poll: Any, given: dict[str, Any] | None = None
    ) -> None:
        element = self.progress.session.execute(
            select(_task.element).where(_task.id == poll.task_id)
        ).scalar_one()
        actor = organisation.actor(self.progress.session, member)
        told = steps.Step(0, (actor.name,), does, element, given or {})
        try:
            with clock.set_to(self.progress.now):
                if does == "respond" and poll.secret:
                    assembly.cast(self.progress, actor, poll.id, given or {})
                elif does == "respond":
                    given = given or {}
                    edge.carry_out(
                        self.progress.engine,
                        actor,
                        lambda s: polls.respond(
                            s, actor, poll.id, given.get("choice", ""), "", given.get("choices")
                        ),
                    )
                else:
                    assembly.ACTIONS[does](self.progress, actor, told)
            self.done.append(f"{actor.name} {does} {element} {given or ''}")
        except (Refused, Conflict, NotFound, Invalid) as fault:
            self.done.append(f"{actor.name} {does} {element}：{fault.code}")

    def _try(self, actor: Actor, act: Any, what: str) -> None:
        try:
            self.carry_out(actor, lambda s: act(s, actor))
            self.done.append(f"{actor.name} {what}")
        except (Refused, Conflict, NotFound, Invalid) as fault:
            self.done.append(f"{actor.name} {what}：{fault.code}")

    def _meeting(self) -> None:
        meeting = tables.meeting.c
        found = self.progress.session.execute(
            select(tables.meeting).where(
                meeting.instance_id == self.progress.instance(),
                meeting.state.in_(("called", "open")),
            )
        ).first()
        if found is None:
            return
        due = (
            self.progress.session.execute(
                select(tables.attendance.c.member_id)
                .where(tables.attendance.c.meeting_id == found.id)
                .order_by(tables.attendance.c.member_id)
            )
            .scalars()
            .all()
        )
        for member in due:
            if self.chance.random() < 0.85:
                self._try(
                    organisation.actor(self.progress.session, member),
                    lambda s, a: meetings.arrive(s, a, found.id, found.code),
                    "arrive",
                )
        if self.chance.random() < 0.1 and due:
            self._try(
                organisation.actor(self.progress.session, self.chance.choice(due)),
                lambda s, a: meetings.leave(s, a, found.id),
                "leave",
            )
        for name in ("大会秘书", "工会主席", "工会秘书", "主席团主席"):
            self._try(
                self.actor(name), lambda s, a: meetings.open_meeting(s, a, found.id), "open_meeting"
            )

    def _wait(self) -> None:
        """To the next timer, to its eve, or some days on."""
        timer = self.progress.session.execute(
            select(_timer.due_at)
            .where(
                _timer.instance_id.in_(self.progress.instances.values()), _timer.state == "waiting"
            )
            .order_by(_timer.due_at)
            .limit(1)
        ).scalar()
        target = self.progress.now + timedelta(days=self.chance.choice([1, 1, 2, 5, 9]))
        if timer is not None and self.chance.random() < 0.5:
            target = max(self.progress.now, timer + timedelta(minutes=self.chance.choice([-1, 1])))
        workers.let_pass(self.progress, target)
        self.done.append(f"-- {self.progress.now.astimezone(clock.CHINA):%Y-%m-%d %H:%M}")

    # --- what must hold ---
    def told(self) -> list[Any]:
        """Everything on record about the matters of the walk, in order."""
        return list(
            self.progress.session.execute(
                select(tables.event)
                .where(_event.instance_id.in_(self.progress.instances.values()))
                .order_by(_event.instance_id, _event.seq)
            )
        )

    def nothing_is_broken(self) -> None:
        session = self.progress.session
        for key in self.progress.instances.values():
            row = session.execute(select(tables.instance).where(tables.instance.c.id == key)).one()
            events = session.execute(
                select(tables.event).where(_event.instance_id == key).order_by(_event.seq)
            ).all()
            assert event_log.first_broken(key, events, row.seq, bytes(row.head)) is None
            trouble = (
                session.execute(
                    select(tables.incident.c.message).where(tables.incident.c.instance_id == key)
                )
                .scalars()
                .all()
            )
            assert not trouble, trouble
            if row.state == "running":
                live = machine.look(self.progress.process_of(key).spec, row.machine)
                assert live, "nothing waits for anybody"
                late = select(_timer.id).where(
                    _timer.instance_id == key,
                    _timer.state == "waiting",
                    _timer.due_at <= self.progress.now,
                )
                assert session.execute(late).first() is None, "a clock ran out without its event"
        broken = verification.first_false(session)
        assert broken is None, broken


@contextmanager
def walking(engine: Engine, folder: Path, seed: int) -> Iterator[Walk]:
    """A walk on a stage of its own, which is thrown away."""
    others = sorted(
        p.parent.name for p in folder.parent.glob("*/process.toml") if p.parent != folder
    )
    told = story.Story(
        "walk",
        "",
        "",
        START,
        dict.fromkeys(DELEGATES, ("formal_delegate@info",)),
        {},
        (),
        tuple(others),
        "",
        (steps.Step(1, (), "wait", after="1 days"),),
        {},
    )
    with engine.connect() as session, session.begin() as whole, clock.set_to(START):
        try:
            files = {name: definitions.read(folder.parent / name) for name in others}
            set_ = world.build(session, told, definitions.read(folder), STANDARD, files)
            for process in (
                set_.process,
                *set_.others.values(),
            ):  # on a stage nobody puts them on record
                says = {"process": process.id, "version": process.hash}
                event_log.note(
                    session, event_log.INSTALLATION, "definition_published", None, **says
                )
            yield Walk(Progress(session, set_, START), random.Random(seed), set_.process.id)
        finally:
            whole.rollback()


__all__ = ["EngineError", "ProcessFault", "Walk", "date", "walking"]

"""How far a story has come: its clock, its instances, what is open in them, and what the names in
it mean.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import func, select

from engine import clock
from engine.commands import attachments, edge
from engine.db import aside, tables
from engine.db.states import PollState, TaskState, TimerState
from engine.errors import NotFound, ProcessFault
from engine.instance import presence
from engine.instance.view import dotted
from engine.messages import Listed, _
from engine.scenarios import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Engine

    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor
    from engine.scenarios.world import World

_instance, _task, _poll = tables.instance.c, tables.task.c, tables.poll.c
_event, _timer = tables.event.c, tables.timer.c
_published = tables.publication.c
_DAYS = re.compile(r"[+-]\d{1,4}")
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
T = TypeVar("T")

WAITING = (PollState.CALLED, PollState.OPEN, PollState.COUNTING)  # polls that are not over
NOTHING = _("（没有）")


class Unexpected(Exception):
    """Something went otherwise than the story tells; `message` says how."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class _Savepoints:
    """Stands for the database engine: each of its transactions is a savepoint of the one that is
    thrown away.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with self.session.begin_nested():
            yield self.session


@dataclass
class Progress:
    """`instances` by alias in the order of their launch; `current` is the one that the story is
    about now.
    """

    session: Session
    world: World
    now: datetime
    instances: dict[str, UUID] = field(default_factory=dict)
    current: str = ""
    seen: int = 0  # the last event that was told
    done: int = 0  # the last job that was carried out
    acting: Actor | None = None  # whoever does the present step

    def __post_init__(self) -> None:
        self.started: dict[str, Process] = {}  # the process of each instance, by alias
        self.joined: list[tuple[UUID, UUID]] = []  # tellers who joined their key: (poll, teller)
        self.seen = self.session.execute(select(func.coalesce(func.max(_event.id), 0))).scalar_one()

    def copied(self) -> Progress:
        """The same, which goes its own way from here."""
        other = copy(self)
        other.instances, other.started = dict(self.instances), dict(self.started)
        other.joined = list(self.joined)
        return other

    @property
    def process(self) -> Process:
        """The process of the instance that the story is about now."""
        return self.started.get(self.current, self.world.process)

    def process_of(self, key: UUID) -> Process:
        """The process of one of the instances."""
        alias = next(a for a, k in self.instances.items() if k == key)
        return self.started.get(alias, self.world.process)

    @property
    def engine(self) -> Engine:
        """What the edges take for the database engine."""
        return cast("Engine", _Savepoints(self.session))

    def carry_out(self, actor: Actor | None, command: Callable[[Session], T]) -> T:
        """A command as an edge carries it out; `actor` is None where nobody is logged in."""
        return edge.carry_out(self.engine, actor, command)

    def answered(self, element: str, given: Mapping[str, Any], process: str = "") -> dict[str, Any]:
        """What a step answers; the day of the fact, where it says none, is today, as the page of
        the form offers.
        """
        read = self.world.others.get(process, self.world.process) if process else self.process
        rule = read.tasks.get(element)
        offered = {rule.happened: clock.today().isoformat()} if rule and rule.happened else {}
        return {**offered, **self.meant(given)}

    # --- names and ids ---
    def known(self, alias: str) -> UUID:
        """The instance called so, or begun so by one of them: "A.by_election". Raises
        ProcessFault.
        """
        first, _dot, link = alias.partition(".")
        if link and first in self.instances:
            self._follow(alias, self.instances[first], link)
        if alias not in self.instances:
            known = Listed(self.instances) or NOTHING
            advice = _("已有：{known}。", known=known)
            raise ProcessFault(_("没有叫 {alias} 的件。", alias=alias), advice=advice)
        return self.instances[alias]

    def _follow(self, alias: str, begun_by: UUID, link: str) -> None:
        """Let an alias stand for the matter that an instance has begun last under this link."""
        instance = tables.instance.c
        begun = instance.facts[link]["matter"].astext
        query = select(begun).where(instance.id == begun_by)
        found = self.session.execute(query).scalar()
        if found:
            which = select(instance.process_id).where(instance.id == UUID(found))
            self.instances[alias] = UUID(found)
            process = self.session.execute(which).scalar_one()
            self.started[alias] = self.world.others.get(process, self.world.process)

    def instance(self) -> UUID:
        """The instance that the story is about now. Raises ProcessFault."""
        if not self.instances:
            advice = _('请先写 does = "launch" 的一步。')
            raise ProcessFault(_("还没有发起任何一件。"), advice=advice)
        return self.instances[self.current]

    def task(self, element: str) -> UUID:
        """The open task of this element, else its latest. Raises NotFound."""
        query = (
            select(_task.id)
            .where(_task.instance_id == self.instance(), _task.element == element)
            .order_by(_task.state != TaskState.OPEN, _task.id.desc())
            .limit(1)
        )
        found: UUID | None = self.session.execute(query).scalar()
        if found is None:
            title, open_now = words.titled(self.process, element), self.open_words()
            raise NotFound(
                _("{title} 从未打开过。现在打开的是 {open_now}。", title=title, open_now=open_now)
            )
        return found

    def poll(self, element: str) -> UUID:
        """The open poll of this element (or the only one), else its latest. Raises NotFound."""
        query = (
            select(_poll.id)
            .join(tables.task, _task.id == _poll.task_id)
            .where(_poll.instance_id == self.instance())
            .order_by(_poll.state.not_in(WAITING), _poll.id.desc())
            .limit(1)
        )
        if element:
            query = query.where(_task.element == element)
        found: UUID | None = self.session.execute(query).scalar()
        if found is None:
            title, open_now = words.titled(self.process, element), self.open_words()
            raise NotFound(
                _(
                    "表决 {title} 从未打开过。现在打开的是 {open_now}。",
                    title=title,
                    open_now=open_now,
                )
            )
        return found

    def publication(self, element: str) -> UUID:
        """What this instance has published there last. Raises NotFound."""
        query = select(_published.id).where(
            _published.instance_id == self.instance(),
            _published.element == element,
            _published.current,
        )
        found: UUID | None = self.session.execute(query).scalar()
        if found is None:
            raise NotFound(_("“{key}”还没有公示。", key=element))
        return found

    def meeting(self, element: str) -> UUID:
        """The latest meeting of a task. Raises NotFound."""
        found = presence.latest(self.session, self.instance(), element)
        if found is None:
            title, open_now = words.titled(self.process, element), self.open_words()
            raise NotFound(
                _(
                    "会议 {title} 还没有召集。现在打开的是 {open_now}。",
                    title=title,
                    open_now=open_now,
                )
            )
        return UUID(str(found.id))

    def _named(self) -> dict[str, Mapping[str, UUID]]:
        """What a story may name, by kind."""
        return {"unit": self.world.units, "member": self.world.members, "instance": self.instances}

    def meant(self, value: object) -> Any:
        """`value` with "unit:…", "member:…", "instance:…" replaced by ids, "day:+5" by that day
        from now, "fact:a.b" by what the instance says there, "file:函.pdf" by a file of that name,
        newly uploaded; days as texts. Keys too: the paper ballots of an election are counted by
        candidate.
        """
        if isinstance(value, dict):
            return {self.meant(key): self.meant(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.meant(each) for each in value]
        if isinstance(value, date):
            return value.isoformat()
        if not isinstance(value, str):
            return value
        kind, colon, name = value.partition(":")
        return self._meant(value, kind, name) if colon else value

    def _meant(self, value: str, kind: str, name: str) -> Any:
        """What a text of the form "kind:name" means; itself when it only looks so."""
        if kind == "day" and _DAYS.fullmatch(name):
            return (clock.day_of(self.now) + timedelta(days=int(name))).isoformat()
        if kind == "fact" and _PATH.fullmatch(name):
            return self._fact(name)
        if kind == "file" and self.acting is not None:
            content = f"%PDF- {name}".encode()
            return str(attachments.add(self.session, self.acting, name, content))
        named = self._named().get(kind)
        if named is None:
            return value
        if name not in named:
            advice = _("可以写：{allowed}。", allowed=Listed(named))
            raise ProcessFault(_("{name} 指的是谁，不知道。", name=value), advice=advice)
        return str(named[name])

    def _fact(self, path: str) -> Any:
        query = select(_instance.facts).where(_instance.id == self.instance())
        return dotted(self.session.execute(query).scalar_one(), path)

    def path_meant(self, path: str) -> str:
        """A dotted path whose steps may be "member:…": election.votes.member:张敏."""
        return ".".join(str(self.meant(step)) for step in path.split("."))

    def by_name(self, value: object) -> Any:
        """An id as the story would write it."""
        if isinstance(value, list):
            return [self.by_name(each) for each in value]
        for kind, named in self._named().items():
            for name, key in named.items():
                if value == str(key):
                    return f"{kind}:{name}"
        return value

    # --- looking ---
    def all_open(self) -> dict[UUID, str]:
        """The open tasks of all instances of the story."""
        query = (
            select(_task.id, _task.element)
            .where(_task.instance_id.in_(self.instances.values()), _task.state == TaskState.OPEN)
            .order_by(_task.id)
        )
        return {row.id: row.element for row in self.session.execute(query)}

    def open_now(self, instance_id: UUID) -> tuple[str, ...]:
        """The elements of the open tasks of one instance, sorted."""
        query = select(_task.element).where(
            _task.instance_id == instance_id, _task.state == TaskState.OPEN
        )
        return tuple(sorted(self.session.execute(query).scalars()))

    def open_words(self) -> str:
        """What is open in the current instance, in words."""
        if not self.instances:
            return NOTHING
        return words.listed(self.process, self.open_now(self.instance()))

    def ends(self, element: str) -> datetime | None:
        """The end of the time limit of this open task; None without one, or when it is not open."""
        query = select(_task.due_at).where(
            _task.instance_id == self.instance(),
            _task.state == TaskState.OPEN,
            _task.element == element,
        )
        return self.session.execute(query).scalar()

    def due(self, element: str) -> datetime | None:
        """The end of the time limit of this task, else the soonest of the open tasks, else of the
        waiting timers.
        """
        key = self.instance()
        tasks = (
            select(_task.element, _task.due_at)
            .where(
                _task.instance_id == key,
                _task.state == TaskState.OPEN,
                _task.due_at.is_not(None),
            )
            .order_by(_task.due_at)
        )
        ends: list[tuple[str, datetime]] = [
            (row.element, row.due_at) for row in self.session.execute(tasks)
        ]
        if ends:
            return next((due_at for each, due_at in ends if each == element), ends[0][1])
        timers = (
            select(_timer.due_at)
            .where(_timer.instance_id == key, _timer.state == TimerState.WAITING)
            .order_by(_timer.due_at)
            .limit(1)
        )
        soonest: datetime | None = self.session.execute(timers).scalar()
        return soonest

    def happened(self) -> Listed:
        """What the events since the last time say."""
        ids = [*self.instances.values(), self.world.union_id]
        query = (
            select(_event.id, _event.kind, _event.body, _event.words)
            .where(_event.id > self.seen, _event.instance_id.in_(ids))
            .order_by(_event.id)
        )
        events = self.session.execute(query).all()
        if events:
            self.seen = events[-1].id
        clauses = [self._clause(each) for each in events]
        return Listed([clause for clause in clauses if clause], "；")

    def _clause(self, event: Any) -> Any:
        return words.clause(self.process, event.kind, aside.told(event.body, event.words))

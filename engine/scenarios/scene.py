"""Where a story stands: its clock, its instances, what is open in them, and what the names in it mean."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import func, select

from engine import clock
from engine.commands import attachments
from engine.db import tables
from engine.errors import NotFound, ProcessFault
from engine.instance import presence
from engine.instance.view import dotted
from engine.messages import Listed, _
from engine.scenarios import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Engine

    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor
    from engine.scenarios.stage import Stage

_task, _poll, _event, _timer = tables.task.c, tables.poll.c, tables.event.c, tables.timer.c


WAITING = ("called", "open", "counting")  # polls that are not over


class Otherwise(Exception):
    """Something went otherwise than the story tells."""


class _Hall:
    """Stands for the database engine: each of its transactions is a savepoint of the one that is thrown away."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with self.session.begin_nested():
            yield self.session


@dataclass
class Scene:
    """`instances` by alias in the order of their launch; `current` is the one that the story is about now."""

    session: Session
    stage: Stage
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

    @property
    def process(self) -> Process:
        """The process of the instance that the story is about now."""
        return self.started.get(self.current, self.stage.process)

    def process_of(self, key: UUID) -> Process:
        """The process of one of the instances."""
        alias = next(a for a, k in self.instances.items() if k == key)
        return self.started.get(alias, self.stage.process)

    @property
    def hall(self) -> Engine:
        """What the edges take for the database engine."""
        return cast("Engine", _Hall(self.session))

    # --- names and ids ---
    def known(self, alias: str) -> UUID:
        """The instance called so. Raises ProcessFault."""
        if alias not in self.instances:
            raise ProcessFault(
                _("没有叫 {alias} 的件。", alias=alias),
                advice=_("已有：{instances}。", instances=Listed(self.instances) or _("（没有）")),
            )
        return self.instances[alias]

    def instance(self) -> UUID:
        """The instance that the story is about now. Raises ProcessFault."""
        if not self.instances:
            raise ProcessFault(
                _("还没有发起任何一件。"), advice=_('请先写 does = "launch" 的一步。')
            )
        return self.instances[self.current]

    def task(self, element: str) -> UUID:
        """The open task of this element, else its latest. Raises NotFound."""
        found = self.session.execute(
            select(_task.id)
            .where(_task.instance_id == self.instance(), _task.element == element)
            .order_by(_task.state != "open", _task.id.desc())
            .limit(1)
        ).scalar()
        if found is None:
            raise NotFound(
                _(
                    "{titled} 从未打开过。现在打开的是 {open_words}。",
                    titled=words.titled(self.process, element),
                    open_words=self.open_words(),
                )
            )
        return UUID(str(found))

    def poll(self, element: str) -> UUID:
        """The open poll of this element (or the only one), else its latest. Raises NotFound."""
        wanted = (
            select(_poll.id)
            .join(tables.task, _task.id == _poll.task_id)
            .where(_poll.instance_id == self.instance())
        )
        if element:
            wanted = wanted.where(_task.element == element)
        found = self.session.execute(
            wanted.order_by(_poll.state.not_in(WAITING), _poll.id.desc()).limit(1)
        ).scalar()
        if found is None:
            raise NotFound(
                _(
                    "表决 {titled} 从未打开过。现在打开的是 {open_words}。",
                    titled=words.titled(self.process, element),
                    open_words=self.open_words(),
                )
            )
        return UUID(str(found))

    def meeting(self, element: str) -> UUID:
        """The latest meeting of a task. Raises NotFound."""
        found = presence.latest(self.session, self.instance(), element)
        if found is None:
            raise NotFound(
                _(
                    "会议 {titled} 还没有召集。现在打开的是 {open_words}。",
                    titled=words.titled(self.process, element),
                    open_words=self.open_words(),
                )
            )
        return UUID(str(found.id))

    def _places(self) -> dict[str, Mapping[str, UUID]]:
        return {"unit": self.stage.units, "member": self.stage.members, "instance": self.instances}

    def meant(self, value: Any) -> Any:
        """`value` with "unit:…", "member:…", "instance:…" replaced by ids, "day:+5" by that day from now, "fact:a.b" by what
        the matter says there, "file:函.pdf" by a file of that name, newly uploaded; days as texts."""
        if isinstance(value, dict):
            return {key: self.meant(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.meant(each) for each in value]
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str):
            kind, colon, name = value.partition(":")
            if kind == "day" and re.fullmatch(r"[+-]\d{1,4}", name):
                return (clock.day_of(self.now) + timedelta(days=int(name))).isoformat()
            if kind == "fact" and re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", name):
                return self._fact(name)
            if kind == "file" and colon and self.acting is not None:
                return str(
                    attachments.add(self.session, self.acting, name, f"%PDF- {name}".encode())
                )
            named = self._places().get(kind) if colon else None
            if named is not None:
                if name not in named:
                    raise ProcessFault(
                        _("{value} 指的是谁，不知道。", value=value),
                        advice=_("可以写：{named}。", named=Listed(named)),
                    )
                return str(named[name])
        return value

    def _fact(self, path: str) -> Any:
        instance = tables.instance.c
        facts = self.session.execute(
            select(instance.facts).where(instance.id == self.instance())
        ).scalar_one()
        return dotted(facts, path)

    def by_name(self, value: Any) -> Any:
        """An id as the story would write it."""
        if isinstance(value, list):
            return [self.by_name(each) for each in value]
        for kind, named in self._places().items():
            for name, key in named.items():
                if value == str(key):
                    return f"{kind}:{name}"
        return value

    # --- looking ---
    def all_open(self) -> dict[UUID, str]:
        """The open tasks of all instances of the story."""
        rows = self.session.execute(
            select(_task.id, _task.element)
            .where(_task.instance_id.in_(self.instances.values()), _task.state == "open")
            .order_by(_task.id)
        )
        return {row.id: row.element for row in rows}

    def open_now(self, instance_id: UUID) -> tuple[str, ...]:
        """The elements of the open tasks of one instance, sorted."""
        rows = self.session.execute(
            select(_task.element).where(_task.instance_id == instance_id, _task.state == "open")
        )
        return tuple(sorted(rows.scalars()))

    def open_words(self) -> str:
        """What is open in the current instance, in words."""
        return (
            words.listed(self.process, self.open_now(self.instance()))
            if self.instances
            else _("（没有）")
        )

    def due(self, element: str) -> datetime | None:
        """The end of the time limit of this task, else the soonest of the open tasks, else of the waiting timers."""
        rows = self.session.execute(
            select(_task.element, _task.due_at)
            .where(
                _task.instance_id == self.instance(),
                _task.state == "open",
                _task.due_at.is_not(None),
            )
            .order_by(_task.due_at)
        ).all()
        if rows:
            return cast(
                "datetime",
                next((row.due_at for row in rows if row.element == element), rows[0].due_at),
            )
        timer = select(_timer.due_at).where(
            _timer.instance_id == self.instance(), _timer.state == "waiting"
        )
        return cast(
            "datetime | None", self.session.execute(timer.order_by(_timer.due_at).limit(1)).scalar()
        )

    def happened(self) -> str:
        """What the events since the last time say."""
        ids = [*self.instances.values(), self.stage.union_id]
        rows = self.session.execute(
            select(_event.id, _event.kind, _event.body)
            .where(_event.id > self.seen, _event.instance_id.in_(ids))
            .order_by(_event.id)
        ).all()
        if rows:
            self.seen = rows[-1].id
        clauses = [words.told(self.process, row.kind, json.loads(row.body)) for row in rows]
        return Listed((clause for clause in clauses if clause), "；")

"""A poll whose instance is locked, with its task: what the commands on polls pass on to one
another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from engine.commands import unit_of_work
from engine.db import rows, tables
from engine.people import access

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.definitions.process import PollRule, TaskRule
    from engine.people.organisation import Actor

_poll, _task = tables.poll, tables.task
_INSTANCE_OF = select(_poll.c.instance_id).where(_poll.c.id == bindparam("key"))
_POLL_AND_TASK = (
    select(
        *(_poll.c[name] for name in rows.Poll._fields),
        *(_task.c[name] for name in rows.Task._fields),
    )
    .join(_task, _task.c.id == _poll.c.task_id)
    .where(_poll.c.id == bindparam("key"))
)


@dataclass(frozen=True)
class LockedPoll:
    """`poll` and `task` as they are in the database; `update` gives the one that follows."""

    work: UnitOfWork
    poll: rows.Poll
    task: rows.Task

    @property
    def session(self) -> Session:
        return self.work.session

    @property
    def instance_id(self) -> UUID:
        return UUID(str(self.work.row["id"]))

    @property
    def rule(self) -> TaskRule:
        """What the process says of the task."""
        return self.work.process.tasks[self.task.element]

    @property
    def poll_rule(self) -> PollRule:
        """What the process says of the poll, which its terms took over when it was put."""
        assert self.rule.poll is not None
        return self.rule.poll

    @property
    def place(self) -> dict[str, str]:
        """Where an error happened."""
        return {"instance_id": str(self.instance_id), "element": self.task.element}

    def update(self, **values: Any) -> LockedPoll:
        """Write these columns of the poll."""
        changed = update(_poll).where(_poll.c.id == self.poll.id).values(**values)
        self.session.execute(changed)
        return replace(self, poll=self.poll._replace(**values))

    def log(self, kind: str, actor: Actor | None, **details: Any) -> dict[str, Any]:
        """Note an event of this poll; gives its body."""
        return self.work.log.add(
            kind, actor, task=self.task.element, poll=str(self.poll.id), **details
        )


def lock(session: Session, actor: Actor | None, poll_id: UUID) -> LockedPoll:
    """Lock the instance of a poll, then read the poll. NotFound when it is not the actor's to
    see.
    """
    instance_id = access.must_see(session.execute(_INSTANCE_OF, {"key": poll_id}).scalar())
    return read(unit_of_work.lock(session, actor, instance_id), poll_id)


def read(work: UnitOfWork, poll_id: UUID) -> LockedPoll:
    """A poll of an instance that is locked."""
    found = tuple(work.session.execute(_POLL_AND_TASK, {"key": poll_id}).one())
    size = len(rows.Poll._fields)
    return LockedPoll(work, rows.Poll._make(found[:size]), rows.Task._make(found[size:]))

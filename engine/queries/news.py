"""What an inbox tells above its list, in which there may be nothing to do: comments that name
somebody, what they are asked or were answered, what was sent to them for information.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Mention:
    """A comment that names this person. `subject`: "" of a confidential matter."""

    instance_id: UUID
    element: str
    number: str
    subject: str
    who: str
    at: datetime

    @classmethod
    def of(cls, key: str, element: str, number: str, subject: str, who: str, at: str) -> Mention:
        """One as the statement of the inbox gives it."""
        when = datetime.fromisoformat(at)
        return cls(UUID(key), element, number, subject=subject, who=who, at=when)


@dataclass(frozen=True)
class Asked:
    """What this person is asked (`me`), or what somebody whom they asked has answered, about the
    open task `task_id`. `subject`: "" of a confidential matter; `who`: the other one.
    """

    id: UUID
    what: str
    number: str
    subject: str
    who: str
    at: datetime
    me: bool
    task_id: UUID

    @classmethod
    def of(cls, key: str, what: str, number: str, subject: str, who: str, *more: Any) -> Asked:
        """One as the statement of the inbox gives it."""
        at, me, task = more
        when, about = datetime.fromisoformat(at), UUID(task)
        return cls(UUID(key), what, number, subject=subject, who=who, at=when, me=me, task_id=about)


@dataclass(frozen=True)
class Sent:
    """A matter that was sent to this person for information, who has not read it. `subject`: "" of
    a confidential one.
    """

    id: UUID
    instance_id: UUID
    number: str
    subject: str
    by: str
    at: datetime

    @classmethod
    def of(cls, key: str, matter: str, number: str, subject: str, by: str, at: str) -> Sent:
        """One as the statement of the inbox gives it."""
        when = datetime.fromisoformat(at)
        return cls(UUID(key), UUID(matter), number, subject=subject, by=by, at=when)

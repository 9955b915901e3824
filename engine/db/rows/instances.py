"""A matter and what waits or stands open in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


class Instance(TypedDict):
    """The row of a process instance as a dict: a unit of work changes it before it is saved."""

    id: UUID
    process_id: str
    version: str
    union_id: UUID
    unit_id: UUID | None
    starter_id: UUID
    number: str
    title: str
    grams: list[str]
    state: str
    outcome: str
    stage: list[str]
    machine: dict[str, Any] | None
    facts: dict[str, Any]
    salt: bytes | None
    rounds: dict[str, int]
    seq: int
    head: bytes
    revision: int
    started_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    suspended_at: datetime | None
    held_until: datetime | None
    confidential: bool
    stopped_days: int
    union_law: NotRequired[list[Any]]  # see engine/instance/union_law.py: OF_INSTANCE
    closing: NotRequired[str]  # the state that an end event shall give instead of `ended`


class HeldAct(NamedTuple):
    """The completion of a task that waits: see tables.held_act."""

    task_id: UUID
    member_id: UUID
    instance_id: UUID
    given_at: datetime
    until: datetime
    answers: Mapping[str, Any]
    salt: bytes
    why: object
    batch: UUID | None


class Comment(NamedTuple):
    """What somebody remarked about a matter: see tables.comment."""

    id: UUID
    instance_id: UUID
    member_id: UUID
    at: datetime
    withdrawn_at: datetime | None
    element: str
    text: str | None
    salt: bytes | None
    mentions: list[UUID]
    read_by: list[UUID]


class Ask(NamedTuple):
    """Somebody is asked for something beside the decision of a task: see tables.ask."""

    id: UUID
    instance_id: UUID
    task_id: UUID
    by_id: UUID
    to_id: UUID
    asked_at: datetime
    answered_at: datetime | None
    withdrawn_at: datetime | None
    what: str
    element: str
    said: Mapping[str, Any] | None
    answer: Mapping[str, Any] | None
    salt: bytes | None


class Copy(NamedTuple):
    """A matter is sent to somebody for information: see tables.copy."""

    id: UUID
    instance_id: UUID
    by_id: UUID
    to_id: UUID
    at: datetime
    read_at: datetime | None
    withdrawn_at: datetime | None
    element: str
    text: str | None
    salt: bytes | None


class Publication(NamedTuple):
    """What a matter shows to a circle: see tables.publication."""

    id: UUID
    instance_id: UUID
    element: str
    circle: list[UUID]
    opened_at: datetime
    until: datetime
    current: bool


class Task(NamedTuple):
    """`ref`: handle in the machine's state, or tables.WITHOUT_TASK; `due`: see tables.task."""

    id: UUID
    instance_id: UUID
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    ref: int
    revision: int
    assignee_id: UUID | None
    closed_by: UUID | None
    handed_by: UUID | None
    element: str
    state: str
    seat: str | None
    sent_from: str | None
    straight: bool
    due: Mapping[str, Any] | None
    answers: Mapping[str, Any] | None
    salt: bytes | None


class Timer(NamedTuple):
    """`ref`: handle in the machine's state, or tables.POLL_WINDOW."""

    id: UUID
    instance_id: UUID
    element: str
    ref: int
    expression: str
    task_id: UUID | None
    state: str
    due_at: datetime
    provisional: bool
    since: datetime
    tries: int

"""Units, members, their posts, and what takes two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID


class Unit(NamedTuple):
    """`union_id`: the union it belongs to, itself for a union; `managing_id`, `guiding_id`: the
    unions above that one.
    """

    id: UUID
    code: str
    kind: str
    name: str
    name_en: str
    parent_id: UUID | None
    union_id: UUID
    managing_id: UUID | None
    guiding_id: UUID | None
    owner_type: str
    affiliation: str
    city: str
    active: bool


class Member(NamedTuple):
    """`password`: argon2, None while nobody can log in by one."""

    id: UUID
    username: str
    name: str
    password: str | None
    unit_id: UUID
    union_id: UUID
    phone: str
    email: str
    locale: str
    active: bool
    created_at: datetime


class Post(NamedTuple):
    """A post of a member; both days count."""

    id: UUID
    member_id: UUID
    kind: str
    unit_id: UUID
    term: str
    from_on: date
    to_on: date | None
    ended_why: str


class Deputy(NamedTuple):
    """Who acts for somebody who is away: see tables.deputy."""

    id: UUID
    member_id: UUID
    deputy_id: UUID
    union_id: UUID
    from_on: date
    to_on: date
    processes: list[str]
    due_only: bool
    named_at: datetime
    ended_at: datetime | None
    ended_by: UUID | None


class Proposal(NamedTuple):
    """What takes two people: `kind` says how `subject` and `body` are read, `scope` is a union
    or INSTALLATION.
    """

    id: UUID
    kind: str
    scope: UUID
    subject: str
    body: dict[str, Any]
    note: str
    state: str
    proposer_id: UUID | None  # None: the command line
    approver_id: UUID | None
    created_at: datetime
    decided_at: datetime | None

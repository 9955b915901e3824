"""Versions of processes, and what a union set for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID


class Definition(NamedTuple):
    """A version of a process; `hash`: SHA-256 over its `files` (path -> text); `beside`: its
    stories and notes."""

    hash: str
    process_id: str
    number: int
    rank: int
    state: str
    title: str
    title_en: str
    files: dict[str, str]
    beside: dict[str, str]
    author_id: UUID | None
    approver_id: UUID | None


class OwnVersion(NamedTuple):
    """A version of a process that one union has for itself; `based_on`: the one that was in force
    for all when it was proposed.
    """

    id: UUID
    union_id: UUID
    process_id: str
    version: str
    based_on: str
    state: str
    beside: dict[str, str]
    note: str
    author_id: UUID
    approver_id: UUID | None
    created_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None


class Setting(NamedTuple):
    """A union's own value of a rule: `value`, a share is value/`per`."""

    id: UUID
    unit_id: UUID
    rule_id: str
    value: int
    per: int
    valid_from: date
    valid_to: date | None
    source: str
    state: str
    proposer_id: UUID
    approver_id: UUID | None
    created_at: datetime
    decided_at: datetime | None


class Vacation(NamedTuple):
    """Both days are free."""

    id: UUID
    unit_id: UUID
    name: str
    from_on: date
    to_on: date

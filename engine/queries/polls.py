"""A poll as a person may see it: the question, the rule in numbers, my answer, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import access, rooms, tables
from engine.catalogue.store import process_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.catalogue.process import Words
    from engine.db import Session
    from engine.organisation import Actor

_poll, _roll = tables.poll.c, tables.roll.c


@dataclass(frozen=True)
class Voice:
    """One member on the roll and what they answered; choice is None while they have not."""

    name: str
    choice: str | None
    comment: str
    at: datetime | None


@dataclass(frozen=True)
class Poll:
    """`rule` is {"passes": expression, "numbers": {rule id: value}, ...}; `counts` choice -> n; `mine` my choice or None."""

    id: UUID
    instance_id: UUID
    task_id: UUID
    element: str
    title: str
    asks: str
    kind: str
    choices: tuple[str, ...]
    labels: Mapping[str, Words]
    rule: Mapping[str, Any]
    words: str  # the rule in words, with its numbers
    state: str
    roll_size: int
    roll_hash: str
    counts: Mapping[str, int]
    outcome: Mapping[str, Any] | None
    opened_at: datetime
    closes_at: datetime | None
    closed_at: datetime | None
    due: Mapping[str, Any] | None
    on_roll: bool
    mine: str | None
    my_comment: str
    closable: bool  # by this person, if the rule holds
    voices: tuple[Voice, ...]


def poll(session: Session, actor: Actor, poll_id: UUID, lang: str = "zh") -> Poll:
    """One poll with its voices (the first 300). NotFound when the instance is not this person's to see."""
    instance = tables.instance.c
    row = session.execute(
        select(
            tables.poll, tables.task.c.element, tables.task.c.due, instance.version, instance.starter_id, instance.facts
        )
        .join(tables.task, tables.task.c.id == _poll.task_id)
        .join(tables.instance, instance.id == _poll.instance_id)
        .where(_poll.id == poll_id, access.visible(actor))
    ).first()
    row = access.must_see(row)
    rule = process_of(session, row.version).tasks[row.element]
    full = rooms.matter(session, row.instance_id)
    shut = not rooms.may_read(actor, full, process_of(session, row.version), row.element)
    mine = session.execute(
        select(_roll.choice, _roll.comment).where(_roll.poll_id == poll_id, _roll.member_id == actor.id)
    ).first()
    access.must_see(None if shut and mine is None and actor.id not in row.tellers else row)
    movers = {str(row.starter_id), str(row.facts.get("launch", {}).get("mover"))}
    return Poll(
        id=row.id, instance_id=row.instance_id, task_id=row.task_id, element=row.element, title=rule.title.in_(lang),
        asks=rule.asks.in_(lang), kind=row.kind, choices=tuple(row.choices), labels=rule.poll.labels if rule.poll else {},
        rule=row.rule, words=_in_words(rule.poll.words.in_(lang) if rule.poll else "", row.rule),
        state=row.state, roll_size=row.roll_size, roll_hash=row.roll_hash, counts=row.counts,
        outcome=row.outcome, opened_at=row.opened_at, closes_at=row.closes_at, closed_at=row.closed_at, due=row.due,
        on_roll=mine is not None, mine=mine.choice if mine else None, my_comment=mine.comment if mine else "",
        closable=str(actor.id) in movers and row.rule.get("closable") == "passes", voices=_voices(session, poll_id),
    )  # fmt: skip


def _in_words(words: str, rule: Mapping[str, Any]) -> str:
    """The rule in words with the numbers that were frozen when the poll opened; the expression when there are no words."""
    for rule_id, number in rule.get("numbers", {}).items():
        words = words.replace(f"{{{rule_id}}}", str(number))
    return words or str(rule["passes"])


def _voices(session: Session, poll_id: UUID) -> tuple[Voice, ...]:
    member = tables.member.c
    rows = session.execute(
        select(member.name, _roll.choice, _roll.comment, _roll.at)
        .join(tables.member, member.id == _roll.member_id)
        .where(_roll.poll_id == poll_id)
        .order_by(_roll.at.nulls_last(), member.name)
        .limit(300)
    ).all()
    return tuple(Voice(r.name, r.choice, r.comment, r.at) for r in rows)


def polls(
    session: Session, actor: Actor, after: UUID | None = None, limit: int = 50
) -> tuple[tuple[Any, ...], str | None]:
    """Polls of instances that this person may see, newest first: (id, instance, element, kind, state, roll size, counts)."""
    instance = tables.instance.c
    query = (
        select(
            _poll.id, _poll.instance_id, tables.task.c.element, _poll.kind, _poll.state, _poll.roll_size, _poll.counts,
            _poll.opened_at, _poll.closes_at, _poll.closed_at, instance.number, instance.title,
        )
        .join(tables.task, tables.task.c.id == _poll.task_id)
        .join(tables.instance, instance.id == _poll.instance_id)
        .where(access.visible(actor))
    )  # fmt: skip
    if after is not None:
        query = query.where(_poll.id < after)
    size = max(1, min(limit, 200))
    rows = session.execute(query.order_by(_poll.id.desc()).limit(size + 1)).all()
    return tuple(tuple(r) for r in rows[:size]), str(rows[size - 1].id) if len(rows) > size else None

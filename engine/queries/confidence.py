"""Who may read a confidential matter and who did: for all who are named in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock
from engine.db import aside, tables
from engine.db.states import FINAL
from engine.history.erased import ERASED_MARK
from engine.instance.choices import choices
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

KINDS = (
    "matter_read",
    "letter_read",
    "history_read",
    "member_let_in",
    "member_let_out",
    "evidence_exported",
    "matter_erased",
)


@dataclass(frozen=True)
class Reading:
    """Somebody read the matter or its history, took its evidence away, let `member` in (`until` a
    day) or out, or erased it.
    """

    kind: str
    who: str
    at: datetime
    member: str
    reason: str
    until: date | None = None


@dataclass(frozen=True)
class Guest:
    """Who was let in and may still read it; `until`: the last day, None for one who was let in
    before there was one.
    """

    id: str
    name: str
    until: date | None


@dataclass(frozen=True)
class Guarded:
    """`members` (id, name) may be let in, `guests` (who reads it now, until which day) let out,
    `acts`: by this person; `erasable`: this person may erase it now; `today`: the first day until
    which somebody may be let in.
    """

    readings: tuple[Reading, ...]
    acts: bool
    members: tuple[tuple[str, str], ...]
    guests: tuple[Guest, ...]
    erasable: bool
    erased: bool
    today: date


def guarded(session: Session, actor: Actor, instance_id: UUID) -> Guarded | None:
    """What is on record about who read a confidential matter, newest first; None when it is not
    confidential.

    Raises NotFound when it is not this person's to see.
    """
    instance = tables.instance.c
    seen = select(instance.confidential, instance.union_id, instance.state, instance.facts)
    row = access.must_see(
        session.execute(seen.where(instance.id == instance_id, access.visible(actor))).first()
    )
    if not row.confidential:
        return None
    acts, erased = access.acts_by_post(session, actor, instance_id), ERASED_MARK in row.facts
    return Guarded(
        readings=_readings(session, instance_id),
        acts=acts,
        members=tuple(choices(session, row.union_id)("members:")) if acts else (),
        guests=_guests(session, instance_id) if acts else (),
        erasable=acts and row.state in FINAL and not erased,
        erased=erased,
        today=clock.today(),
    )


def _guests(session: Session, instance_id: UUID) -> tuple[Guest, ...]:
    """Who was let in, not let out since, and whose last day is not over."""
    found: dict[str, Guest] = {}
    event = tables.event.c
    kinds = event.kind.in_(("member_let_in", "member_let_out"))
    told = select(event.kind, event.body, event.words).where(
        event.instance_id == instance_id, kinds
    )
    for row in session.execute(told.order_by(event.seq)):
        body = aside.told(row.body, row.words)
        found.pop(body["member"], None)
        if row.kind == "member_let_in":
            found[body["member"]] = Guest(body["member"], str(body.get("name", "")), _until(body))
    return tuple(g for g in found.values() if g.until is None or g.until >= clock.today())


def _until(body: Mapping[str, Any]) -> date | None:
    """The last day for which an event let somebody in."""
    return date.fromisoformat(body["until"]) if body.get("until") else None


def _readings(session: Session, instance_id: UUID) -> tuple[Reading, ...]:
    event = tables.event.c
    bodies = session.execute(
        select(event.kind, event.at, event.body, event.words)
        .where(event.instance_id == instance_id, event.kind.in_(KINDS))
        .order_by(event.seq.desc())
    )
    return tuple(_reading(r.kind, r.at, aside.told(r.body, r.words)) for r in bodies)


def _reading(kind: str, at: datetime, body: Mapping[str, Any]) -> Reading:
    return Reading(
        kind=kind,
        who=_reader(body),
        at=at,
        member=body.get("name", ""),
        reason=aside.shown(body.get("reason", "")),
        until=_until(body),
    )


def _reader(body: Mapping[str, Any]) -> str:
    """Who read; of a letter only whom its link was sent to is known."""
    if "to" in body:
        return _("打开链接的人（链接发给{to}）", to=aside.shown(body["to"]))
    return str((body.get("actor") or {}).get("name", ""))

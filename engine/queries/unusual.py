"""What did not go the usual way in a year of a union: sent back, taken back, void, corrected,
stopped, put off, gone wrong; and where the history itself was repaired. With the reasons given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, literal_column, select

from engine.db import tables
from engine.db.tables.history import UNUSUAL
from engine.history import event_log
from engine.history.kinds import KINDS
from engine.instance import rooms
from engine.instance.context import COLUMNS, context_from
from engine.messages import Message, restored
from engine.queries.history import read_body

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session, rows
    from engine.instance.confided import Doors
    from engine.people.organisation import Actor

MOST = 300  # lines: the newest
OF_HISTORY = ("history_repaired", "database_restored", "history_baselined", "resumption_confirmed")
_REASONS = ("reason", "why", "message", "fault")
_OF_MATTERS = literal_column(UNUSUAL, Boolean)  # written out, so that its index serves
_event, _instance, _member = tables.event.c, tables.instance.c, tables.member.c


@dataclass(frozen=True)
class Matter:
    """What a line is about."""

    id: UUID
    number: str
    title: str


@dataclass(frozen=True)
class Unusual:
    """One event, the one numbered `seq` in its chain. `matter`: None where it is about the history
    itself; `who`: "" of what nobody did; `reason`: "" where none was given.
    """

    matter: Matter | None
    seq: int
    at: datetime
    what: Message
    who: str
    reason: Message | str


def of_matters(
    session: Session, actor: Actor, theirs: ColumnElement[bool], within: ColumnElement[bool]
) -> tuple[Unusual, ...]:
    """Of the matters that somebody may see, newest first; without what was said in rooms that they
    may not enter. `within`: when, over `event.at`.
    """
    of_events = tables.event.join(tables.instance, _event.instance_id == _instance.id)
    query = (
        select(_event.instance_id, *_COLUMNS)
        .select_from(of_events.outerjoin(tables.member, _member.id == _event.actor_id))
        .where(theirs, within, _OF_MATTERS)
        .order_by(_event.at.desc(), _event.id.desc())
        .limit(MOST)
    )
    rows = session.execute(query).all()
    asked = select(*COLUMNS).where(_instance.id.in_({row.instance_id for row in rows}))
    contexts = (context_from(session, actor, tuple(row)) for row in session.execute(asked).all())
    known = {context.row["id"]: (context.row, rooms.doors(context)) for context in contexts}
    return tuple(_of(*known[row.instance_id], row) for row in rows)


def of_history(session: Session, within: ColumnElement[bool]) -> tuple[Unusual, ...]:
    """Where the history goes on from something else than what came before, newest first."""
    query = (
        select(*_COLUMNS)
        .select_from(tables.event.outerjoin(tables.member, _member.id == _event.actor_id))
        .where(_event.instance_id == event_log.INSTALLATION, _event.kind.in_(OF_HISTORY), within)
        .order_by(_event.seq.desc())
        .limit(MOST)
    )
    rows = session.execute(query)
    return tuple(_shown(None, row, read_body(row.body, row.words)) for row in rows)


_COLUMNS = (_event.seq, _event.at, _event.kind, _event.body, _event.words, _member.name)


def _of(instance: rows.Instance, doors: Doors, row: rows.Selected) -> Unusual:
    body = rooms.redacted(read_body(row.body, row.words), doors.at(row.at))
    matter = Matter(instance["id"], instance["number"], instance["title"])
    return _shown(matter, row, body)


def _shown(matter: Matter | None, row: rows.Selected, body: Mapping[str, Any]) -> Unusual:
    given = next((body[key] for key in _REASONS if body.get(key)), "")
    who = row.name or str(body.get("by", ""))
    return Unusual(
        matter=matter,
        seq=row.seq,
        at=row.at,
        what=KINDS[row.kind].label,
        who=who,
        reason=restored(given),
    )

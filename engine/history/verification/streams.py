"""The rows of matters as they are compared: a stream of each table, in the order of the matters."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, or_, select

from engine.ballots import rolls
from engine.db import tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from engine.db import Session, rows
    from engine.history.verification.chains import Range

_task, _poll, _roll = tables.task.c, tables.poll.c, tables.roll.c
_meeting, _attendance, _presence = tables.meeting.c, tables.attendance.c, tables.presence.c
_attachment, _instance = tables.attachment.c, tables.instance.c
_TASK = (
    _task.instance_id,
    _task.id,
    _task.element,
    _task.state,
    _task.closed_at,
    _task.closed_by,
    _task.answers,
    _task.salt,
    _task.ref,
    _task.opened_at,
    _task.due_at,
    _task.seat,
    _task.assignee_id,
    _task.handed_by,
    _task.sent_from,
    _task.straight,
)
_VOICE = (_poll.instance_id, _roll.poll_id, _roll.member_id, _roll.choice, _roll.comment, _roll.at)
_SAID = or_(_roll.choice.is_not(None), _roll.at.is_not(None), _roll.comment != "")
_INVITED = (_meeting.instance_id, *_attendance)
_ROWS: dict[str, Select[Any]] = {
    "task": select(*_TASK).order_by(_task.instance_id),
    "poll": select(tables.poll).order_by(_poll.instance_id),
    "roll": select(*_VOICE)
    .join(tables.poll, _poll.id == _roll.poll_id)
    .where(_SAID)
    .order_by(_poll.instance_id),
    "rolled": select(_poll.instance_id, _poll.id, rolls.digest_in_sql(_roll.member_id))
    .join(tables.poll, _poll.id == _roll.poll_id)
    .group_by(_poll.instance_id, _poll.id)
    .order_by(_poll.instance_id),
    "teller": select(_poll.instance_id, *tables.teller.c)
    .join(tables.poll, _poll.id == tables.teller.c.poll_id)
    .order_by(_poll.instance_id),
    "link": select(tables.link.c.from_id.label("instance_id"), *tables.link.c).order_by(
        tables.link.c.from_id
    ),
    "meeting": select(tables.meeting).order_by(_meeting.instance_id),
    "attendance": select(*_INVITED)
    .join(tables.meeting, _meeting.id == _attendance.meeting_id)
    .order_by(_meeting.instance_id),
    "presence": select(_meeting.instance_id, *_presence)
    .join(tables.meeting, _meeting.id == _presence.meeting_id)
    .order_by(_meeting.instance_id, _presence.no),
    "held_act": select(tables.held_act).order_by(tables.held_act.c.instance_id),
    "comment": select(tables.comment).order_by(tables.comment.c.instance_id),
    "copy": select(tables.copy).order_by(tables.copy.c.instance_id),
    "ask": select(tables.ask).order_by(tables.ask.c.instance_id),
    "timer": select(tables.timer).order_by(tables.timer.c.instance_id),
    "share": select(tables.share).order_by(tables.share.c.instance_id),
    "guest": select(tables.guest).order_by(tables.guest.c.instance_id),
    "publication": select(tables.publication).order_by(tables.publication.c.instance_id),
    "document": select(tables.document).order_by(tables.document.c.instance_id),
    "attachment": select(
        _attachment.instance_id, _attachment.id, _attachment.name, _attachment.sha256
    )
    .where(_attachment.instance_id.is_not(None))
    .order_by(_attachment.instance_id),
}

_MATTER = (
    _instance.id,
    _instance.process_id,
    _instance.version,
    _instance.union_id,
    _instance.unit_id,
    _instance.starter_id,
    _instance.number,
    _instance.title,
    _instance.state,
    _instance.outcome,
    _instance.facts,
    _instance.salt,
    _instance.started_at,
    _instance.ended_at,
    _instance.confidential,
    _instance.stopped_days,
    _instance.machine,
    _instance.stage,
    _instance.rounds,
    _instance.suspended_at,
    _instance.held_until,
)


class Stream:
    """The rows of a query, matter by matter."""

    def __init__(self, session: Session, query: Select[Any]) -> None:
        rows = session.execute(query.execution_options(yield_per=2000))
        self._groups: Iterator[tuple[UUID, Iterator[Any]]] = groupby(
            rows, key=lambda row: row.instance_id
        )
        self._next = next(self._groups, None)

    def of(self, key: UUID) -> list[Any]:
        """The rows of this matter; keys must come in order."""
        while self._next is not None and self._next[0] < key:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != key:
            return []
        found = list(self._next[1])
        self._next = next(self._groups, None)
        return found


def streams(session: Session, within: Range) -> dict[str, Stream]:
    """The rows beside the matters of these chains, by what they are."""
    return {
        name: Stream(session, query.where(*within.of(query.selected_columns["instance_id"])))
        for name, query in _ROWS.items()
    }


def instances(session: Session, within: Range) -> Iterator[rows.Selected]:
    """The matters of these chains themselves, by their ids."""
    query = select(*_MATTER).where(*within.of(_instance.id)).order_by(_instance.id)
    yield from session.execute(query.execution_options(yield_per=500))

"""What is kept beside the history and must agree with it: columns, answers, facts, documents,
files, rolls, ballots, rules.

The history proves itself (`history`, `seals`); this room proves that what the pages show is what
the history says. It reads all of the database in streams and writes nothing. What no event tells
cannot be checked: see `matters`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, or_, select

from engine.db import aside, tables
from engine.history import kinds
from engine.history.event_log import Break
from engine.history.verification import (
    calendars,
    facts,
    matters,
    own_versions,
    papers,
    polls,
    published,
    registry,
    rules,
    said,
    seconded,
    secret,
    standing_rows,
)
from engine.history.verification.replay import SILENT, Replayed, replay_events
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Select

    from engine.db import Session, rows

__all__ = ["differs", "first_false"]
_FAULTS = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def differs(row: rows.Selected) -> bool:
    """Do the columns beside a body (kind, actor_id, at) say anything else than the body, which
    alone is hashed?
    """
    try:
        says = json.loads(row.body)
        actor = says.get("actor")
        return bool(
            says["kind"] != row.kind
            or (UUID(actor["id"]) if actor else None) != row.actor_id
            or datetime.fromisoformat(says["at"]) != row.at
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return True


def older(session: Session) -> int:
    """How many matters were begun when events told less."""
    event = tables.event.c
    tells_all = event.body.contains(f'"tells":{kinds.TELLS}')
    first = event.kind == "instance_launched"
    count = select(func.count()).select_from(tables.event).where(first, ~tells_all)
    return int(session.execute(count).scalar_one())


def first_false(session: Session) -> Break | None:
    """The first thing kept that is not what the history says; None when all of it is. The chains
    have been checked.
    """
    chain = UUID(int=0)
    try:
        broken, files = rules.definitions(session)
        broken = broken or rules.settings(session) or registry.first_false(session)
        broken = broken or seconded.first_false(session) or calendars.first_false(session)
        broken = broken or said.stray(session)
        times = own_versions.Times() if broken else own_versions.Times.of(session)
        broken = broken or own_versions.first_false(session, times)
        matters = _matters(session, files, times) if broken is None else ()
        for chain, found in matters:  # noqa: B007 (named by a fault)
            broken = broken or found
        return broken or secret.first_false(session)
    # a body without what its kind must tell, or a row that no command could have written
    except _FAULTS as fault:
        return Break(
            chain,
            0,
            _("内容残缺，无法核对：{fault}", fault=repr(fault)),
        )


class _Stream:
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


def _streams(session: Session) -> dict[str, _Stream]:
    event, task, poll, roll = tables.event.c, tables.task.c, tables.poll.c, tables.roll.c
    meeting, attendance, presence = tables.meeting.c, tables.attendance.c, tables.presence.c
    attachment = tables.attachment.c
    tasks = (
        task.instance_id,
        task.id,
        task.element,
        task.state,
        task.closed_at,
        task.closed_by,
        task.answers,
        task.salt,
        task.ref,
        task.opened_at,
        task.due_at,
        task.seat,
        task.assignee_id,
    )
    voices = (poll.instance_id, roll.poll_id, roll.member_id, roll.choice, roll.comment, roll.at)
    invited = (meeting.instance_id, *tables.attendance.c)
    queries = {
        "event": select(event.instance_id, event.seq, event.body, event.words)
        .where(or_(event.kind.not_in(SILENT), event.words.is_not(None)))
        .order_by(event.instance_id, event.seq),
        "task": select(*tasks).order_by(task.instance_id),
        "poll": select(tables.poll).order_by(poll.instance_id),
        "roll": select(*voices)
        .join(tables.poll, poll.id == roll.poll_id)
        .order_by(poll.instance_id),
        "teller": select(poll.instance_id, *tables.teller.c)
        .join(tables.poll, poll.id == tables.teller.c.poll_id)
        .order_by(poll.instance_id),
        "link": select(tables.link.c.from_id.label("instance_id"), *tables.link.c).order_by(
            tables.link.c.from_id
        ),
        "meeting": select(tables.meeting).order_by(meeting.instance_id),
        "attendance": select(*invited)
        .join(tables.meeting, meeting.id == attendance.meeting_id)
        .order_by(meeting.instance_id),
        "presence": select(meeting.instance_id, *presence)
        .join(tables.meeting, meeting.id == presence.meeting_id)
        .order_by(meeting.instance_id, presence.no),
        "timer": select(tables.timer).order_by(tables.timer.c.instance_id),
        "share": select(tables.share).order_by(tables.share.c.instance_id),
        "publication": select(tables.publication).order_by(tables.publication.c.instance_id),
        "document": select(tables.document).order_by(tables.document.c.instance_id),
        "attachment": select(
            attachment.instance_id, attachment.id, attachment.name, attachment.sha256
        )
        .where(attachment.instance_id.is_not(None))
        .order_by(attachment.instance_id),
    }
    return {name: _Stream(session, query) for name, query in queries.items()}


def _matters(
    session: Session, files: Mapping[str, Mapping[str, str]], times: own_versions.Times
) -> Iterator[tuple[UUID, Break | None]]:
    """Matter by matter, in the order of their ids, up to the first that is false: every row against
    its events.
    """
    versions: dict[str, matters.Version] = {}
    bad, streams, instance = papers.bad_blobs(session), _streams(session), tables.instance.c
    columns = (
        instance.id,
        instance.process_id,
        instance.version,
        instance.union_id,
        instance.unit_id,
        instance.starter_id,
        instance.number,
        instance.title,
        instance.state,
        instance.outcome,
        instance.facts,
        instance.salt,
        instance.started_at,
        instance.ended_at,
        instance.confidential,
        instance.stopped_days,
        instance.machine,
        instance.stage,
        instance.rounds,
        instance.suspended_at,
    )
    for row in session.execute(
        select(*columns).order_by(instance.id).execution_options(yield_per=500)
    ):
        yield row.id, None
        if row.version not in versions:
            versions[row.version] = matters.Version.of(files[row.version])
        rows = {name: stream.of(row.id) for name, stream in streams.items()}
        if broken := said.first_false(row.id, rows["event"]):
            yield row.id, broken
            return
        events = [(event.seq, aside.told(event.body, event.words)) for event in rows["event"]]
        replayed = replay_events(row.id, events)
        replayed.salt = row.salt
        version = versions[row.version]
        broken = _matter(replayed, row, rows, version=version, bad=bad)
        broken = broken or times.launched(replayed, row.union_id)
        broken = broken or standing_rows.first_false(replayed, row, rows, version, events)
        if broken:
            yield row.id, broken
            return


def _matter(
    replayed: Replayed,
    row: rows.Selected,
    rows: Mapping[str, list[Any]],
    version: matters.Version,
    bad: frozenset[str],
) -> Break | None:
    spoken: dict[str, Any] = {}
    tasks = {task.id: task for task in rows["task"]}
    voices, halls = defaultdict(list), defaultdict[Any, polls.Hall](polls.Hall)
    for voice in rows["roll"]:
        voices[voice.poll_id].append(voice)
    for person in rows["attendance"]:
        halls[person.meeting_id].invited.append(person)
    for entry in rows["presence"]:
        halls[entry.meeting_id].ledger.append(entry)
    broken = (
        matters.tasks(replayed, version, rows["task"], spoken)
        or papers.documents(replayed, rows["document"])
        or papers.attachments(replayed, rows["attachment"], papers.named(spoken), bad)
        or polls.polls(replayed, rows["poll"], voices, tasks, row.confidential)
        or published.first_false(replayed, rows["publication"])
        or matters.instance(replayed, row, version)
    )
    if broken:
        return broken
    broken, held = polls.meetings(replayed, rows["meeting"], tasks, halls)
    outcomes = {str(poll.id): poll.outcome for poll in rows["poll"]}
    spoke = facts.Said(spoken, outcomes, held, version.owner)
    return broken or facts.first_false(replayed, row, version, spoke)

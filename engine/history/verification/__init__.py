"""What is kept beside the history and must agree with it: columns, answers, facts, documents,
files, rolls, ballots, rules.

The history proves itself (`history`, `seals`); this room proves that what the pages show is what
the history says. It reads all of the database in streams and writes nothing. What no event tells
cannot be checked: see `matters`.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, or_, select

from engine.ballots import rolls
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
from engine.history.verification.chains import Chains, Range, Told
from engine.history.verification.replay import SILENT, Replayed, replay_events
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Select

    from engine.db import Session, rows
    from engine.history.verification.elsewhere import Other

__all__ = ["Chains", "Range", "first_false", "matters_false", "older"]
_FAULTS = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def older(session: Session) -> int:
    """How many matters were begun when events told less."""
    event = tables.event.c
    tells_all = event.body.contains(f'"tells":{kinds.TELLS}')
    first = event.kind == "instance_launched"
    count = select(func.count()).select_from(tables.event).where(first, ~tells_all)
    return int(session.execute(count).scalar_one())


def first_false(
    session: Session, chains: Chains | None = None, other: Other | None = None
) -> Break | None:
    """The first thing kept that is not what the history says; None when all of it is. `chains` are
    read to their end, and checked, on the way; without them they have been before. `other`: who
    does the same with the chains behind these.
    """
    read = chains or Chains(session, checked=False)
    false = _guarded(lambda: _beside_matters(session))
    files = {} if false else rules.definitions(session)[1]
    if false is None:
        false = matters_false(session, read, files)
    broken = read.finish()
    if other is not None and broken is None:
        there = other.result()
        read.chains, read.events = read.chains + there.chains, read.events + there.events
        broken, false = there.broken, false or there.false
    return broken or false or _guarded(lambda: secret.first_false(session))


def _beside_matters(session: Session) -> Break | None:
    """What belongs to no matter: versions, values, people, calendars."""
    return (
        rules.definitions(session)[0]
        or rules.settings(session)
        or registry.first_false(session)
        or seconded.first_false(session)
        or calendars.first_false(session)
        or said.stray(session)
        or own_versions.first_false(session, own_versions.Times.of(session))
    )


def matters_false(
    session: Session, chains: Chains, files: Mapping[str, Mapping[str, str]]
) -> Break | None:
    """The first matter of these chains that is false; `files` are those of each version."""
    at = [UUID(int=0)]  # the matter that is compared, to be named by a fault
    return _guarded(lambda: next(_matters(session, files, chains, at), None), at)


def _guarded(
    check: Callable[[], Break | None], at: Sequence[UUID] = (UUID(int=0),)
) -> Break | None:
    """What a check finds; a body without what its kind must tell, or a row that no command could
    have written, is false.
    """
    try:
        return check()
    except _FAULTS as fault:
        why = _("内容残缺，无法核对：{fault}", fault=repr(fault))
        return Break(at[0], 0, why)


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


def _streams(session: Session, within: Range) -> dict[str, _Stream]:
    task, poll, roll = tables.task.c, tables.poll.c, tables.roll.c
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
    anything = or_(roll.choice.is_not(None), roll.at.is_not(None), roll.comment != "")
    invited = (meeting.instance_id, *tables.attendance.c)
    queries = {
        "task": select(*tasks).order_by(task.instance_id),
        "poll": select(tables.poll).order_by(poll.instance_id),
        "roll": select(*voices)
        .join(tables.poll, poll.id == roll.poll_id)
        .where(anything)
        .order_by(poll.instance_id),
        "rolled": select(poll.instance_id, poll.id, rolls.digest_in_sql(roll.member_id))
        .join(tables.poll, poll.id == roll.poll_id)
        .group_by(poll.instance_id, poll.id)
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
    return {
        name: _Stream(session, query.where(*within.of(query.selected_columns["instance_id"])))
        for name, query in queries.items()
    }


def _matters(
    session: Session, files: Mapping[str, Mapping[str, str]], chains: Chains, at: list[UUID]
) -> Iterator[Break]:
    """Matter by matter (`at`), in the order of their ids, what is false: every row against its
    events.
    """
    versions: dict[str, matters.Version] = {}
    times = own_versions.Times.of(session)
    within, instance = chains.within, tables.instance.c
    bad, streams = papers.bad_blobs(session), _streams(session, within)
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
        select(*columns)
        .where(*within.of(instance.id))
        .order_by(instance.id)
        .execution_options(yield_per=500)
    ):
        at[0] = row.id
        told = chains.of(row.id)
        if chains.broken:
            return
        if row.version not in versions:
            versions[row.version] = matters.Version.of(files[row.version])
        rows = {name: stream.of(row.id) for name, stream in streams.items()}
        if broken := said.first_false(row.id, told):
            yield broken
        events = [
            (each.seq, _whole(each))
            for each in told
            if each.says["kind"] not in SILENT or each.words is not None
        ]
        replayed = replay_events(row.id, events)
        replayed.salt = row.salt
        version = versions[row.version]
        broken = _matter(replayed, row, rows, version=version, bad=bad)
        broken = broken or times.launched(replayed, row.union_id)
        broken = broken or standing_rows.first_false(replayed, row, rows, version, events)
        if broken:
            yield broken


def _whole(each: Told) -> dict[str, Any]:
    """The body of an event with its words."""
    apart = f'{{"{aside.MARK}":' in each.body
    return aside.whole(each.says, each.words) if apart else each.says


def _matter(
    replayed: Replayed,
    row: rows.Selected,
    rows: Mapping[str, list[Any]],
    version: matters.Version,
    bad: frozenset[str],
) -> Break | None:
    spoken: dict[str, Any] = {}
    tasks = {task.id: task for task in rows["task"]}
    called = {poll.id: polls.Roll() for poll in rows["poll"]}
    for poll_id, digest in (row[1:] for row in rows["rolled"]):
        called[poll_id].digest = digest
    for voice in rows["roll"]:
        called[voice.poll_id].voices.append(voice)
    halls = defaultdict[Any, polls.Hall](polls.Hall)
    for person in rows["attendance"]:
        halls[person.meeting_id].invited.append(person)
    for entry in rows["presence"]:
        halls[entry.meeting_id].ledger.append(entry)
    broken = (
        matters.tasks(replayed, version, rows["task"], spoken)
        or papers.documents(replayed, rows["document"])
        or papers.attachments(replayed, rows["attachment"], papers.named(spoken), bad)
        or polls.polls(replayed, rows["poll"], called, tasks, row.confidential)
        or published.first_false(replayed, rows["publication"])
        or matters.instance(replayed, row, version)
    )
    if broken:
        return broken
    broken, held = polls.meetings(replayed, rows["meeting"], tasks, halls)
    outcomes = {str(poll.id): poll.outcome for poll in rows["poll"]}
    spoke = facts.Said(spoken, outcomes, held, version.owner)
    return broken or facts.first_false(replayed, row, version, spoke)

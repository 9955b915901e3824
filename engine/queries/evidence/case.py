"""Everything that is kept about one instance, read once: what the other rooms of a pack put into
files and words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select

from engine import clock, expressions
from engine.ballots import rolls
from engine.db import aside, canonical, tables
from engine.definitions.store import process_of
from engine.errors import HistoryBroken, ProcessFault
from engine.history import event_log, witnesses
from engine.instance import rooms
from engine.instance.confided import Doors
from engine.instance.union_law import UnionLaw, rulebook
from engine.messages import _
from engine.queries.telling import Teller
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db import Session, rows
    from engine.definitions import Process
    from engine.history.event_log import Break
    from engine.history.keys import SigningKey
    from engine.law import Ruling

MANY = 2000  # so many checkpoints go into every pack; of more, those that matter
_RULE = re.compile(r"""\brule\(\s*["']([A-Z0-9-]+)["']\s*\)""")


@dataclass(frozen=True)
class Entry:
    """One event as its hashed text `body` and the `words` whose digests it has say, not as the
    columns beside it. No `leaf_no` beyond the last checkpoint.
    """

    seq: int
    body: str
    says: Mapping[str, Any]
    hash: bytes
    leaf_no: int | None
    words: Mapping[str, Any] | None

    @property
    def kind(self) -> str:
        """What happened."""
        return str(self.says.get("kind", ""))

    @property
    def at(self) -> datetime:
        """When, aware."""
        return datetime.fromisoformat(str(self.says.get("at", "")))


@dataclass(frozen=True)
class Said:
    """The kept answers of a task, the launch or a message, with the salt under which the event
    `seq` knows them.
    """

    seq: int
    element: str
    value: Any
    salt: bytes


@dataclass(frozen=True)
class Question:
    """A poll with its roll (member id, name, choice, comment, moment), by member id."""

    id: UUID
    element: str
    row: Any
    voices: tuple[Any, ...]


@dataclass(frozen=True)
class Hall:
    """A meeting with its roll (member id, name, kind), by member id, and the lines of its
    ledger.
    """

    id: UUID
    element: str
    row: Any
    due: tuple[Any, ...]
    ledger: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One instance with all that belongs to it; `row` is its row of the table."""

    row: Any
    process: Process
    events: tuple[Entry, ...]
    said: tuple[Said, ...]
    withheld: tuple[int, ...]  # seq of the answers that stay behind closed doors
    polls: tuple[Question, ...]
    meetings: tuple[Hall, ...]
    documents: tuple[Any, ...]
    attachments: tuple[Any, ...]
    rulings: Mapping[str, Ruling | None]
    named: Named
    checkpoints: tuple[Any, ...]
    left_out: int  # checkpoints that the pack does not hold
    witnessed: int  # size of the largest checkpoint that someone outside holds
    broken: Break | None

    @property
    def by_own_version(self) -> bool:
        """Was it launched by a version that its union has for itself?"""
        launches = (e.says for e in self.events if e.kind == "instance_launched")
        return any(says.get("whose") == "union" for says in launches)

    @cached_property
    def teller(self) -> Teller:
        """Who puts its events into words."""
        return Teller(self.process, self.named.names)

    def said_at(self, seq: int) -> Said | None:
        """The answers that belong to an event."""
        return next((s for s in self.said if s.seq == seq), None)


def read(
    session: Session, row: rows.Selected, key: SigningKey, shut: frozenset[str] = frozenset()
) -> Case:
    """Read the instance of `row` (a whole row of the table), without what was said behind closed
    doors.
    """
    process = process_of(session, row.version)
    entries = _events(session, row.id)
    points, left_out, witnessed = _checkpoints(
        session, key, [e.leaf_no for e in entries if e.leaf_no is not None]
    )
    size = points[-1].size if points else 0
    shown = tuple(
        e if e.leaf_no is None or e.leaf_no < size else replace(e, leaf_no=None) for e in entries
    )
    said, tasks = _tasks(session, row.id, entries)
    withheld = tuple(s.seq for s in said if s.element in shut)
    said = tuple(s for s in said if s.element not in shut)
    hidden = rooms.closed_files(session, row.id, Doors(shut, {}))
    polls = _polls(session, row.id, process)
    document, attachment = tables.document.c, tables.attachment.c
    return Case(
        row=row,
        process=process,
        events=shown,
        said=said,
        withheld=withheld,
        polls=polls,
        meetings=_meetings(session, row.id),
        documents=tuple(
            session.execute(
                select(tables.document)
                .where(document.instance_id == row.id)
                .order_by(document.issued_at, document.id)
            )
        ),
        attachments=tuple(
            a
            for a in session.execute(
                select(tables.attachment)
                .where(attachment.instance_id == row.id)
                .order_by(attachment.at, attachment.id)
            )
            if a.id not in hidden
        ),
        rulings=_rulings(session, row, _rules_used(process, entries, tasks, polls)),
        named=_named(session, row, entries, said),
        checkpoints=points,
        left_out=left_out,
        witnessed=witnessed,
        broken=event_log.first_broken(row.id, entries, row.seq, bytes(row.head)),
    )


def _named(
    session: Session, row: rows.Selected, entries: Sequence[Entry], said: Sequence[Said]
) -> Named:
    ids = [str(row.starter_id), str(row.union_id), str(row.unit_id)]
    return Named.of(
        session, [*ids, row.facts, *(e.says for e in entries), *(s.value for s in said)]
    )


def _events(session: Session, instance_id: UUID) -> tuple[Entry, ...]:
    event = tables.event.c
    rows = session.execute(
        select(event.seq, event.body, event.hash, event.leaf_no, event.words)
        .where(event.instance_id == instance_id)
        .order_by(event.seq)
    )
    return tuple(
        Entry(
            seq=r.seq,
            body=r.body,
            says=_says(r),
            hash=bytes(r.hash),
            leaf_no=r.leaf_no,
            words=r.words,
        )
        for r in rows
    )


def _says(row: rows.Selected) -> Mapping[str, Any]:
    try:
        says = aside.told(row.body, row.words)
        datetime.fromisoformat(says["at"])
    except (ValueError, TypeError, KeyError) as fault:
        raise HistoryBroken(
            _("第 {seq} 条历史记录不可读，不能出具证据。", seq=row.seq), seq=row.seq
        ) from fault
    return dict(says)


def _tasks(
    session: Session, instance_id: UUID, entries: Sequence[Entry]
) -> tuple[tuple[Said, ...], tuple[Any, ...]]:
    """The kept answers that an event knows by their digest; and all tasks. Answers that no event
    knows are not shown.
    """
    task = tables.task.c
    rows = session.execute(
        select(task.element, task.due, task.answers, task.salt)
        .where(task.instance_id == instance_id)
        .order_by(task.id)
    ).all()
    known = {e.says["answers"]: e.seq for e in entries if "answers" in e.says}
    said = []
    for r in rows:
        if r.salt is None or len(r.salt) != canonical.SALT_BYTES:
            continue
        seq = known.get(canonical.salted(r.answers, bytes(r.salt)))
        if seq is not None:
            said.append(Said(seq, r.element, r.answers, bytes(r.salt)))
    return tuple(sorted(said, key=lambda s: s.seq)), tuple(rows)


def _polls(session: Session, instance_id: UUID, process: Process) -> tuple[Question, ...]:
    poll, roll, member = tables.poll.c, tables.roll.c, tables.member.c
    rows = session.execute(
        select(tables.poll, tables.task.c.element)
        .join(tables.task, tables.task.c.id == poll.task_id)
        .where(poll.instance_id == instance_id)
        .order_by(poll.opened_at, poll.id)
    ).all()
    return tuple(
        Question(
            r.id,
            r.element,
            r,
            tuple(
                session.execute(
                    select(roll.member_id, member.name, roll.choice, roll.comment, roll.at)
                    .join(tables.member, member.id == roll.member_id)
                    .where(roll.poll_id == r.id)
                    .order_by(roll.member_id)
                )
            ),
        )
        for r in rows
        if r.element in process.tasks
    )


def _meetings(session: Session, instance_id: UUID) -> tuple[Hall, ...]:
    meeting, attendance, member = tables.meeting.c, tables.attendance.c, tables.member.c
    rows = session.execute(
        select(tables.meeting, tables.task.c.element)
        .join(tables.task, tables.task.c.id == meeting.task_id)
        .where(meeting.instance_id == instance_id)
        .order_by(meeting.called_at, meeting.id)
    ).all()
    return tuple(
        Hall(
            r.id,
            r.element,
            r,
            tuple(
                session.execute(
                    select(attendance.member_id, member.name, attendance.kind)
                    .join(tables.member, member.id == attendance.member_id)
                    .where(attendance.meeting_id == r.id)
                    .order_by(attendance.member_id)
                )
            ),
            tuple(rolls.ledger(session, r.id)),
        )
        for r in rows
    )


def _rules_used(
    process: Process, entries: Sequence[Entry], tasks: Sequence[Any], polls: Sequence[Question]
) -> list[str]:
    """The ids of the rules that set a deadline, counted a poll or decided a table in this
    instance.
    """
    found = {str(t.due["rule"]) for t in tasks if t.due and t.due.get("rule")}
    found |= {str(e.says["rule"]) for e in entries if e.kind == "deadline_extended"}
    for question in polls:
        found |= set(question.row.rule.get("numbers", {}))
    for element in {t.element for t in tasks}:
        rule = process.tasks.get(element)
        found |= set(_named_in(rule.due)) if rule and rule.due else set()
    for entry in entries:
        found |= set(_RULE.findall(process.files.get(f"{entry.says.get('decision')}.dmn", "")))
        wait = process.diagram.elements.get(str(entry.says.get("element", "")))
        found |= set(_named_in(wait.timer)) if entry.kind == "timer_fired" and wait else set()
    return sorted(found)


def _named_in(expression: str) -> list[str]:
    return [
        str(a) for _, args in expressions.calls_in(expression) for a in args if isinstance(a, str)
    ]


def _rulings(session: Session, row: rows.Selected, ids: Sequence[str]) -> dict[str, Ruling | None]:
    """Each rule as it bound this union on the day the instance was started; None when the rulebook
    no longer knows it.
    """
    around, on = UnionLaw.of(session, row.union_id), clock.day_of(row.started_at)
    known = set(rulebook().ids)
    found: dict[str, Ruling | None] = {}
    for key in ids:
        try:
            found[key] = around.ruling(key, on) if key in known else None
        except ProcessFault:
            found[key] = None
    return found


def _checkpoints(
    session: Session, key: SigningKey, leaves: Sequence[int]
) -> tuple[tuple[Any, ...], int, int]:
    """The checkpoints of a pack, how many are left out, and the size of the largest witnessed one.

    All when they are few; of many those that someone holds, the first one over each leaf, and the
    last. Only those of this key: the public half of another one is not known here.
    """
    point = tables.checkpoint.c
    count = session.execute(select(func.count()).select_from(tables.checkpoint)).scalar_one()
    outside = sorted({each.size for each in witnesses.held(session)})
    query = select(tables.checkpoint).where(point.key_id == key.key_id).order_by(point.size)
    if count > MANY:
        over = [
            select(func.min(point.size))
            .where(point.size > leaf, point.key_id == key.key_id)
            .scalar_subquery()
            for leaf in _spread(leaves)
        ]
        last = select(func.max(point.size)).where(point.key_id == key.key_id).scalar_subquery()
        query = query.where(point.size.in_([*outside, *over, last]))
    rows = tuple(session.execute(query))
    return rows, count - len(rows), max(outside, default=0)


def _spread(leaves: Sequence[int]) -> list[int]:
    """At most 200 of the leaves, the first and the last among them: the poll of a large roll may
    have thousands.
    """
    step = max(1, len(leaves) // 200)
    return sorted({*leaves[::step], *leaves[-1:]})

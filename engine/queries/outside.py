"""What somebody outside sees by a one-time link, no more; and what the sender sees of the links
they sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import select

from engine import clock, forms
from engine.db import tables
from engine.db.states import InstanceState
from engine.definitions.store import process_of
from engine.documents import pdf
from engine.errors import NotFound
from engine.history.erased import ERASED
from engine.instance import invitations
from engine.instance.union_law import OF_INSTANCE, UnionLaw
from engine.instance.view import dotted
from engine.people import access, organisation
from engine.queries import deadlines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.db import Session, rows
    from engine.definitions.process import Process

_invitation, _document = tables.invitation.c, tables.document.c
_task, _instance, _unit = tables.task.c, tables.instance.c, tables.unit.c


@dataclass(frozen=True)
class Enclosed:
    """A document that goes along with the letter."""

    id: UUID
    title: str
    number: str
    issued_at: datetime
    state: str  # issued; corrected: another stands in its place; void


@dataclass(frozen=True)
class File:
    """An uploaded file that goes along with one of the documents."""

    id: UUID
    name: str


@dataclass(frozen=True)
class Letter:
    """What is asked of somebody outside. `subject` is empty when the process keeps its matters to
    those named in them.
    """

    union: str
    process_title: str
    number: str
    subject: str
    title: str
    to: str
    form: forms.Form | None
    papers: tuple[Enclosed, ...]
    files: tuple[File, ...]
    deadline: deadlines.Deadline | None
    ends_at: datetime
    suspended: bool


@dataclass(frozen=True)
class Sent:
    """A link of a task: `state` is open, used or ended."""

    to: str
    by: str
    sent_at: datetime
    ends_at: datetime
    state: str


@dataclass(frozen=True)
class Receipt:
    """What proves an answer: its place in the history and the hash of that place."""

    number: str
    union: str
    title: str
    seq: int
    hash: str
    at: datetime


def letter(session: Session, token: str, lang: str = "zh") -> Letter:
    """The letter behind a link. Raises NotFound for a wrong, used or ended one."""
    found = invitations.usable(session, token)
    row = _asked(session, found.task_id)
    process = process_of(session, row.version)
    rule = process.tasks[found.element]
    law = UnionLaw(row.union_law)
    decisive_on = clock.day_of(row.started_at)
    return Letter(
        union=row.union,
        process_title=process.title.in_(lang),
        number=row.number,
        subject="" if process.confidentiality == "named" else row.title,
        title=rule.title.in_(lang),
        to=found.to,
        form=invitations.asked(rule.form),
        papers=_enclosed(session, process, row.id, lang),
        files=_files(session, process, row.id),
        deadline=deadlines.deadline(law, decisive_on, row.due_at, row.due, lang=lang),
        ends_at=found.ends_at,
        suspended=row.state != InstanceState.RUNNING,
    )


class _Asked(NamedTuple):
    """A task that somebody outside answers, with its instance and the law of its union."""

    id: UUID
    number: str
    title: str
    version: str
    union_id: UUID
    state: str
    started_at: datetime
    union: str
    union_law: list[Any]
    due_at: datetime | None
    due: Mapping[str, Any] | None


def _asked(session: Session, task_id: UUID) -> _Asked:
    columns = [getattr(_instance, name) for name in _Asked._fields[:7]]
    row = session.execute(
        select(*columns, _unit.name, OF_INSTANCE, _task.due_at, _task.due)
        .select_from(tables.instance)
        .join(tables.task, _task.instance_id == _instance.id)
        .join(tables.unit, _unit.id == _instance.union_id)
        .where(_task.id == task_id)
    )
    return _Asked(*row.one())


def _enclosed(
    session: Session, process: Process, instance_id: UUID, lang: str
) -> tuple[Enclosed, ...]:
    """The documents that the process shows to whoever answers from outside, oldest first."""
    shown = {key: rule for key, rule in process.documents.items() if rule.outside}
    issued = session.execute(
        select(tables.document)
        .where(_document.instance_id == instance_id, _document.kind.in_(shown))
        .order_by(_document.issued_at, _document.id)
    ).all()
    return tuple(
        Enclosed(
            d.id,
            d.title if d.corrects else shown[d.kind].title.in_(lang),
            d.number,
            d.issued_at,
            d.state,
        )
        for d in issued
        if d.data != ERASED
    )


def _files(session: Session, process: Process, instance_id: UUID) -> tuple[File, ...]:
    """What was uploaded last for the documents that have been issued, as the process says."""
    enclosing = {k: d.encloses for k, d in process.documents.items() if d.outside and d.encloses}
    query = (
        select(_document.kind, _instance.facts)
        .join(tables.instance, _instance.id == _document.instance_id)
        .where(_document.instance_id == instance_id, _document.kind.in_(enclosing))
        .distinct(_document.kind)
    )
    named = (
        entry
        for row in (session.execute(query) if enclosing else ())
        for path in enclosing[row.kind]
        for entry in dotted(row.facts, path) or ()
    )
    return tuple(File(UUID(entry["id"]), entry["name"]) for entry in named)


def file(session: Session, token: str, attachment_id: UUID) -> tuple[str, str, bytes]:
    """An enclosed file as (given name, media type, bytes). Raises NotFound for any other."""
    found = invitations.usable(session, token)
    row = _asked(session, found.task_id)
    enclosed = _files(session, process_of(session, row.version), found.instance_id)
    if attachment_id not in {each.id for each in enclosed}:
        raise NotFound(attachment_id=str(attachment_id))
    return pdf.enclosed(session, found.instance_id, attachment_id)


def document(session: Session, token: str, document_id: UUID) -> tuple[str, bytes]:
    """An enclosed document as (file name, PDF). Raises NotFound for any other."""
    found = invitations.usable(session, token)
    row = session.execute(
        select(tables.document, _instance.version)
        .join(tables.instance, _instance.id == _document.instance_id)
        .where(_document.id == document_id, _document.instance_id == found.instance_id)
    ).first()
    row = access.must_see(row)
    rule = process_of(session, row.version).documents.get(row.kind)
    access.must_see(row if rule and rule.outside and row.data != ERASED else None)
    return pdf.file_name(row.number, row.title) + ".pdf", pdf.of_row(session, row)


def receipt(session: Session, instance_id: UUID, lang: str = "zh") -> Receipt:
    """The receipt of the answer that was just given by a link, in the same transaction."""
    event = tables.event.c
    row = session.execute(
        select(
            event.seq, event.hash, event.at, _instance.number, _instance.union_id, _instance.version
        )
        .join(tables.instance, _instance.id == event.instance_id)
        .where(
            event.instance_id == instance_id,
            event.kind == "task_completed",
            event.actor_id.is_(None),
        )
        .order_by(event.seq.desc())
        .limit(1)
    ).one()
    union = organisation.unit_names(session, [row.union_id]).get(row.union_id, "")
    title = process_of(session, row.version).title.in_(lang)
    return Receipt(
        number=row.number,
        union=union,
        title=title,
        seq=row.seq,
        hash=bytes(row.hash).hex(),
        at=row.at,
    )


def sent(session: Session, task_id: UUID) -> tuple[Sent, ...]:
    """The links that were sent for a task, newest first. The caller has made sure that the task is
    this person's.
    """
    rows = session.execute(
        select(tables.invitation, tables.member.c.name, _task.seat, _task.assignee_id)
        .join(tables.member, tables.member.c.id == _invitation.sent_by)
        .join(tables.task, _task.id == _invitation.task_id)
        .where(_invitation.task_id == task_id)
        .order_by(_invitation.sent_at.desc())
    ).all()
    return tuple(_sent(session, row) for row in rows)


def _sent(session: Session, row: rows.Selected) -> Sent:
    holds = row.ends_at > clock.now() and invitations.sender_acts(session, row)
    state = "used" if row.used_at else "open" if holds else "ended"
    return Sent(row.to, row.name, row.sent_at, row.ends_at, state=state)

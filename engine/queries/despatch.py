"""The despatch register of a union: every number that was given to a paper, whatever became of the
paper.

And one paper by itself: what it replaces, what replaced it, what was proposed about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from engine import clock
from engine.db import tables
from engine.db.states import DocumentState, ProposalState
from engine.db.words import STATES as STATE_WORDS
from engine.definitions.store import once_in_force
from engine.documents import words
from engine.history.erased import ERASED
from engine.instance import rights
from engine.instance.context import context_of
from engine.instance.rights import Case
from engine.instance.view import dotted
from engine.messages import Message, _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session, rows
    from engine.definitions import Process
    from engine.instance.context import Context
    from engine.people.organisation import Actor

MOST = 500
TOLD_FOR = timedelta(days=30)
STATES = STATE_WORDS[DocumentState]
KINDS = {"correct": _("更正重发"), "void": _("作废"), "reprint": _("用修正后的模板打印")}
_document, _instance = tables.document.c, tables.instance.c
_correction, _member = tables.correction.c, tables.member.c


@dataclass(frozen=True)
class Entry:
    """A number given. Of a confidential matter that the reader may not see, `title` says only
    that, and `id` is None.
    """

    id: UUID | None
    instance_id: UUID | None
    number: str
    title: str | Message
    matter: str
    issued_at: datetime
    state: str
    replaced_by: str  # the number of the paper that corrects it
    replaces: str


def register(
    session: Session, actor: Actor, union_id: UUID, year: int | None = None, limit: int = MOST
) -> tuple[Entry, ...]:
    """The numbers that a union has given in a year (this one), newest first. Raises NotFound,
    Refused.
    """
    access.check_own(actor, "see_desk", union_id)
    year = year or clock.today().year
    if not MINYEAR <= year < MAXYEAR:
        return ()
    old, new = aliased(tables.document), aliased(tables.document)
    seen = access.visible(actor)
    query = (
        select(
            tables.document,
            _instance.number.label("matter"),
            seen.label("seen"),
            old.c.number.label("replaces"),
            new.c.number.label("replaced_by"),
        )
        .join(tables.instance, _instance.id == _document.instance_id)
        .outerjoin(old, old.c.id == _document.corrects)
        .outerjoin(new, new.c.corrects == _document.id)
        .where(_instance.union_id == union_id, _document.number != "")
        .where(_document.issued_at >= _new_year(year), _document.issued_at < _new_year(year + 1))
        .order_by(_document.issued_at.desc(), _document.id.desc())
        .limit(limit)
    )
    return tuple(map(_entry, session.execute(query)))


def _new_year(year: int) -> datetime:
    """The moment at which a year begins in China."""
    return datetime(year, 1, 1, tzinfo=clock.CHINA)


def _entry(row: rows.Selected) -> Entry:
    seen = row.seen
    return Entry(
        id=row.id if seen else None,
        instance_id=row.instance_id if seen else None,
        number=row.number,
        title=row.title if seen else _("保密件"),
        matter=row.matter if seen else "",
        issued_at=row.issued_at,
        state=row.state,
        replaced_by=row.replaced_by or "",
        replaces=row.replaces or "",
    )


HEAD = (_("文号"), _("文书"), _("事项"), _("签发时间"), _("状态"), _("由何文更正"), _("更正何文"))


def lines(entries: tuple[Entry, ...]) -> list[tuple[str, ...]]:
    """The register as a table, its head first."""
    return [HEAD, *map(_line, entries)]


def _line(entry: Entry) -> tuple[str, ...]:
    at = f"{entry.issued_at.astimezone(clock.CHINA):%Y-%m-%d %H:%M}"
    state = STATES[DocumentState(entry.state)]
    found = entry.number, entry.title, entry.matter, at, state
    return (*found, entry.replaced_by, entry.replaces)


# --- one paper ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Proposal:
    """What somebody proposed about a paper."""

    id: UUID
    kind: str
    reason: str
    changes: tuple[tuple[Message, str], ...]  # what it is called, what shall stand there
    template: str
    proposer: str
    created_at: datetime
    state: str
    approver: str
    decided_at: datetime | None
    mine: bool


@dataclass(frozen=True)
class Paper:
    """A paper by itself. `fields`: what a correction may change: (path, what it is called, what
    stands there).
    """

    id: UUID
    instance_id: UUID
    matter: str
    title: str
    number: str
    issued_at: datetime
    state: str
    replaces: tuple[UUID, str] | None
    replaced_by: tuple[UUID, str] | None
    proposals: tuple[Proposal, ...]
    may_propose: bool
    may_decide: bool
    fields: tuple[tuple[str, Message, str], ...]
    templates: tuple[tuple[str, int], ...]  # versions whose template may print it: hash, number


def paper(session: Session, actor: Actor, document_id: UUID) -> Paper:
    """One paper with all that was proposed about it. Raises NotFound."""
    query = (
        select(tables.document, _instance.number.label("matter"))
        .join(tables.instance, _instance.id == _document.instance_id)
        .where(_document.id == document_id, access.visible(actor))
    )
    row = access.must_see(session.execute(query).first())
    access.must_see(None if row.data == ERASED else row)
    context = context_of(session, actor, row.instance_id)
    may_propose = rights.may(Case(context, "propose_correction"))
    return Paper(
        id=row.id,
        instance_id=row.instance_id,
        matter=row.matter,
        title=row.title,
        number=row.number,
        issued_at=row.issued_at,
        state=row.state,
        replaces=_other(session, _document.id == row.corrects) if row.corrects else None,
        replaced_by=_other(session, _document.corrects == row.id),
        proposals=_proposals(session, actor, row, context.process),
        may_propose=may_propose and row.state == DocumentState.ISSUED,
        may_decide=rights.may(Case(context, "approve_correction")),
        fields=tuple(_fields(context.process, row)) if may_propose else (),
        templates=_templates(context) if may_propose else (),
    )


def _other(session: Session, which: ColumnElement[bool]) -> tuple[UUID, str] | None:
    row = session.execute(
        select(_document.id, _document.number, _document.title).where(which)
    ).first()
    return None if row is None else (row.id, row.number or row.title)


def _fields(process: Process, row: rows.Selected) -> Iterator[tuple[str, Message, str]]:
    """The texts and numbers that stand in a paper."""
    rule = process.documents.get(row.kind)
    for path in sorted(rule.reads if rule else ()):
        value = dotted(row.data["facts"], path)
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield path, words.field(process, path), _shown(row.data, value)


def _shown(data: Mapping[str, Any], value: object) -> str:
    text = str(value)
    return data["people"].get(text) or data["units"].get(text) or text


def _templates(context: Context) -> tuple[tuple[str, int], ...]:
    query = once_in_force(context.process.id, context.row["union_id"])
    numbered = query.order_by(tables.definition.c.number.desc())
    return tuple(context.session.execute(numbered).tuples().all())


def _proposals(
    session: Session, actor: Actor, row: rows.Selected, process: Process
) -> tuple[Proposal, ...]:
    proposer, approver = aliased(tables.member), aliased(tables.member)
    query = (
        select(tables.correction, proposer.c.name.label("by"), approver.c.name.label("decided_by"))
        .join(proposer, proposer.c.id == _correction.proposer_id)
        .outerjoin(approver, approver.c.id == _correction.approver_id)
        .where(_correction.document_id == row.id)
        .order_by(_correction.created_at.desc())
    )
    return tuple(
        Proposal(
            id=found.id,
            kind=found.kind,
            reason=found.reason,
            changes=tuple(
                (words.field(process, path), text) for path, text in found.changes.items()
            ),
            template=found.template or "",
            proposer=found.by,
            created_at=found.created_at,
            state=found.state,
            approver=found.decided_by or "",
            decided_at=found.decided_at,
            mine=found.proposer_id == actor.id,
        )
        for found in session.execute(query)
    )


# --- who is told ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Told:
    """A paper that was corrected or made void, for those who have a part in its matter."""

    id: UUID
    title: str
    number: str
    state: str
    replaced_by: tuple[UUID, str] | None


def told(session: Session, actor: Actor) -> tuple[Told, ...]:
    """What was corrected or made void in the last thirty days in the matters that ever had
    something for this person.
    """
    new = aliased(tables.document)
    since = clock.now() - TOLD_FOR
    query = (
        select(
            tables.document,
            new.c.id.label("new_id"),
            new.c.number.label("new_number"),
            new.c.title.label("new_title"),
        )
        .join(tables.instance, _instance.id == _document.instance_id)
        .join(
            tables.correction,
            and_(
                _correction.document_id == _document.id,
                _correction.state == ProposalState.DONE,
                _correction.kind != "reprint",
                _correction.decided_at > since,
            ),
        )
        .outerjoin(new, new.c.corrects == _document.id)
        .where(
            or_(_instance.starter_id == actor.id, _instance.id.in_(access.shared(actor))),
            _document.state != DocumentState.ISSUED,
        )
        .order_by(_correction.decided_at.desc())
        .limit(20)
    )
    return tuple(
        Told(
            row.id,
            row.title,
            row.number,
            row.state,
            (row.new_id, row.new_number or row.new_title) if row.new_id else None,
        )
        for row in session.execute(query)
        if row.data != ERASED
    )


def about(session: Session, actor: Actor, correction_id: UUID) -> UUID:
    """The paper that a proposal is about. Raises NotFound."""
    query = (
        select(_document.id)
        .join(tables.correction, _correction.document_id == _document.id)
        .join(tables.instance, _instance.id == _document.instance_id)
        .where(_correction.id == correction_id, access.visible(actor))
    )
    found: UUID = access.must_see(session.execute(query).scalar())
    return found

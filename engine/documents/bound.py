"""The same paper of many matters as one PDF, to be printed in one go.

Papers of confidential matters are left out: what is bound is kept for some days where no key of
theirs protects it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pypdfium2 import PdfDocument
from sqlalchemy import select

from engine.db import tables
from engine.db.progress import Tell, silent, told
from engine.db.states import DocumentState
from engine.definitions.store import process_of
from engine.documents import pdf
from engine.errors import Conflict, EngineError, NotFound, Unavailable
from engine.instance import rooms
from engine.instance.context import context_of
from engine.messages import Message, _, stored
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session, rows
    from engine.people.organisation import Actor

MOST = 500  # matters at a time
_document, _instance = tables.document.c, tables.instance.c


@dataclass(frozen=True)
class Offered:
    """A kind of paper that some of the matters have, and how many."""

    kind: str
    title: str
    matters: int


@dataclass(frozen=True)
class Left:
    """A matter of which nothing is bound, and why."""

    number: str
    why: Message | str


@dataclass(frozen=True)
class Bound:
    """One PDF of so many papers and pages; `matters`: of which."""

    data: bytes
    papers: int
    pages: int
    matters: tuple[UUID, ...]
    left: tuple[Left, ...]

    def stored(self) -> dict[str, Any]:
        """All but the PDF, as plain JSON."""
        left = [{"number": each.number, "why": stored(each.why)} for each in self.left]
        counts = {"papers": self.papers, "pages": self.pages, "size": len(self.data)}
        return {**counts, "matters": [str(key) for key in self.matters], "left": left}


def seen(session: Session, actor: Actor, ids: Sequence[UUID]) -> bool:
    """Does this person see all of these matters, none of them confidential by now?"""
    return len(_seen(session, actor, ids, ~_instance.confidential)) == len(set(ids))


def _seen(
    session: Session, actor: Actor, ids: Sequence[UUID], *more: ColumnElement[bool]
) -> dict[UUID, rows.Selected]:
    """Those of these matters that the person sees, in the order given."""
    if len(ids) > MOST:
        raise Conflict(_("一次最多打印 {most} 件的文书，请分几次。", most=MOST), code="too_many")
    shown = [_instance[name] for name in ("id", "number", "title", "version", "confidential")]
    query = select(*shown).where(_instance.id.in_(ids), access.visible(actor), *more)
    found = {row.id: row for row in session.execute(query)}
    return {key: found[key] for key in ids if key in found}


def offered(session: Session, actor: Actor, ids: Sequence[UUID]) -> tuple[Offered, ...]:
    """What can be bound of these matters; those that this person does not see are passed over.
    Raises Conflict for too many.
    """
    here = _seen(session, actor, ids, ~_instance.confidential)
    query = (
        select(_document.instance_id, _document.kind, _document.title)
        .where(_document.instance_id.in_(here), _document.state == DocumentState.ISSUED)
        .order_by(_document.id)
    )
    titles: dict[str, str] = {}
    matters: dict[str, set[UUID]] = {}
    for key, kind, title in session.execute(query):
        if rooms.is_open_paper(
            process_of(session, here[key].version), kind
        ) or rooms.may_read_paper(context_of(session, actor, key), kind):
            titles[kind] = title
            matters.setdefault(kind, set()).add(key)
    return tuple(Offered(kind, title, len(matters[kind])) for kind, title in titles.items())


def bound(
    session: Session,
    actor: Actor,
    kind: str,
    ids: Sequence[UUID],
    *,
    both_sides: bool = False,
    tell: Tell = silent,
) -> Bound:
    """The last paper of this kind of each matter, in the order given; with `both_sides` each begins
    on a sheet of its own. Matters that this person does not see are passed over.

    Raises NotFound when nothing can be bound, Conflict for too many.
    """
    here = _seen(session, actor, ids)
    query = (
        select(_document.instance_id, _document.id)
        .where(_document.instance_id.in_(here), _document.kind == kind)
        .where(_document.state == DocumentState.ISSUED)
        .order_by(_document.id)
    )
    papers = dict(tuple(row) for row in session.execute(query))
    whole, taken, left = PdfDocument.new(), [], []
    for row in told(list(here.values()), tell):
        why: Message | str | None = None if row.id in papers else _("没有这种文书。")
        if row.confidential:
            why = _("保密事项的文书请在其页面逐件打印。")
        if why is None:
            try:
                _append(whole, pdf.pdf(session, actor, papers[row.id])[1], both_sides=both_sides)
                taken.append(row.id)
            except Unavailable:
                raise
            except EngineError as fault:
                why = fault.message
        if why is not None:
            left.append(Left(row.number or row.title, why))
    if not taken:
        raise NotFound(_("所选各件都没有可以打印的这种文书。"))
    made = io.BytesIO()
    whole.save(made)
    return Bound(made.getvalue(), len(taken), len(whole), tuple(taken), tuple(left))


def _append(whole: PdfDocument, paper: bytes, *, both_sides: bool) -> None:
    with PdfDocument(paper) as one:
        if both_sides and len(whole) % 2:
            whole.new_page(*one[0].get_size())
        whole.import_pages(one)

"""The same paper of many matters as one PDF, to be printed in one go.

Papers of confidential matters are left out: what is bound is kept for some days where no key of
theirs protects it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pypdfium2 import PdfDocument
from sqlalchemy import Text, func, select

from engine.db import tables
from engine.db.progress import Tell, silent, told
from engine.db.states import DocumentState
from engine.documents import pdf
from engine.errors import EngineError, NotFound, Unavailable
from engine.instance import rooms
from engine.instance.context import context_of
from engine.messages import Message, _, stored
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

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
    """Does this person see all of these matters?"""
    here = select(_instance.id).where(_instance.id.in_(ids), access.visible(actor))
    return set(session.execute(here).scalars()) >= set(ids)


def offered(session: Session, actor: Actor, ids: Sequence[UUID]) -> tuple[Offered, ...]:
    """What can be bound of these matters; those that this person does not see are passed over."""
    query = (
        select(
            _document.kind,
            func.max(_document.title),
            func.count(_document.instance_id.distinct()),
            func.max(_document.instance_id.cast(Text)),
        )
        .join(tables.instance, _instance.id == _document.instance_id)
        .where(_instance.id.in_(ids), ~_instance.confidential, access.visible(actor))
        .where(_document.state == DocumentState.ISSUED)
        .group_by(_document.kind)
        .order_by(func.min(_document.id.cast(Text)))
    )
    return tuple(
        Offered(kind, title, matters)
        for kind, title, matters, one in session.execute(query)
        if rooms.may_read_paper(context_of(session, actor, one), kind)
    )


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

    Raises NotFound when nothing can be bound.
    """
    query = select(tables.instance).where(_instance.id.in_(ids), access.visible(actor))
    known = {row.id: row for row in session.execute(query)}
    latest = (
        select(_document.instance_id, func.max(_document.id.cast(Text)))
        .where(_document.instance_id.in_(list(known)), _document.kind == kind)
        .where(_document.state == DocumentState.ISSUED)
        .group_by(_document.instance_id)
    )
    papers = dict(tuple(row) for row in session.execute(latest))
    here = [known[key] for key in dict.fromkeys(ids) if key in known]
    whole, taken, left = PdfDocument.new(), [], []
    for row in told(here, tell):
        try:
            if row.confidential:
                raise NotFound(_("保密事项的文书请在其页面逐件打印。"))
            if row.id not in papers:
                raise NotFound(_("没有这种文书。"))
            _append(whole, pdf.pdf(session, actor, papers[row.id])[1], both_sides=both_sides)
            taken.append(row.id)
        except Unavailable:
            raise
        except EngineError as fault:
            left.append(Left(row.number or row.title, fault.message))
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

"""Objecting to what a matter has published: once, by each of the circle, who sees nothing else of
the matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import select

from engine import clock
from engine.commands import answered, unit_of_work
from engine.db import tables
from engine.db.states import InstanceState
from engine.errors import Conflict, NotFound
from engine.instance import books
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.people.organisation import Actor

_publication = tables.publication


def make(session: Session, actor: Actor, publication_id: UUID, answers: Mapping[str, Any]) -> str:
    """Object, with answers to the form of the publication; gives the receipt, the salted digest of
    the answers that stands in the history.

    Raises NotFound for who is not of the circle, Conflict when it is over, stopped, or the actor
    has objected before; Refused, Invalid by its form.
    """
    work, publication = _locked(session, actor, publication_id)
    _check_open(work, publication)
    fact = work.facts[publication.element]
    sheet = books.sheet_of(fact, publication.id)
    if any(each["who"] == str(actor.id) for each in sheet["objections"]):
        raise Conflict(_("您已提出异议，不能重复提出。"), code="objected")
    rule = work.process.tasks[publication.element]
    with work.answering():
        clean = answered.accepted(work, rule, rule.form, answers)
        answered.pass_gates(work, rule, clean)
    receipt = unit_of_work.record_answers(work, rule.id, clean)
    made = {
        "who": str(actor.id),
        "at": clock.now().isoformat(),
        "answers": clean,
        "receipt": receipt,
    }
    sheet = {**sheet, "objections": [*sheet["objections"], made]}
    work.facts[rule.id] = books.with_sheet(fact, publication.id, sheet)
    work.log.add(
        "objection_made",
        actor,
        publication=str(publication.id),
        element=rule.id,
        answers=receipt,
    )
    unit_of_work.save(work)
    return receipt


def _locked(
    session: Session, actor: Actor, publication_id: UUID
) -> tuple[UnitOfWork, rows.Publication]:
    """The matter, locked, and its publication as it is then. Who is of the circle may not see the
    matter: that is not asked. Raises NotFound.
    """
    shown = _publication.c.id == publication_id, _publication.c.circle.contains([actor.id])
    of = select(_publication.c.instance_id).where(*shown)
    instance_id = access.must_see(session.execute(of).scalar())
    work = unit_of_work.resume(session, actor, unit_of_work.lock(session, None, instance_id).row)
    found = session.execute(select(_publication).where(*shown)).one()
    return work, cast("rows.Publication", found)


def _check_open(work: UnitOfWork, publication: rows.Publication) -> None:
    state = work.row["state"]
    if state == InstanceState.SUSPENDED:
        raise Conflict(_("此件已暂停，恢复后才能提出异议。"), code="suspended")
    if not publication.current or state != InstanceState.RUNNING:
        raise NotFound
    if clock.now() >= publication.until:
        raise Conflict(_("公示已截止。"), code="closed")

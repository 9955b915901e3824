"""A paper that left the house with something wrong in it: corrected, made void, or printed with a
repaired template.

One person proposes with a reason, another decides; nobody does both. What was issued is kept as it
was, struck through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands import papers, reasons, separation, unit_of_work
from engine.commands.unit_of_work import UnitOfWork
from engine.db import tables
from engine.db.states import DocumentState, ProposalState
from engine.definitions.store import once_in_force, process_of
from engine.documents import filling, pdf
from engine.errors import Conflict, Invalid
from engine.history.erased import ERASED
from engine.instance import rights
from engine.instance.rights import Case
from engine.instance.view import dotted
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session, rows
    from engine.definitions.process import DocumentRule
    from engine.people.organisation import Actor

CORRECT, VOID, REPRINT = "correct", "void", "reprint"
KINDS = (CORRECT, VOID, REPRINT)
MOST_CHANGES = 20
MARK = "（更正）"
_document, _correction = tables.document.c, tables.correction.c


def propose(
    session: Session,
    actor: Actor,
    document_id: UUID,
    kind: str,
    reason: str,
    changes: Mapping[str, str] | None = None,
    template: str | None = None,
) -> UUID:
    """Propose to correct a paper, to make it void, or to print it with the template of another
    version; gives the id.

    A correction says what the instance says now, with `changes` (dotted fact -> text) in place of
    what is wrong there. `template`: hash of a published version of the same process. Raises
    NotFound, Refused, Invalid, Conflict.
    """
    work, row = _opened(session, actor, document_id)
    rights.check(Case(work, "propose_correction"))
    plain, wanted = reasons.plain(reason), dict(changes or {})
    if kind not in KINDS:
        raise Invalid({"kind": [_("请选择怎样处理。")]})
    _must_stand(row)
    _must_not_wait(session, document_id)
    if kind == REPRINT and not template:
        raise Invalid({"template": [_("请选择用哪个版本的模板打印。")]})
    _check_template(work, template)
    if kind == CORRECT:
        _check_changes(work.process.documents[row.kind], wanted)
        pdf.typeset(*_corrected(work, row, wanted, template, number=row.number or "—"))
    elif kind == REPRINT:
        pdf.typeset(process_of(session, str(template)).files, row.kind, row.data)
    key = tables.new_id()
    values = {
        "id": key,
        "document_id": document_id,
        "kind": kind,
        "reason": plain,
        "template": template,
        "changes": wanted if kind == CORRECT else {},
        "proposer_id": actor.id,
        "created_at": clock.now(),
        "state": ProposalState.PROPOSED,
    }
    session.execute(insert(tables.correction).values(**values))
    noted = {"document": row.kind, "id": str(document_id), "number": row.number or None}
    work.log.add("correction_proposed", actor, correction=str(key), way=kind, reason=plain, **noted)
    unit_of_work.save(work)
    return key


def decide(session: Session, actor: Actor, correction_id: UUID, approve: bool) -> UUID:
    """Carry out what somebody else proposed, or refuse it; gives the paper that is to be looked at
    now.

    Raises NotFound, Refused (not theirs to decide, or their own proposal), Conflict, NotPrintable.
    """
    found = session.execute(
        select(tables.correction).where(_correction.id == correction_id).with_for_update()
    ).first()
    change = cast("rows.Correction", access.must_see(found))
    work, row = _opened(session, actor, change.document_id)
    rights.check(Case(work, "approve_correction"))
    if change.state != ProposalState.PROPOSED:
        raise Conflict(_("这项更正已有结论。"), code="decided")
    separation.check(session, actor, "approve_correction", work.row["union_id"], change.proposer_id)
    shown = UUID(str(row.id))
    if approve:
        _must_stand(row)
        shown = _carried_out(work, row, change)
    else:
        _note(work, "correction_refused", row, change)
    decided = update(tables.correction).where(_correction.id == correction_id)
    state = ProposalState.DONE if approve else ProposalState.REFUSED
    session.execute(decided.values(state=state, approver_id=actor.id, decided_at=clock.now()))
    unit_of_work.save(work)
    return shown


def _opened(session: Session, actor: Actor, document_id: UUID) -> tuple[UnitOfWork, rows.Document]:
    """The unit of work on the instance of a paper, and the paper. Raises NotFound."""
    query = select(_document.instance_id).where(_document.id == document_id)
    instance_id: UUID = access.must_see(session.execute(query).scalar())
    work = unit_of_work.lock(session, actor, instance_id)
    row = session.execute(select(tables.document).where(_document.id == document_id)).one()
    return work, cast("rows.Document", access.must_see(None if row.data == ERASED else row))


def _must_stand(row: rows.Document) -> None:
    if row.state != DocumentState.ISSUED:
        raise Conflict(_("这份文书已更正或作废。"), code="replaced")


def _must_not_wait(session: Session, document_id: UUID) -> None:
    waiting = select(_correction.id).where(
        _correction.document_id == document_id, _correction.state == ProposalState.PROPOSED
    )
    if session.execute(waiting).first():
        raise Conflict(_("这份文书已有一项更正等待批准。"), code="waiting")


def _check_template(work: UnitOfWork, template: str | None) -> None:
    """Only what two people put in force, for all or for this union, prints a paper."""
    if not template:
        return
    known = once_in_force(work.process.id, work.row["union_id"])
    if template not in work.session.execute(known).scalars().all():
        raise Invalid({"template": [_("只能用本流程已经施行的版本。")]})


def _check_changes(rule: DocumentRule, changes: Mapping[str, str]) -> None:
    if len(changes) > MOST_CHANGES:
        raise Invalid({"changes": [_("一次最多更正 {most} 项。", most=MOST_CHANGES)]})
    for path, value in changes.items():
        if path not in rule.reads or not str(value).strip():
            raise Invalid(
                {"changes": [_("这份文书里没有“{path}”一项，或没有写更正后的内容。", path=path)]}
            )


def _corrected(
    work: UnitOfWork,
    row: rows.Document,
    changes: Mapping[str, str],
    template: str | None,
    number: str,
) -> tuple[Mapping[str, str], str, dict[str, Any]]:
    """Templates, kind and data of the paper as it is to stand: what the instance says now, and
    what was changed.
    """
    process = process_of(work.session, template) if template else work.process
    rule = process.documents[row.kind]
    facts = filling.facts_for(process, rule, work.facts)
    for path, value in changes.items():
        _put(facts, path, _as_before(dotted(facts, path), value))
    filling.must_be_whole(process, rule, facts)
    data = filling.document_data(work, number, rule, facts)
    data["document"] |= {
        "title": row.data["document"]["title"].removesuffix(MARK) + MARK,
        "corrects": {"number": row.number, "issued_on": row.data["document"]["issued_on"]},
    }
    return process.files, row.kind, data


def _as_before(old: object, value: str) -> object:
    """A number where a number stood."""
    if isinstance(old, int) and not isinstance(old, bool):
        if not value.strip().isdecimal():
            raise Invalid({"changes": [_("原来是数字的一项，更正后也要是整数。")]})
        return int(value)
    if old is not None and not isinstance(old, str):
        raise Invalid({"changes": [_("这一项不是文字或数字，不能在这里更正。")]})
    return value.strip()


def _put(facts: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    place = facts
    for name in parents:
        inner = place.get(name)
        place[name] = dict(inner) if isinstance(inner, dict) else {}
        place = place[name]
    place[last] = value


def _carried_out(work: UnitOfWork, row: rows.Document, change: rows.Correction) -> UUID:
    mine = update(tables.document).where(_document.id == row.id)
    if change.kind == REPRINT:
        work.session.execute(mine.values(template=change.template))
        _note(work, "document_reprinted", row, change, template=change.template)
        return UUID(str(row.id))
    if change.kind == VOID:
        work.session.execute(mine.values(state=DocumentState.VOID))
        _note(work, "document_voided", row, change)
        return UUID(str(row.id))
    number = papers.next_of(work, work.process.documents[row.kind])
    files, kind, data = _corrected(work, row, change.changes, change.template, number)
    pdf.typeset(files, kind, data)
    made = papers.freeze(work, row.kind, data, corrects=row.id, template=change.template)
    work.session.execute(mine.values(state=DocumentState.CORRECTED))
    changed = {"new": str(made), "new_number": number or None, "changed": sorted(change.changes)}
    _note(work, "document_corrected", row, change, template=change.template, **changed)
    return made


def _note(
    work: UnitOfWork, kind: str, row: rows.Document, change: rows.Correction, **more: Any
) -> None:
    """What came of it: which paper, why, and who had proposed it."""
    noted = {"document": row.kind, "id": str(row.id), "number": row.number or None}
    by = {
        "correction": str(change.id),
        "proposer": str(change.proposer_id),
        "reason": change.reason,
    }
    work.log.add(kind, work.actor, **noted, **by, **more)

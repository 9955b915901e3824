"""Erase what a confidential instance holds once it has ended: texts go, digests and history stay
and still agree.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Table, Text, cast, delete, null, select, text, update

from engine import clock
from engine.commands import proposals, reasons, unit_of_work
from engine.db import aside, blobs, queue, tables
from engine.errors import Conflict
from engine.history.erased import ERASED, ERASED_MARK, ERASED_TITLE
from engine.instance import rights
from engine.instance.rights import Case
from engine.instance.union_law import RETENTION
from engine.instance.view import ENDED
from engine.messages import _

if TYPE_CHECKING:
    from sqlalchemy import Select

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.people.organisation import Actor

ERASURE, HOLD = "erasure", "hold"  # kinds of proposals
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMPTIED: dict[Table, dict[str, Any]] = {
    tables.task: {"answers": null(), "salt": null()},
    tables.comment: {"text": null(), "salt": null()},
    tables.copy: {"text": null(), "salt": null()},
    tables.ask: {"said": null(), "answer": null(), "salt": null()},
    tables.document: {"data": ERASED},
    tables.incident: {"message": "", "detail": {}},
}
_WORDS = text("UPDATE event SET words = NULL WHERE instance_id = :id AND words IS NOT NULL")
_REPLIES = text(
    "DELETE FROM reply r USING unnest(CAST(:ids AS text[])) k WHERE strpos(r.body, k) > 0 OR strpos(r.location, k) > 0"
)
_LEFT_OVER = text(  # by whoever did anything in the matter, before its end, and in no draft now
    "DELETE FROM attachment a WHERE instance_id IS NULL AND at <= :until "
    "AND member_id IN (SELECT actor_id FROM event WHERE instance_id = :id) AND NOT EXISTS "
    "(SELECT 1 FROM draft d WHERE d.member_id = a.member_id AND strpos(d.answers::text, a.id::text) > 0) "
    "RETURNING sha256"
)


def propose(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Propose to erase answers, facts, comments, title, documents' data and attachments, with a
    reason; gives the proposal's id. By who acts in it by a post; another one decides.

    Raises NotFound (not theirs to see), Refused (a party of it), Conflict (not confidential, not
    ended, erased, still to be kept, held, waiting already), Invalid.
    """
    work = _erasable(session, actor, instance_id)
    return _hand_in(work, actor, ERASURE, reason, "erasure_proposed")


def _hand_in(work: UnitOfWork, actor: Actor, kind: str, reason: str, event: str) -> UUID:
    """A proposal about a matter, on record there."""
    about, note = str(work.row["id"]), reasons.plain(reason)
    draft = proposals.Draft(kind, work.row["union_id"], about, note=note)
    key = proposals.hand_in(work.session, actor, draft)
    work.log.add(event, actor, proposal=str(key))
    unit_of_work.save(work)
    return key


def decide(session: Session, actor: Actor, row: rows.Proposal, approve: bool) -> None:
    """Erase what somebody else proposed to erase, or leave it. Raises as `propose`."""
    work = _erasable(session, actor, UUID(row.subject))
    proposals.must_be_second(session, actor, row, "erase")
    if approve:
        _erase(work, actor, row.note)
        proposals.forget_note(session, row)
    else:
        work.log.add("erasure_refused", actor, proposal=str(row.id))
        unit_of_work.save(work)


def hold(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Keep the contents whatever their time, with a reason, until somebody else lifts it; gives the
    proposal to lift it.

    Raises NotFound, Refused, Conflict (not confidential, erased, held already), Invalid.
    """
    work = _guarded(session, actor, instance_id)
    return _hand_in(work, actor, HOLD, reason, "hold_placed")


def lift(session: Session, actor: Actor, row: rows.Proposal, approve: bool) -> None:
    """Lift a hold that somebody else placed. Raises NotFound, Refused, Conflict (a hold that is
    not lifted stays).
    """
    if not approve:
        raise Conflict(_("不解除的，继续保留，不必办理。"), code="held")
    work = _guarded(session, actor, UUID(row.subject))
    proposals.must_be_second(session, actor, row, "erase")
    work.log.add("hold_lifted", actor, proposal=str(row.id))
    unit_of_work.save(work)


def _guarded(session: Session, actor: Actor, instance_id: UUID) -> UnitOfWork:
    """The confidential instance with its contents, for who acts in it by a post."""
    work = unit_of_work.lock(session, actor, instance_id)
    if not work.row["confidential"]:
        raise Conflict(_("此件不是保密事项。"), code="not_confidential")
    rights.check(Case(work, "erase"))
    if ERASED_MARK in work.facts:
        raise Conflict(_("内容已经删除。"), code="erased")
    return work


def _erasable(session: Session, actor: Actor, instance_id: UUID) -> UnitOfWork:
    """The same, ended and kept for its time, and held by nobody."""
    work = _guarded(session, actor, instance_id)
    if work.row["state"] not in ENDED or work.row["ended_at"] is None:
        raise Conflict(_("此件还没有结束，内容不能删除。"), code="not_ended")
    until = work.law.retained_until(work.row["ended_at"])
    if clock.now() < until.moment:
        kept = _("内容须保存至 {day}（{rule}），此前不能删除。", day=until.day, rule=RETENTION)
        raise Conflict(kept, code="retained")
    if proposals.waits(session, HOLD, str(instance_id)):
        raise Conflict(_("此件依法保留，解除之前不能删除。"), code="held")
    return work


def _erase(work: UnitOfWork, actor: Actor, reason: str) -> None:
    session, instance_id = work.session, work.row["id"]
    _empty(work)
    files = _drop_files(session, instance_id)
    work.forget({ERASED_MARK: {"at": clock.now().isoformat()}})
    work.row["title"] = ERASED_TITLE
    session.execute(
        update(tables.instance)
        .where(tables.instance.c.id == instance_id)
        .values(grams=[], salt=null())
    )
    work.log.add("matter_erased", actor, reason=reason, attachments=files)
    unit_of_work.save(work)


def _empty(work: UnitOfWork) -> None:
    """Take the texts out of the rows that hold them; the rows stay, and so do numbered papers
    that left the house.
    """
    session, instance_id = work.session, work.row["id"]
    tasks = select(tables.task.c.id).where(tables.task.c.instance_id == instance_id)
    polls = select(tables.poll.c.id).where(tables.poll.c.instance_id == instance_id)
    _drop_passing(work, tasks)
    sent = tables.invitation.c.task_id.in_(tasks)
    left = session.execute(select(tables.invitation.c.id).where(sent).limit(1)).first()
    session.execute(update(tables.invitation).where(sent).values(to=""))
    of_polls = tables.roll.c.poll_id.in_(polls)
    session.execute(update(tables.roll).where(of_polls).values(comment=""))
    _silence_tellers(session, polls)
    corrected = tables.correction.c.document_id.in_(
        select(tables.document.c.id).where(tables.document.c.instance_id == instance_id)
    )
    session.execute(update(tables.correction).where(corrected).values(reason="", changes={}))
    for table, emptied in _EMPTIED.items():
        rows_of = update(table).where(table.c.instance_id == instance_id)
        if table is tables.document and left:
            document = tables.document.c
            shown = [key for key, rule in work.process.documents.items() if rule.outside]
            rows_of = rows_of.where(~((document.number != "") & document.kind.in_(shown)))
        session.execute(rows_of.values(**emptied))
    session.execute(_WORDS, {"id": instance_id})
    session.execute(delete(tables.pack).where(tables.pack.c.instance_id == instance_id))
    queue.forget(session, str(instance_id))


def _silence_tellers(session: Session, polls: Select[tuple[UUID]]) -> None:
    """Why a teller did not sign, or left: with the tellers, and where an outcome repeats it."""
    teller, poll = tables.teller.c, tables.poll.c
    for why in (teller.dissent, teller.leaves):
        spoken = update(tables.teller).where(teller.poll_id.in_(polls), why.is_not(None))
        session.execute(spoken.values({why.name: ""}))
    for key, outcome in session.execute(select(poll.id, poll.outcome).where(poll.id.in_(polls))):
        if (left := aside.emptied(outcome)) != outcome:
            session.execute(update(tables.poll).where(poll.id == key).values(outcome=left))


def _drop_passing(work: UnitOfWork, tasks: Select[tuple[UUID]]) -> None:
    """Remove drafts of its tasks, who looked when, uploads that nothing has adopted, and replies
    kept for a request that is sent again.
    """
    session, instance_id = work.session, work.row["id"]
    ids = [str(key) for key in session.execute(tasks).scalars()]
    session.execute(delete(tables.held_act).where(tables.held_act.c.instance_id == instance_id))
    _drop_drafts(session, [f"task:{key}" for key in ids])
    session.execute(delete(tables.seen).where(tables.seen.c.instance_id == instance_id))
    session.execute(_REPLIES, {"ids": [str(instance_id), *ids]})
    until = {"id": instance_id, "until": work.row["ended_at"]}
    blobs.drop(session, session.execute(_LEFT_OVER, until).scalars())


def _drop_drafts(session: Session, keys: list[str]) -> None:
    """Remove drafts, and the uploads in them that nothing has adopted."""
    draft, attachment = tables.draft.c, tables.attachment.c
    gone = delete(tables.draft).where(draft.key.in_(keys)).returning(cast(draft.answers, Text))
    texts = " ".join(session.execute(gone).scalars())
    named = [UUID(each) for each in _UUID.findall(texts)]
    uploads = delete(tables.attachment).where(
        attachment.id.in_(named), attachment.instance_id.is_(None)
    )
    blobs.drop(session, session.execute(uploads.returning(attachment.sha256)).scalars())


def _drop_files(session: Session, instance_id: UUID) -> int:
    """Remove the attachments, and their bytes where nobody else holds the same; gives their
    number.
    """
    gone = delete(tables.attachment).where(tables.attachment.c.instance_id == instance_id)
    digests = list(session.execute(gone.returning(tables.attachment.c.sha256)).scalars())
    blobs.drop(session, digests)
    return len(digests)

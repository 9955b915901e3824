"""Erase what a confidential matter holds once it has ended: texts go, digests and history stay and still agree."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import delete, null, select, text, update

from engine import clock
from engine.commands import reasons, unit_of_work
from engine.db import queue, tables
from engine.errors import Conflict, Refused
from engine.history.verification import ERASED
from engine.instance.view import ENDED, ERASED_MARK, ERASED_TITLE
from engine.people import access

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

_UNUSED = text(
    "DELETE FROM blob b WHERE sha256 = ANY(:digests) AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.sha256 = b.sha256)"
)


def erase(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Erase answers, facts, comments, title, documents' data and attachments; by who acts in it by a post, with a reason.

    Raises NotFound (not theirs to see), Refused (a party of it), Conflict (not confidential, not ended, erased), Invalid.
    """
    work = unit_of_work.lock(session, actor, instance_id)
    if not work.row["confidential"]:
        raise Conflict("此件不是保密事项。", code="not_confidential")
    if not access.acts_by_post(session, actor, instance_id):
        raise Refused(verb="erase", instance_id=str(instance_id))
    if work.row["state"] not in ENDED:
        raise Conflict("此件还没有结束，内容不能删除。", code="not_ended")
    if ERASED_MARK in work.facts:
        raise Conflict("内容已经删除。", code="erased")
    plain = reasons.plain(reason)
    _empty(session, instance_id)
    files = _drop_files(session, instance_id)
    work.facts = {ERASED_MARK: {"at": clock.now().isoformat()}}
    work.row["title"] = ERASED_TITLE
    session.execute(
        update(tables.instance).where(tables.instance.c.id == instance_id).values(grams=[])
    )
    work.log.add("matter_erased", actor, reason=plain, attachments=files)
    unit_of_work.save(work)
    return instance_id


def _empty(session: Session, instance_id: UUID) -> None:
    """Take the texts out of the rows that hold them; the rows stay."""
    task, poll, document, incident = (
        tables.task.c,
        tables.poll.c,
        tables.document.c,
        tables.incident.c,
    )
    mine = task.instance_id == instance_id
    keys = [f"task:{key}" for key in session.execute(select(task.id).where(mine)).scalars()]
    session.execute(delete(tables.draft).where(tables.draft.c.key.in_(keys)))
    session.execute(update(tables.task).where(mine).values(answers=null(), salt=null()))
    asked = select(poll.id).where(poll.instance_id == instance_id)
    session.execute(update(tables.roll).where(tables.roll.c.poll_id.in_(asked)).values(comment=""))
    session.execute(
        update(tables.document).where(document.instance_id == instance_id).values(data=ERASED)
    )
    session.execute(
        update(tables.incident)
        .where(incident.instance_id == instance_id)
        .values(message="", detail={})
    )
    queue.forget(session, str(instance_id))


def _drop_files(session: Session, instance_id: UUID) -> int:
    """Remove the attachments, and their bytes where nobody else holds the same; gives their number."""
    gone = delete(tables.attachment).where(tables.attachment.c.instance_id == instance_id)
    digests = list(session.execute(gone.returning(tables.attachment.c.sha256)).scalars())
    if digests:
        session.execute(_UNUSED, {"digests": digests})
    return len(digests)

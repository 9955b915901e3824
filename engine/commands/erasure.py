"""Erase what a confidential instance holds once it has ended: texts go, digests and history stay
and still agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, delete, null, select, text, update

from engine import clock
from engine.commands import reasons, unit_of_work
from engine.db import queue, tables
from engine.errors import Conflict
from engine.history.erased import ERASED, ERASED_MARK, ERASED_TITLE
from engine.instance import rights
from engine.instance.rights import Case
from engine.instance.view import ENDED
from engine.messages import _

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

_EMPTIED: dict[Table, dict[str, Any]] = {
    tables.task: {"answers": null(), "salt": null()},
    tables.document: {"data": ERASED},
    tables.incident: {"message": "", "detail": {}},
}
_UNUSED = text(
    "DELETE FROM blob b WHERE sha256 = ANY(:digests) AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.sha256 = b.sha256)"
)


def erase(session: Session, actor: Actor, instance_id: UUID, reason: str) -> UUID:
    """Erase answers, facts, comments, title, documents' data and attachments; by who acts in it by
    a post, with a reason.

    Raises NotFound (not theirs to see), Refused (a party of it), Conflict (not confidential, not
    ended, erased), Invalid.
    """
    work = unit_of_work.lock(session, actor, instance_id)
    if not work.row["confidential"]:
        raise Conflict(_("此件不是保密事项。"), code="not_confidential")
    rights.check(Case(work, "erase"))
    if work.row["state"] not in ENDED:
        raise Conflict(_("此件还没有结束，内容不能删除。"), code="not_ended")
    if ERASED_MARK in work.facts:
        raise Conflict(_("内容已经删除。"), code="erased")
    plain = reasons.plain(reason)
    _empty(session, instance_id)
    files = _drop_files(session, instance_id)
    work.forget({ERASED_MARK: {"at": clock.now().isoformat()}})
    work.row["title"] = ERASED_TITLE
    session.execute(
        update(tables.instance)
        .where(tables.instance.c.id == instance_id)
        .values(grams=[], salt=null())
    )
    work.log.add("matter_erased", actor, reason=plain, attachments=files)
    unit_of_work.save(work)
    return instance_id


def _empty(session: Session, instance_id: UUID) -> None:
    """Take the texts out of the rows that hold them; the rows stay."""
    tasks = select(tables.task.c.id).where(tables.task.c.instance_id == instance_id)
    polls = select(tables.poll.c.id).where(tables.poll.c.instance_id == instance_id)
    drafts = [f"task:{key}" for key in session.execute(tasks).scalars()]
    session.execute(delete(tables.draft).where(tables.draft.c.key.in_(drafts)))
    of_polls = tables.roll.c.poll_id.in_(polls)
    session.execute(update(tables.roll).where(of_polls).values(comment=""))
    for table, emptied in _EMPTIED.items():
        of_instance = table.c.instance_id == instance_id
        session.execute(update(table).where(of_instance).values(**emptied))
    queue.forget(session, str(instance_id))


def _drop_files(session: Session, instance_id: UUID) -> int:
    """Remove the attachments, and their bytes where nobody else holds the same; gives their
    number.
    """
    gone = delete(tables.attachment).where(tables.attachment.c.instance_id == instance_id)
    digests = list(session.execute(gone.returning(tables.attachment.c.sha256)).scalars())
    if digests:
        session.execute(_UNUSED, {"digests": digests})
    return len(digests)

"""Sending a matter to others for information (抄送): they may read it and decide nothing; that they
have read it is on record, and is seen by who sent it.

The note with it stands beside the history, which keeps its digest, as the words of a comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from engine import clock
from engine.commands import circulating, unit_of_work
from engine.db import tables
from engine.definitions.verbs import COPY
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.history.erased import ERASED_MARK
from engine.instance import copies, rights, rooms, verbs
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.people.organisation import Actor

LONGEST, MOST = 500, 50
_copy = tables.copy.c


def send(
    session: Session,
    actor: Actor,
    instance_id: UUID,
    to: Iterable[UUID],
    text: str = "",
    *,
    element: str = "",
) -> list[UUID]:
    """Send a matter to people, with a note; gives the ids of what was sent, in the order of `to`.
    `element`: the task at which it is sent.

    It ends nobody's time to take an act back. Raises NotFound, Refused (has no part in it; not
    allowed there; stepped aside), Conflict (erased), Invalid (nobody, too many, somebody to whom it
    cannot be sent and why; the note).
    """
    work = unit_of_work.lock(session, actor, instance_id, still=True)
    rights.check(Case(work, COPY))
    rights.check_bars(Case(work, COPY))
    _check_place(work, element)
    if ERASED_MARK in work.facts:
        raise Conflict(_("内容已按规定删除，不能再抄送。"), code="erased")
    people, note = _chosen(work, to), _plain(text)
    keys = circulating.circulate(work, actor, [each.id for each in people], note, element)
    unit_of_work.note(work)
    return keys


def withdraw(session: Session, actor: Actor, copy_id: UUID) -> UUID:
    """Take back what I sent while it was not read: whoever has no other right sees the matter no
    more. Gives the instance's id.

    Raises NotFound, Conflict (read, or taken back).
    """
    work, row = _locked(session, copy_id, _copy.by_id == actor.id, actor)
    if row.withdrawn_at is not None:
        raise Conflict(_("已经收回。"), code="withdrawn")
    if row.read_at is not None:
        raise Conflict(_("对方已经看过，不能收回。"), code="read")
    session.execute(update(tables.copy).where(_copy.id == copy_id).values(withdrawn_at=clock.now()))
    name = organisation.names(session, [row.to_id])[row.to_id]
    work.log.add("copy_withdrawn", actor, id=str(copy_id), to=str(row.to_id), name=name)
    unit_of_work.note(work)
    return row.instance_id


def note_reading(session: Session, actor: Actor, instance_id: UUID) -> int:
    """What was sent to this person of a matter has been before them (已阅): on record once for
    each. The caller has made sure that it was shown. Gives how many were new.
    """
    mine = _copy.instance_id == instance_id, _copy.to_id == actor.id, copies.UNREAD
    if session.execute(select(_copy.id).where(*mine).limit(1)).first() is None:
        return 0
    work = unit_of_work.lock(session, actor, instance_id, still=True)
    read = update(tables.copy).where(*mine).values(read_at=clock.now()).returning(_copy.id)
    ids = sorted(map(str, session.execute(read).scalars()))
    for key in ids:
        work.log.add("copy_read", actor, id=key)
    unit_of_work.note(work)
    return len(ids)


def _locked(
    session: Session, copy_id: UUID, mine: Any, actor: Actor
) -> tuple[UnitOfWork, rows.Copy]:
    """One of them as it is once its instance is locked. Raises NotFound."""
    query = select(tables.copy).where(_copy.id == copy_id, mine)
    row: Any = access.must_see(session.execute(query).first())
    work = unit_of_work.lock(session, actor, row.instance_id, still=True)
    locked: Any = session.execute(query).one()
    return work, locked


def _check_place(work: UnitOfWork, element: str) -> None:
    """It is sent where the process allows it. Raises NotFound, Refused."""
    process, where = work.process, {"instance_id": str(work.row["id"]), "verb": COPY}
    if not element:
        if not any(COPY in rule.verbs for rule in process.tasks.values()):
            raise Refused(_("本流程不允许抄送。"), code="verb", **where)
        return
    if not process.is_user_task(element) or not rooms.may_read(work, element):
        raise NotFound(**where)
    verbs.check(work, process.tasks[element], COPY)


def _chosen(work: UnitOfWork, to: Iterable[UUID]) -> list[Actor]:
    """To whom it is sent, each once. Raises Invalid, with the reason for each who is not to get
    it.
    """
    wanted = list(dict.fromkeys(to))
    if not wanted:
        raise Invalid({"to": [_("请选择抄送给谁。")]})
    if len(wanted) > MOST:
        raise Invalid({"to": [_("一次最多抄送 {most} 人。", most=MOST)]})
    people = verbs.people(work, wanted)
    if len(people) < len(wanted):
        raise Invalid({"to": [_("其中有人不在册，或者已停用。")]})
    barred = copies.against(work, people)
    if barred:
        names = {person.id: person.name for person in people}
        raise Invalid({"to": [_said(names[key], why) for key, why in barred.items()]})
    return people


def _said(name: str, why: object) -> Any:
    return _("{name}：{why}", name=name, why=why)


def _plain(text: str) -> str:
    plain = text.strip()
    if len(plain) > LONGEST or "\0" in plain:
        raise Invalid({"text": [_("附言不超过 {most} 字。", most=LONGEST)]})
    return plain

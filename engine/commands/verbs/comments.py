"""Comments on a matter (评论), apart from anybody's decision: the words stand beside the history,
which keeps their digest; whoever is named finds them in the inbox.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, insert, select, update

from engine import clock
from engine.commands import unit_of_work
from engine.db import canonical, tables
from engine.db.states import ALIVE
from engine.definitions.verbs import COMMENT
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance import rights, rooms, verbs
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.people.organisation import Actor

LONGEST, MOST_NAMED = 2000, 20
_comment = tables.comment


def make(
    session: Session,
    actor: Actor,
    instance_id: UUID,
    text: str,
    mentions: Iterable[UUID] = (),
    *,
    element: str = "",
) -> UUID:
    """Say something about a matter, naming who should read it; gives the comment's id. In a task's
    room (`element`) only those read it who may read what is said there.

    It ends nobody's time to take an act back. Raises NotFound, Refused (takes no part; not allowed
    there), Conflict (ended), Invalid (the text; somebody who could not read it).
    """
    work = unit_of_work.lock(session, actor, instance_id, *ALIVE, still=True)
    rights.check(Case(work, COMMENT))
    _check_place(work, element)
    named = _named(work, element, mentions)
    key, salt, plain = tables.new_id(), os.urandom(canonical.SALT_BYTES), _plain(text)
    row = {"id": key, "instance_id": instance_id, "member_id": actor.id, "at": clock.now()}
    row |= {"element": element, "text": plain, "salt": salt, "mentions": named}
    session.execute(insert(_comment).values(row))
    told: dict[str, Any] = {"task": element} if element else {}
    told |= {"id": str(key), "digest": canonical.salted({"text": plain}, salt)}
    work.log.add("comment_made", actor, members=[str(each) for each in named], **told)
    unit_of_work.note(work)
    return key


def withdraw(session: Session, actor: Actor, comment_id: UUID) -> UUID:
    """Its author takes a comment back: nobody is shown it any more, and the history says so. Gives
    the instance's id.

    Raises NotFound, Conflict (taken back already).
    """
    mine = _comment.c.id == comment_id, _comment.c.member_id == actor.id
    query = select(_comment).where(*mine)
    key = access.must_see(cast("rows.Comment", session.execute(query).first())).instance_id
    work = unit_of_work.lock(session, actor, key, still=True)
    if session.execute(query.where(_comment.c.withdrawn_at.is_(None))).first() is None:
        raise Conflict(_("这条评论已经收回。"), code="withdrawn")
    session.execute(update(_comment).where(*mine).values(withdrawn_at=clock.now()))
    work.log.add("comment_withdrawn", actor, id=str(comment_id))
    unit_of_work.note(work)
    return key


def note_reading(session: Session, actor: Actor, instance_id: UUID) -> None:
    """Those comments on a matter that name this person have been before them. The caller has made
    sure that they were shown.
    """
    unread = (
        _comment.c.instance_id == instance_id,
        _comment.c.mentions.contains([actor.id]),
        ~_comment.c.read_by.contains([actor.id]),
    )
    read = func.array_append(_comment.c.read_by, actor.id)
    session.execute(update(_comment).where(*unread).values(read_by=read))


def _check_place(work: UnitOfWork, element: str) -> None:
    """A comment stands in a room that its author may enter, where the process allows comments.

    Raises NotFound, Refused.
    """
    process, where = work.process, {"instance_id": str(work.row["id"]), "verb": COMMENT}
    if not element:
        if not any(COMMENT in rule.verbs for rule in process.tasks.values()):
            raise Refused(_("本流程不允许评论。"), code="verb", **where)
        return
    if not process.is_user_task(element) or not rooms.may_read(work, element):
        raise NotFound(**where)
    verbs.check(work, process.tasks[element], COMMENT)


def _named(work: UnitOfWork, element: str, mentions: Iterable[UUID]) -> list[UUID]:
    """Whom it names, each once. Raises Invalid for too many, and for who could not read it."""
    wanted = list(dict.fromkeys(mentions))
    if len(wanted) > MOST_NAMED:
        raise Invalid({"mentions": [_("一次最多提到 {most} 人。", most=MOST_NAMED)]})
    known = {person.id for person in verbs.nameable(work, element)} if wanted else set()
    if not known.issuperset(wanted):
        raise Invalid({"mentions": [_("只能提到本来就看得到这里的人。")]})
    return wanted


def _plain(text: str) -> str:
    plain = text.strip()
    if not plain or len(plain) > LONGEST or "\0" in plain:
        raise Invalid({"text": [_("请写评论，不超过 {most} 字。", most=LONGEST)]})
    return plain

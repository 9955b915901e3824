"""To whom a matter may be sent for information (抄送), and why not to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, func, literal, select

from engine.db import tables
from engine.instance import aside, verbs
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from engine.instance.context import Context
    from engine.messages import Message
    from engine.people.organisation import Actor

_copy, _member, _instance = tables.copy.c, tables.member.c, tables.instance.c
STANDS: ColumnElement[bool] = _copy.withdrawn_at.is_(None)
"""It was not taken back."""
UNREAD: ColumnElement[bool] = and_(STANDS, _copy.read_at.is_(None))


def called(context: Context, words: str, most: int) -> list[Actor]:
    """The people of the matter's union whose name has these words in it, blanks or none, at most so
    many, by their names.
    """
    plain = words.replace("\0", "").replace(" ", "")
    if not plain:
        return []
    name = func.replace(_member.name, " ", "").contains(plain, autoescape=True)
    here = _member.union_id == context.row["union_id"], _member.active, name
    query = select(_member.id).where(*here).order_by(_member.name, _member.id).limit(most)
    return verbs.people(context, context.session.execute(query).scalars())


def against(context: Context, people: Sequence[Actor]) -> dict[UUID, Message]:
    """Why the matter may not be sent to each of these, in a sentence; those to whom it may are not
    in it. A confidential matter opens itself to nobody by that, nor any matter to another union.
    """
    reading, waiting = _readers(context, people), _unread(context)
    found: dict[UUID, Message] = {}
    for person in people:
        why = _against(context, person, person.id in reading)
        if why is None and person.id in waiting:
            why = _("已经抄送，对方还没有看。")
        if why is not None:
            found[person.id] = why
    return found


def _against(context: Context, person: Actor, reads: bool) -> Message | None:
    row, actor = context.row, context.actor
    if actor is not None and person.id == actor.id:
        return _("不必抄送给自己。")
    if aside.recorded(context, person.id) is not None:
        return _("{name}已对此件回避。", name=person.name)
    if reads:
        return None
    if row["confidential"]:
        return _("此件保密，只能抄送给本来就看得到的人。")
    if not access.is_own_union(person, row["union_id"]):
        return _("{name}不是本单位的人。", name=person.name)
    return None


def _readers(context: Context, people: Sequence[Actor]) -> set[UUID]:
    """Who of these sees the matter already. Each is asked about in one statement."""
    if not people:
        return set()
    seen = (
        select(literal(number)).where(_instance.id == context.row["id"], access.visible(person))
        for number, person in enumerate(people)
    )
    first, *rest = seen
    found = context.session.execute(first.union_all(*rest)).scalars()
    return {people[number].id for number in found}


def _unread(context: Context) -> set[UUID]:
    query = select(_copy.to_id).where(_copy.instance_id == context.row["id"], UNREAD)
    return set(context.session.execute(query).scalars())

"""Comments on a matter as a person may read them; and what the page for writing one needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine.db import tables
from engine.db.states import ALIVE
from engine.definitions.verbs import COMMENT
from engine.instance import context as instance
from engine.instance import rights, rooms, verbs
from engine.instance.rights import Case
from engine.people import access

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_comment, _member, _instance = tables.comment.c, tables.member.c, tables.instance.c
_named = tables.member.alias("named")
_NAMES = (
    select(func.array_agg(_named.c.name))
    .where(_named.c.id == func.any(_comment.mentions))
    .scalar_subquery()
)


@dataclass(frozen=True)
class Comment:
    """What somebody remarked. `place`: the title of the task in whose room it stands; `gone`: its
    author took it back, or the matter was erased: there is no text; `news`: it names the reader,
    who has not read it.
    """

    id: UUID
    who: str
    at: datetime
    text: str
    place: str
    named: tuple[str, ...]
    mine: bool
    gone: bool
    news: bool


@dataclass(frozen=True)
class Page:
    """All comments of a matter, and whom one may name in another; `may`: this person may write
    one.
    """

    instance_id: UUID
    number: str
    title: str
    confidential: bool
    element: str
    place: str  # the title of the task in whose room one is written; "" for all who see it
    room: bool  # only some lanes read what is said there
    comments: tuple[Comment, ...]
    people: tuple[tuple[UUID, str], ...]
    may: bool


def comments(context: Context, lang: str) -> tuple[Comment, ...]:
    """Those of a matter that its reader may read, oldest first."""
    query = (
        select(*_comment, _member.name, _NAMES)
        .join(tables.member, _member.id == _comment.member_id)
        .where(_comment.instance_id == context.row["id"])
        .order_by(_comment.at, _comment.id)
    )
    return tuple(
        _shown(context, row, lang)
        for row in context.session.execute(query)
        if rooms.may_read(context, row.element, row.at)
    )


def _shown(context: Context, row: rows.Selected, lang: str) -> Comment:
    reader, gone = context.actor, row.withdrawn_at is not None or row.text is None
    me = reader.id if reader else None
    return Comment(
        id=row.id,
        who=row.name,
        at=row.at,
        text="" if gone else row.text,
        place=context.process.title_of(row.element, lang) if row.element else "",
        named=tuple(row[-1] or ()),
        mine=row.member_id == me,
        gone=gone,
        news=not gone and me in row.mentions and me not in row.read_by,
    )


def page(
    session: Session, actor: Actor, instance_id: UUID, element: str = "", lang: str = "zh"
) -> Page:
    """Raises NotFound when the matter, or the room of the task `element`, is not theirs to see."""
    query = select(*instance.COLUMNS).where(_instance.id == instance_id, access.visible(actor))
    row: Any = access.must_see(session.execute(query).first())
    context = instance.context_from(session, actor, tuple(row))
    rule = context.process.tasks.get(element)
    if element and not (context.process.is_user_task(element) and rooms.may_read(context, element)):
        access.must_see(None)
    may = _may_write(context, element)
    people = verbs.nameable(context, element) if may else []
    return Page(
        instance_id=instance_id,
        number=context.row["number"],
        title=context.row["title"],
        confidential=context.row["confidential"],
        element=element,
        place=context.process.title_of(element, lang) if element else "",
        room=bool(rule and rule.room),
        comments=comments(context, lang),
        people=tuple((person.id, person.name) for person in people),
        may=may,
    )


def _may_write(context: Context, element: str) -> bool:
    """Is one allowed there, to this person, as the matter stands?"""
    tasks = context.process.tasks
    asked = [tasks[element]] if element else list(tasks.values())
    allowed = any(COMMENT in rule.verbs for rule in asked)
    return allowed and context.row["state"] in ALIVE and rights.may(Case(context, COMMENT))

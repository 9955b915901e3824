"""What was sent for information (抄送): of a matter, who has read it and who has not; to a person,
what they have before them; and what the page for sending needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from engine.db import tables
from engine.definitions.verbs import COPY
from engine.history.erased import ERASED_MARK
from engine.instance import context as instance
from engine.instance import copies, rights, rooms, verbs
from engine.instance.rights import Case
from engine.messages import Message
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Label, Select

    from engine.db import Session, rows
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_copy, _instance = tables.copy.c, tables.instance.c
_by, _to = tables.member.alias("sender"), tables.member.alias("receiver")
MOST_FOUND, MOST_MINE = 30, 200
_SENT = (
    *(_copy.id, _copy.by_id, _by.c.name, _copy.to_id, _to.c.name),
    *(_copy.at, _copy.read_at, _copy.withdrawn_at, _copy.element, _copy.text),
)


@dataclass(frozen=True)
class Copy:
    """What `by` sent to `to`. `text`: the note, to these two only; `mine`: this reader sent it,
    `to_me`: they got it; `new`: and have not read it yet.
    """

    id: UUID
    by: str
    to: str
    at: datetime
    read_at: datetime | None
    withdrawn_at: datetime | None
    place: str  # the title of the task at which it was sent; ""
    text: str
    mine: bool
    to_me: bool

    @property
    def new(self) -> bool:
        """Is it this reader's to read?"""
        return self.to_me and self.read_at is None and self.withdrawn_at is None


@dataclass(frozen=True)
class Candidate:
    """Somebody to whom a matter could be sent; `why` not, "" it can."""

    id: UUID
    name: str
    unit: str
    why: Message | str


@dataclass(frozen=True)
class Asked:
    """At which task one would send it ("" at none), by which `words` one looks for people, and whom
    one has `chosen` before.
    """

    element: str = ""
    words: str = ""
    chosen: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Page:
    """What was sent of a matter, and to whom one may send it: `people` who have a part in it, and
    `found` by name; `may`: this reader may send it.
    """

    instance_id: UUID
    number: str
    title: str
    confidential: bool
    element: str
    place: str
    copies: tuple[Copy, ...]
    people: tuple[Candidate, ...]
    found: tuple[Candidate, ...]
    may: bool


@dataclass(frozen=True)
class Received:
    """What somebody sent me. `subject`: "" of a confidential matter."""

    id: UUID
    instance_id: UUID
    number: str
    subject: str
    by: str
    at: datetime
    read_at: datetime | None
    text: str


def of_matter() -> Label[Any]:
    """What was sent of an instance, as JSON: a column of a statement about it."""
    in_order = aggregate_order_by(func.json_build_array(*_SENT), _copy.id)
    query = (
        select(func.json_agg(in_order))
        .select_from(tables.copy)
        .join(_by, _by.c.id == _copy.by_id)
        .join(_to, _to.c.id == _copy.to_id)
        .where(_copy.instance_id == _instance.id)
    )
    return query.correlate(tables.instance).scalar_subquery().label("copies")


def shown(context: Context, sent: object, lang: str) -> tuple[Copy, ...]:
    """The same in words, oldest first."""
    found: Sequence[Any] = sent if isinstance(sent, list) else ()
    return tuple(_shown(context, each, lang) for each in found)


def _shown(context: Context, sent: Sequence[Any], lang: str) -> Copy:
    """One as the statement gives it."""
    key, by_id, by, to_id, to, at, read_at, withdrawn_at, element, text = sent
    me = str(context.actor.id) if context.actor else ""
    return Copy(
        id=UUID(key),
        by=by,
        to=to,
        at=datetime.fromisoformat(at),
        read_at=_moment(read_at),
        withdrawn_at=_moment(withdrawn_at),
        place=context.process.title_of(element, lang) if element else "",
        text=(text or "") if me in (by_id, to_id) else "",
        mine=by_id == me,
        to_me=to_id == me,
    )


def _moment(at: str | None) -> datetime | None:
    return datetime.fromisoformat(at) if at else None


def page(
    session: Session,
    actor: Actor,
    instance_id: UUID,
    asked: Asked | None = None,
    lang: str = "zh",
) -> Page:
    """What was sent of a matter, and whom one may choose. Raises NotFound when the matter, or the
    room of the task, is not theirs to see.
    """
    asked = asked or Asked()
    element = asked.element
    seen = _instance.id == instance_id, access.visible(actor)
    query = select(*instance.COLUMNS, of_matter()).where(*seen)
    *row, sent = access.must_see(session.execute(query).first())
    context = instance.context_from(session, actor, tuple(row))
    is_task = context.process.is_user_task(element)
    if element and not (is_task and rooms.may_read(context, element)):
        access.must_see(None)
    may = _may_send(context, element)
    parties = verbs.nameable(context, "") if may else []
    more = _also(context, asked, {each.id for each in parties}) if may else []
    people = _candidates(context, [*parties, *more])
    return Page(
        instance_id=instance_id,
        number=context.row["number"],
        title=context.row["title"],
        confidential=context.row["confidential"],
        element=element,
        place=context.process.title_of(element, lang) if element else "",
        copies=shown(context, sent, lang),
        people=people[: len(parties)],
        found=people[len(parties) :],
        may=may,
    )


def _may_send(context: Context, element: str) -> bool:
    """Does the process allow it there, to this person?"""
    tasks = context.process.tasks
    asked = [tasks[element]] if element else list(tasks.values())
    if ERASED_MARK in context.facts or not any(COPY in rule.verbs for rule in asked):
        return False
    case = Case(context, COPY)
    actor = context.actor
    barred = any(bar.holds(actor, case) for bar in rights.BARS[COPY]) if actor else True
    return rights.may(case) and not barred


def _also(context: Context, asked: Asked, known: set[UUID]) -> list[Actor]:
    """Whom one has chosen before, and whom the words name, but those known already."""
    before = verbs.people(context, asked.chosen)
    named = copies.called(context, asked.words, MOST_FOUND)
    found = {each.id: each for each in (*before, *named) if each.id not in known}
    return list(found.values())


def _candidates(context: Context, people: Sequence[Actor]) -> tuple[Candidate, ...]:
    barred = copies.against(context, people)
    units = organisation.unit_names(context.session, (each.unit_id for each in people))
    return tuple(
        Candidate(each.id, each.name, units.get(each.unit_id, ""), barred.get(each.id, ""))
        for each in people
    )


def received(session: Session, actor: Actor) -> tuple[Received, ...]:
    """What was sent to me and I may see, unread first, then the newest; at most MOST_MINE."""
    query = _received(actor).order_by(_copy.read_at.is_not(None), _copy.at.desc(), _copy.id)
    return tuple(map(_got, session.execute(query.limit(MOST_MINE))))


def of_me(session: Session, actor: Actor, copy_id: UUID) -> Received:
    """One that was sent to me. Raises NotFound."""
    found = session.execute(_received(actor).where(_copy.id == copy_id)).first()
    return _got(access.must_see(found))


def _received(actor: Actor) -> Select[Any]:
    columns = (
        *(_copy.id, _copy.instance_id, _instance.number, _instance.title, _instance.confidential),
        *(_by.c.name, _copy.at, _copy.read_at, _copy.text),
    )
    query = select(*columns).join(tables.instance, _instance.id == _copy.instance_id)
    mine = _copy.to_id == actor.id, copies.STANDS, access.visible(actor)
    return query.join(_by, _by.c.id == _copy.by_id).where(*mine)


def _got(row: rows.Selected) -> Received:
    return Received(
        id=row.id,
        instance_id=row.instance_id,
        number=row.number,
        subject="" if row.confidential else row.title,
        by=row.name,
        at=row.at,
        read_at=row.read_at,
        text=row.text or "",
    )


def sent_by_me(session: Session, actor: Actor, copy_id: UUID) -> UUID:
    """The instance of one that I sent. Raises NotFound."""
    query = select(_copy.instance_id).where(_copy.id == copy_id, _copy.by_id == actor.id)
    key: UUID | None = session.execute(query).scalar()
    return access.must_see(key)

"""Posts with their terms: what one must be like, and its end. The first and the last day count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import and_, func, insert, or_, select, update

from engine import clock
from engine.commands.people import records, words
from engine.commands.people.desks import must_manage_desk
from engine.commands.people.logins import end_invitations, end_tokens
from engine.db import tables
from engine.errors import Conflict, Invalid, NotFound
from engine.history import event_log
from engine.messages import Message, _
from engine.people import organisation, posts
from engine.people.organisation import INSTALLATION, RUNNER

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session, rows
    from engine.people.organisation import Actor


def check(session: Session, row: dict[str, Any], person: rows.Member, unit: rows.Unit) -> None:
    """Can this person hold a post as it would stand in the table? Raises Invalid (out of use,
    unknown kind, wrong unit, days, overlap).
    """
    if not person.active:
        raise Invalid({"member_id": [_("此人已停用。")]})
    must_fit(row["kind"], unit.kind, row["term"])
    words.days(row["from_on"], row["to_on"])
    _must_not_overlap(session, row, unit)


def enter(
    session: Session, actor: Actor | None, row: dict[str, Any], names: Names, **more: Any
) -> None:
    """Write a post that was checked, and its event; `more` is told besides."""
    session.execute(insert(tables.post).values(row))
    details = granted(row, names.person, names.unit) | more
    event_log.note(session, names.union_id, "post_granted", actor, **details)


class Names(NamedTuple):
    """What the history calls whom a post is given, and where; and whose history it is."""

    person: str
    unit: str
    union_id: UUID


def must_give(actor: Actor | None, kind: str, union_id: UUID | None) -> None:
    """Posts are given by those who keep the union's people; the one for the installation by its
    holders.
    """
    if kind == RUNNER:
        records.allow(actor, "give_installation", INSTALLATION)
    else:
        records.allow(actor, "manage_people", union_id)


def granted(row: dict[str, Any], name: str, unit: str) -> dict[str, Any]:
    """What the history keeps of a new post."""
    return {
        "post": str(row["id"]),
        "member": str(row["member_id"]),
        "name": name,
        "post_kind": row["kind"],
        "unit": str(row["unit_id"]),
        "unit_name": unit,
        "term": row["term"] or None,
        "from_on": row["from_on"].isoformat(),
        "to_on": row["to_on"].isoformat() if row["to_on"] else None,
    }


def must_fit(kind: str, unit_kind: str, term: str) -> None:
    """Raise Invalid unless the post exists, this kind of unit has it, and its term is named where
    it needs one.
    """
    known = posts.kinds()
    found = known.post(kind)
    if found is None or found.key != kind:
        raise Invalid({"kind": [_("没有“{kind}”这个职务。", kind=kind[:50])]})
    if found.units and unit_kind not in found.units:
        there = known.unit(unit_kind)
        place = there.words if there else unit_kind
        wrong = _("{unit}没有“{title}”这个职务。", unit=place, title=found.words)
        raise Invalid({"unit_id": [wrong]})
    if found.term and not term:
        raise Invalid({"term": [_("“{title}”要写明届次。", title=found.words)]})


def rivals(kind: str) -> tuple[str, ...]:
    """The posts that nobody holds beside this one: itself in the same unit; one by category is the
    only one of these.
    """
    exclusive = by_category()
    return exclusive if kind in exclusive else (kind,)


def by_category() -> tuple[str, ...]:
    """The posts that are entered by category: in a union a person holds one of these, in one
    unit.
    """
    return tuple(post.key for post in posts.kinds().by_category)


def touching(from_on: date, to_on: date | None) -> ColumnElement[bool]:
    """The posts whose days meet these days."""
    post = tables.post.c
    ends_after = or_(post.to_on.is_(None), post.to_on >= from_on)
    return ends_after if to_on is None else and_(ends_after, post.from_on <= to_on)


def _must_not_overlap(session: Session, row: dict[str, Any], unit: rows.Unit) -> None:
    post, kind = tables.post.c, row["kind"]
    same_union = tables.unit.c.union_id == unit.union_id
    place = same_union if kind in by_category() else post.unit_id == unit.id
    days = touching(row["from_on"], row["to_on"])
    rival = and_(post.member_id == row["member_id"], post.kind.in_(rivals(kind)), place, days)
    query = select(post.from_on, post.to_on).join(tables.unit, tables.unit.c.id == post.unit_id)
    found = session.execute(query.where(rival).limit(1)).first()
    if found:
        days_taken = span(*map(_iso, found))
        raise Invalid({"from_on": [_("与已有任期（{span}）重叠。", span=days_taken)]})


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def span(from_on: str, to_on: str) -> Message:
    """A term's days in words, from ISO days; without a last day it is open."""
    if not to_on:
        return _("{from_on} 起", from_on=from_on)
    return _("{from_on} 至 {to_on}", from_on=from_on, to_on=to_on)


def end_post(session: Session, actor: Actor | None, post_id: UUID, on: date, why: str) -> None:
    """End a post; `on` is its last day.

    Raises Refused, NotFound, Invalid, Conflict when it has ended by then.
    """
    records.queue(session)
    its = tables.post.c.id == post_id
    found = session.execute(select(tables.post).where(its).with_for_update()).first()
    post = cast("rows.Post | None", found)
    if post is None:
        raise NotFound
    unit = records.unit_of(session, actor, post.unit_id)
    must_give(actor, post.kind, unit.union_id)
    must_manage_desk(actor, post.kind, post.member_id, unit.union_id)
    why = words.line("why", why, 200, 2)
    if post.to_on is not None and post.to_on <= on:
        raise Conflict(_("这个职务届时已经终止。"), code="ended")
    words.days(post.from_on, on)
    _end(session, actor, post, unit, on=on, why=why)


def end_by_decision(
    session: Session, actor: Actor | None, held: tuple[UUID, str, UUID], on: date, why: str
) -> int:
    """What a matter decided: the terms of a post (member, kind, union) that reach beyond `on` end
    with it, whoever may manage posts otherwise; one that runs now and is over before ends by
    itself. Gives how many of both there were.
    """
    records.queue(session)
    member_id, kind, union_id = held
    post, unit = tables.post.c, tables.unit.c
    query = select(tables.post).join(tables.unit, unit.id == post.unit_id)
    theirs = post.member_id == member_id, post.kind == kind, unit.union_id == union_id
    going_on = post.from_on <= on, or_(post.to_on.is_(None), post.to_on >= clock.today())
    found = session.execute(query.where(*theirs, *going_on).with_for_update(of=tables.post)).all()
    for row in found:
        ending = cast("rows.Post", row)
        if ending.to_on is not None and ending.to_on <= on:
            continue
        unit_of_it = records.unit_of(session, None, ending.unit_id)
        _end(session, actor, ending, unit_of_it, on=on, why=why)
    return len(found)


def _end(
    session: Session,
    actor: Actor | None,
    post: rows.Post,
    unit: rows.Unit,
    *,
    on: date,
    why: str,
) -> None:
    its = tables.post.c.id == post.id
    session.execute(update(tables.post).where(its).values(to_on=on, ended_why=why))
    if on <= clock.today():  # on a day to come they end by themselves: tokens.token_owner
        end_tokens(session, post.member_id)
        end_invitations(session, [post.member_id])
    name = organisation.names(session, [post.member_id])[post.member_id]
    ended = granted({**post._asdict(), "to_on": on}, name, unit.name)
    event_log.note(session, unit.union_id, "post_ended", actor, **ended, why=why)


def holders_left(session: Session, unit_ids: list[UUID], on: date) -> int:
    """How many posts in these units last beyond a day."""
    post = tables.post.c
    query = select(func.count()).where(
        post.unit_id.in_(unit_ids), or_(post.to_on.is_(None), post.to_on > on)
    )
    return session.execute(query).scalar_one()

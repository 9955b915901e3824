"""The people of a union: roster, one member's file, the tree of units."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, or_, select

from engine import clock
from engine.db import tables
from engine.db.states import ProposalState
from engine.errors import Invalid
from engine.messages import _
from engine.people import access, ordering, organisation, posts, spelling
from engine.queries.narrowed import Wanted, conditions, must_see, standing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Select

    from engine.db import Session, rows
    from engine.people.organisation import Actor

MOST = 200
_member, _unit = tables.member.c, tables.unit.c
_LINE = ("id", "username", "name", "unit_id", "phone", "email", "active")
_FILE = (*_LINE, "union_id", "locale", "created_at", "can_log_in", "came_in", "invited_until")


def _people() -> Select[Any]:
    """The lines of the roster, as they are today."""
    line = (*(_member[name] for name in _LINE), _unit.name.label("unit"), *standing())
    return select(*line).join(tables.unit, _unit.id == _member.unit_id)


@dataclass(frozen=True)
class Term:
    """A post with its term. `state` on the day asked: past, present or future."""

    id: UUID
    kind: str
    title: str
    title_en: str
    unit_id: UUID
    unit: str
    term: str
    from_on: date
    to_on: date | None
    ended_why: str
    state: str


@dataclass(frozen=True)
class Proposed:
    """A post that waits for a second person (`proposal_id`), and opens nothing before."""

    proposal_id: UUID
    kind: str
    unit_id: UUID
    unit: str
    term: str
    from_on: date
    to_on: date | None


@dataclass(frozen=True)
class Person:
    """A line of the roster; `posts` are those of today. `came_in`: has logged in at least once;
    `invited_until`: the last moment of an invitation that opens.
    """

    id: UUID
    username: str
    name: str
    unit_id: UUID
    unit: str
    phone: str
    email: str
    active: bool
    can_log_in: bool
    came_in: bool
    invited_until: datetime | None
    posts: tuple[Term, ...]


@dataclass(frozen=True)
class Page:
    """A page of the roster; `next` goes into `after`, None at the end."""

    items: tuple[Person, ...]
    next: str | None


@dataclass(frozen=True)
class Token:
    """An API token, without its secret."""

    id: str
    name: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class MemberFile:
    """All there is on a member, past and future posts too, and the open tokens."""

    id: UUID
    username: str
    name: str
    union_id: UUID
    union: str
    unit_id: UUID
    unit: str
    phone: str
    email: str
    locale: str
    active: bool
    can_log_in: bool
    created_at: datetime
    posts: tuple[Term, ...]
    tokens: tuple[Token, ...]
    proposed: tuple[Proposed, ...]
    came_in: bool
    invited_until: datetime | None


@dataclass(frozen=True)
class UnitNode:
    """A unit with what stands under it; `members` counts its own active members."""

    id: UUID
    code: str
    kind: str
    title: str
    title_en: str
    name: str
    name_en: str
    active: bool
    members: int
    children: tuple[UnitNode, ...]


@dataclass(frozen=True)
class UnitTree:
    """A union's units, and which unions manage and guide it."""

    root: UnitNode
    managing: str
    guiding: str
    owner_type: str
    affiliation: str
    city: str


def roster(
    session: Session,
    actor: Actor,
    union_id: UUID,
    q: str = "",
    unit_id: UUID | None = None,
    post: str | None = None,
    after: str | None = None,
    limit: int = 50,
    inactive: bool = False,
    waiting: bool = False,
) -> Page:
    """The members of a union by name: `q` in name or user name, a unit with all below it, holders
    of a post today, `waiting`: who has never logged in.

    Raises NotFound when the union is not the actor's to see, Invalid for a broken `after` or an
    unknown post.
    """
    must_see(actor, union_id)
    limit = max(1, min(limit, MOST))
    wanted = Wanted(q, unit_id, post, inactive, waiting)
    query = _people().where(*conditions(session, union_id, wanted))
    named = session.execute(query.with_only_columns(_member.id, _member.name)).tuples()
    listed = sorted((ordering.by_pinyin(name), key) for key, name in named)
    if after:
        name, last = _cursor(after)
        listed = listed[bisect_right(listed, (ordering.by_pinyin(name), last)) :]
    keys = [key for _name, key in listed[:limit]]
    rows = {row.id: row for row in session.execute(_people().where(_member.id.in_(keys)))}
    held = _terms(session, keys, today_only=True)
    items = tuple(Person(**rows[key]._mapping, posts=tuple(held[key])) for key in keys)
    return Page(items, _token(items[-1]) if len(listed) > limit else None)


def named(session: Session, actor: Actor, union_id: UUID, username: str) -> UUID:
    """The active member of a union with this user name. Raises NotFound, Invalid."""
    must_see(actor, union_id)
    wanted = spelling.code(username).casefold()
    query = select(_member.id).where(_member.union_id == union_id, _member.active)
    found: UUID | None = session.execute(query.where(_member.username == wanted)).scalar()
    if found is None:
        raise Invalid({"username": [_("没有用户名为“{username}”的人。", username=wanted[:64])]})
    return found


def _token(last: Person) -> str:
    return base64.urlsafe_b64encode(json.dumps([last.name, str(last.id)]).encode()).decode()


def _cursor(after: str) -> tuple[str, UUID]:
    try:
        if len(after) > 1000:
            raise ValueError
        name, member_id = json.loads(base64.urlsafe_b64decode(after.encode()))
        if not isinstance(name, str) or "\0" in name:
            raise ValueError
        name.encode()
        return name, UUID(member_id)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise Invalid({"after": [_("这一页的位置读不懂。")]}) from None


def _terms(
    session: Session, member_ids: Iterable[UUID], today_only: bool = False
) -> dict[UUID, list[Term]]:
    post, unit = tables.post.c, tables.unit.c
    today, known = clock.today(), posts.kinds().posts
    query = (
        select(tables.post, unit.name.label("unit"))
        .join(tables.unit, unit.id == post.unit_id)
        .where(post.member_id.in_(list(member_ids)))
        .order_by(post.from_on.desc(), post.id)
    )
    if today_only:
        query = query.where(organisation.in_office(today))
    found: dict[UUID, list[Term]] = defaultdict(list)
    for row in session.execute(query):
        kind = known.get(row.kind) or posts.PostKind(row.kind, row.kind, row.kind)
        found[row.member_id].append(_term(row, kind, today))
    return found


def _term(row: rows.Selected, kind: posts.PostKind, today: date) -> Term:
    past = row.to_on is not None and row.to_on < today
    return Term(
        id=row.id,
        kind=row.kind,
        title=kind.title,
        title_en=kind.title_en,
        unit_id=row.unit_id,
        unit=row.unit,
        term=row.term,
        from_on=row.from_on,
        to_on=row.to_on,
        ended_why=row.ended_why,
        state="future" if row.from_on > today else "past" if past else "present",
    )


def member_file(session: Session, actor: Actor, member_id: UUID) -> MemberFile:
    """One member with all posts, the latest first. Everybody sees their own. Raises NotFound."""
    query = select(tables.member, *standing()).where(_member.id == member_id)
    row = access.must_see(session.execute(query).first())
    if actor.id != member_id:
        must_see(actor, row.union_id)
    names = organisation.unit_names(session, [row.unit_id, row.union_id])
    return MemberFile(
        **{key: row._mapping[key] for key in _FILE},
        union=names[row.union_id],
        unit=names[row.unit_id],
        posts=tuple(_terms(session, [member_id])[member_id]),
        tokens=_open_tokens(session, member_id),
        proposed=_proposed(session, member_id),
    )


def _proposed(session: Session, member_id: UUID) -> tuple[Proposed, ...]:
    """The posts of a member that wait for a second person, in the order they were entered."""
    proposal = tables.proposal.c
    query = (
        select(proposal.id, proposal.body)
        .where(proposal.kind == "post", proposal.state == ProposalState.PROPOSED)
        .where(proposal.body["member"].astext == str(member_id))
        .order_by(proposal.id)
    )
    return tuple(
        Proposed(
            proposal_id=key,
            kind=body["post_kind"],
            unit_id=UUID(body["unit"]),
            unit=body["unit_name"],
            term=body["term"] or "",
            from_on=date.fromisoformat(body["from_on"]),
            to_on=date.fromisoformat(body["to_on"]) if body["to_on"] else None,
        )
        for key, body in session.execute(query)
    )


def _open_tokens(session: Session, member_id: UUID) -> tuple[Token, ...]:
    token = tables.token.c
    query = (
        select(token.id, token.name, token.created_at, token.expires_at)
        .where(token.member_id == member_id, token.ended_at.is_(None))
        .where(or_(token.expires_at.is_(None), token.expires_at > clock.now()))
        .order_by(token.created_at)
    )
    return tuple(Token(*found) for found in session.execute(query))


def unit_tree(session: Session, actor: Actor, union_id: UUID) -> UnitTree:
    """The units of a union, closed ones too. Raises NotFound."""
    must_see(actor, union_id)
    unit, member = tables.unit.c, tables.member.c
    counts = select(member.unit_id, func.count()).where(member.union_id == union_id, member.active)
    people: dict[UUID, int] = dict(session.execute(counts.group_by(member.unit_id)).tuples().all())
    rows = session.execute(
        select(tables.unit).where(unit.union_id == union_id).order_by(unit.code)
    ).all()
    below: dict[UUID | None, list[Any]] = defaultdict(list)
    for row in rows:
        below[row.parent_id].append(row)
    root = access.must_see(next((row for row in rows if row.id == union_id), None))
    names = organisation.unit_names(session, [i for i in (root.managing_id, root.guiding_id) if i])
    return UnitTree(
        _node(root, below, people),
        managing=names.get(root.managing_id, ""),
        guiding=names.get(root.guiding_id, ""),
        owner_type=root.owner_type,
        affiliation=root.affiliation,
        city=root.city,
    )


def _node(
    row: rows.Selected, below: dict[UUID | None, list[Any]], people: dict[UUID, int]
) -> UnitNode:
    kind = posts.kinds().units.get(row.kind) or posts.UnitKind(row.kind, row.kind, row.kind)
    children = tuple(_node(child, below, people) for child in below[row.id])
    return UnitNode(
        id=row.id,
        code=row.code,
        kind=row.kind,
        title=kind.title,
        title_en=kind.title_en,
        name=row.name,
        name_en=row.name_en,
        active=row.active,
        members=people.get(row.id, 0),
        children=children,
    )

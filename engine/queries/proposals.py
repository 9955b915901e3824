"""What waits for a second person, as far as it is the reader's business, with what its approval
would do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import and_, or_, select

from engine.db import Session, rows, tables
from engine.db.states import ProposalState
from engine.instance import independence
from engine.messages import Both, _
from engine.people import access, organisation, posts
from engine.people.organisation import INSTALLATION, Actor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from engine.messages import Message

_proposal, _definition = tables.proposal.c, tables.definition.c
_own = tables.own_version.c


@dataclass(frozen=True)
class Move:
    """A deadline that an approval would move: of which instance, the last day as it was and as
    it would be.
    """

    instance_id: UUID
    number: str
    element: str
    was: str
    due: str


@dataclass(frozen=True)
class Waiting:
    """A proposal: what it wants, whose it is, what of its effects the reader may see.

    `elsewhere`: how many deadlines it would move in matters that are not the reader's to see;
    `link`: what it is about, a version's hash, an instance's or a member's id; `decides`: the
    reader may decide on it; `takes_back`: it is the reader's to take back; `proposer`: "" for the
    command line; `whence`: why the reader decides who is of no such union, see independence.second.
    """

    id: UUID
    kind: str
    what: Message
    note: str
    proposer: str
    created_at: datetime
    mine: bool
    decides: bool
    link: str = ""
    moves: tuple[Move, ...] = ()
    elsewhere: int = 0
    takes_back: bool = False
    whence: str = ""


_Asks = Callable[[Session, Actor, rows.Proposal], bool]


@dataclass(frozen=True)
class _Kind:
    """Who sees a proposal, who other than its proposer decides on it, and what it is in words."""

    sees: _Asks
    decides: _Asks
    what: Callable[[Session, rows.Proposal], Message]
    taken_back: bool = False


def _notice(_session: Session, row: rows.Proposal) -> Message:
    return _(
        "载入 {year} 年放假安排（{source}），{count} 件事项的期限据此重新计算",
        year=row.subject,
        source=row.body["source"],
        count=row.body["instances"],
    )


def _again(session: Session, row: rows.Proposal) -> Message:
    query = select(_definition.title, _definition.number).where(_definition.hash == row.subject)
    title, number = session.execute(query).one()
    return _("恢复施行流程“{title}”第 {number} 版", title=title, number=number)


def _own_end(session: Session, row: rows.Proposal) -> Message:
    query = (
        select(_definition.title, _definition.number)
        .join(tables.own_version, _own.version == _definition.hash)
        .where(_own.id == UUID(row.subject))
    )
    title, number = session.execute(query).one()
    union = organisation.unit_names(session, [row.scope])[row.scope]
    return _(
        "{union}停用流程“{title}”的本单位版本（第 {number} 版），改用通用版本",
        union=union,
        title=title,
        number=number,
    )


def _there_or_for_all(verb: str) -> _Asks:
    """In the union of the proposal, or as who decides for the installation."""

    def asks(_session: Session, actor: Actor, row: rows.Proposal) -> bool:
        for_all = access.may(actor, "approve_definition", INSTALLATION)
        return for_all or access.may(actor, verb, row.scope)

    return asks


def _somewhere(verb: str) -> _Asks:
    return lambda _session, actor, _row: access.may_somewhere(actor, verb)


def _there(verb: str) -> _Asks:
    return lambda _session, actor, row: access.may(actor, verb, row.scope)


def _acts(session: Session, actor: Actor, row: rows.Proposal) -> bool:
    """About an instance: whoever acts in it by a post."""
    return access.acts_by_post(session, actor, UUID(row.subject))


def _whence(session: Session, actor: Actor, row: rows.Proposal) -> str:
    """Whence the actor is the second person for a post."""
    who = UUID(row.body["member"])
    asked = independence.Asked(row.scope, row.body["post_kind"], who, row.proposer_id)
    return independence.second(session, actor, asked)


def _seconds(session: Session, actor: Actor, row: rows.Proposal) -> bool:
    return bool(_whence(session, actor, row))


def _gives(session: Session, actor: Actor, row: rows.Proposal) -> bool:
    """Whoever gives posts in that union sees those that wait, and whoever is a second person."""
    return access.may(actor, "manage_people", row.scope) or _seconds(session, actor, row)


def _post(_session: Session, row: rows.Proposal) -> Message:
    known = posts.kinds().post(row.body["post_kind"])
    return _(
        "{name}任{unit}{post}，{from_on} 至 {to_on}（能看到保密事项）",
        name=row.body["name"],
        unit=row.body["unit_name"],
        post=known.words if known else Both(row.body["post_kind"], row.body["post_kind"]),
        from_on=row.body["from_on"],
        to_on=row.body["to_on"] or _("未定"),
    )


def _witness(_session: Session, row: rows.Proposal) -> Message:
    return _(
        "登记检查点的证人{name}，公钥 {public}", name=row.body["name"], public=row.body["public"]
    )


def _number(session: Session, row: rows.Proposal) -> str:
    number = select(tables.instance.c.number).where(tables.instance.c.id == UUID(row.subject))
    return str(session.execute(number).scalar_one())


_KINDS: Mapping[str, _Kind] = {
    "notice": _Kind(_somewhere("propose_notice"), _there("approve_notice"), _notice),
    "definition": _Kind(_somewhere("propose_definition"), _there("approve_definition"), _again),
    "own_end": _Kind(
        _there_or_for_all("propose_definition"), _there_or_for_all("approve_own_version"), _own_end
    ),
    "erasure": _Kind(
        _acts, _acts, lambda s, row: _("删除保密事项 {number} 的内容", number=_number(s, row))
    ),
    "hold": _Kind(
        _acts, _acts, lambda s, row: _("解除对保密事项 {number} 的保留", number=_number(s, row))
    ),
    "witness": _Kind(_somewhere("witness"), _there("approve_witness"), _witness),
    "post": _Kind(_gives, _seconds, _post, taken_back=True),
}


def waiting(session: Session, actor: Actor) -> tuple[Waiting, ...]:
    """What waits and is this person's to see, oldest first."""
    waits = _proposal.state == ProposalState.PROPOSED
    query = select(tables.proposal).where(waits, _may_concern(actor)).order_by(_proposal.id)
    found = cast("Iterable[rows.Proposal]", session.execute(query).all())
    seen = [
        row
        for row in found
        if row.proposer_id == actor.id or _KINDS[row.kind].sees(session, actor, row)
    ]
    people = organisation.names(session, [row.proposer_id for row in seen if row.proposer_id])
    return tuple(_told(session, actor, row, people) for row in seen)


def _may_concern(actor: Actor) -> ColumnElement[bool]:
    """What belongs to the actor's unions or to the installation; and posts that wait in unions
    which these manage, or anywhere, as own versions do, for who answers for the installation.
    """
    mine = [INSTALLATION, actor.union_id, *(p.union_id for p in actor.posts if p.union_id)]
    unit, is_post = tables.unit.c, _proposal.kind == "post"
    below = _proposal.scope.in_(select(unit.id).where(unit.managing_id.in_(mine)))
    near = _proposal.scope.in_(mine)
    anywhere = _proposal.kind.in_(("post", "own_end"))
    return or_(near, anywhere) if actor.runs_installation else or_(near, and_(is_post, below))


def _told(
    session: Session, actor: Actor, row: rows.Proposal, people: Mapping[UUID, str]
) -> Waiting:
    kind = _KINDS[row.kind]
    moves, elsewhere = _moves(session, actor, row.body.get("moves", []))
    mine = row.proposer_id == actor.id
    return Waiting(
        id=row.id,
        kind=row.kind,
        what=kind.what(session, row),
        note=row.note,
        proposer=people.get(row.proposer_id, "") if row.proposer_id else "",
        created_at=row.created_at,
        mine=mine,
        decides=not mine and kind.decides(session, actor, row),
        link=row.body.get("member", row.subject),
        moves=moves,
        elsewhere=elsewhere,
        takes_back=mine and kind.taken_back,
        whence=_whence(session, actor, row) if row.kind == "post" else "",
    )


def _moves(
    session: Session, actor: Actor, kept: list[dict[str, Any]]
) -> tuple[tuple[Move, ...], int]:
    """The deadlines that would move where the reader sees the matter, and how many elsewhere."""
    instance = tables.instance.c
    wanted = [UUID(each["instance"]) for each in kept]
    query = select(instance.id, instance.number).where(instance.id.in_(wanted))
    numbers = {
        str(row.id): row.number for row in session.execute(query.where(access.visible(actor)))
    }
    moves = [
        Move(UUID(each["instance"]), numbers[each["instance"]], d["element"], d["was"], d["due"])
        for each in kept
        if each["instance"] in numbers
        for d in each["deadlines"]
    ]
    return tuple(moves), sum(len(each["deadlines"]) for each in kept) - len(moves)

"""What waits for a second person, as far as it is the reader's business, with what its approval
would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import select

from engine.db import tables
from engine.db.states import ProposalState
from engine.messages import _
from engine.people import access, organisation
from engine.people.organisation import INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from engine.db import Session, rows
    from engine.messages import Message
    from engine.people.organisation import Actor

_proposal, _definition = tables.proposal.c, tables.definition.c


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
    `link`: what it is about, a version's hash or an instance's id; `decides`: the reader may decide
    on it.
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


@dataclass(frozen=True)
class _Kind:
    """`sees`, `decides`: by the verb, of the proposal's scope; `what`: the proposal in words.

    About an instance there is no verb: who acts in it by a post sees it, and decides.
    """

    sees: Callable[[Actor, rows.Proposal], bool] | None
    decides: str
    what: Callable[[Session, rows.Proposal], Message]


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


def _somewhere(verb: str) -> Callable[[Actor, rows.Proposal], bool]:
    return lambda actor, _row: access.may_somewhere(actor, verb)


def _witness(_session: Session, row: rows.Proposal) -> Message:
    return _(
        "登记检查点的证人{name}，公钥 {public}", name=row.body["name"], public=row.body["public"]
    )


def _number(session: Session, row: rows.Proposal) -> str:
    number = select(tables.instance.c.number).where(tables.instance.c.id == UUID(row.subject))
    return str(session.execute(number).scalar_one())


_KINDS: Mapping[str, _Kind] = {
    "notice": _Kind(_somewhere("propose_notice"), "approve_notice", _notice),
    "definition": _Kind(_somewhere("propose_definition"), "approve_definition", _again),
    "erasure": _Kind(
        None, "", lambda s, row: _("删除保密事项 {number} 的内容", number=_number(s, row))
    ),
    "hold": _Kind(
        None, "", lambda s, row: _("解除对保密事项 {number} 的保留", number=_number(s, row))
    ),
    "witness": _Kind(_somewhere("witness"), "approve_witness", _witness),
}


def waiting(session: Session, actor: Actor) -> tuple[Waiting, ...]:
    """What waits and is this person's to see, oldest first."""
    mine = [INSTALLATION, actor.union_id, *(p.union_id for p in actor.posts if p.union_id)]
    query = select(tables.proposal).where(
        _proposal.state == ProposalState.PROPOSED, _proposal.scope.in_(mine)
    )
    found = cast("Iterable[rows.Proposal]", session.execute(query.order_by(_proposal.id)).all())
    seen = [row for row in found if _sees(session, actor, row)]
    people = organisation.names(session, [row.proposer_id for row in seen])
    return tuple(_told(session, actor, row, people) for row in seen)


def _sees(session: Session, actor: Actor, row: rows.Proposal) -> bool:
    sees = _KINDS[row.kind].sees
    if sees is None:
        return access.acts_by_post(session, actor, UUID(row.subject))
    return sees(actor, row)


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
        proposer=people.get(row.proposer_id, ""),
        created_at=row.created_at,
        mine=mine,
        decides=not mine and (kind.sees is None or access.may(actor, kind.decides, row.scope)),
        link=row.subject,
        moves=moves,
        elsewhere=elsewhere,
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

"""Two people are two: has one of them lately made the other who they are? And who may be the second
one for a post that opens a confidential matter.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, cast, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from engine import clock
from engine.db import tables
from engine.errors import Refused
from engine.instance.union_law import UnionLaw
from engine.people import access, organisation, posts

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.people.organisation import Actor

RULE = "SEP-DAYS"
MADE = ("member_created", "member_invited", "password_set", "post_granted", "token_created")
WITHIN, SUPERIOR, INSTALLATION = "union", "superior", "installation"  # whence a second one comes
_event = tables.event.c


def made_lately(session: Session, actor: Actor, other_id: UUID) -> bool:
    """Has one of the two, within SEP-DAYS, given the other an account, an invitation to log in,
    a password, a post or a token?
    """
    days = UnionLaw.of(session, actor.union_id).ruling(RULE, clock.today()).value
    since = clock.now() - timedelta(days=int(days or 0))
    chains = select(tables.chain.c.id)
    made = select(_event.seq).where(
        _event.instance_id.in_(chains),
        _event.kind.in_(MADE),
        _event.at > since,
        or_(_by(actor.id, other_id), _by(other_id, actor.id)),
    )
    return session.execute(made.limit(1)).first() is not None


def _by(maker: UUID, made: UUID) -> ColumnElement[bool]:
    """What a person did, or what they proposed and a second one confirmed."""
    body = cast(_event.body, JSONB)
    gave = or_(_event.actor_id == maker, body["proposer"].astext == str(maker))
    return and_(gave, body["member"].astext == str(made))


# --- the second person for a post -----------------------------------------------------------------
class Asked(NamedTuple):
    """A post that waits for a second person: in which union, which one, whom for, by whom (None: on
    the command line).
    """

    union_id: UUID
    kind: str
    member_id: UUID
    proposer_id: UUID | None


def second(session: Session, actor: Actor, asked: Asked) -> str:
    """Whence this actor is the second person: WITHIN the union; or, where nobody in it can be,
    SUPERIOR or INSTALLATION. "" for who is none.

    It is one who may give that post, never its receiver, and independent of who proposed it.
    """
    if not _is_apart(session, actor, asked):
        return ""
    if _gives(actor, asked, asked.union_id):
        return WITHIN
    above = _above(session, asked.union_id)
    whence = SUPERIOR if above and _gives(actor, asked, above) else ""
    whence = whence or (INSTALLATION if actor.runs_installation else "")
    return whence if whence and not has_second(session, asked) else ""


def has_second(session: Session, asked: Asked) -> bool:
    """Is there anybody in the union who can be the second person today?"""
    desks, today = posts.kinds().desks, clock.today()
    kinds = desks[posts.OFFICE] | desks[posts.ADMINISTRATION]
    found = {
        each
        for kind in sorted(kinds)
        for each in organisation.in_union(session, kind, asked.union_id, today)
    }
    people = (organisation.actor(session, each) for each in sorted(found, key=str))
    return any(
        _gives(each, asked, asked.union_id) and _is_apart(session, each, asked) for each in people
    )


def _gives(actor: Actor, asked: Asked, union_id: UUID) -> bool:
    """May this person give such a post in that union?"""
    subject = access.Subject(union_id, post=asked.kind, member_id=asked.member_id, new=True)
    try:
        access.check(actor, "approve_post", union_id)
        access.check_bars(actor, "manage_people", subject)
    except Refused:
        return False
    return True


def _is_apart(session: Session, actor: Actor, asked: Asked) -> bool:
    if actor.id in (asked.member_id, asked.proposer_id):
        return False
    return asked.proposer_id is None or not made_lately(session, actor, asked.proposer_id)


def _above(session: Session, union_id: UUID) -> UUID | None:
    unit = tables.unit.c
    query = select(unit.managing_id).where(unit.id == union_id)
    found: UUID | None = session.execute(query).scalar_one()
    return found

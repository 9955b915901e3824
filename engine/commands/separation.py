"""Two people are two: whoever approves has not lately made the other who they are.

A person who creates an account, sets its password or gives it a post or a token could act by it;
so for SEP-DAYS neither of the two approves what the other proposed. What the command line does
has no actor, and counts as done by nobody.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, cast, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from engine import clock
from engine.db import tables
from engine.errors import Refused
from engine.instance.union_law import UnionLaw
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.people.organisation import Actor

RULE = "SEP-DAYS"
MADE = ("member_created", "password_set", "post_granted", "token_created")
_event = tables.event.c


def check(
    session: Session, actor: Actor, verb: str, scope: UUID | None, proposer_id: UUID | None
) -> None:
    """Raise Refused unless this actor may approve by this verb what that member proposed.

    None: nobody in here proposed it.
    """
    access.check_bars(actor, verb, access.Subject(scope, author_id=proposer_id))
    if actor.id == proposer_id:  # also by a verb that has no bar of its own
        raise Refused(access.SEPARATED, code="one_hand", verb=verb)
    if proposer_id is not None and made_lately(session, actor, proposer_id):
        why = _(
            "提出人与批准人之间，近期有一人为另一人开过账号、设过密码或授予过职务，请由第三人批准。"
        )
        raise Refused(why, code="one_hand", verb=verb)


def made_lately(session: Session, actor: Actor, other_id: UUID) -> bool:
    """Has one of the two, within SEP-DAYS, given the other an account, a password, a post or a
    token?
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
    member = cast(_event.body, JSONB)["member"].astext
    return and_(_event.actor_id == maker, member == str(made))

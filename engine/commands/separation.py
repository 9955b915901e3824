"""Two people are two: whoever approves has not lately made the other who they are.

A person who creates an account, invites its owner, sets its password or gives it a post or a token
could act by it;
so for SEP-DAYS neither of the two approves what the other proposed. What the command line does
has no actor, and counts as done by nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Refused
from engine.instance.independence import made_lately
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

ONE_HAND = _(
    "提出人与批准人之间，近期有一人为另一人开过账号、发过登录邀请、设过密码或授予过职务，请由第三人批准。"
)


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
        raise Refused(ONE_HAND, code="one_hand", verb=verb)

"""A verb of the desk on many instances: each by itself, in its own transaction and with its own
event. What fails is told and hinders nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import db
from engine.commands.registry import DESK
from engine.db import tables
from engine.errors import EngineError, Invalid, NotFound, Unavailable
from engine.instance import together
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from engine.commands.together import CarryOut
    from engine.db import Session
    from engine.messages import Message
    from engine.people.organisation import Actor

VERBS = ("remind",)  # those of which one act does many
_instance = tables.instance.c


@dataclass(frozen=True)
class Left:
    """An instance that stays as it was, and why."""

    id: UUID
    number: str
    code: str
    message: Message | str


@dataclass(frozen=True)
class Report:
    """What came of it, or would come."""

    done: tuple[UUID, ...]
    failed: tuple[Left, ...]


def run(
    carry_out: CarryOut,
    actor: Actor,
    verb: str,
    ids: Sequence[UUID],
    reason: str,
    *,
    trial: bool = False,
) -> Report:
    """Do a verb of VERBS to each of these instances; on `trial` nothing stays.

    Raises NotFound for another verb, and when none of them is this person's to see; Invalid for no
    instance, too many, or no reason; Unavailable when the database goes away: what was done until
    then is done.
    """
    if verb not in VERBS:
        raise NotFound
    if not ids or len(ids) > together.MOST:
        wrong = _("一次应选 1 至 {most} 件，每件一次。", most=together.MOST)
        raise Invalid({"tasks": [wrong]})
    numbers = carry_out(partial(_numbers, actor=actor, ids=ids))
    if not numbers:
        raise NotFound
    done, failed = [], []
    for key in dict.fromkeys(ids):
        try:
            carry_out(partial(_one, actor=actor, verb=verb, key=key, reason=reason, trial=trial))
            done.append(key)
        except (Unavailable, Invalid):
            raise
        except EngineError as fault:
            failed.append((key, fault))
    told = (Left(key, numbers.get(key, ""), why.code, why.message) for key, why in failed)
    return Report(tuple(done), tuple(told))


def _one(session: Session, *, actor: Actor, verb: str, key: UUID, reason: str, trial: bool) -> None:
    with db.savepoint(session, trial=trial):
        DESK[verb].command(session, actor, key, reason)


def _numbers(session: Session, *, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of those that this person may know of."""
    query = select(_instance.id, _instance.number)
    known = query.where(_instance.id.in_(ids), access.visible(actor))
    return {row.id: row.number for row in session.execute(known)}

"""An act of one kind on many instances: a verb of the desk, or a message that each of them waits
for. Each is done by itself, in its own transaction and with its own event; what fails is told and
hinders nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import db
from engine.commands import late, messages
from engine.commands.registry import DESK
from engine.db import tables
from engine.errors import EngineError, Invalid, NotFound, Unavailable
from engine.instance import together
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.commands.together import CarryOut
    from engine.db import Session
    from engine.messages import Message
    from engine.people.organisation import Actor

VERBS = ("remind",)  # those of which one act does many
Act = Callable[[Any, Any, UUID], object]  # takes session, actor and instance
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


def act(name: str, answers: Mapping[str, Any] | None) -> Act:
    """What is done to each: a verb of VERBS, of which `reason` is the one answer, or a message of
    the process. Without answers, only to see whether it may be done.
    """
    if name in VERBS:
        return partial(_verb, name, answers["reason"] if answers else name)
    return partial(_message, name, answers)


def _verb(name: str, reason: str, session: Session, actor: Actor, key: UUID) -> None:
    DESK[name].command(session, actor, key, reason)


def _message(
    name: str, answers: Mapping[str, Any] | None, session: Session, actor: Actor, key: UUID
) -> None:
    wait = messages.expect(session, actor, key, name)
    if answers is not None:
        late.send(wait, answers)


def run(
    carry_out: CarryOut, actor: Actor, act: Act, ids: Sequence[UUID], *, trial: bool = False
) -> Report:
    """Do this to each of these instances; on `trial` nothing stays.

    Raises NotFound when none of them is this person's to see; Invalid for no instance, too many,
    or answers that suit none of them; Unavailable when the database goes away: what was done until
    then is done.
    """
    keys = chosen(ids)
    numbers = carry_out(partial(numbers_of, actor=actor, ids=ids))
    if not numbers:
        raise NotFound
    done, failed = [], []
    for key in keys:
        try:
            carry_out(partial(_one, actor=actor, act=act, key=key, trial=trial))
            done.append(key)
        except Unavailable:
            raise
        except EngineError as fault:
            failed.append((key, fault))
    unsuited = (why for _key, why in failed if isinstance(why, Invalid))
    if not done and (unfit := next(unsuited, None)):
        raise unfit
    told = (Left(key, numbers.get(key, ""), why.code, why.message) for key, why in failed)
    return Report(tuple(done), tuple(told))


def chosen(ids: Sequence[UUID]) -> list[UUID]:
    """Each once. Raises Invalid for none or too many."""
    if not ids or len(ids) > together.MOST:
        wrong = _("一次应选 1 至 {most} 件，每件一次。", most=together.MOST)
        raise Invalid({"tasks": [wrong]})
    return list(dict.fromkeys(ids))


def _one(session: Session, *, actor: Actor, act: Act, key: UUID, trial: bool) -> None:
    with db.savepoint(session, trial=trial):
        act(session, actor, key)


def numbers_of(session: Session, *, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of those that this person may know of."""
    query = select(_instance.id, _instance.number)
    known = query.where(_instance.id.in_(ids), access.visible(actor))
    return {row.id: row.number for row in session.execute(known)}

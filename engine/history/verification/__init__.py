"""What is kept beside the history and must agree with it: columns, answers, facts, documents,
files, rolls, ballots, rules.

The history proves itself (`history`, `seals`); this room proves that what the pages show is what
the history says. It reads all of the database in streams and writes nothing. What no event tells
cannot be checked: see `matters`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine.db import tables
from engine.history import kinds
from engine.history.verification import (
    calendars,
    own_versions,
    registry,
    rules,
    said,
    seconded,
    secret,
)
from engine.history.verification.chains import Chains, Range
from engine.history.verification.comparison import guarded, matters_false

if TYPE_CHECKING:
    from engine.db import Session
    from engine.history.event_log import Break
    from engine.history.verification.elsewhere import Other

__all__ = ["Chains", "Range", "early_unions", "first_false", "older"]


def older(session: Session) -> int:
    """How many matters were begun when events told less."""
    event = tables.event.c
    tells_all = event.body.contains(f'"tells":{kinds.TELLS}')
    first = event.kind == "instance_launched"
    count = select(func.count()).select_from(tables.event).where(first, ~tells_all)
    return int(session.execute(count).scalar_one())


def early_unions(session: Session) -> int:
    """How many unions were registered when events told less."""
    return len(registry.early(session, "unit_created"))


def first_false(
    session: Session, chains: Chains | None = None, other: Other | None = None
) -> Break | None:
    """The first thing kept that is not what the history says; None when all of it is. `chains` are
    read to their end, and checked, on the way; without them they have been before. `other`: who
    does the same with the chains behind these.
    """
    read = chains or Chains(session, checked=False)
    false = guarded(lambda: _beside_matters(session))
    files = {} if false else rules.definitions(session)[1]
    if false is None:
        false = matters_false(session, read, files)
    broken = read.finish()
    if other is not None and broken is None:
        there = other.result()
        read.chains, read.events = read.chains + there.chains, read.events + there.events
        broken, false = there.broken, false or there.false
    return broken or false or guarded(lambda: secret.first_false(session))


def _beside_matters(session: Session) -> Break | None:
    """What belongs to no matter: versions, values, people, calendars."""
    return (
        rules.definitions(session)[0]
        or rules.settings(session)
        or registry.first_false(session)
        or seconded.first_false(session)
        or calendars.first_false(session)
        or said.stray(session)
        or own_versions.first_false(session, own_versions.Times.of(session))
    )

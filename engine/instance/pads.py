"""The ledger of printed ballots of a poll: which numbers were printed, as the history says. A
number stands on the counterfoil only, never on the ballot, so that it joins nobody to a vote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from engine.db import tables

if TYPE_CHECKING:
    from engine.db import Session, rows

_event = tables.event.c
_PADS = (
    select(_event.body)
    .where(
        _event.instance_id == bindparam("key"),
        _event.kind == "ballots_printed",
        _event.body.contains(bindparam("poll")),
    )
    .order_by(_event.seq)
)


@dataclass(frozen=True)
class Pads:
    """Pads of ballots, each by its first and last number, from 1 on without a gap; `issued` were
    handed out, in the order of their numbers.
    """

    printed: tuple[tuple[int, int], ...] = ()
    issued: int = 0

    @property
    def last(self) -> int:
        """The last number that was printed; 0 when none was."""
        return self.printed[-1][1] if self.printed else 0

    @property
    def left(self) -> int:
        """How many were printed and not handed out."""
        return max(0, self.last - self.issued)


def of(session: Session, poll: rows.Poll, issued: int) -> Pads:
    """The pads of a poll, of which `issued` ballots were handed out."""
    bound = {"key": poll.instance_id, "poll": f'"poll":"{poll.id}"'}
    bodies = [json.loads(body) for body in session.execute(_PADS, bound).scalars()]
    return Pads(tuple((body["first"], body["last"]) for body in bodies), issued)


def numbered(number: int) -> str:
    """A number as the counterfoil bears it: 007."""
    return f"{number:03}"

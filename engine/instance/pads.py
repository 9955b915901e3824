"""The ledger of printed ballots of a poll: which numbers were printed, and which of them taken back
unused, as the history says. A number stands on the counterfoil only, never on the ballot, so that
it joins nobody to a vote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from engine.db import tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db import Session, rows

PRINTED, TAKEN_BACK = "ballots_printed", "ballots_taken_back"
_event = tables.event.c
_PADS = (
    select(_event.kind, _event.body)
    .where(
        _event.instance_id == bindparam("key"),
        _event.kind.in_((PRINTED, TAKEN_BACK)),
        _event.body.contains(bindparam("poll")),
    )
    .order_by(_event.seq)
)
Range = tuple[int, int]  # its first and its last number


@dataclass(frozen=True)
class Pads:
    """Pads of ballots, each by its first and last number, from 1 on without a gap; of what was not
    taken back, `issued` were handed out, in the order of their numbers.
    """

    printed: tuple[Range, ...] = ()
    issued: int = 0
    taken_back: tuple[Range, ...] = ()

    @property
    def last(self) -> int:
        """The last number that was printed; 0 when none was."""
        return self.printed[-1][1] if self.printed else 0

    @cached_property
    def unused(self) -> tuple[int, ...]:
        """The numbers that were neither handed out nor taken back."""
        back = {number for pad in self.taken_back for number in _numbers(pad)}
        kept = [number for number in range(1, self.last + 1) if number not in back]
        return tuple(kept[self.issued :])

    @property
    def left(self) -> int:
        """How many of them there are."""
        return len(self.unused)

    @property
    def ranges_left(self) -> tuple[Range, ...]:
        """The same as ranges."""
        return ranges(self.unused)

    @property
    def back(self) -> int:
        """How many were taken back."""
        return sum(len(_numbers(pad)) for pad in self.taken_back)


def _numbers(pad: Range) -> range:
    return range(pad[0], pad[1] + 1)


def ranges(numbers: Iterable[int]) -> tuple[Range, ...]:
    """Rising numbers as ranges without gaps: 3, 4, 7 are (3, 4) and (7, 7)."""
    rising = list(numbers)
    if not rising:
        return ()
    firsts = [rising[0], *(after for before, after in pairwise(rising) if after > before + 1)]
    lasts = [*(before for before, after in pairwise(rising) if after > before + 1), rising[-1]]
    return tuple(zip(firsts, lasts, strict=True))


def of(session: Session, poll: rows.Poll, issued: int) -> Pads:
    """The pads of a poll, of which `issued` ballots were handed out."""
    bound = {"key": poll.instance_id, "poll": f'"poll":"{poll.id}"'}
    told: dict[str, list[Range]] = {PRINTED: [], TAKEN_BACK: []}
    for kind, text in session.execute(_PADS, bound):
        body = json.loads(text)
        told[kind].append((body["first"], body["last"]))
    return Pads(tuple(told[PRINTED]), issued, tuple(told[TAKEN_BACK]))


def numbered(number: int) -> str:
    """A number as the counterfoil bears it: 007."""
    return f"{number:03}"

"""Where rivals meet: a union on a database with latches, and the rounds in which every order comes up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.races.latches import BEFORE, COMMITTING, LOCKED, Latches, Outcome, together
from tests.races.union import Union

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.people.organisation import Actor

WAYS = [(order, point) for order in (0, 1) for point in (BEFORE, LOCKED, COMMITTING)] + [
    (0, None),
    (1, None),
]


@dataclass
class Arena:
    """`actors` are loaded once, so that a rival's first transaction is its command."""

    union: Union
    latches: Latches
    actors: dict[str, Actor]

    def act(
        self,
        who: str | None,
        command: Callable[..., Any],
        *args: Any,
        late: timedelta = timedelta(0),
    ) -> Callable[[], Any]:
        """An act to be carried out later, in a thread of its own; `late`: by how much its clock is ahead."""
        union, actor = self.union, self.actors[who] if who else None
        other = Union(
            union.engine, union.at + late if union.at else None, union.units, union.people
        )
        return lambda: other.do(actor, command, *args)

    def meet(
        self, number: int, one: Callable[[], Any], two: Callable[[], Any]
    ) -> tuple[Outcome, Outcome]:
        """One round: which of them begins, and where it is held, goes by the round's number."""
        order, point = WAYS[number % len(WAYS)]
        first, second = (one, two) if order == 0 else (two, one)
        found = (
            tuple(together(first, second))
            if point is None
            else self.latches.duel(first, second, point)
        )
        for outcome in found:
            assert outcome.error is None or hasattr(outcome.error, "status"), repr(outcome.error)
        return (found[0], found[1]) if order == 0 else (found[1], found[0])

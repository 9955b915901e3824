"""All chains in one pass: every event is read and parsed once, checked against its own chain, and
handed on to what compares the rows beside it.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, cast, select, union_all

from engine.db import tables
from engine.history.event_log import Break, first_broken
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from engine.db import Session

BACK = timedelta(seconds=2)  # so much may the clocks of two hosts differ
_event = tables.event.c
_COLUMNS = (
    _event.instance_id,
    _event.seq,
    _event.kind,
    cast(_event.actor_id, Text).label("actor_id"),
    _event.at,
    _event.body,
    _event.hash,
    _event.words,
)
_FAULTS = (ValueError, TypeError, KeyError, AttributeError)


class Told(NamedTuple):
    """An event: its body as hashed, the words beside it, and the body read."""

    seq: int
    body: str
    words: dict[str, Any] | None
    says: dict[str, Any]


class Range(NamedTuple):
    """Some of the chains: from `low` on, below `high`; None is no end."""

    low: UUID | None = None
    high: UUID | None = None

    def of(self, column: ColumnElement[UUID]) -> list[ColumnElement[bool]]:
        """The condition that a chain's id is in it."""
        ends = [] if self.low is None else [column >= self.low]
        return ends if self.high is None else [*ends, column < self.high]


class Chains:
    """The chains in the order of their ids, each read when it is asked for, those between too.

    `broken` is the first false event, at which reading stops; `chains` and `events` count what was
    read. `progress` hears of the events. Not `checked`: they were before.
    """

    def __init__(
        self,
        session: Session,
        progress: Callable[[int], None] | None = None,
        within: Range = Range(),
        *,
        checked: bool = True,
    ) -> None:
        self.within = within
        self.chains = self.events = 0
        self.broken: Break | None = None
        self._progress, self._checked = progress, checked
        self._heads = _heads(session, within) if checked else {}
        query = select(*_COLUMNS).where(*within.of(_event.instance_id))
        query = query.order_by(_event.instance_id, _event.seq)
        found = session.execute(query.execution_options(yield_per=5000))
        self._groups = groupby(found, key=itemgetter(0))
        self._next: tuple[UUID, list[Told]] | None = None
        self._step()

    def of(self, key: UUID) -> list[Told]:
        """The events of one chain; keys must come in order."""
        while self._next is not None and self._next[0] < key:
            self._step()
        if self._next is None or self._next[0] != key:
            return []
        found = self._next[1]
        self._step()
        return found

    def finish(self) -> Break | None:
        """Read what is left; the first false event, or chain that is missing."""
        while self._next is not None:
            self._step()
        lost = (chain_id for chain_id, (seq, _head) in self._heads.items() if seq)
        if self.broken is None and (chain_id := next(lost, None)):
            self.broken = Break(chain_id, 1, _("整条记录缺失"))
        return self.broken

    def _step(self) -> None:
        """The next chain, if it and those before hold."""
        chain_id, group = next(self._groups, (None, iter(())))
        self._next = None
        if chain_id is None:
            return
        found = list(group)
        self.chains += 1
        said = self._read(chain_id, found)
        self.events += len(found)
        if self._progress:
            self._progress(self.events)
        if self.broken is None:
            self._next = (chain_id, said)

    def _read(self, chain_id: UUID, found: list[Any]) -> list[Told]:
        """The bodies of a chain; none that are false."""
        if not self._checked:
            return [Told(row.seq, row.body, row.words, json.loads(row.body)) for row in found]
        seq, head = self._heads.pop(chain_id, (0, b""))
        self.broken = first_broken(chain_id, found, seq, head)
        said: list[Told] = []
        for _chain, seq, kind, actor, at, body, _hash, words in (
            found if self.broken is None else ()
        ):
            says = body_of(body, kind, actor, at)
            if says is None:
                self.broken = Break(chain_id, seq, _("记录旁列与正文不符"))
                return said
            said.append(Told(seq, body, words, says))
        back = (late for early, late in pairwise(found) if late.at < early.at - BACK)
        if self.broken is None and (row := next(back, None)) is not None:
            self.broken = Break(chain_id, row.seq, _("时刻早于前一条"))
        return said


def _heads(session: Session, within: Range) -> dict[UUID, tuple[int, bytes]]:
    """How long each chain is, and its last hash, as its owner holds them."""
    instance, chain = tables.instance.c, tables.chain.c
    query = union_all(
        select(instance.id, instance.seq, instance.head).where(*within.of(instance.id)),
        select(chain.id, chain.seq, chain.head).where(*within.of(chain.id)),
    )
    return {row[0]: (row[1], bytes(row[2])) for row in session.execute(query)}


def body_of(body: str, kind: str, actor_id: str | None, at: datetime) -> dict[str, Any] | None:
    """The body of an event; None when the columns beside it say anything else than it, which alone
    is hashed.
    """
    try:
        says: dict[str, Any] = json.loads(body)
        actor = says.get("actor")
        holds = (
            says["kind"] == kind
            and _same(actor["id"] if actor else None, actor_id)
            and datetime.fromisoformat(says["at"]) == at
        )
    except _FAULTS:
        return None
    return says if holds else None


def _same(said: str | None, kept: str | None) -> bool:
    """Is it the same id? Most are written as a row's id is; others are read first."""
    return said == kept or (said is not None and kept is not None and UUID(said) == UUID(kept))

"""A process instance to be looked at: its row, its facts, the law of its union, the time limits
computed so far.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine import calendar, clock
from engine.db.pending import Pending
from engine.db.states import FINAL
from engine.instance.union_law import UnionLaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from engine import law
    from engine.db import Session, rows
    from engine.definitions import Process
    from engine.people.ordering import Order
    from engine.people.organisation import Actor

ENDED = FINAL


def dotted(facts: Mapping[str, Any], path: str) -> Any:
    """The fact at a dotted path, or None."""
    found: Any = facts
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


class InstanceView:
    """`row` is the row of the instance, `facts` a copy of what is known in it.

    `locks`: whoever asks is about to write, so what is read here is locked until the commit.
    """

    locks = False
    happened: date | None = None  # when what is entered now happened, if before today
    given: datetime | None = None  # when an act was given that was held and is carried out now

    def __init__(
        self, session: Session, actor: Actor | None, row: rows.Instance, process: Process
    ) -> None:
        self.pending, self.actor, self.row, self.process = Pending(session), actor, row, process
        self.facts: dict[str, Any] = dict(row["facts"])
        self.rounds: dict[str, int] = dict(row["rounds"])
        self.measured: list[tuple[law.Ruling, int, int]] = []  # every share that was asked about
        self._law: UnionLaw | None = None
        self._dues: dict[datetime, calendar.Due] = {}

    @property
    def session(self) -> Session:
        """The transaction. Who changes the instance may leave rows pending; they are written
        before.
        """
        return self.pending.session

    @property
    def law(self) -> UnionLaw:
        """The calendar and the rule values of the instance's union, read when first needed."""
        if self._law is None:
            read = self.row.get("union_law")
            own = UnionLaw(read) if read else UnionLaw.of(self.session, self.row["union_id"])
            self._law = own
        return self._law

    @property
    def now(self) -> date:
        """When what is being done happened: a moment, or the day where only that is known."""
        return self.entered if self.happened is None else self.happened

    @property
    def entered(self) -> datetime:
        """The moment at which what is being done was given: now, but for an act that was held."""
        return self.given or clock.now()

    @property
    def today(self) -> date:
        """The day of it in China."""
        when = self.now
        return clock.day_of(when) if isinstance(when, datetime) else when

    @contextmanager
    def as_entered(self) -> Iterator[None]:
        """What begins with the entry itself: nobody can answer a question before it is put."""
        before = self.happened, self.given
        self.happened = self.given = None
        try:
            yield
        finally:
            self.happened, self.given = before

    @contextmanager
    def counted_from(self, when: datetime) -> Iterator[None]:
        """Time limits count from an earlier moment."""
        before = self.happened
        self.happened = when
        try:
            yield
        finally:
            self.happened = before

    @property
    def name_order(self) -> Order:
        """How people stand in its ballots, notices and papers."""
        return self.law.name_order(self.decisive_on)

    @property
    def decisive_on(self) -> date:
        """The day whose law binds this instance: the day it was started."""
        return clock.day_of(self.row["started_at"])

    @property
    def title(self) -> str:
        """What the instance is called: by its facts, for at the launch its row is not written
        yet.
        """
        subject = dotted(self.facts, self.process.subject)
        return str(subject)[:200] if subject else str(self.row["title"])

    def names(self, **more: Any) -> dict[str, Any]:
        """The names that an expression may use."""
        unit_id = self.row["unit_id"]
        base = {
            "union": str(self.row["union_id"]),
            "starter": str(self.row["starter_id"]),
            "unit": str(unit_id) if unit_id else None,
            "actor": str(self.actor.id) if self.actor else None,
            "number": self.row["number"],
            "now": self.now,
            "today": self.today.isoformat(),
            "entered": self.entered,
        }
        return {**self.facts, **base, **more}

    def remember(self, due: calendar.Due) -> datetime:
        """A computed time limit as the plain moment that expressions pass on."""
        self._dues[due.moment] = due
        return due.moment

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is computed meanwhile is no time limit of what is done: a moment that is equal to
        one by chance stays a moment.
        """
        before = dict(self._dues)
        try:
            yield
        finally:
            self._dues = before

    def due_at(self, moment: datetime) -> calendar.Due | None:
        """The time limit that ends at this moment, if one was computed here."""
        return self._dues.get(moment)

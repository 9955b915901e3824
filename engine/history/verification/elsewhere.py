"""The second half of the chains, compared in a process of its own: two cores take half the time.

It sees the same state of the database, by the snapshot of the transaction that asks. Where that
cannot be had, or the process ends early, its half is compared here.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from engine import bounded, db
from engine.history.event_log import Break
from engine.history.verification import rules
from engine.history.verification.chains import Chains, Range
from engine.history.verification.comparison import matters_false
from engine.messages import restored, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.db import Session

WORTH_IT = 20_000  # events; fewer are compared before a second process has begun
_LIMITS = bounded.Limits(seconds=900, megabytes=16_384)
_MIDDLE = text(
    "SELECT id FROM (SELECT id, sum(seq) OVER (ORDER BY id) AS upto, sum(seq) OVER () AS whole "
    "FROM instance) s WHERE whole >= :least AND upto * 2 >= whole ORDER BY id LIMIT 1"
)


@dataclass(frozen=True)
class Found:
    """What came of some chains: how many they and their events are, the first event and the first
    row that is false.
    """

    chains: int
    events: int
    broken: Break | None = None
    false: Break | None = None

    def told(self) -> dict[str, Any]:
        """It as plain JSON."""
        ends = {"broken": _told(self.broken), "false": _told(self.false)}
        return {"chains": self.chains, "events": self.events, **ends}

    @classmethod
    def restored(cls, said: dict[str, Any]) -> Found:
        """What `told` made of it."""
        ends = (_restored(said["broken"]), _restored(said["false"]))
        return cls(said["chains"], said["events"], *ends)


def _told(found: Break | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"chain": str(found.chain_id), "seq": found.seq, "why": stored(found.why)}


def _restored(said: dict[str, Any] | None) -> Break | None:
    return Break(UUID(said["chain"]), said["seq"], restored(said["why"])) if said else None


def compared(
    session: Session, within: Range, progress: Callable[[int], None] | None = None
) -> Found:
    """These chains and the matters of them, here. What belongs to no matter is not looked at."""
    chains = Chains(session, progress, within)
    broken, files = rules.definitions(session)
    false = None if broken else matters_false(session, chains, files)
    broken = chains.finish()
    return Found(chains.chains, chains.events, broken, false)


def middle(session: Session) -> UUID | None:
    """The matter at which the second half of the events begins; None when there are few."""
    found: UUID | None = session.execute(_MIDDLE, {"least": WORTH_IT}).scalar()
    return found


class Other:
    """The half from `low` on, while another process compares it; `events`: how many it has read."""

    def __init__(self, session: Session, url: str, home: Path | None, low: UUID) -> None:
        self._session, self._low = session, low
        self.events = 0
        self.heard: Found | None = None  # what it found, if it came to its end
        snapshot = session.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        where = {"url": url, "home": str(home) if home else None}
        sent = json.dumps({**where, "snapshot": snapshot, "low": str(low)}).encode()
        self._thread = Thread(target=self._listen, args=(sent,), daemon=True)
        self._thread.start()

    def _listen(self, sent: bytes) -> None:
        try:
            for line in bounded.lines(__name__, sent, _LIMITS):
                said = json.loads(line)
                self.events = said["events"]
                if "chains" in said:
                    self.heard = Found.restored(said)
        except bounded.Exceeded:
            self.heard = None

    def result(self) -> Found:
        """What it found, once it is there."""
        self._thread.join()
        return self.heard or compared(self._session, Range(self._low))


def _say(said: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


class _Progress:
    """Says every now and then how many events were read."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, events: int) -> None:
        if events >= self._said + 1000:
            self._said = events
            _say({"events": events})


def _main() -> None:
    asked = json.load(sys.stdin)
    home = Path(asked["home"]) if asked["home"] else None
    engine = db.connect(asked["url"], size=1, home=home)
    engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with db.transaction(engine) as session:
        name = str(asked["snapshot"]).replace("'", "")
        session.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")
        session.exec_driver_sql("SET LOCAL statement_timeout = 0")
        _say(compared(session, Range(UUID(asked["low"])), _Progress()).told())


if __name__ == "__main__":
    _main()

"""Two rivals on one database: the first is held at a point of its transaction until the second is done or waits for it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import event

from engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

BEFORE, LOCKED, COMMITTING = range(
    3
)  # before the first statement; with the lock, before anything is written; at the commit
PATIENCE = 20.0  # seconds after which a round is given up


@dataclass
class Outcome:
    """What came of an act: a value, or the error."""

    value: Any = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def code(self) -> str:
        """The error's kind, or its code when it is one of ours; empty when all went well."""
        if self.error is None:
            return ""
        return self.error.code if isinstance(self.error, EngineError) else type(self.error).__name__


def attempt(act: Callable[[], Any]) -> Outcome:
    """Carry out an act; errors of the product are outcomes, all others are kept too and fail the test."""
    try:
        return Outcome(act())
    except Exception as fault:
        return Outcome(error=fault)


@dataclass
class Hold:
    """Where a thread is to be held, once: at a point, or after the statement that has this text in it."""

    point: int | str
    reached: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            assert self.free.wait(PATIENCE), "nobody let go"


class Latches:
    """Listens on an engine; holds the threads that ask for it."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.engine, self.local = engine, threading.local()
        self.eyes = psycopg.connect(url, autocommit=True)
        for name, listener in self.listeners():
            event.listen(engine, name, listener)

    def listeners(self) -> Iterator[tuple[str, Any]]:
        yield "before_cursor_execute", self.before
        yield "after_cursor_execute", self.after
        yield "commit", self.commit

    def end(self) -> None:
        for name, listener in self.listeners():
            event.remove(self.engine, name, listener)
        self.eyes.close()

    def hold(self, point: int) -> None:
        hold: Hold | None = getattr(self.local, "hold", None)
        if hold is not None and hold.point == point:
            hold.stop()

    def before(self, *_: Any) -> None:
        self.hold(BEFORE)

    def after(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FOR UPDATE" in statement or "INSERT INTO reply" in statement:
            self.hold(LOCKED)
        hold: Hold | None = getattr(self.local, "hold", None)
        if hold is not None and isinstance(hold.point, str) and hold.point in statement:
            hold.stop()

    def commit(self, _connection: Any) -> None:
        self.hold(COMMITTING)

    def waiting(self) -> bool:
        """Does anybody in this database wait for a lock?"""
        query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1"
        return self.eyes.execute(query).fetchone() is not None

    def duel(
        self, first: Callable[[], Any], second: Callable[[], Any], point: int | str
    ) -> tuple[Outcome, Outcome]:
        """Hold the first at a point, let the second run until it is done or waits, then let the first go on."""
        hold, found = Hold(point), [Outcome(), Outcome()]

        def one() -> None:
            self.local.hold = hold
            found[0] = attempt(first)

        def two() -> None:
            found[1] = attempt(second)

        threads = [threading.Thread(target=one), threading.Thread(target=two)]
        threads[0].start()
        until = time.monotonic() + PATIENCE
        while (
            not hold.reached.wait(0.002) and threads[0].is_alive()
        ):  # it may fail before it comes to that point
            assert time.monotonic() < until
        threads[1].start()
        until = time.monotonic() + 3
        while threads[1].is_alive() and not self.waiting() and time.monotonic() < until:
            time.sleep(0.001)
        hold.free.set()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a rival never came back"
        return found[0], found[1]


def together(*acts: Callable[[], Any]) -> list[Outcome]:
    """All at the same moment, each in a thread of its own."""
    barrier, found = threading.Barrier(len(acts)), [Outcome() for _ in acts]

    def run(number: int) -> None:
        barrier.wait(PATIENCE)
        found[number] = attempt(acts[number])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * PATIENCE)
        assert not thread.is_alive(), "one never came back"
    return found

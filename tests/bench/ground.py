"""The ground of the measurements: a database with fsync on, a small union, and ways to time."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, insert, text

from engine import clock, db
from engine.commands import definitions, edge
from engine.db import embedded, migrate, tables
from engine.definitions import read
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

FOLDERS = [Path(__file__).parent.parent / "processes" / name for name in ("errand", "trio")]


@dataclass
class Ground:
    """A migrated database, an engine on it, and a few people by name."""

    home: Path
    url: str
    engine: Engine
    union: Any
    unit: Any
    people: dict[str, Any]

    def do(self, command: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Carry out a command at the edge, as a request would."""
        return edge.carry_out(self.engine, None, lambda session: command(session, *args, **kwargs))

    def actor(self, name: str) -> organisation.Actor:
        """The person of this name."""
        with db.transaction(self.engine) as session:
            return organisation.actor(session, self.people[name])

    def ask(self, query: str, **values: Any) -> list[Any]:
        """Rows of a query."""
        with db.transaction(self.engine) as session:
            return list(session.execute(text(query), values).all())

    def run(self, statement: str, **values: Any) -> None:
        """Carry out SQL that prepares a measurement."""
        with self.engine.connect() as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text(statement), values)
            connection.commit()


def ground(members: int = 20) -> Iterator[Ground]:
    """A fresh database; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="yixing-bench-"))
    try:
        url = embedded.start(home)
        migrate.migrate(url)
        engine = db.connect(url)
        union, unit = tables.new_id(), tables.new_id()
        people: dict[str, Any] = {}
        with db.transaction(engine) as session:
            session.execute(
                insert(tables.unit),
                [
                    {
                        "id": union,
                        "code": "union",
                        "kind": "university_union",
                        "name": "校工会",
                        "union_id": union,
                    },
                    {
                        "id": unit,
                        "code": "info",
                        "kind": "college_union",
                        "name": "信息学院",
                        "union_id": union,
                    },
                ],
            )
            for name, kind, at in [
                ("secretary", "union_secretary", union),
                *((f"d{n}", "formal_delegate", unit) for n in range(members)),
            ]:
                key = people[name] = tables.new_id()
                session.execute(
                    insert(tables.member).values(
                        id=key,
                        username=name,
                        name=name,
                        unit_id=unit,
                        union_id=union,
                        created_at=clock.now(),
                    )
                )
                session.execute(
                    insert(tables.post).values(
                        id=tables.new_id(),
                        member_id=key,
                        kind=kind,
                        unit_id=at,
                        from_on=date(2020, 1, 1),
                    )
                )
            for folder in FOLDERS:
                definitions.publish_shipped(session, read(folder))
        yield Ground(home, url, engine, union, unit, people)
        engine.dispose()
    finally:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)


def times(work: Callable[[int], Any], runs: int) -> list[float]:
    """Milliseconds of each run; `work` gets the run's number."""
    found = []
    for n in range(runs):
        began = time.perf_counter()
        work(n)
        found.append((time.perf_counter() - began) * 1000)
    return found


def median(values: list[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def statements(engine: Engine, work: Callable[[], Any]) -> int:
    """How many SQL statements a piece of work sends, BEGIN and COMMIT aside."""
    count = 0

    def seen(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(engine, "before_cursor_execute", seen)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", seen)
    return count

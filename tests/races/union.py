"""Two small unions on a database, and their people by name, for tests that drive the commands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, text

from engine import clock, db, jobs
from engine.commands import definitions, edge, instances, tasks
from engine.db import tables
from engine.definitions import read
from engine.history import seals
from engine.people import organisation
from engine.scenarios import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from uuid import UUID

    from sqlalchemy import Engine

    from engine.people.organisation import Actor

PROCESSES = Path(__file__).parents[1] / "processes"
START = datetime(2026, 3, 2, 1, tzinfo=UTC)  # nine o'clock on a Monday in China
CAST = {
    "secretary": ("union_secretary", "union"),
    "deputy": ("union_secretary", "union"),
    "auditor": ("auditor", "union"),
    "admin": ("administrator", "union"),
    "admin2": ("administrator", "union"),
    **{f"d{n}": ("formal_delegate", "college") for n in range(5)},
    "far.secretary": ("union_secretary", "far"),
    "far.auditor": ("auditor", "far"),
    "far.admin": ("administrator", "far"),
    "far.d0": ("formal_delegate", "far.college"),
}
TABLES = sorted(tables.metadata.tables)


def stories_here(url: str, files: Mapping[str, str]) -> Iterator[stage.Result]:
    """In place of `stage.results`: in this process, since starting one of their own takes longer than the stories."""
    try:
        yield from stage.played(url, files)
    finally:
        db.release(url)


@dataclass
class Union:
    """Everything is done at `at`, which tests move; None: by the clock on the wall."""

    engine: Engine
    at: datetime | None = START
    units: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    def built(
        cls, engine: Engine, *processes: Mapping[str, str], at: datetime | None = START
    ) -> Union:
        made = cls(engine, at)
        with db.transaction(engine) as session:
            for code, kind, above in (
                ("union", "university_union", "union"),
                ("college", "college_union", "union"),
                ("far", "university_union", "far"),
                ("far.college", "college_union", "far"),
            ):
                key = made.units[code] = tables.new_id()
                union = made.units[above]
                values = {
                    "id": key,
                    "code": code,
                    "kind": kind,
                    "name": f"单位{code}",
                    "union_id": union,
                }
                session.execute(
                    insert(tables.unit).values(parent_id=None if key == union else union, **values)
                )
            for name, (post, unit) in CAST.items():
                made.member(session, name, post, unit)
            for name in ("admin", "admin2"):
                made.runs_installation(session, name)
            for files in processes or (folder("errand"), folder("trio")):
                made.timed(lambda files=files: definitions.publish_shipped(session, files))
        return made

    def member(self, session: db.Session, name: str, post: str, unit: str) -> UUID:
        key = self.people[name] = tables.new_id()
        union = self.units["far" if unit.startswith("far") else "union"]
        session.execute(
            insert(tables.member).values(
                id=key,
                username=name,
                name=f"姓名{name}",
                unit_id=self.units[unit],
                union_id=union,
                created_at=START,
            )
        )
        values = {
            "member_id": key,
            "kind": post,
            "unit_id": self.units[unit],
            "from_on": date(2020, 1, 1),
            "term": "八",
        }
        session.execute(insert(tables.post).values(id=tables.new_id(), **values))
        return key

    def runs_installation(self, session: db.Session, name: str) -> None:
        """Let somebody answer for what belongs to all unions."""
        values = {
            "member_id": self.people[name],
            "kind": organisation.RUNNER,
            "unit_id": self.units["union"],
            "from_on": date(2020, 1, 1),
        }
        session.execute(insert(tables.post).values(id=tables.new_id(), **values))

    def again(self, engine: Engine) -> Union:
        """The same unions through another engine, as another process sees them."""
        return Union(engine, self.at, self.units, self.people)

    # --- acting ---
    def timed(self, work: Callable[[], Any]) -> Any:
        """Do something at the time of this world; the clock is one of each thread."""
        if self.at is None:
            return work()
        with clock.set_to(self.at):
            return work()

    def actor(self, name: str) -> Actor:
        with db.transaction(self.engine) as session:
            return self.timed(lambda: organisation.actor(session, self.people[name]))

    def do(
        self, who: str | Actor | None, command: Callable[..., Any], *args: Any, **more: Any
    ) -> Any:
        """Carry out a command as the edge does; `who` None: a job, whose command takes no actor."""
        actor = self.actor(who) if isinstance(who, str) else who
        given = args if actor is None else (actor, *args)
        return self.timed(
            lambda: edge.carry_out(
                self.engine, actor, lambda session: command(session, *given, **more)
            )
        )

    def propose(self, who: str, files: Mapping[str, str], note: str = "") -> str:
        """The hash of a version that somebody proposes and whose stories have been played."""
        digest: str = self.do(who, definitions.propose, files, note)
        self.timed(lambda: jobs.rehearse(self.engine, digest))
        return digest

    def launch(self, who: str = "d0", process: str = "errand", subject: str = "修缮会议室") -> UUID:
        made: UUID = self.do(who, instances.launch, process, {"subject": subject})
        return made

    def complete(self, who: str, instance: UUID, element: str, **answers: Any) -> None:
        self.do(who, tasks.complete, self.task(instance, element), answers)

    def to(self, element: str, who: str = "d0") -> UUID:
        """An errand that has come to this element."""
        key = self.launch(who)
        steps: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
            "check": [],
            "mend": [("secretary", "check", {"decision": "return", "reason": "请写明地点"})],
            "do": [("secretary", "check", {"decision": "pass"})],
            "rate": [
                ("secretary", "check", {"decision": "pass"}),
                ("secretary", "do", {"note": "已修缮"}),
            ],
        }
        for name, done, answers in steps[element]:
            self.complete(name, key, done, **answers)
        return key

    # --- looking ---
    def ask(self, query: str, **values: Any) -> list[Any]:
        with db.transaction(self.engine) as session:
            return list(session.execute(text(query), values).all())

    def one(self, query: str, **values: Any) -> Any:
        return self.ask(query, **values)[0][0]

    def run(self, statement: str, **values: Any) -> None:
        """SQL that makes a situation which no command makes."""
        with db.transaction(self.engine) as session:
            session.execute(text(statement), values)

    def row(self, instance: UUID) -> Any:
        return self.ask("SELECT * FROM instance WHERE id = :i", i=instance)[0]

    def task(self, instance: UUID, element: str, state: str = "open") -> UUID:
        query = "SELECT id FROM task WHERE instance_id = :i AND element = :e AND state = :s ORDER BY id DESC"
        found: UUID = self.one(query, i=instance, e=element, s=state)
        return found

    def poll(self, instance: UUID) -> UUID:
        found: UUID = self.one(
            "SELECT id FROM poll WHERE instance_id = :i ORDER BY id DESC", i=instance
        )
        return found

    def timer(self, instance: UUID, state: str = "waiting") -> Any:
        return self.ask(
            "SELECT * FROM timer WHERE instance_id = :i AND state = :s ORDER BY id DESC",
            i=instance,
            s=state,
        )[0]

    def open(self, instance: UUID) -> list[str]:
        return [
            r[0]
            for r in self.ask(
                "SELECT element FROM task WHERE instance_id = :i AND state = 'open' ORDER BY 1",
                i=instance,
            )
        ]

    def events(self, chain: UUID) -> list[str]:
        return [
            r[0]
            for r in self.ask("SELECT kind FROM event WHERE instance_id = :i ORDER BY seq", i=chain)
        ]

    def body(self, chain: UUID, kind: str) -> dict[str, Any]:
        """What the last event of this kind says."""
        query = "SELECT body FROM event WHERE instance_id = :i AND kind = :k ORDER BY seq DESC"
        found: dict[str, Any] = json.loads(self.one(query, i=chain, k=kind))
        return found

    def counted(self) -> dict[str, int]:
        """How many rows every table has."""
        with db.transaction(self.engine) as session:
            return {
                name: session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
                for name in TABLES
            }

    def digest(self) -> str:
        """One number over the content of every table."""
        with db.transaction(self.engine) as session:
            parts = [
                session.execute(
                    text(
                        f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t"
                    )
                ).scalar_one()
                for name in TABLES
            ]
        return " ".join(map(str, parts))

    def whole(self) -> None:
        """Nothing is lost, nothing is double: history, what is kept beside it, and the machine agree."""
        with db.transaction(self.engine) as session:
            verdict = seals.verify(session, None)
        assert verdict.broken is None, verdict.broken
        assert verdict.fault == "", verdict.fault
        for words, query in UNSOUND.items():
            assert self.ask(query) == [], words


UNSOUND = {
    "a finished task without its event, or an event without its task": """
        SELECT i.id FROM instance i
         WHERE (SELECT count(*) FROM task t WHERE t.instance_id = i.id AND t.state = 'done' AND t.ref > 0 AND t.salt IS NOT NULL)
            <> (SELECT count(*) FROM event e WHERE e.instance_id = i.id AND e.kind = 'task_completed')""",
    "a closed poll without its event, or twice": """
        SELECT i.id FROM instance i
         WHERE (SELECT count(*) FROM poll p WHERE p.instance_id = i.id AND p.state = 'closed')
            <> (SELECT count(*) FROM event e WHERE e.instance_id = i.id AND e.kind = 'poll_closed')""",
    "a timer that fired without its event, or twice": """
        SELECT i.id FROM instance i
         WHERE (SELECT count(*) FROM timer t WHERE t.instance_id = i.id AND t.state = 'fired' AND t.ref >= 0)
            <> (SELECT count(*) FROM event e WHERE e.instance_id = i.id AND e.kind = 'timer_fired')""",
    "a number given twice": "SELECT number FROM instance GROUP BY union_id, number HAVING count(*) > 1",
    "a number of a document given twice": """
        SELECT d.number FROM document d JOIN instance i ON i.id = d.instance_id WHERE d.number <> ''
         GROUP BY i.union_id, d.kind, d.number HAVING count(*) > 1""",
    "a count that is not the sum of the answers": """
        SELECT p.id FROM poll p, jsonb_each_text(p.counts) c WHERE NOT p.secret AND c.value::int <>
               (SELECT count(*) FROM roll r WHERE r.poll_id = p.id AND r.choice = c.key)""",
    "an answer put after the close": """
        SELECT p.id FROM poll p JOIN roll r ON r.poll_id = p.id WHERE r.choice IS NOT NULL AND r.at > p.closed_at""",
    "something open in an instance that is over": """
        SELECT i.id FROM instance i WHERE i.state IN ('ended', 'withdrawn', 'terminated') AND (
               i.machine IS NOT NULL OR EXISTS (SELECT 1 FROM task t WHERE t.instance_id = i.id AND t.state = 'open')
            OR EXISTS (SELECT 1 FROM timer t WHERE t.instance_id = i.id AND t.state NOT IN ('fired', 'cancelled'))
            OR EXISTS (SELECT 1 FROM poll p WHERE p.instance_id = i.id AND p.state = 'open'))""",
    "an instance that goes on without anything to wait for": """
        SELECT i.id FROM instance i WHERE i.state IN ('running', 'suspended') AND (i.machine IS NULL OR
               NOT EXISTS (SELECT 1 FROM task t WHERE t.instance_id = i.id AND t.state = 'open')
           AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.instance_id = i.id AND t.state <> 'cancelled'))""",
    "a stage that is not what is open": """
        SELECT i.id FROM instance i WHERE i.process_id IN ('errand', 'trio') AND
               ARRAY(SELECT unnest(i.stage) ORDER BY 1) <>
               ARRAY(SELECT element FROM task t WHERE t.instance_id = i.id AND t.state = 'open' ORDER BY 1)""",
    "an event after the head, or none at it": """
        SELECT i.id FROM instance i WHERE i.seq <> (SELECT count(*) FROM event e WHERE e.instance_id = i.id)""",
}


def folder(name: str) -> dict[str, str]:
    """A process of tests/processes."""
    return dict(read(PROCESSES / name))


def changed(name: str, *pairs: tuple[str, str], file: str = "process.toml") -> dict[str, str]:
    """The same with some texts of one file changed."""
    files = folder(name)
    for old, new in pairs:
        assert old in files[file], old
        files[file] = files[file].replace(old, new)
    return files

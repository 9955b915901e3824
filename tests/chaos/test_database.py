"""The database stops at once, or takes transactions back: what was acknowledged is there, everything once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from engine import db, jobs
from engine.commands import edge, instances, polls, tasks
from engine.db import embedded, tables
from engine.errors import Conflict, Unavailable
from tests.conftest import fresh
from tests.races.latches import together
from tests.races.union import START, Union, folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 60.0
START_IT = "import sys; from pathlib import Path; from engine.db import embedded; print(embedded.start(Path(sys.argv[1])))"


class Server:
    """A PostgreSQL of its own, that can be stopped as if the power went, and started again."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="yixing-chaos-"))
        self.url = embedded.start(self.home)
        made = db.connect(self.url, size=2)
        tables.metadata.create_all(made)
        with made.begin() as session:
            session.connection.driver_connection.execute(SchemaManager.get_schema())  # type: ignore[union-attr]
        db.release(self.url)

    def stop_at_once(self) -> None:
        """An immediate shutdown: every backend ends where it is, and the next start recovers from the log."""
        file = self.home / "postgres" / "postmaster.pid"
        pid = int(file.read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        until = time.monotonic() + PATIENCE
        while file.exists() and time.monotonic() < until:
            time.sleep(0.02)

    def start(self) -> None:
        """In a process of its own, as `yixing serve` does."""
        for _ in range(10):
            done = subprocess.run(
                [sys.executable, "-c", START_IT, str(self.home)],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            if done.returncode == 0:
                return
            time.sleep(0.3)
        raise AssertionError(done.stderr)

    def end(self) -> None:
        embedded.stop(self.home)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture
def server_of_its_own() -> Iterator[Server]:
    made = Server()
    yield made
    made.end()


class Client:
    """Somebody who repeats a request with its key until it is answered, as a page or a program does."""

    def __init__(self, union: Union, name: str, over: threading.Event) -> None:
        self.union, self.name, self.over = union, name, over
        self.mover, self.office = union.actor("d0"), union.actor("secretary")
        self.done: list[tuple[str, str]] = []
        self.refused: list[str] = []

    def ask(self, actor: Any, key: str, work: Callable[[db.Session], object]) -> str:
        def inside(session: db.Session) -> edge.Reply:
            return edge.once(session, actor, key, key, lambda: edge.Reply(200, str(work(session))))

        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                reply: edge.Reply = edge.carry_out(self.union.engine, actor, inside)
                return reply.body
            except Unavailable as fault:
                self.refused.append(fault.code)
                time.sleep(0.05)
        raise AssertionError(f"{key} was never answered")

    def run(self) -> None:
        number = 0
        while not self.over.is_set():
            number += 1
            title = f"{self.name} {number}"
            key = self.ask(
                self.mover,
                f"{title} launch",
                lambda s, t=title: instances.launch(s, self.mover, "trio", {"subject": t}),
            )
            self.done.append(("launch", title))
            for element in ("first", "middle", "last"):

                def work(session: db.Session, element: str = element) -> object:
                    query = text("SELECT id FROM task WHERE instance_id = :i AND element = :e")
                    task = session.execute(query, {"i": key, "e": element}).scalar_one()
                    return tasks.complete(session, self.office, task, {"note": "好"})

                self.ask(self.office, f"{title} {element}", work)
                self.done.append((element, title))


def stops(server: Server, many: int) -> None:
    engine = db.connect(server.url, size=8)
    union, over, dice = (
        Union.built(engine, folder("trio"), at=None),
        threading.Event(),
        random.Random(2),
    )
    clients = [Client(union, name, over) for name in ("甲", "乙", "丙")]

    def trouble() -> None:
        try:
            for _ in range(many):
                time.sleep(dice.uniform(0.2, 0.8))
                server.stop_at_once()
                server.start()
            time.sleep(0.3)
        finally:
            over.set()

    found = together(*[client.run for client in clients], trouble)
    assert [f.error for f in found] == [None] * 4
    done = [act for client in clients for act in client.done]
    assert len(done) > 10 * many
    assert {code for client in clients for code in client.refused} <= {"unavailable", "in_doubt"}
    for kind, title in done:
        if kind == "launch":
            assert union.one("SELECT count(*) FROM instance WHERE title = :t", t=title) == 1
        else:
            query = "SELECT count(*) FROM task t JOIN instance i ON i.id = t.instance_id WHERE i.title = :t AND t.element = :e AND t.state = 'done'"
            assert union.one(query, t=title, e=kind) == 1
    assert union.one("SELECT count(*) FROM reply WHERE status = 0") == 0
    union.whole()
    db.release(server.url)


def test_a_database_that_stops_at_once_loses_nothing_that_was_acknowledged(
    server_of_its_own: Server,
) -> None:
    stops(server_of_its_own, 3)


@pytest.mark.prove
def test_a_database_that_stops_at_once_fifty_times_loses_nothing_that_was_acknowledged(
    server_of_its_own: Server,
) -> None:
    stops(server_of_its_own, 50)


def test_a_worker_without_a_database_makes_no_incidents(server_of_its_own: Server) -> None:
    """Timers that fall due while the database is away wait for it."""
    engine = db.connect(server_of_its_own.url, size=4)
    union = Union.built(engine, folder("errand"))
    keys = [union.to("do") for _ in range(5)]
    union.at = union.one("SELECT max(due_at) FROM timer")
    due = union.timed(lambda: jobs.due(engine, None))
    assert len(due) == 5
    server_of_its_own.stop_at_once()
    for timer in due:
        with pytest.raises(Unavailable):
            union.timed(lambda t=timer: jobs._fire(engine, t.id, t.instance_id))
    with pytest.raises(Unavailable):
        jobs.deliver(engine, str(keys[0]), "withdraw", {})
    server_of_its_own.start()
    assert union.timed(lambda: jobs.sweep(engine)) == 5
    assert union.counted()["incident"] == 0
    assert [union.events(key).count("timer_fired") for key in keys] == [1] * 5
    union.whole()
    db.release(server_of_its_own.url)


# --- transactions taken back -----------------------------------------------------------------------------------------
FLAKY = """
CREATE FUNCTION flaky() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF random() < 0.2 THEN
    RAISE EXCEPTION 'taken back' USING ERRCODE = CASE WHEN random() < 0.5 THEN '40001' ELSE '40P01' END;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER flaky AFTER UPDATE ON instance DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION flaky();
"""


def story(union: Union) -> list[Any]:
    """The same matters in the same order; gives what is to be seen of them afterwards, ids aside."""
    keys = []

    def surely(act: Callable[[], Any]) -> Any:
        for _ in range(200):
            try:
                return act()
            except (
                db.DBAPIError
            ):  # five times in a row; nothing is changed, and the person tries again
                continue
            except Conflict as fault:
                assert fault.code == "not a doubt", (
                    fault
                )  # an act that seemed to fail had been done
        raise AssertionError

    for number in range(12):
        key = surely(lambda n=number: union.launch(subject=f"第 {n} 件"))
        keys.append(key)
        if number % 4 == 3:
            surely(lambda k=key: union.do("d0", instances.withdraw, k, "不办"))
            continue
        if number % 2:
            surely(
                lambda k=key: union.complete(
                    "secretary", k, "check", decision="return", reason="改"
                )
            )
            surely(lambda k=key: union.complete("d0", k, "mend", note="改了"))
        surely(lambda k=key: union.complete("deputy", k, "check", decision="pass"))
        surely(lambda k=key: union.complete("deputy", k, "do", note="好"))
        for name in ("d0", "d1", "d2"):
            surely(lambda k=key, w=name: union.do(w, polls.respond, union.poll(k), "good"))
    query = """SELECT i.number, i.title, i.state, i.outcome, i.stage, i.rounds, i.seq,
                      ARRAY(SELECT kind FROM event e WHERE e.instance_id = i.id ORDER BY seq),
                      ARRAY(SELECT element || state FROM task t WHERE t.instance_id = i.id ORDER BY 1)
                 FROM instance i WHERE i.id = ANY(:keys) ORDER BY i.number"""
    union.whole()
    return [tuple(row) for row in union.ask(query, keys=keys)]


def test_commits_of_which_the_database_takes_a_fifth_back_give_the_same_result(server: str) -> None:
    results = []
    for flaky in (False, True):
        with fresh(server) as url:
            engine = db.connect(url, size=5)
            union = Union.built(engine, at=START)
            if flaky:
                union.run(FLAKY)
            results.append(story(union))
            db.release(url)
    assert results[0] == results[1]


def test_a_commit_that_is_taken_back_five_times_changes_nothing(server: str) -> None:
    with fresh(server) as url:
        engine = db.connect(url, size=5)
        union = Union.built(engine, at=START)
        key = union.launch()
        union.run(FLAKY.replace("random() < 0.2", "true"))
        task, before = union.task(key, "check"), union.digest()
        with pytest.raises(db.DBAPIError):
            union.do("secretary", tasks.complete, task, {"decision": "pass"})
        assert union.digest() == before
        union.run("DROP TRIGGER flaky ON instance")
        union.do("secretary", tasks.complete, task, {"decision": "pass"})
        union.whole()
        db.release(url)

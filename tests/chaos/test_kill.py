"""kill -9 at any moment: no acknowledged act is lost, no state is without its event, nothing is done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from engine import db
from engine.commands import instances, tasks
from engine.errors import EngineError
from tests.chaos.worker import keyed_launch
from tests.conftest import fresh
from tests.races.union import Union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

ROOT = Path(__file__).parents[2]


class Nursery:
    """The program that forks workers; it is asked through a pipe."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.count = url, folder, 0
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.worker"],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.alive: set[int] = set()

    def born(self) -> tuple[int, Path]:
        self.count += 1
        file = self.folder / f"{self.count}.log"
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        self.program.stdin.write(f"{self.url} worker{self.count} {file}\n")
        self.program.stdin.flush()
        pid = int(self.program.stdout.readline())
        self.alive.add(pid)
        return pid, file

    def kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.alive.discard(pid)

    def end(self) -> None:
        for pid in list(self.alive):
            self.kill(pid)
        assert self.program.stdin is not None
        self.program.stdin.close()
        self.program.wait(20)


def told(file: Path) -> list[dict[str, Any]]:
    """The whole lines that a worker wrote before it was killed."""
    text = file.read_text("utf-8") if file.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


@pytest.fixture
def scene(server: str, tmp_path: Path) -> Iterator[tuple[Union, Nursery]]:
    with fresh(server) as url:
        engine = db.connect(url, size=5)
        union, nursery = Union.built(engine, at=None), Nursery(url, tmp_path)
        yield union, nursery
        nursery.end()
        db.release(url)


def all_there(union: Union, lines: list[dict[str, Any]]) -> None:
    """Everything that was acknowledged stands in the database."""
    done = [line for line in lines if "done" in line]
    for line in done:
        if line["done"] == "launch":
            found = union.ask("SELECT id FROM instance WHERE title = :t", t=line["token"])
            assert [str(r.id) for r in found] == [line["instance"]], line
        elif line["done"] == "complete":
            assert union.ask("SELECT state FROM task WHERE id = :t", t=line["task"]) == [
                ("done",)
            ], line
        else:
            found = union.ask(
                "SELECT choice FROM roll WHERE poll_id = :p AND member_id = :m",
                p=line["poll"],
                m=line["who"],
            )
            assert found == [("good",)], line


def kills(union: Union, nursery: Nursery, many: int) -> None:
    dice, mover, acknowledged = random.Random(1), union.actor("d0"), 0
    for _ in range(many // 2 + 1):
        workers = [nursery.born() for _ in range(2)]
        until = time.monotonic() + 30
        while (
            not all(any("done" in line for line in told(file)) for _, file in workers)
            and time.monotonic() < until
        ):
            time.sleep(0.01)
        for pid, _file in workers:
            time.sleep(dice.uniform(0, 0.25))
            nursery.kill(pid)
        for _pid, file in workers:
            lines = told(file)
            acknowledged += sum("done" in line for line in lines)
            all_there(union, lines)
            last = next((line for line in reversed(lines) if "begun" in line), None)
            if (
                last is not None and last["begun"] == "launch"
            ):  # what hung is asked again with its key, as a page does
                keyed_launch(union.engine, mover, last["token"])
                assert (
                    len(union.ask("SELECT 1 FROM instance WHERE title = :t", t=last["token"])) == 1
                )
    assert acknowledged > many
    assert union.ask("SELECT title FROM instance GROUP BY title HAVING count(*) > 1") == []
    union.whole()


def test_workers_killed_at_random_moments_lose_nothing_and_do_nothing_twice(
    scene: tuple[Union, Nursery],
) -> None:
    kills(*scene, 15)


@pytest.mark.prove
def test_workers_killed_five_hundred_times_lose_nothing_and_do_nothing_twice(
    scene: tuple[Union, Nursery],
) -> None:
    kills(*scene, 500)


KILLING_PLACES = [
    "INSERT INTO event",
    "UPDATE task",
    "INSERT INTO task",
    "INSERT INTO instance",
    "commit",
]


@pytest.mark.parametrize("place", KILLING_PLACES)
def test_a_connection_cut_at_each_statement_of_a_command_leaves_nothing_or_all(
    engine: Engine, place: str
) -> None:
    """The server side of a kill: the connection ends before the statement or the commit is sent."""
    union = Union.built(engine)
    key = union.launch()
    task, cut = union.task(key, "check"), [0]

    def before(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if place in statement and cut[0] == 0:
            end(connection)

    def commit(connection: Any) -> None:
        if place == "commit" and cut[0] == 0:
            end(connection)

    def end(connection: Any) -> None:
        cut[0] = 1
        connection.connection.driver_connection.pgconn.finish()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "commit", commit)
    outcome = ""
    try:
        try:
            if "instance" in place:
                union.do("d0", instances.launch, "errand", {"subject": "切断"})
            else:
                union.do("secretary", tasks.complete, task, {"decision": "pass"})
        except EngineError as fault:
            outcome = fault.code
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "commit", commit)
    assert cut == [1]
    assert outcome == (
        "in_doubt" if place == "commit" else ""
    )  # before the commit the whole is done again
    if place == "commit":
        assert union.open(key) == ["check"]
    union.whole()

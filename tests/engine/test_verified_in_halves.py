"""Two processes verify a history of many events, each a half: what they find is what one finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from engine import bounded, db
from engine.history import seals
from engine.history.verification import Range, elsewhere
from tests.drawn import some
from tests.engine.errands import KEY, Errands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from engine.history.seals import Verdict

STATEMENTS = {  # what is done to the matters of one half
    "a body": "UPDATE event SET body = replace(body, '\"at\"', '\"at\" ') WHERE seq = 2",
    "a column beside a body": "UPDATE event SET kind = 'task_claimed' WHERE seq = 2",
    "an event taken away": "DELETE FROM event WHERE seq = 3",
    "a whole chain taken away": "DELETE FROM event WHERE true",
    "the head of a chain": "UPDATE instance SET seq = seq + 1 WHERE true",
    "an outcome": "UPDATE instance SET outcome = 'otherwise' WHERE true",
    "who closed a task": "UPDATE task SET closed_by = NULL WHERE closed_by IS NOT NULL",
    "an answer on a roll": "UPDATE roll SET choice = 'bad' WHERE choice = 'good'",
    "the moment of an answer": "UPDATE roll SET at = at - interval '1 day' WHERE at IS NOT NULL",
    "an answer without its moment": "UPDATE roll SET at = NULL WHERE at IS NOT NULL",
    "somebody taken from a roll": "DELETE FROM roll WHERE choice IS NULL",
    "the bytes of a file": "UPDATE blob SET data = 'x' WHERE true",
}


@pytest.fixture
def world(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Errands]:
    """Four matters that have ended, sealed; two for each half."""
    monkeypatch.setattr(elsewhere, "WORTH_IT", 1)
    built = Errands.built(engine, KEY, 4)
    built.seal()
    yield built


def verdicts(engine: Engine) -> tuple[Verdict, Verdict]:
    """As one process finds it, and as two do."""
    url = engine.url.render_as_string(hide_password=False)
    with db.transaction(engine.execution_options(isolation_level="REPEATABLE READ")) as session:
        one = seals.verify(session, KEY.public)
    with db.transaction(engine.execution_options(isolation_level="REPEATABLE READ")) as session:
        return one, seals.verify(session, KEY.public, url=url)


def test_both_halves_hold(world: Errands) -> None:
    heard: list[int] = []
    with db.transaction(
        world.engine.execution_options(isolation_level="REPEATABLE READ")
    ) as session:
        low = elsewhere.middle(session)
        assert low in world.done[1:]
        url = world.engine.url.render_as_string(hide_password=False)
        other = elsewhere.Other(session, url, None, low)
        there = other.result()
        assert other.heard is not None  # by the process, not made here for want of one
        here = elsewhere.compared(session, Range(None, low))
        verdict = seals.verify(session, KEY.public, heard.append, url=url)
    assert there.chains + here.chains == verdict.chains
    assert there.events > 0 < here.events
    assert there.events + here.events == verdict.events == heard[-1]
    assert (there.broken, there.false, verdict.fault) == (None, None, "")
    one, two = verdicts(world.engine)
    assert one == two


@pytest.mark.parametrize("half", [0, 3], ids=["first half", "second half"])
@pytest.mark.parametrize("done", some(STATEMENTS, 4))
def test_what_one_process_finds_false_two_do(world: Errands, done: str, half: int) -> None:
    statement = STATEMENTS[done]
    matter = world.done[half]
    of_matter = {
        "event": "instance_id = :key",
        "task": "instance_id = :key",
        "instance": "id = :key",
        "roll": "poll_id IN (SELECT id FROM poll WHERE instance_id = :key)",
        "blob": "sha256 IN (SELECT sha256 FROM attachment WHERE instance_id = :key)",
    }
    table = next(word for word in statement.split() if word in of_matter)
    with db.transaction(world.engine) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        query = text(f"{statement} AND {of_matter[table]}")
        assert session.execute(query, {"key": matter}).rowcount
    one, two = verdicts(world.engine)
    assert one.broken is not None
    assert (one.broken, one.fault) == (two.broken, two.fault)


def test_a_process_that_ends_early_leaves_nothing_unproved(
    world: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _two = verdicts(world.engine)

    def broken(*_given: object) -> Iterator[bytes]:
        yield b'{"events": 3}\n'
        raise bounded.Exceeded

    monkeypatch.setattr(bounded, "lines", broken)
    assert verdicts(world.engine) == (one, one)

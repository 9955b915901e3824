"""Every act of the stories that may be taken back: taken back, it leaves nothing; carried out later, it comes to the same end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from engine import clock, db, definitions, scenarios
from engine.commands import holding, late, tasks
from engine.db import tables
from engine.history.verification.chains import Chains
from engine.history.verification.comparison import matters_false
from engine.scenarios.actions import ACTIONS
from tests.conftest import fresh
from tests.engine import held_acts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy import Engine

    from engine.people.organisation import Actor
    from engine.scenarios.progress import Progress
    from engine.scenarios.steps import Step

ROOT = Path(__file__).parents[2]
STORIES = sorted(ROOT.glob("processes/*/scenarios/*.toml"))
SAMPLE = 240  # of how many stories one is played by `make test`
STANDARD = scenarios.standard(ROOT / "processes")
_event = tables.event.c


@pytest.fixture(scope="module")
def stage(server: str) -> Iterator[Engine]:
    with fresh(server) as url:
        made = db.connect(url, size=2)
        yield made
        db.release(url)


@dataclass
class Undone:
    """Stands for the completion of a task in a story; `met`: how many acts were held."""

    met: int = 0

    def __call__(self, progress: Progress, actor: Actor, step: Step) -> None:
        key, answers = progress.task(step.task), progress.answered(step.task, step.given)
        session = progress.session
        before, told = held_acts.rows(session), _told(session)
        if not self._hold(progress, actor, key, answers):
            return
        self.met += 1
        assert {k for k, v in held_acts.rows(session).items() if v != before[k]} == {"instance"}
        progress.carry_out(actor, lambda s: holding.withdraw(s, actor, key))
        assert held_acts.rows(session) == before
        assert _told(session) - told == 2
        assert _false(session) is None
        assert self._hold(progress, actor, key, answers)
        with clock.set_to(progress.now + timedelta(seconds=1)):
            assert holding.wake(session, progress.instance())
        done = select(tables.task.c.closed_at).where(tables.task.c.id == key)
        assert session.execute(done).scalar() == progress.now

    def _hold(self, progress: Progress, actor: Actor, key: UUID, answers: dict[str, Any]) -> bool:
        """False: its process lets nobody take it back, and it is done. A late entry is sent twice."""
        seen = ""

        def submit(session: db.Session) -> object:
            held = tasks.open_task(session, actor, key, None)
            return holding.submit(held, answers, seen, seconds=1)

        try:
            return progress.carry_out(actor, submit) is not None
        except late.Tried as tried:
            seen = tried.seen
            return progress.carry_out(actor, submit) is not None


def _told(session: db.Session) -> int:
    return session.execute(select(func.count()).select_from(tables.event)).scalar_one()


def _false(session: db.Session) -> object:
    """The first matter that is not as told; a story enters its versions and people without events."""
    kept = tables.definition.c
    files = {row.hash: row.files for row in session.execute(select(kept.hash, kept.files))}
    return matters_false(session, Chains(session, checked=False), files)


def _undone(stage: Engine, path: Path, patch: pytest.MonkeyPatch) -> int:
    """Play a story so; how many acts were held."""
    undone = Undone()
    patch.setitem(ACTIONS, "complete", undone)
    played = scenarios.play(stage, path, definitions.read(path.parent.parent), STANDARD)
    assert played.ok, f"{path}\n{played.title}\n{played.why}"
    return undone.met


def test_acts_of_some_stories_leave_nothing_when_taken_back(
    stage: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = [_undone(stage, path, monkeypatch) for path in STORIES[::SAMPLE]]
    assert sum(map(bool, met)) > len(met) // 2 and sum(met) > 2 * len(met)


@pytest.mark.prove
@pytest.mark.parametrize("path", STORIES, ids=lambda p: f"{p.parent.parent.name}: {p.stem}")
def test_the_acts_of_every_story_leave_nothing_when_taken_back(
    stage: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _undone(stage, path, monkeypatch)

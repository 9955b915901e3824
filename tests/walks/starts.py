"""Where a walk begins: a story of the process, cut at a random step."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from engine import clock, definitions, scenarios
from engine.history import event_log
from engine.scenarios import story

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from engine.scenarios.scene import Scene
    from engine.scenarios.story import Step, Story

LAST = "the last step"  # in place of a task: the end of a story that ends an instance
LEAD = 5  # so many steps at most are left to the walk before the one that it is to come near


@dataclass(frozen=True)
class Start:
    """The first `cut` steps of a story."""

    path: Path
    cut: int

    def words(self) -> str:
        return f"{self.path.parent.parent.name}/{self.path.stem}, first {self.cut} steps"


@cache
def _stories(folder: Path) -> tuple[tuple[Path, Story], ...]:
    """The stories by the standing law: a university's own rules of a story stand on no record, so its history would not verify."""
    read = [(path, scenarios.read(path)) for path in scenarios.stories(folder)]
    return tuple((path, told) for path, told in read if not told.rules and not told.vacations)


def draw(folder: Path, chance: random.Random, near: Collection[str] = ()) -> Start:
    """A story and where to cut it: anywhere after its launch; or shortly before somebody does one of the tasks `near`."""
    places = [
        (path, _launched(told), place)
        for path, told in _stories(folder)
        for place in _places(told, near)
    ]
    path, launched, place = chance.choice(places)
    return Start(path, max(launched, place - chance.randint(0, LEAD) if near else place))


def _launched(told: Story) -> int:
    """How many steps it takes until there is an instance."""
    return next((n for n, step in enumerate(told.steps, 1) if _launches(step)), len(told.steps))


def _launches(step: Step) -> bool:
    return step.does == "launch" and not step.refused


def _places(told: Story, near: Collection[str]) -> list[int]:
    """Cuts of a story: how many of its steps go before."""
    if not any(_launches(step) for step in told.steps):
        return []
    if not near:
        return list(range(_launched(told), len(told.steps)))
    over = any(ends.at not in ("", "open") for ends in told.ends.values())
    last = len(told.steps) - 1 if over else None
    return [
        n
        for n, step in enumerate(told.steps)
        if (step.task in near and not step.refused) or (LAST in near and n == last)
    ]


def _also(folder: Path) -> list[str]:
    """The processes that any story of this one needs: a walk may leave its own story for another's way."""
    return sorted({name for _, told in _stories(folder) for name in told.also})


@contextmanager
def played(engine: Engine, start: Start) -> Iterator[Scene]:
    """The live scene after the cut; thrown away at the end."""
    folder = start.path.parents[1]
    told = {**story.toml(start.path), "also": _also(folder)}
    standard = scenarios.standard(folder.parent)
    with scenarios.staged(engine, told, definitions.read(folder), standard, start.cut) as scene:
        _publish(scene)
        yield scene


def _publish(scene: Scene) -> None:
    """Put the versions on record: on a stage nobody does, and a history must know them to verify."""
    with clock.set_to(scene.now):
        for process in (scene.stage.process, *scene.stage.others.values()):
            says = {"process": process.id, "version": process.hash}
            event_log.note(
                scene.session, event_log.INSTALLATION, "definition_published", None, **says
            )

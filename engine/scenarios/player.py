"""Plays stories one after another in one transaction that is thrown away at the end.

What a story begins with as the one before it did is not played again: the transaction goes back to
the savepoint before the step at which they part. So stories neither see nor hinder one another.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from engine import clock, definitions, settings
from engine.commands.traces import Trace, listening
from engine.db import shred
from engine.errors import ProcessFault
from engine.scenarios import comparison, story, world
from engine.scenarios.play import Played, StepResult, advised, play_step
from engine.scenarios.progress import Progress, Unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from engine.scenarios.steps import Step
    from engine.scenarios.story import Story

    Source = Mapping[str, Any] | Path


@dataclass(frozen=True)
class _Place:
    """Where the transaction can go back to: a savepoint, how far the story was there, and which
    keys there were.
    """

    savepoint: str
    progress: Progress
    keys: Mapping[str, bytes]


@dataclass(frozen=True)
class _Done:
    """A step that was played: the place before it, how it is written, what came of it and what it
    met.
    """

    before: _Place
    written: str
    result: StepResult
    met: Trace


@dataclass
class _Stage:
    """What stands while stories begin alike: the world `as_told`, and the steps played in it."""

    session: Connection
    progress: Progress
    as_told: object
    until: float  # by time.monotonic(); then it is begun anew
    done: list[_Done] = field(default_factory=list)

    def mark(self, name: str) -> _Place:
        """A place to come back to."""
        self.session.execute(text(f"SAVEPOINT {name}"))
        return _Place(name, self.progress.copied(), shred.rehearsed(self.session))

    def return_to(self, place: _Place) -> None:
        """Forget all that was done since."""
        for back in ("ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT"):
            self.session.execute(text(f"{back} {place.savepoint}"))
        shred.rehearse(self.session, place.keys)
        self.progress = place.progress

    def go_to(self, steps: Sequence[Step]) -> None:
        """Stand where just these steps were played. Raises Unexpected, ProcessFault."""
        alike = len(self.alike(steps))
        if alike < len(self.done):
            self.return_to(self.done[alike].before)
            del self.done[alike:]
        for step in steps[alike:]:
            self._go_on(step)

    def alike(self, steps: Sequence[Step]) -> list[_Done]:
        """What was played of these steps, up to the first that was not."""
        both = zip(self.done, steps, strict=False)
        return [
            done for done, _step in takewhile(lambda each: each[0].written == repr(each[1]), both)
        ]

    def _go_on(self, step: Step) -> None:
        before = self.mark(f"step_{len(self.done)}")
        with listening() as met:
            try:
                result = play_step(self.progress, step)
            except BaseException:
                self.return_to(before)
                raise
        self.done.append(_Done(before, repr(step), result, met))


# A story writes the versions it plays, and whoever would decide on one waits for it; nobody waits
# much longer than this, and locks may be waited for twice as long.
HELD = 5.0  # seconds


class Player:
    """`standard`: the cast of processes/stories.toml; `held`: for how many seconds others may wait.
    To be closed; then nothing of it stays.
    """

    def __init__(self, engine: Engine, standard: Mapping[str, Any], held: float = HELD) -> None:
        self._held = held
        self._engine = engine
        self._standard = standard
        self._stage: _Stage | None = None

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Throw away what was played."""
        if self._stage is not None:
            self._stage.session.close()
            self._stage = None

    def play(self, source: Source, files: Mapping[str, str]) -> Played:
        """Play a story of the process in `files`.

        Whatever the story tells wrongly is in `why`; only a broken database raises.
        """
        title = source.get("title", "") if isinstance(source, dict) else getattr(source, "stem", "")
        why = ""
        steps: Sequence[Step] = ()
        with listening() as met:
            try:
                read = story.read(source)
                title, steps = read.title, read.steps
                with self.begun(source, files, len(read.steps)) as progress:
                    comparison.check(progress, read)
            except Unexpected as wrong:
                why = wrong.message
            except ProcessFault as fault:
                why = advised(fault)
        done = self._stage.alike(steps) if self._stage else []
        for each in done:
            met.add(each.met)
        return Played(title, [each.result for each in done], not why, why, met)

    @contextmanager
    def begun(self, source: Source, files: Mapping[str, str], first: int = 0) -> Iterator[Progress]:
        """A story after its `first` steps: whoever holds it may go on otherwise than told, and what
        he does is thrown away.

        Raises ProcessFault for what cannot be meant, Unexpected for a step that goes otherwise than
        told.
        """
        read = story.read(source)
        try:
            with clock.set_to(read.at):
                stage = self._staged(source, read, files)
                stage.go_to(read.steps[:first])
                place = stage.mark("begun")
                try:
                    yield stage.progress
                finally:
                    stage.return_to(place)
        except SQLAlchemyError:
            self.close()  # nobody knows where it stands
            raise

    def _staged(self, source: Source, read: Story, files: Mapping[str, str]) -> _Stage:
        """The world of the story: that of the one before it where it is told alike."""
        others = {name: _beside(source, name) for name in read.also}
        as_told = (read.at, read.cast, read.rules, read.vacations, read.city, others, dict(files))
        stage = self._stage
        if stage is None or stage.as_told != as_told or time.monotonic() > stage.until:
            self.close()
            session = self._engine.connect()
            try:
                session.begin()
                shred.rehearse(session)
                there = world.build(session, read, files, self._standard, others)
            except BaseException:
                session.close()
                raise
            began, until = Progress(session, there, read.at), time.monotonic() + self._held
            stage = self._stage = _Stage(session, began, as_told, until)
        return stage


def play(
    engine: Engine, source: Source, files: Mapping[str, str], standard: Mapping[str, Any]
) -> Played:
    """Play one story, as `Player.play`."""
    with Player(engine, standard) as player:
        return player.play(source, files)


@contextmanager
def begun(
    engine: Engine,
    source: Source,
    files: Mapping[str, str],
    standard: Mapping[str, Any],
    first: int = 0,
) -> Iterator[Progress]:
    """One story after its `first` steps, as `Player.begun`."""
    with Player(engine, standard) as player, player.begun(source, files, first) as progress:
        yield progress


def _beside(source: Source, name: str) -> Mapping[str, str]:
    """Another process that a story needs: from beside its own folder, else from the installation's
    processes.
    """
    if hasattr(source, "resolve"):
        near: Path = source.resolve().parent.parent.parent / name
        if near.is_dir():
            return definitions.read(near)
    return definitions.read(settings.load().processes / name)

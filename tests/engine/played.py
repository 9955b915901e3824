"""Stories played to their end, for tests that look at what is left in the database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine import scenarios
from engine.db import tables
from engine.history import event_log
from engine.scenarios import story
from tests.engine import sessions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Engine

    from engine import db


@contextmanager
def played(
    engine: Engine, told: Mapping[str, Any] | Path, files: Mapping[str, str]
) -> Iterator[db.Session]:
    """The end of a story, thrown away afterwards."""
    steps = story.read(told).steps
    with scenarios.begun(engine, told, files, sessions.STANDARD) as progress:
        for process in (
            progress.world.process,
            *progress.world.others.values(),
        ):  # in a story nobody puts them on record
            says = {"process": process.id, "version": process.hash}
            event_log.note(
                progress.session, event_log.INSTALLATION, "definition_published", None, **says
            )
        progress.session.execute(tables.setting.delete())
        for step in steps:
            scenarios.play_step(progress, step)
        yield progress.session

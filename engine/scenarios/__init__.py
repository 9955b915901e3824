"""Plays the stories of the processes (scenarios/*.toml) through the real commands; the contract
with the union's office.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import db, definitions, settings
from engine.commands.traces import Trace
from engine.db import embedded, migrate
from engine.errors import ProcessFault
from engine.messages import _
from engine.scenarios.play import Played, StepResult, perform, play_step
from engine.scenarios.player import Player, begun, play
from engine.scenarios.story import Story, beginning, read, toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Engine

    from engine.settings import Settings

__all__ = [
    "Played",
    "Player",
    "StepResult",
    "Story",
    "Trace",
    "beginning",
    "begun",
    "perform",
    "play",
    "play_files",
    "play_step",
    "read",
    "standard",
    "stories",
    "theatre",
]

DATABASE = "stories"


def stories(folder: Path) -> list[Path]:
    """The stories of a process folder, by name."""
    return sorted((folder / "scenarios").glob("*.toml"))


def standard(processes: Path) -> dict[str, Any]:
    """The standard cast: processes/stories.toml. Raises ProcessFault when it cannot be read."""
    return toml(processes / "stories.toml")


def theatre(settings: Settings) -> Engine:
    """A database to play on: one of its own in the embedded server; else the configured one, which
    keeps nothing of it.
    """
    url = settings.database_url or embedded.start(settings.home, DATABASE)
    migrate.migrate(url)
    return db.connect(url)


def _folder_of(file: Path) -> Path:
    """The folder of the process that a story is about: it lies in there, or the story names it
    (process = "…").
    """
    here = file.resolve().parent.parent
    if (here / "process.toml").is_file():
        return here
    named = toml(file).get("process")
    if not isinstance(named, str) or not named.isidentifier():
        raise ProcessFault(
            _("{name} 不在流程文件夹的 scenarios/ 里，也没有写是哪个流程。", name=file.name),
            file=file.name,
            advice=_('请写 process = "…"，即流程文件夹的名称。'),
        )
    return settings.load().processes / named


def play_files(
    engine: Engine, files: Iterable[Path], cast: dict[str, Any]
) -> Iterator[tuple[Path, Played]]:
    """Play stories that lie in the scenarios/ of their process folders, one after another."""
    folders: dict[Path, dict[str, str]] = {}
    with Player(engine, cast) as player:
        for file in files:
            folder = _folder_of(file)
            if folder not in folders:
                folders[folder] = definitions.read(folder)
            yield file, player.play(file, folders[folder])

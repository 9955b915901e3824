"""Every story of every process goes as it is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine import db, definitions, scenarios
from tests.conftest import fresh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

ROOT = Path(__file__).parents[2]
STORIES = sorted(
    [*ROOT.glob("processes/*/scenarios/*.toml"), *ROOT.glob("tests/processes/*/scenarios/*.toml")]
)
STANDARD = scenarios.standard(ROOT / "processes")


@pytest.fixture(scope="module")
def stage(server: str) -> Iterator[Engine]:
    """One database for all stories: none of them leaves anything in it."""
    with fresh(server) as url:
        made = db.connect(url, size=2)
        yield made
        db.release(url)


@pytest.mark.parametrize(
    "path", STORIES, ids=lambda path: f"{path.parent.parent.name}: {path.stem}"
)
def test_a_story_goes_as_told(stage: Engine, path: Path) -> None:
    played = scenarios.play(stage, path, definitions.read(path.parent.parent), STANDARD)
    assert played.ok, f"{played.title}\n{played.why}\n" + "\n".join(
        f"{s.number}. {s.who} {s.does}: {s.happened}" for s in played.steps
    )


@pytest.mark.parametrize(
    "path", STORIES, ids=lambda path: f"{path.parent.parent.name}: {path.stem}"
)
def test_a_story_is_told_in_both_languages_and_says_what_it_proves(path: Path) -> None:
    told = scenarios.read(path)
    assert told.title_en and told.proves
    assert told.ends or told.steps[-1].refused  # a launch that is refused leaves nothing to tell of

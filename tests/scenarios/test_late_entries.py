"""Stories whose entries come late: limits, outcomes and what papers say are those of the day of the fact, or it is said why not."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine import db, definitions, scenarios
from tests.conftest import fresh
from tests.engine.late_entries import Entry, differences, entries, stands

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STANDARD = scenarios.standard(ROOT / "processes")
ALONE = 3600.0  # seconds: nobody else waits for this database
STORIES = sorted(  # those that begin alike stand together, and are not begun twice
    ROOT.glob("processes/*/scenarios/*.toml"),
    key=lambda path: (path.parent, scenarios.beginning(path), path),
)
EXEMPT: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "late.toml").read_text("utf-8")
)


@pytest.fixture(scope="module")
def player(server: str) -> Iterator[scenarios.Player]:
    """One database for all: nothing is left in it."""
    with fresh(server) as url:
        engine = db.connect(url, size=2)
        with scenarios.Player(engine, STANDARD, ALONE) as made:
            yield made
        engine.dispose()


@lru_cache
def files_of(folder: Path) -> dict[str, str]:
    return definitions.read(folder)


def every() -> Iterator[Entry]:
    for path in sorted(STORIES):
        yield from entries(path, definitions.load(files_of(path.parent.parent)))


def first_of_each() -> list[Entry]:
    found: dict[tuple[str, str], Entry] = {}
    for entry in every():
        found.setdefault((entry.path.parent.parent.name, entry.element), entry)
    return list(found.values())


def exemption(entry: Entry, late: int) -> str:
    """Why this act may stand otherwise when it is entered so late; "" where it may not."""
    why = EXEMPT.get(entry.path.parent.parent.name, {})
    keys = [key for name in entry.names for key in (f"{name}.{late}", name)]
    return next((why[key] for key in keys if key in why), "")


def check(player: scenarios.Player, entry: Entry, late: int) -> None:
    files = files_of(entry.path.parent.parent)
    at_once = stands(player, entry, files, -late)
    found = differences(at_once, stands(player, entry, files, late))
    assert not found, f"{entry}, {late} days late:\n" + "\n".join(found)


SAMPLE = sorted(
    ((entry, late) for entry in first_of_each() for late in (1, 30) if not exemption(entry, late)),
    key=lambda each: (STORIES.index(each[0].path), each[0].first),
)


def test_the_sample_meets_every_folder_that_dates_an_act() -> None:
    folders = [path.parent for path in (ROOT / "processes").glob("*/process.toml")]
    dated = {each.name for each in folders if "happened = " in files_of(each)["process.toml"]}
    assert {entry.path.parent.parent.name for entry, _late in SAMPLE} == dated
    assert {each.name for each in folders} - dated == {"duty_elsewhere"}  # it enters what is over
    assert len(SAMPLE) >= 25


def test_each_exemption_is_of_some_act() -> None:
    met = {
        (entry.path.parent.parent.name, f"{name}{late}")
        for entry in every()
        for name in entry.names
        for late in ("", ".1", ".30")
    }
    kept = {(folder, key) for folder, found in EXEMPT.items() for key in found}
    assert len(kept) >= 20
    assert kept - met == set()


@pytest.mark.parametrize(("entry", "late"), SAMPLE, ids=lambda each: str(each))
def test_a_late_entry_changes_nothing(player: scenarios.Player, entry: Entry, late: int) -> None:
    check(player, entry, late)


@pytest.mark.prove
@pytest.mark.parametrize("late", [1, 30])
@pytest.mark.parametrize("entry", list(every()), ids=str)
def test_no_late_entry_of_any_story_changes_anything(
    player: scenarios.Player, entry: Entry, late: int
) -> None:
    if why := exemption(entry, late):
        pytest.skip(why)
    check(player, entry, late)

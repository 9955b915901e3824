"""People leave, posts end and move, the superior changes, clocks run: no state of any process from which nobody can go on.

Somebody who is there has an open task and nothing stands against it; or a poll closes by its own end; or a timer leads
on; or somebody says something after which somebody can go on; or the house gives the post to somebody else, hands the
task over, or ends what its owner left. YIXING_WALKS=<seed>:<number> draws one walk again.
"""

from __future__ import annotations

import os
import random
import secrets
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import NotFound
from tests.walks import endings, starts
from tests.walks.leaving import Leaving
from tests.walks.walker import Walk

if TYPE_CHECKING:
    from sqlalchemy import Engine

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("processes/*/process.toml"))
FIXED = 20261130
SHORT, LONG = 2, 60  # walks of each process
STEPS = 6  # between what happens to people
HAPPENS = 3  # times in a walk


class Thinned(Walk):
    """A walk some of whose people have left: who is not there does nothing."""

    def step(self) -> None:
        with suppress(NotFound):
            super().step()


def walked(engine: Engine, folder: Path, seed: int, number: int) -> Counter[str]:
    """One walk; gives what happened in it and the roads that led on. Raises AssertionError for a dead end."""
    chance = random.Random(f"{seed} {folder.name} {number}")
    start, met = starts.draw(folder, chance), Counter[str]()
    on = None
    try:
        with starts.played(engine, start) as progress:
            on = Thinned(progress, chance)
            leaving = Leaving(on)
            for _ in range(HAPPENS):
                for _ in range(chance.randint(0, STEPS)):
                    on.step()
                if not on.running():
                    break
                progress.current = chance.choice(on.running())
                met[leaving.happens()] += 1
                met["tried"] += leaving.tried()
                met[_way_on(on, leaving)] += 1
            endings.nothing_is_broken(on)
    except Exception as fault:
        raise AssertionError(
            f"YIXING_WALKS={seed}:{number} {start.words()}: {fault!r}\n"
            + "\n".join(on.done if on else ())
        ) from fault
    return met


def _way_on(on: Walk, leaving: Leaving) -> str:
    if on.progress.current not in on.running():
        return "over"
    road = leaving.road()
    waits = [
        (task.element, *(on.names.get(who) for who in on.holders(task))) for task in on.open_tasks()
    ]
    assert road, f"nobody can go on with {on.progress.current}: {waits}"
    return road


def _walk_all(engine: Engine, folder: Path, drawn: int, walks: int) -> Counter[str]:
    seed, _, number = os.environ.get("YIXING_WALKS", str(drawn)).partition(":")
    numbers = [int(number)] if number else range(walks)
    met = sum((walked(engine, folder, int(seed), n) for n in numbers), Counter[str]())
    print(f"{folder.name}, seed {seed}: {dict(met)}")
    return met


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nobody_is_stuck_when_people_leave(engine: Engine, folder: Path) -> None:
    met, more = _walk_all(engine, folder, FIXED, SHORT), range(SHORT, 5 * SHORT)
    for number in more if "YIXING_WALKS" not in os.environ else ():
        if met["tried"]:
            break
        met += walked(engine, folder, FIXED, number)
    assert met["account"] + met["post"] + met["move"] > 0, met
    assert met["tried"] > 0, met  # what was lost was tried, and refused
    assert met["task"] + met["poll"] + met["timer"] + met["message"] + met["house"] > 0, met


@pytest.mark.prove
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nobody_is_ever_stuck(engine: Engine, folder: Path) -> None:
    met = _walk_all(engine, folder, secrets.randbelow(10**9), LONG)
    assert met["account"] and met["post"] and met["tried"], met
    assert met["task"] and met["house"] + met["timer"] + met["message"], met

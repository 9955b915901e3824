"""Random walks on from the stories of every process: nothing breaks, every history proves itself, and no law is broken.

Each law must have met its event by the walks' own steps, once in `make test` and twenty times in `make prove`; one that
met nothing fails, since it proved nothing. The seed is printed; YIXING_WALKS=<seed> draws the same walks again, and
YIXING_WALKS=<seed>:<number> only one of them.
"""

from __future__ import annotations

import os
import random
import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.history import keys
from tests.walks import endings, record, starts
from tests.walks.laws import laws_of
from tests.walks.walker import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from engine.history.keys import SigningKey

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("processes/*/process.toml"))
FIXED = 20261129  # the seed of `make test`: whether it passes hangs on the product alone; `make prove` draws a new one
SHORT, LONG = 18, 50  # steps of a walk
ENOUGH = 20  # events that each law must have met in `make prove`
MOST = 60  # walks that a law may take for each event that it is to meet


@dataclass(frozen=True)
class Walks:
    """The walks of one process; all that is drawn in them comes from the seed and a walk's number."""

    engine: Engine
    key: SigningKey
    folder: Path
    seed: int
    steps: int

    def until_met(self, wanted: int) -> None:
        """Walk until every law met its event so often. Raises AssertionError for laws that did not, or do not hold."""
        met: Counter[str] = Counter()
        laws = laws_of(self.folder.name)
        for number in range(wanted * MOST * len(laws)):
            law = laws[number % len(laws)]
            if met[law.name] < wanted:
                met += self.one(number)[0]
        assert not (
            missed := {each.name: met[each.name] for each in laws if met[each.name] < wanted}
        ), f"seed {self.seed}: laws that met too little: {missed}"
        print(f"{self.folder.name}, seed {self.seed}: {dict(met)}")

    def one(self, number: int) -> tuple[Counter[str], list[str]]:
        """One walk, which begins near the events of one of the laws.

        Gives how often each law met its event in it, and line by line what happened.
        """
        laws = laws_of(self.folder.name)
        chance = random.Random(f"{self.seed} {self.folder.name} {number}")
        start = starts.draw(self.folder, chance, laws[number % len(laws)].near)
        on = None
        try:
            with starts.played(self.engine, start) as scene:
                on = Walk(scene, chance)
                return self._walked(on), on.done
        except Exception as fault:
            raise AssertionError(
                f"YIXING_WALKS={self.seed}:{number} {start.words()}: {fault!r}\n"
                + "\n".join(on.done if on else ())
            ) from fault

    def _walked(self, on: Walk) -> Counter[str]:
        began = record.heads(on.scene)
        for _ in range(self.steps):
            on.step()
        endings.nothing_is_broken(on)
        met = Counter({"somebody can go on": endings.somebody_can_go_on(on)})
        met["the history verifies"] = endings.the_history_verifies(on, self.key)
        found = record.records(on.scene, began)
        for law in laws_of(self.folder.name):
            met[law.name] += sum(law.holds(each) for each in found)
        return met


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    return keys.load_or_create(tmp_path_factory.mktemp("key"))


def _wanted(drawn: int) -> tuple[int, int | None]:
    """The seed, and the number of the only walk that is wanted, if it is one."""
    seed, _, number = os.environ.get("YIXING_WALKS", str(drawn)).partition(":")
    return int(seed), int(number) if number else None


def _walk(
    engine: Engine, key: SigningKey, folder: Path, drawn: int, steps: int, wanted: int
) -> None:
    seed, number = _wanted(drawn)
    walks = Walks(engine, key, folder, seed, steps)
    if number is None:
        walks.until_met(wanted)
    else:
        met, done = walks.one(number)
        print(met, *done, sep="\n")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_law_of_a_process_is_met_and_holds(
    engine: Engine, key: SigningKey, folder: Path
) -> None:
    _walk(engine, key, folder, FIXED, SHORT, 1)


@pytest.mark.prove
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_law_is_met_many_times_and_holds(
    engine: Engine, key: SigningKey, folder: Path
) -> None:
    _walk(engine, key, folder, secrets.randbelow(10**9), LONG, ENOUGH)


def test_a_walk_can_be_drawn_again(engine: Engine, key: SigningKey) -> None:
    folder = next(each for each in FOLDERS if each.name == "dispute_mediation")
    walks = Walks(engine, key, folder, FIXED, SHORT)
    first, again = walks.one(2), walks.one(2)
    assert first == again and len(first[1]) > 1

"""`make mutants`: draws mutants of each room by a seed, tries them, and shows what the tests did not notice."""

from __future__ import annotations

import argparse
import queue
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine import db
from tests.conftest import named, running
from tests.mutants import laws
from tests.mutants.rooms import ROOMS, Room
from tests.mutants.runner import Copy, Mutant, draw, population

if TYPE_CHECKING:
    from collections.abc import Iterator

AIM = 0.85
_LONGEST = 900  # seconds for a room's tests without a mutant


@dataclass(frozen=True)
class Score:
    """What became of a room's mutants."""

    room: str
    killed: int
    tried: int

    @property
    def share(self) -> float:
        """Killed of tried, 0 to 1."""
        return self.killed / self.tried if self.tried else 0.0


class Workshop:
    """Copies of the tree, one for each mutant that is tried at the same time."""

    def __init__(self, top: Path, server: str, workers: int) -> None:
        self.house = top / "0"  # what is drawn from: nobody edits it meanwhile
        self.pool = ThreadPoolExecutor(workers)
        self.free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(workers):
            self.free.put(Copy(top / str(number), server))

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        """A copy that nobody else uses meanwhile."""
        taken = self.free.get()
        try:
            yield taken
        finally:
            self.free.put(taken)

    def limit(self, room: Room) -> float:
        """Seconds a mutant of the room may take: several times what the tests take without one. SystemExit: they are red."""
        start = time.monotonic()
        with self.copy() as copy:
            code, said = copy.run(room.tests, _LONGEST)
        if code != 0:
            sys.exit(f"{room.name}: the tests are red without a mutant ({code})\n{said}")
        return 30 + 4 * (time.monotonic() - start)

    def survives(self, mutant: Mutant, room: Room, limit: float) -> bool:
        """Do the tests of the room stay green?"""
        with self.copy() as copy:
            return not copy.kills(mutant, room.tests, limit)

    def score(self, room: Room, seed: int, count: int) -> Score:
        """Try `count` mutants of a room and print the survivors as they are found."""
        everyone = population(room, self.house)
        drawn, limit = draw(room, everyone, seed, count), self.limit(room)
        print(f"\n== {room.name}: {len(drawn)} of {len(everyone)}, {limit:.0f} s each at most")
        trials = {self.pool.submit(self.survives, mutant, room, limit): mutant for mutant in drawn}
        killed = 0
        for trial in as_completed(trials):
            if trial.result():
                print(f"SURVIVED {trials[trial].describe()}")
            else:
                killed += 1
        return Score(room.name, killed, len(drawn))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="draw the same mutants again")
    parser.add_argument("--rooms", nargs="*", choices=sorted(ROOMS), default=[], metavar="ROOM")
    parser.add_argument("--count", type=int, default=20, help="mutants a room (20)")
    parser.add_argument("--workers", type=int, default=2, help="tried at the same time (2)")
    parser.add_argument(
        "--law", nargs="+", metavar="RULE", help="numbers of law moved by one: all, or ids"
    )
    return parser.parse_args()


def _law(wanted: list[str]) -> int:
    """Exit code 0: some story notices every number of law that moves."""
    with running() as server:
        url = named(server, "tpl")
        alive = laws.survivors(
            laws.Theatre(db.connect(url), laws.recorded()), [] if wanted == ["all"] else wanted
        )
        db.release(url)
    return int(bool(alive))


def main() -> int:
    """Exit code 0: every room tried has killed its share."""
    given = _arguments()
    if given.law:
        return _law(given.law)
    seed = random.randrange(10**6) if given.seed is None else given.seed
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="yixing-mutants-") as top, running() as server:
        workshop = Workshop(Path(top), server, given.workers)
        rooms = [ROOMS[name] for name in given.rooms or ROOMS]
        scores = [workshop.score(room, seed, given.count) for room in rooms]
    print()
    for score in scores:
        short = "" if score.share >= AIM else f"  < {AIM:.0%}"
        print(f"{score.room:<12} {score.killed:>3} of {score.tried:<3} {score.share:>5.0%}{short}")
    return int(any(score.share < AIM for score in scores))


if __name__ == "__main__":
    sys.exit(main())

"""Tries mutants on copies of the tree: the working tree is never touched."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutants.mutator import Mutation, mutations
from tests.mutants.rooms import HOUSE, Room

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LEFT_OUT = (
    ".git",
    ".venv",
    "node_modules",
    "vendor",
    "var",
    "build",
    "dist",
    ".hypothesis",
    ".*_cache",
)
_VENDOR = "webui/static/vendor"  # thirty megabytes that no mutant changes: a link will do
_PYTEST = ("-x", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0")
_MEMORY_KB = 4_000_000  # a mutant that never stops may also never stop growing


@dataclass(frozen=True)
class Mutant:
    """One mutation of one module (a path from the top of the tree, and its text without a fault)."""

    module: Path
    text: str
    mutation: Mutation

    @property
    def line(self) -> str:
        """The line in which the fault begins, as it was."""
        return self.text.split("\n")[self.mutation.line - 1]

    def describe(self) -> str:
        """`module:line (kind)` and the diff."""
        diff = self.mutation.diff(self.text, str(self.module))
        return f"{self.module}:{self.mutation.line} ({self.mutation.kind})\n{diff}"


def population(room: Room, house: Path = HOUSE) -> list[Mutant]:
    """Every mutant of a room, in order. LookupError: see Room.modules."""
    texts = {module: (house / module).read_text("utf-8") for module in room.modules(house)}
    return [
        Mutant(module, text, found) for module, text in texts.items() for found in mutations(text)
    ]


def draw(room: Room, everyone: Sequence[Mutant], seed: int, count: int) -> list[Mutant]:
    """`count` of a room's mutants, the same for the same seed and code.

    Each kind is drawn as often as every other while it lasts, or a lock would hardly ever be among the numbers.
    """
    chance = random.Random(f"{seed} {room.name}")
    by_kind: defaultdict[str, list[Mutant]] = defaultdict(list)
    for mutant in everyone:
        by_kind[mutant.mutation.kind].append(mutant)
    drawn: list[Mutant] = []
    while by_kind and len(drawn) < count:
        for kind in chance.sample(sorted(by_kind), len(by_kind)):
            left = by_kind[kind]
            drawn.append(left.pop(chance.randrange(len(left))))
            if not left:
                del by_kind[kind]
    return drawn[:count]


class Copy:
    """A copy of the tree in which one mutant at a time is tried."""

    def __init__(self, top: Path, server: str = "") -> None:
        """`server` is the URL of a running database server (see tests.conftest); without, each run starts its own."""
        self.top = top
        shutil.copytree(HOUSE, top, ignore=shutil.ignore_patterns(*_LEFT_OUT, "*.sock"))
        if (HOUSE / _VENDOR).exists():
            (top / _VENDOR).symlink_to(HOUSE / _VENDOR)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        self.environment = {**inherited, "PYTHONPATH": str(top), "YIXING_TEST_SERVER": server}

    def run(self, tests: Sequence[str], limit: float) -> tuple[int | None, str]:
        """pytest's exit code (None: out of time) and the end of what it printed."""
        bounded = ["sh", "-c", f'ulimit -v {_MEMORY_KB}; exec "$@"', "sh"]
        process = subprocess.Popen(
            [*bounded, sys.executable, "-m", "pytest", *_PYTEST, *tests],
            cwd=self.top,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, "out of time"
        return process.returncode, said[-2000:]

    @contextmanager
    def holding(self, mutant: Mutant) -> Iterator[None]:
        """The copy with the mutant in it; afterwards as before."""
        place = self.top / mutant.module
        _write(place, mutant.mutation.apply(mutant.text))
        try:
            yield
        finally:
            _write(place, mutant.text)

    def kills(self, mutant: Mutant, tests: Sequence[str], limit: float) -> bool:
        """Do the tests notice it? Whatever is not green, or not over in time, is noticed."""
        with self.holding(mutant):
            return self.run(tests, limit)[0] != 0


def _write(place: Path, text: str) -> None:
    """Bytecode goes too: Python takes it for fresh when a source keeps its size within one second."""
    place.write_text(text, "utf-8")
    Path(importlib.util.cache_from_source(str(place))).unlink(missing_ok=True)

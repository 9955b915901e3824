"""Of many examples of one kind: a few each day in `make test`, all of them in `make prove`.

The day draws; YIXING_DRAW=<number> (see the head of a run) draws the same again.
"""

from __future__ import annotations

import os
import random
import zlib
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

SEED = "YIXING_DRAW"


def settle() -> str:
    """The number that draws, for this process and those that it starts."""
    return os.environ.setdefault(SEED, str(date.today().toordinal()))


def today(name: str, share: int) -> bool:
    """Is this one of the tests of the day, of which there are one in `share`?"""
    return zlib.crc32(f"{settle()} {name}".encode()) % share == 0


def some(values: Iterable[Any], many: int) -> list[Any]:
    """All values, as parameters of a test; those that are not drawn wait for `make prove`."""
    every = list(values)
    today = set(random.Random(settle()).sample(range(len(every)), min(many, len(every))))
    return [
        value if n in today else pytest.param(value, marks=pytest.mark.prove)
        for n, value in enumerate(every)
    ]

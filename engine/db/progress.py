"""How far something is that takes long: told by whoever does it, noted beside its transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from engine import db

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.db import Session

T = TypeVar("T")
Tell = Callable[[int, int], None]
"""Takes how many are done, of how many."""
EVERY = 1.0  # seconds between two notes


def silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def told(rows: Sequence[T], tell: Tell) -> Iterator[T]:
    """Each of these rows, telling how many were before it."""
    for number, row in enumerate(rows):
        tell(number, len(rows))
        yield row


class Progress:
    """Notes how much is done, in a transaction of its own, at most once in EVERY seconds."""

    def __init__(self, engine: Engine, note: Callable[[Session, int, int], None]) -> None:
        self._engine, self._note, self._last = engine, note, time.monotonic()

    def __call__(self, done: int, total: int = 0) -> None:
        now = time.monotonic()
        if now - self._last < EVERY:
            return
        self._last = now
        with db.transaction(self._engine) as session:
            self._note(session, done, total)

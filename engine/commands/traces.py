"""What commands meet of a process while somebody listens: whoever plays its stories. Otherwise
nothing is noted.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.machine import Step


@dataclass
class Trace:
    """What was met; each entry begins with the id of its process.

    `flows`: source, target; `elements`: passed; `demands`: the task whose gate it is ("" for a
    guard), its expression, did it hold; `rows`: a decision table, the number of its row from 1.
    """

    flows: set[tuple[str, str, str]] = field(default_factory=set)
    elements: set[tuple[str, str]] = field(default_factory=set)
    demands: set[tuple[str, str, str, bool]] = field(default_factory=set)
    rows: set[tuple[str, str, int]] = field(default_factory=set)

    def add(self, other: Trace) -> None:
        """All that another one met, too."""
        self.flows |= other.flows
        self.elements |= other.elements
        self.demands |= other.demands
        self.rows |= other.rows


_listener: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def listening() -> Iterator[Trace]:
    """Note what commands meet inside the block."""
    trace = Trace()
    token = _listener.set(trace)
    try:
        yield trace
    finally:
        _listener.reset(token)


@contextmanager
def on_trial() -> Iterator[None]:
    """What is taken back in any case leaves no way that was gone; only what it was asked counts."""
    outer = _listener.get()
    inner = None if outer is None else Trace(demands=outer.demands)
    token = _listener.set(inner)
    try:
        yield
    finally:
        _listener.reset(token)


def moved(process: str, step: Step) -> None:
    """A step that was taken."""
    if (trace := _listener.get()) is not None:
        trace.flows.update((process, source, target) for source, target in step.taken)
        trace.elements.update((process, element) for element in step.passed)


def judged(process: str, task: str, holds: str, held: bool) -> None:
    """A gate or guard that was asked for."""
    if (trace := _listener.get()) is not None:
        trace.demands.add((process, task, holds, held))


def decided(process: str, table: str, row: int) -> None:
    """A decision table that was asked."""
    if (trace := _listener.get()) is not None:
        trace.rows.add((process, table, row))

"""How far something is that a worker does for somebody: one reading of the signs of all of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from engine import clock
from engine.messages import Message

SILENT = timedelta(minutes=10)  # without a sign for so long: whoever does it has given it up


class Signs(Protocol):
    """When it was asked for, begun, last heard of, and ended; `refused`: why nothing came of it,
    or nothing yet.
    """

    @property
    def begun_at(self) -> datetime | None: ...
    @property
    def told_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def refused(self) -> Message | str: ...


def state(of: Signs) -> str:
    """waiting, running, stalled, ready or refused."""
    if of.ended_at:
        return "refused" if of.refused else "ready"
    if of.told_at < clock.now() - SILENT:
        return "stalled"
    return "running" if of.begun_at and not of.refused else "waiting"

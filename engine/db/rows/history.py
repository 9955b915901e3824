"""What stands beside the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


class Checkpoint(NamedTuple):
    """The tree of all events at a size: `root`, the `frontier` that grows on, and who outside holds
    it (or "").
    """

    size: int
    root: bytes
    frontier: bytes
    key_id: str
    signature: bytes
    at: datetime
    witness: str

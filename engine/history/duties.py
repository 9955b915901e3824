"""What an event says that an instance does for a duty."""

from __future__ import annotations

from enum import StrEnum


class Mark(StrEnum):
    """OPEN: begun, or anew with another last day; DONE; UNDONE: what was done holds no more;
    BREACHED: done against it; NONE: it turned out not to apply; CLOSED: ended otherwise; VOID:
    withdrawn or terminated.
    """

    OPEN = "open"
    DONE = "done"
    UNDONE = "undone"
    BREACHED = "breached"
    NONE = "none"
    CLOSED = "closed"
    VOID = "void"

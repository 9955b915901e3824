"""On which conditions a task may agree (附条件同意), as a process says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProvisoRule:
    """On which conditions a task may agree: `rows`, a table of its form with the columns `what`,
    `due` and, if it likes, `who`; `lane`: whose people carry them out and report.
    """

    rows: str
    lane: str

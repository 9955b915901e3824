"""New rows that wait for the end of a command, so that one statement writes them all."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Table, TextClause

    from engine.db import Session

Shape = tuple[tuple[str, tuple[str, ...]], ...]  # table and columns of the rows to be written


class Pending:
    """A transaction, and the new rows that are written in it before anything is asked of it."""

    def __init__(self, session: Session) -> None:
        self.unflushed = session  # for what no waiting row bears on
        self._rows: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = {}

    @property
    def session(self) -> Session:
        """The transaction, with everything written that was added so far."""
        if self._rows:
            shape, values = self.take()
            self.unflushed.execute(_flush(shape), values)
        return self.unflushed

    def add(self, table: Table, row: dict[str, Any]) -> None:
        """A new row, in values of JSON."""
        self._rows.setdefault((table.name, tuple(row)), []).append(row)

    def take(self) -> tuple[Shape, dict[str, str]]:
        """The rows that wait, for the caller to write: their shape, and their values by parameter."""
        waiting, self._rows = self._rows, {}
        values = {f"new_{n}": json.dumps(rows) for n, rows in enumerate(waiting.values())}
        return tuple(waiting), values


def inserts(shape: Shape) -> list[str]:
    """The parts of a WITH that write such rows.

    They are handed over as JSON, which PostgreSQL gives the types of the table; keys are checked at the end.
    """
    found = []
    for n, (table, names) in enumerate(shape):
        columns = ", ".join(names)
        rows = f"jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:new_{n} AS jsonb))"
        found.append(f"new_{n} AS (INSERT INTO {table} ({columns}) SELECT {columns} FROM {rows})")
    return found


@lru_cache(maxsize=256)
def _flush(shape: Shape) -> TextClause:
    return text("WITH " + ", ".join(inserts(shape)) + " SELECT 1")

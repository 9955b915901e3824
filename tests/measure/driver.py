"""Counts what reaches PostgreSQL, at the driver's cursor, so that nothing in between can hide a statement."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FRAME = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b", re.IGNORECASE)
_WAYS = ("execute", "executemany", "copy", "stream")


@dataclass
class Seen:
    """The statements in order, without those that only frame a transaction, and how many transactions they needed."""

    statements: list[str] = field(default_factory=list)
    transactions: int = 0

    def note(self, connection: psycopg.Connection[Any], text: str) -> None:
        """A statement is about to be sent. The first one on an idle connection begins a transaction."""
        if _FRAME.match(text):
            return
        self.transactions += connection.info.transaction_status == TransactionStatus.IDLE
        self.statements.append(text)


@contextmanager
def counted() -> Iterator[Seen]:
    """What is sent inside the block by any cursor of this process. `executemany` is one statement, however many rows."""
    seen = Seen()
    before = {way: getattr(psycopg.Cursor, way) for way in _WAYS}
    for way, original in before.items():
        setattr(psycopg.Cursor, way, _watched(seen, original))
    try:
        yield seen
    finally:
        for way, original in before.items():
            setattr(psycopg.Cursor, way, original)


def _watched(seen: Seen, original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def watched(cursor: psycopg.Cursor[Any], query: Any, *args: Any, **more: Any) -> Any:
        seen.note(cursor.connection, _text(cursor, query))
        return original(cursor, query, *args, **more)

    return watched


def _text(cursor: psycopg.Cursor[Any], query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return query if isinstance(query, str) else str(query.as_string(cursor))

"""What every table is made with."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, MetaData, Text, Uuid

if TYPE_CHECKING:
    from enum import StrEnum

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


_PER_MILLISECOND = 1 << 12
_last = 0
_making = threading.Lock()


def new_id() -> UUID:
    """A UUID version 7: ordered by time, so that new rows land side by side in an index and pages
    can go by id. Those of one process are strictly in the order they were made in, within a
    millisecond too: RFC 9562, 6.2, method 3 (twelve bits of its fraction).
    """
    global _last
    now = time.time_ns() * _PER_MILLISECOND // 1_000_000
    with _making:
        _last = stamp = max(now, _last + 1)
    milliseconds, fraction = divmod(stamp, _PER_MILLISECOND)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 0x2 << 62 | random)


def moment(name: str, *, nullable: bool = True) -> Column[object]:
    """A column for an aware moment."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def ref(name: str, target: str, *, nullable: bool = True) -> Column[object]:
    """A column that refers to another table's id."""
    return Column(name, Uuid, ForeignKey(target), nullable=nullable)


def state(states: type[StrEnum]) -> tuple[Column[str], CheckConstraint]:
    """The column `state` of a table, and the constraint that it holds nothing but these states."""
    known = ", ".join(f"'{each}'" for each in states)
    return Column("state", Text, nullable=False), CheckConstraint(
        f"state IN ({known})", name="state"
    )

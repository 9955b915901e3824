"""What every table is made with."""

from __future__ import annotations

import os
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


def new_id() -> UUID:
    """A UUID version 7: ordered by time, so that new rows land side by side in an index and pages
    can go by id.
    """
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))


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

"""What a database is for."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Table

from engine.db.tables.base import metadata

made = Table(  # one row, where there is one
    "made",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("demo", Boolean, nullable=False),  # the demo's people and passwords, known to everybody
    CheckConstraint("id = 1", name="one"),
)

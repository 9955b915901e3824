"""What a database is for, and what its hosts share."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, LargeBinary, Table, Text

from engine.db.tables.base import metadata

made = Table(  # one row, where there is one
    "made",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("demo", Boolean, nullable=False),  # the demo's people and passwords, known to everybody
    CheckConstraint("id = 1", name="one"),
)

shared_secret = Table(  # encrypted to a key that no database holds, see engine/db/shared.py
    "shared_secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

"""Phrases that a person writes often."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    tables.phrase.create(op.get_bind(), checkfirst=True)

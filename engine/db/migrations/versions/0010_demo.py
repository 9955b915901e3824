"""A database knows that it holds the demo. One of before is known by the demo's units."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    tables.made.create(op.get_bind(), checkfirst=True)
    op.execute(
        "INSERT INTO made (id, demo) SELECT 1, true "
        "WHERE EXISTS (SELECT 1 FROM unit WHERE code = 'MBDX') "
        "AND EXISTS (SELECT 1 FROM member WHERE username = 'mb-secretary') ON CONFLICT DO NOTHING"
    )

"""A union may have a version of a process of its own; what there was before is everybody's."""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0026"
down_revision = "0025"

_STATES = "'proposed', 'published', 'refused', 'retired', 'own'"


def upgrade() -> None:
    op.execute("ALTER TABLE definition DROP CONSTRAINT IF EXISTS ck_definition_state")
    op.execute(
        f"ALTER TABLE definition ADD CONSTRAINT ck_definition_state CHECK (state IN ({_STATES}))"
    )
    tables.own_version.create(op.get_bind(), checkfirst=True)

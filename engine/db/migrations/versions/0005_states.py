"""The schema holds which states a row can be in.

The first step makes the tables as they are today where there were none; this one brings a database
of before along.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

# as they were when this step was written; a later step that adds a state says so itself
_STATES = {
    "instance": "'running', 'suspended', 'ended', 'withdrawn', 'terminated'",
    "task": "'open', 'done', 'cancelled'",
    "timer": "'waiting', 'fired', 'cancelled', 'broken'",
    "poll": "'called', 'open', 'counting', 'closed', 'void'",
    "meeting": "'called', 'open', 'closed', 'void'",
    "definition": "'proposed', 'published', 'refused', 'retired'",
    "setting": "'proposed', 'in_force', 'refused'",
    "batch": "'previewed', 'done'",
}


def upgrade() -> None:
    for table, states in _STATES.items():
        name = f"ck_{table}_state"
        op.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, "
            f"ADD CONSTRAINT {name} CHECK (state IN ({states}))"
        )

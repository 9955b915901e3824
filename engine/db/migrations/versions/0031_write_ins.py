"""Who may be written in on the ballots of an election, beside its candidates.

Elections of before have no line for it.
"""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    tables.write_in.create(op.get_bind(), checkfirst=True)

"""Each instance has a salt of its own: events tell its facts by digests that nobody can guess once
the salt is gone.

Instances of before get one too, but those that were erased: nothing is left to be told of them.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE instance ADD COLUMN IF NOT EXISTS salt bytea")
    op.execute(
        "UPDATE instance SET salt = decode(replace(gen_random_uuid()::text, '-', ''), 'hex') "
        "WHERE NOT jsonb_exists(facts, '_erased')"
    )

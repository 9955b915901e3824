"""Files of confidential matters are sealed to keys that no database has; names of destroyed keys.
Words beside events may be taken away, for an erasure.

Files of before stay as they are.
"""

from __future__ import annotations

from alembic import op

from engine.db import tables

revision = "0027"
down_revision = "0026"

# An event may be given its leaf number, once, and its words may go; nothing else is ever changed.
_APPEND_ONLY = """
CREATE OR REPLACE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    probe event%ROWTYPE := NEW;
BEGIN
    probe.leaf_no := OLD.leaf_no;
    probe.words := OLD.words;
    IF probe IS DISTINCT FROM OLD OR NEW IS NOT DISTINCT FROM OLD
       OR (OLD.leaf_no IS NOT NULL AND NEW.leaf_no IS DISTINCT FROM OLD.leaf_no)
       OR (NEW.words IS NOT NULL AND NEW.words IS DISTINCT FROM OLD.words) THEN
        RAISE EXCEPTION 'the history is append-only (event %)', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$"""


def upgrade() -> None:
    op.execute("ALTER TABLE blob ADD COLUMN IF NOT EXISTS key text")
    op.execute("CREATE INDEX IF NOT EXISTS ix_blob_key ON blob (key) WHERE key IS NOT NULL")
    cursor = op.get_bind().connection.cursor()
    try:  # the driver's own cursor takes plain % signs
        cursor.execute(_APPEND_ONLY)
    finally:
        cursor.close()
    tables.spent_key.create(op.get_bind(), checkfirst=True)

"""The first schema: all tables, the job queue, and the triggers that make the history append-only.

Until the first release this step makes the tables as engine/tables.py has them. From then on it is
never changed, and every later step says in its own words what it alters.
"""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

from engine.db.tables import metadata

revision = "0001"
down_revision = None

# An event may be given its leaf number, once, and a checkpoint its witness; nothing else is ever
# changed or removed.
_APPEND_ONLY = """
CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    probe event%ROWTYPE := NEW;
BEGIN
    probe.leaf_no := NULL;
    IF OLD.leaf_no IS NOT NULL OR NEW.leaf_no IS NULL OR probe IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'the history is append-only (event %)', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION checkpoint_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    probe checkpoint%ROWTYPE := NEW;
BEGIN
    probe.witness := OLD.witness;
    IF NEW.witness = '' OR probe IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'checkpoints are append-only (size %)', OLD.size USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION history_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'nothing is removed from %', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER event_is_append_only BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION event_is_append_only();
CREATE TRIGGER checkpoint_is_append_only BEFORE UPDATE ON checkpoint
    FOR EACH ROW EXECUTE FUNCTION checkpoint_is_append_only();
CREATE TRIGGER event_stays BEFORE DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION history_stays();
CREATE TRIGGER checkpoint_stays BEFORE DELETE OR TRUNCATE ON checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION history_stays();
"""


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection, checkfirst=False)
    cursor = connection.connection.cursor()
    try:  # the driver's own cursor takes several statements and plain % signs
        cursor.execute(SchemaManager.get_schema())
        cursor.execute(_APPEND_ONLY)
    finally:
        cursor.close()

"""An event that is more than two seconds earlier than the one before it in its own chain is refused."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

FORWARD = """
CREATE OR REPLACE FUNCTION event_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM event WHERE instance_id = NEW.instance_id AND seq = NEW.seq - 1
               AND at > NEW.at + interval '2 seconds') THEN
        RAISE EXCEPTION 'clock_back: event % of % is earlier than the one before', NEW.seq, NEW.instance_id
            USING ERRCODE = 'YX001';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER event_goes_forward BEFORE INSERT ON event
    FOR EACH ROW EXECUTE FUNCTION event_goes_forward();
"""


def upgrade() -> None:
    op.execute(FORWARD)

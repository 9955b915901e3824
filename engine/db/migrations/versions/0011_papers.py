"""Papers that left the house can be corrected, made void, or printed with a repaired template, by two people."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE document ADD COLUMN IF NOT EXISTS state text NOT NULL DEFAULT 'issued'")
    op.execute("ALTER TABLE document ALTER COLUMN state DROP DEFAULT")
    op.execute("ALTER TABLE document DROP CONSTRAINT IF EXISTS ck_document_state")
    op.execute(
        "ALTER TABLE document ADD CONSTRAINT ck_document_state "
        "CHECK (state IN ('issued', 'corrected', 'void'))"
    )
    op.execute(
        "ALTER TABLE document ADD COLUMN IF NOT EXISTS corrects uuid "
        "CONSTRAINT fk_document_corrects REFERENCES document (id)"
    )
    op.execute("ALTER TABLE document ADD COLUMN IF NOT EXISTS template text")
    op.execute(
        "CREATE TABLE IF NOT EXISTS correction ("
        "id uuid CONSTRAINT pk_correction PRIMARY KEY, "
        "document_id uuid NOT NULL CONSTRAINT fk_correction_document_id REFERENCES document (id), "
        "kind text NOT NULL, reason text NOT NULL, template text, changes jsonb NOT NULL, "
        "proposer_id uuid NOT NULL CONSTRAINT fk_correction_proposer_id REFERENCES member (id), "
        "created_at timestamptz NOT NULL, "
        "approver_id uuid CONSTRAINT fk_correction_approver_id REFERENCES member (id), "
        "decided_at timestamptz, state text NOT NULL, "
        "CONSTRAINT ck_correction_state CHECK (state IN ('proposed', 'done', 'refused')))"
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_correction_document ON correction (document_id)")

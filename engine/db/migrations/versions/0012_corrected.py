"""A corrected paper finds what stands in its place, and the register of despatch its newest
numbers, without reading all papers.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_document_corrects ON document (corrects) "
        "WHERE corrects IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS ix_document_issued ON document (issued_at, id) "
        "WHERE number <> ''"
    )

"""What takes two people waits in a table; a version of a process has a rank; somebody answers for the installation.

Where all administrators are of one union, they are those who could approve for the whole installation until now, and
go on. Where they are of several, nobody is: `yixing user post NAME installation` says who.
"""

from __future__ import annotations

import uuid

from alembic import op
from sqlalchemy import text

from engine.db import tables

revision = "0009"
down_revision = "0008"

_ADMINISTRATORS = text(
    """
    SELECT DISTINCT p.member_id, m.unit_id, u.union_id
      FROM post p JOIN member m ON m.id = p.member_id JOIN unit u ON u.id = p.unit_id
     WHERE m.active AND p.kind = 'administrator'
       AND p.from_on <= current_date AND (p.to_on IS NULL OR p.to_on >= current_date)
    """
)
_GIVE = text(
    "INSERT INTO post (id, member_id, kind, unit_id, term, from_on) "
    "VALUES (:id, :member, 'installation', :unit, '', current_date)"
)


def upgrade() -> None:
    op.execute("ALTER TABLE definition ADD COLUMN IF NOT EXISTS rank integer DEFAULT 1")
    op.execute("UPDATE definition SET rank = number")
    op.execute("ALTER TABLE definition ALTER COLUMN rank SET NOT NULL")
    op.execute(
        "ALTER TABLE member ADD COLUMN IF NOT EXISTS must_change boolean NOT NULL DEFAULT false"
    )
    tables.proposal.create(op.get_bind(), checkfirst=True)
    _give_the_post()


def _give_the_post() -> None:
    bind = op.get_bind()
    found = bind.execute(_ADMINISTRATORS).all()
    if len({row.union_id for row in found}) != 1:
        return
    for row in {row.member_id: row for row in found}.values():
        bind.execute(_GIVE, {"id": uuid.uuid4(), "member": row.member_id, "unit": row.unit_id})

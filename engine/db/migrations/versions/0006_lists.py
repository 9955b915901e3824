"""Indices by which the lists of a union with many matters take their first page.

The first step makes the tables as they are today where there were none; this one brings a database
of before along.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

_INDICES = {
    "ix_instance_process": "instance (union_id, process_id, id)",
    "ix_instance_state": "instance (union_id, state, id)",
    "ix_instance_started": "instance (union_id, started_at)",
    "ix_member_union_name": "member (union_id, name, id)",
    "ix_member_active_unit": "member (union_id, unit_id) WHERE active",
    "ix_task_open": "task (instance_id) WHERE state = 'open'",
    "ix_poll_running": "poll (instance_id) WHERE state IN ('called', 'open', 'counting')",
}


def upgrade() -> None:
    for name, of in _INDICES.items():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {of}")

"""Alembic's entry: runs the steps on the connection that engine/db/migrate.py hands over; that one
commits.
"""

from __future__ import annotations

from alembic import context

from engine.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=True,
    include_name=lambda name, kind, _parents: (
        kind != "table" or not str(name).startswith("procrastinate_")
    ),
)
with context.begin_transaction():
    context.run_migrations()

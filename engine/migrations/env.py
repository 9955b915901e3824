"""Alembic's entry: runs the steps on the connection that engine/migrate.py hands over; that one commits."""

from __future__ import annotations

from alembic import context

from engine.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()

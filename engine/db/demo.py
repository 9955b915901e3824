"""A database knows that it holds the demo, whose passwords everybody knows: it never serves in earnest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from engine.db import tables

if TYPE_CHECKING:
    from engine.db import Session


def is_demo(session: Session) -> bool:
    """Does this database hold the demo, or a beginning of it?"""
    return session.execute(select(tables.made.c.demo)).scalar() is True


def mark(session: Session) -> None:
    """Say so, before the first of the demo's people is entered."""
    session.execute(insert(tables.made).values(id=1, demo=True))

"""Number series, per union and calendar year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from engine import clock

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session

_NUMBER = text(
    "INSERT INTO counter (union_id, key, year, last) VALUES (:union, :key, :year, 1) "
    "ON CONFLICT (union_id, key, year) DO UPDATE SET last = counter.last + 1 RETURNING last"
)


def next_number(session: Session, union_id: UUID, key: str, template: str) -> str:
    """The next number of a series, per union and calendar year, e.g.

    教代提〔2026〕001; gaps only by rolled-back attempts.
    """
    year = clock.today().year
    last = session.execute(_NUMBER, {"union": union_id, "key": key, "year": year}).scalar_one()
    return template.format(year=year, n=last)

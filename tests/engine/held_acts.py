"""What a held act must leave as it was: every row, but its own, and the chain it is told by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from engine.db import tables

if TYPE_CHECKING:
    from engine.db import Session

LEFT = {"event", "held_act", "draft"}  # what it leaves itself
_ROW = {"instance": "(to_jsonb(t) - 'seq' - 'head')"}
_ALL = " UNION ALL ".join(
    f"SELECT '{name}', md5(string_agg(said, '' ORDER BY said)) FROM (SELECT {_ROW.get(name, 't')}::text AS said FROM {name} t) s"
    for name in sorted([*(t.name for t in tables.metadata.sorted_tables), "procrastinate_jobs"])
    if name not in LEFT
)


def rows(session: Session) -> dict[str, str | None]:
    """A digest of all else by table, with the jobs that were asked for."""
    return {row[0]: row[1] for row in session.execute(text(_ALL))}

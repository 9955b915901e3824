"""Imports of people and units: those that wait for their "yes", and those that were done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.errors import NotFound
from engine.messages import restored
from engine.queries.people import must_see

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

LISTED = 50
_batch = tables.batch.c
_BATCHES = select(tables.batch, tables.member.c.name.label("by")).join(
    tables.member, tables.member.c.id == _batch.member_id
)


@dataclass(frozen=True)
class ImportRow:
    """A row of an import with what was found on it: `level` ok, warning, error; `does` create,
    change, skip or empty.
    """

    number: int
    values: dict[str, str]
    level: str
    messages: tuple[str, ...]
    does: str


@dataclass(frozen=True)
class Import:
    """An import; `state` is previewed or done. Lists leave the rows out, and so does a done one."""

    id: UUID
    kind: str
    file: str
    state: str
    at: datetime
    by: str
    counts: dict[str, int]
    notes: tuple[str, ...] = ()
    rows: tuple[ImportRow, ...] = ()


def imports(
    session: Session, actor: Actor, union_id: UUID, *, state: str | None = "previewed"
) -> tuple[Import, ...]:
    """The last fifty imports of a union, the newest first: those that wait, or with `state` None
    all. Raises NotFound.
    """
    must_see(actor, union_id)
    query = _BATCHES.where(_batch.union_id == union_id).order_by(_batch.id.desc()).limit(LISTED)
    if state is not None:
        query = query.where(_batch.state == state)
    return tuple(_import(row) for row in session.execute(query))


def one_import(session: Session, actor: Actor, batch_id: UUID) -> Import:
    """An import with its rows. Raises NotFound."""
    row = session.execute(_BATCHES.where(_batch.id == batch_id)).first()
    if row is None:
        raise NotFound
    must_see(actor, row.union_id)
    values = {number: found for number, found, _ in row.rows}
    rows = tuple(
        ImportRow(number, values.get(number, {}), level, tuple(map(restored, messages)), does)
        for number, level, messages, does in row.report.get("rows", ())
    )
    return _import(row, rows)


def _import(row: rows.Selected, rows: tuple[ImportRow, ...] = ()) -> Import:
    notes = tuple(map(restored, row.report.get("notes", ())))
    return Import(
        id=row.id,
        kind=row.kind,
        file=row.file,
        state=row.state,
        at=row.at,
        by=row.by,
        counts=row.report["counts"],
        notes=notes,
        rows=rows,
    )

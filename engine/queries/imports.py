"""Imports of people and units: those that wait for their "yes", and those that were done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import select

from engine.db import tables
from engine.db.states import BatchState
from engine.errors import NotFound
from engine.messages import restored
from engine.queries.narrowed import must_see

if TYPE_CHECKING:
    from collections.abc import Iterable
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
    change, skip or empty. `reads`: what was read as something else than is written; `choices`: the
    answers (value, label) to what it asks, given as its value `same_as`.
    """

    number: int
    values: dict[str, str]
    level: str
    messages: tuple[str, ...]
    does: str
    reads: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()


class Found(Protocol):
    """A row as far as its remarks go."""

    @property
    def number(self) -> int: ...
    @property
    def level(self) -> str: ...
    @property
    def messages(self) -> tuple[str, ...]: ...
    @property
    def reads(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Remark:
    """What was found on several rows, said once: `level` as of a row, or "read"; `rows` their
    numbers.
    """

    level: str
    text: str
    rows: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Total:
    """A unit: how many it had in the term before, and has in the file."""

    unit: str
    before: int
    now: int


@dataclass(frozen=True)
class Import:
    """An import; `state` is previewed, done or undone. Lists leave the rows out, and so does one
    that was carried out.
    """

    id: UUID
    kind: str
    file: str
    state: str
    at: datetime
    by: str
    counts: dict[str, int]
    notes: tuple[str, ...] = ()
    rows: tuple[ImportRow, ...] = ()
    remarks: tuple[Remark, ...] = ()
    totals: tuple[Total, ...] = ()
    undoable: bool = False


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
    values = {number: found for number, found, *_ in row.rows}
    rows = tuple(_row(values, kept) for kept in row.report.get("rows", ()))
    return _import(row, rows)


def _row(values: dict[int, dict[str, str]], kept: list[Any]) -> ImportRow:
    """A row of the report; one of an older report ends with what it does."""
    number, level, messages, does, *more = kept
    reads, choices = more or ((), ())
    return ImportRow(
        number=number,
        values=values.get(number, {}),
        level=level,
        messages=tuple(map(restored, messages)),
        does=does,
        reads=tuple(map(restored, reads)),
        choices=tuple((value, restored(label)) for value, label in choices),
    )


def remarks(rows: Iterable[Found]) -> tuple[Remark, ...]:
    """What was found, each thing once with the rows it was found on: errors first, then what
    fewest rows have. What was read as something else is told by column, with the first example.
    """
    found: dict[tuple[str, str], tuple[str, list[int]]] = {}
    for row in rows:
        for text in row.messages:
            found.setdefault((row.level, text), (text, []))[1].append(row.number)
        for text in row.reads:
            values = getattr(text, "values", {})
            key = str(values.get("column", text))
            found.setdefault(("read", key), (text, []))[1].append(row.number)
    made = [Remark(level, text, tuple(at)) for (level, _key), (text, at) in found.items()]
    return tuple(sorted(made, key=lambda each: (_LEVELS.index(each.level), each.count)))


_LEVELS = ("error", "warning", "ok", "read")


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
        remarks=remarks(rows),
        totals=tuple(Total(*total) for total in row.report.get("totals", ())),
        undoable=row.state == BatchState.DONE and "undo" in row.report,
    )

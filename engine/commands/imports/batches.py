"""A batch from its file to its "yes": preview writes the batch only, confirm looks again and writes
all or none.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from engine import clock
from engine.commands.imports import columns, members, terms, units, workbook
from engine.commands.imports.lines import Line
from engine.commands.people import records
from engine.db import tables
from engine.db.states import BatchState
from engine.errors import Conflict, NotFound
from engine.messages import _, stored
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from engine.db import Session, rows
    from engine.people.organisation import Actor

KEPT = timedelta(days=7)  # a batch nobody confirms

_PLANS: dict[str, Callable[[Session, Actor, list[Line]], None]] = {
    "units": units.plan,
    "people": members.plan,
    "posts": terms.plan_posts,
    "delegates": terms.plan_by_category,
}
_WRITES: dict[str, Callable[[Session, list[Line]], list[records.Note]]] = {
    "units": units.write,
    "people": members.write,
    "posts": terms.write,
    "delegates": terms.write,
}


@dataclass(frozen=True)
class RowReport:
    """What was found on a row: `level` is ok, warning or error; `does` is create, change, skip or
    empty.
    """

    number: int
    values: dict[str, str]
    level: str
    messages: tuple[str, ...]
    does: str

    @classmethod
    def of(cls, line: Line) -> RowReport:
        """What a line found."""
        return cls(
            number=line.number,
            values=line.values,
            level=line.level,
            messages=(*line.errors, *line.warnings),
            does="" if line.errors else line.do,
        )


@dataclass(frozen=True)
class Batch:
    """An import waiting for its "yes". `counts`: rows, ok, warning, error, create, change, skip."""

    id: UUID
    kind: str
    file: str
    at: datetime
    rows: tuple[RowReport, ...]
    notes: tuple[str, ...]
    counts: dict[str, int]

    @property
    def clean(self) -> bool:
        """Can it be confirmed?"""
        return self.counts["error"] == 0


@dataclass(frozen=True)
class Report:
    """What a confirmed batch did."""

    batch_id: UUID
    kind: str
    created: int
    changed: int
    skipped: int


def preview(session: Session, actor: Actor, kind: str, filename: str, data: bytes) -> Batch:
    """Read a file, check every row, keep the batch; nothing else is written. Raises Refused,
    NotFound, Invalid.
    """
    union_id = home(actor, "import_people")
    raw, notes = workbook.read(filename, data, columns.of(kind))
    lines = [Line(row.number, row.values, list(row.faults)) for row in raw]
    _PLANS[kind](session, actor, lines)
    notes += columns.notes(kind)
    found = tuple(map(RowReport.of, lines))
    batch = Batch(
        id=tables.new_id(),
        kind=kind,
        file=workbook.visible(filename.replace("\\", "/").rsplit("/", 1)[-1])[-120:],
        at=clock.now(),
        rows=found,
        notes=tuple(notes),
        counts=_counts(found),
    )
    report = {
        "counts": batch.counts,
        "rows": [_kept(row) for row in found],
        "notes": [stored(note) for note in notes],
        "sha256": hashlib.sha256(data).hexdigest(),
        "plan": _digest(lines),
    }
    _forget_old(session, union_id, batch.at)
    session.execute(
        insert(tables.batch).values(
            id=batch.id,
            union_id=union_id,
            member_id=actor.id,
            kind=kind,
            file=batch.file,
            report=report,
            rows=[[row.number, row.values, row.faults] for row in raw],
            state=BatchState.PREVIEWED,
            at=batch.at,
        )
    )
    return batch


def home(actor: Actor, verb: str) -> UUID:
    """The union in which the actor does this: their own, or else one where they hold the post.
    Raises Refused.
    """
    return access.unions(actor, verb)[0]


def _counts(found: Iterable[RowReport]) -> dict[str, int]:
    counts = dict.fromkeys(("rows", "ok", "warning", "error", "create", "change", "skip"), 0)
    for row in found:
        counts["rows"] += 1
        counts[row.level] += 1
        if row.does:
            counts[row.does] += 1
    return counts


def _kept(row: RowReport) -> list[Any]:
    """A row of the report as the batch keeps it; its values lie in the batch already."""
    return [row.number, row.level, [stored(message) for message in row.messages], row.does]


def _forget_old(session: Session, union_id: UUID, now: datetime) -> None:
    batch = tables.batch.c
    session.execute(
        delete(tables.batch).where(
            batch.union_id == union_id,
            batch.state == BatchState.PREVIEWED,
            batch.at < now - KEPT,
        )
    )


def _digest(lines: list[Line]) -> str:
    """What the rows would do, old values included: two equal digests mean that nothing changed in
    between.
    """
    plans = [[line.number, line.errors, line.warnings, line.do, line.plan] for line in lines]
    data = json.dumps(plans, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(data.encode()).hexdigest()


def confirm(session: Session, actor: Actor, batch_id: UUID) -> Report:
    """Write all rows of a batch. Raises NotFound, Refused, Conflict (it has errors, is done, the
    data changed).
    """
    batch = _to_confirm(session, actor, batch_id)
    records.queue(session)
    lines = [Line(number, values, list(faults)) for number, values, faults in batch.rows]
    _PLANS[batch.kind](session, actor, lines)
    if _digest(lines) != batch.report["plan"]:
        raise Conflict(_("预览之后有关数据已经变化，请重新上传预览。"), code="changed")
    notes = _WRITES[batch.kind](session, lines)
    # what was imported need not lie in a second place
    kept = {key: batch.report[key] for key in ("counts", "sha256")}
    details = {"batch": str(batch_id), "import_kind": batch.kind, "file": batch.file, **kept}
    confirmed = records.Note(batch.union_id, "import_confirmed", details)
    records.record(session, actor, [*notes, confirmed])
    done = update(tables.batch).where(tables.batch.c.id == batch_id)
    session.execute(done.values(state=BatchState.DONE, rows=[], report=kept))
    counts = kept["counts"]
    return Report(
        batch_id=batch_id,
        kind=batch.kind,
        created=counts["create"],
        changed=counts["change"],
        skipped=counts["skip"],
    )


def _to_confirm(session: Session, actor: Actor, batch_id: UUID) -> rows.Batch:
    """The row of a batch, locked, that can be confirmed by this actor. Raises as `confirm`."""
    query = select(tables.batch).where(tables.batch.c.id == batch_id).with_for_update()
    batch = cast("rows.Batch | None", session.execute(query).first())
    if batch is None or not access.may(actor, "see_people", batch.union_id):
        raise NotFound
    access.check(actor, "import_people", batch.union_id)
    if batch.state != BatchState.PREVIEWED:
        raise Conflict(_("这一批已经导入。"), code="done")
    if batch.report["counts"]["error"]:
        raise Conflict(_("文件还有错误，请改好后重新上传。"), code="has_errors")
    return batch

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
from engine.commands.imports import columns, members, terms, totals, undoing, units, workbook
from engine.commands.imports.lines import Line
from engine.commands.imports.workbook import RawRow
from engine.commands.people import records
from engine.db import tables
from engine.db.progress import Tell, silent
from engine.db.states import BatchState
from engine.errors import Conflict, Invalid, NotFound
from engine.messages import _, restored, stored
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from engine.commands.imports.totals import Total
    from engine.commands.imports.workbook import Column
    from engine.db import Session, rows
    from engine.messages import Message
    from engine.people.organisation import Actor

KEPT = timedelta(days=7)  # a batch nobody confirms

_PLANS: dict[str, Callable[[Session, Actor, list[Line], Tell], None]] = {
    "units": units.plan,
    "people": members.plan,
    "posts": terms.plan_posts,
    "delegates": terms.plan_by_category,
}
_WRITES: dict[str, Callable[[Session, Actor, list[Line]], list[records.Note]]] = {
    "units": units.write,
    "people": members.write,
    "posts": terms.write,
    "delegates": terms.write,
}


@dataclass(frozen=True)
class RowReport:
    """What was found on a row: `level` is ok, warning or error; `does` is create, change, skip or
    empty. `reads`: what was read as something else than is written. `choices`: the answers
    (value, label) to the question among the messages, to be given as the value `same_as`.
    """

    number: int
    values: dict[str, str]
    level: str
    messages: tuple[str, ...]
    does: str
    reads: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, line: Line) -> RowReport:
        """What a line found."""
        return cls(
            number=line.number,
            values=line.values,
            level=line.level,
            messages=(*line.errors, *line.warnings),
            does="" if line.errors else line.do,
            reads=tuple(line.reads),
            choices=tuple(line.choices),
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
    totals: tuple[Total, ...] = ()

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
    left: UUID | None = None  # the batch of the rows that were not taken
    waiting: int = 0  # of the created: posts that wait for a second person


def preview(
    session: Session,
    actor: Actor,
    kind: str,
    filename: str,
    data: bytes,
    *,
    tell: Tell = silent,
) -> Batch:
    """Read a file, check every row, keep the batch; nothing else is written. Raises Refused,
    NotFound, Invalid.
    """
    union_id = home(actor, "import_people")
    raw, notes = workbook.read(filename, data, columns.of(kind))
    notes += columns.notes(kind)
    file = workbook.visible(filename.replace("\\", "/").rsplit("/", 1)[-1])[-120:]
    source = _Source(union_id, kind, file, hashlib.sha256(data).hexdigest(), notes)
    _forget_old(session, union_id, clock.now())
    return _keep(session, actor, source, raw, tell)


@dataclass(frozen=True)
class _Source:
    """Whence the rows of a batch come."""

    union_id: UUID
    kind: str
    file: str
    sha256: str
    notes: list[Message]


def _keep(
    session: Session, actor: Actor, source: _Source, raw: list[RawRow], tell: Tell = silent
) -> Batch:
    """A new batch of these rows, looked at."""
    batch, report = _looked_at(session, actor, tables.new_id(), source, raw, tell=tell)
    session.execute(
        insert(tables.batch).values(
            id=batch.id,
            union_id=source.union_id,
            member_id=actor.id,
            kind=source.kind,
            file=source.file,
            report=report,
            rows=[_stored(row) for row in raw],
            state=BatchState.PREVIEWED,
            at=batch.at,
        )
    )
    return batch


def _looked_at(
    session: Session,
    actor: Actor,
    key: UUID,
    source: _Source,
    raw: list[RawRow],
    *,
    tell: Tell = silent,
) -> tuple[Batch, dict[str, Any]]:
    """What is found on these rows now, and the same as the batch keeps it."""
    lines = [_line(row) for row in raw]
    _PLANS[source.kind](session, actor, lines, tell)
    found = tuple(map(RowReport.of, lines))
    batch = Batch(
        id=key,
        kind=source.kind,
        file=source.file,
        at=clock.now(),
        rows=found,
        notes=tuple(source.notes),
        counts=_counts(found),
        totals=totals.of(session, source.union_id, lines)
        if source.kind == columns.BY_CATEGORY
        else (),
    )
    report = {
        "counts": batch.counts,
        "rows": [_kept(row) for row in found],
        "notes": [stored(note) for note in source.notes],
        "totals": [list(total) for total in batch.totals],
        "sha256": source.sha256,
        "plan": _digest(lines),
    }
    return batch, report


def _line(row: RawRow) -> Line:
    return Line(row.number, dict(row.values), list(row.faults), reads=list(row.reads))


def _stored(row: RawRow) -> list[Any]:
    """A row as the batch keeps it; one of an older batch has no `reads`."""
    faults, reads = ([stored(text) for text in texts] for texts in (row.faults, row.reads))
    return [row.number, row.values, faults, reads]


def _raw(kept: list[Any]) -> RawRow:
    number, values, faults, *reads = kept
    texts = [[restored(text) for text in each] for each in (faults, *reads)]
    return RawRow(number, values, *texts)


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
    messages, reads = ([stored(text) for text in texts] for texts in (row.messages, row.reads))
    choices = [[value, stored(label)] for value, label in row.choices]
    return [row.number, row.level, messages, row.does, reads, choices]


def _forget_old(session: Session, union_id: UUID, now: datetime) -> None:
    batch = tables.batch.c
    old = batch.union_id == union_id, batch.at < now - KEPT
    waits, done = batch.state == BatchState.PREVIEWED, batch.state == BatchState.DONE
    session.execute(delete(tables.batch).where(*old, waits))
    forgotten = update(tables.batch).where(*old, done, batch.report.has_key("undo"))
    session.execute(forgotten.values(report=batch.report.op("-")("undo")))


def _digest(lines: list[Line]) -> str:
    """What the rows would do, old values included: two equal digests mean that nothing changed in
    between.
    """
    plans = [[line.number, line.errors, line.warnings, line.do, line.plan] for line in lines]
    data = json.dumps(plans, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(data.encode()).hexdigest()


def correct(
    session: Session, actor: Actor, batch_id: UUID, number: int, values: Mapping[str, str]
) -> Batch:
    """Write a row of a batch anew, or answer what it asks (`same_as`), and look at all rows again.

    Raises NotFound, Refused, Conflict when the batch is done, Invalid for an unknown column.
    """
    batch = _waiting(session, actor, batch_id)
    raw = [_raw(kept) for kept in batch.rows]
    row = next((row for row in raw if row.number == number), None)
    if row is None:
        raise NotFound
    _rewrite(row, columns.of(batch.kind), values)
    notes = [restored(note) for note in batch.report["notes"]]
    source = _Source(batch.union_id, batch.kind, batch.file, batch.report["sha256"], notes)
    found, report = _looked_at(session, actor, batch_id, source, raw)
    changed = update(tables.batch).where(tables.batch.c.id == batch_id)
    session.execute(changed.values(rows=[_stored(row) for row in raw], report=report))
    return found


def _rewrite(row: RawRow, known: tuple[Column, ...], values: Mapping[str, str]) -> None:
    """Put these values into a row; what was wrong with it or read anew is asked again."""
    by_key = {column.key: column for column in known}
    if unknown := set(values) - by_key.keys() - {"same_as"}:
        raise Invalid({key: [_("没有这一列。")] for key in unknown})
    texts = {**row.values, **values}
    row.values, row.faults, row.reads = {}, [], []
    for key, text in texts.items():
        if key == "same_as":
            row.values[key] = text.strip()[:64]
        else:
            row.take(by_key[key], text)


def ready(session: Session, actor: Actor, batch_id: UUID, *, good_only: bool = False) -> int:
    """The number of rows of a batch that can be confirmed. Raises as `confirm`."""
    return int(_ready(session, actor, batch_id, good_only).report["counts"]["rows"])


def _ready(session: Session, actor: Actor, batch_id: UUID, good_only: bool) -> rows.Batch:
    batch = _waiting(session, actor, batch_id)
    if batch.report["counts"]["error"] and not good_only:
        raise Conflict(_("文件还有错误，请改好后重新上传。"), code="has_errors")
    return batch


def confirm(
    session: Session,
    actor: Actor,
    batch_id: UUID,
    *,
    good_only: bool = False,
    tell: Tell = silent,
) -> Report:
    """Write all rows of a batch; with `good_only` those without errors, the others stay as a batch
    of their own.

    Raises NotFound, Refused, Conflict (it has errors, is done, the data changed).
    """
    batch = _ready(session, actor, batch_id, good_only)
    records.queue(session)
    raw = [_raw(kept) for kept in batch.rows]
    lines = [_line(row) for row in raw]
    _PLANS[batch.kind](session, actor, lines, tell)
    if _digest(lines) != batch.report["plan"]:
        raise Conflict(_("预览之后有关数据已经变化，请重新上传预览。"), code="changed")
    good = [line for line in lines if not line.errors]
    if not good:
        raise Conflict(_("没有无误的行可以导入。"), code="has_errors")
    notes = _WRITES[batch.kind](session, actor, good)
    counts = _counts(map(RowReport.of, good))
    kept = {"counts": counts, "sha256": batch.report["sha256"]}
    details = {"batch": str(batch_id), "import_kind": batch.kind, "file": batch.file, **kept}
    confirmed = records.Note(batch.union_id, "import_confirmed", details)
    records.record(session, actor, [*notes, confirmed])
    # what was imported need not lie in a second place, but for a week what undoes it
    done = update(tables.batch).where(tables.batch.c.id == batch_id)
    undo = {"undo": undoing.kept(batch.kind, notes, good)}
    session.execute(done.values(state=BatchState.DONE, rows=[], report=kept | undo, at=clock.now()))
    left = _left(
        session, actor, batch, [row for row, line in zip(raw, lines, strict=True) if line.errors]
    )
    return Report(
        batch_id=batch_id,
        kind=batch.kind,
        created=counts["create"],
        changed=counts["change"],
        skipped=counts["skip"],
        left=left,
        waiting=sum(note.kind == "post_proposed" for note in notes),
    )


def _left(session: Session, actor: Actor, batch: rows.Batch, raw: list[RawRow]) -> UUID | None:
    """The rows that were not taken, as a batch of their own, looked at after the others were
    written.
    """
    if not raw:
        return None
    notes = [restored(note) for note in batch.report["notes"]]
    source = _Source(batch.union_id, batch.kind, batch.file, batch.report["sha256"], notes)
    return _keep(session, actor, source, raw).id


def _waiting(session: Session, actor: Actor, batch_id: UUID) -> rows.Batch:
    """The row of a batch, locked, that waits for this actor's "yes". Raises as `confirm`."""
    query = select(tables.batch).where(tables.batch.c.id == batch_id).with_for_update()
    batch = cast("rows.Batch | None", session.execute(query).first())
    if batch is None or not access.may(actor, "see_people", batch.union_id):
        raise NotFound
    access.check(actor, "import_people", batch.union_id)
    if batch.state != BatchState.PREVIEWED:
        raise Conflict(_("这一批已经导入。"), code="done")
    return batch

"""A batch from its file to its "yes": preview writes the batch only, confirm looks again and writes all or none."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from engine import clock
from engine.commands.imports import columns, members, terms, units, workbook
from engine.commands.imports.lines import Line
from engine.commands.people import records
from engine.db import tables
from engine.errors import Conflict, NotFound
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from engine.db import Session
    from engine.people.organisation import Actor

KEPT = timedelta(days=7)  # a batch nobody confirms

_PLANS: dict[str, Callable[[Session, Actor, list[Line]], None]] = {
    "units": units.plan,
    "people": members.plan,
    "posts": terms.plan_posts,
    "delegates": terms.plan_delegates,
}
_WRITES: dict[str, Callable[[Session, list[Line]], list[records.Note]]] = {
    "units": units.write,
    "people": members.write,
    "posts": terms.write,
    "delegates": terms.write,
}


@dataclass(frozen=True)
class RowReport:
    """What was found on a row: `level` is ok, warning or error; `does` is create, change, skip or empty."""

    number: int
    values: dict[str, str]
    level: str
    messages: tuple[str, ...]
    does: str


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
    """Read a file, check every row, keep the batch; nothing else is written. Raises Refused, NotFound, Invalid."""
    union_id = home(actor, "import_people")
    raw, notes = workbook.read(filename, data, columns.of(kind))
    lines = [Line(row.number, row.values, list(row.faults)) for row in raw]
    _PLANS[kind](session, actor, lines)
    if kind == "delegates":
        notes = [*notes, terms.SHARE_UNKNOWN]
    batch_id, now = tables.new_id(), clock.now()
    report = {
        **_report(lines),
        "notes": notes,
        "sha256": hashlib.sha256(data).hexdigest(),
        "plan": _digest(lines),
    }
    file = workbook.visible(filename.replace("\\", "/").rsplit("/", 1)[-1])[-120:]
    batch = tables.batch.c
    session.execute(
        delete(tables.batch).where(
            batch.union_id == union_id, batch.state == "previewed", batch.at < now - KEPT
        )
    )
    session.execute(
        insert(tables.batch).values(
            id=batch_id,
            union_id=union_id,
            member_id=actor.id,
            kind=kind,
            file=file,
            report=report,
            rows=[[row.number, row.values, row.faults] for row in raw],
            state="previewed",
            at=now,
        )
    )
    rows = tuple(
        RowReport(n, line.values, *_found(line))
        for n, line in ((line.number, line) for line in lines)
    )
    return Batch(batch_id, kind, file, now, rows, tuple(notes), report["counts"])


def home(actor: Actor, verb: str) -> UUID:
    """The union in which the actor does this: their own, or else one where they hold the post. Raises Refused."""
    return access.unions(actor, verb)[0]


def _found(line: Line) -> tuple[str, tuple[str, ...], str]:
    return line.level, (*line.errors, *line.warnings), "" if line.errors else line.do


def _report(lines: list[Line]) -> dict[str, Any]:
    counts = Counter(
        {"rows": len(lines), "ok": 0, "warning": 0, "error": 0, "create": 0, "change": 0, "skip": 0}
    )
    for line in lines:
        level, _, does = _found(line)
        counts[level] += 1
        if does:
            counts[does] += 1
    return {"counts": dict(counts), "rows": [[line.number, *_found(line)] for line in lines]}


def _digest(lines: list[Line]) -> str:
    """What the rows would do, old values included: two equal digests mean that nothing changed in between."""
    plans = [[line.number, line.errors, line.warnings, line.do, line.plan] for line in lines]
    return hashlib.sha256(
        json.dumps(plans, sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()


def confirm(session: Session, actor: Actor, batch_id: UUID) -> Report:
    """Write all rows of a batch. Raises NotFound, Refused, Conflict (it has errors, is done, the data changed)."""
    batch = tables.batch.c
    row = session.execute(
        select(tables.batch).where(batch.id == batch_id).with_for_update()
    ).first()
    if row is None or not access.may(actor, "see_people", row.union_id):
        raise NotFound
    access.check(actor, "import_people", row.union_id)
    if row.state != "previewed":
        raise Conflict("这一批已经导入。", code="done")
    if row.report["counts"]["error"]:
        raise Conflict("文件还有错误，请改好后重新上传。", code="has_errors")
    records.queue(session)
    lines = [Line(number, values, list(faults)) for number, values, faults in row.rows]
    _PLANS[row.kind](session, actor, lines)
    if _digest(lines) != row.report["plan"]:
        raise Conflict("预览之后有关数据已经变化，请重新上传预览。", code="changed")
    notes = _WRITES[row.kind](session, lines)
    counts = row.report["counts"]
    told = {
        "import_kind": row.kind,
        "file": row.file,
        "sha256": row.report["sha256"],
        "counts": counts,
    }
    records.record(
        session,
        actor,
        [*notes, (row.union_id, "import_confirmed", {"batch": str(batch_id), **told})],
    )
    kept = {
        k: row.report[k] for k in ("counts", "sha256")
    }  # what was imported need not lie in a second place
    session.execute(
        update(tables.batch).where(batch.id == batch_id).values(state="done", rows=[], report=kept)
    )
    return Report(batch_id, row.kind, counts["create"], counts["change"], counts["skip"])

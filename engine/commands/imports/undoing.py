"""Takes an import back while nobody has acted on it: what it wrote is deleted or gets its old
values again, and the history says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from engine.commands.people import granting, members, records, units
from engine.db import tables
from engine.db.states import BatchState, ProposalState
from engine.errors import Conflict, NotFound
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Table

    from engine.commands.imports.lines import Line
    from engine.db import Session, rows
    from engine.people.organisation import Actor

_MADE = {
    "unit_created": "unit",
    "member_created": "member",
    "post_granted": "post",
    "post_proposed": "proposal",
}
_ORDER = ("post", "member", "unit")  # as they are deleted


def kept(kind: str, notes: Iterable[records.Note], lines: Iterable[Line]) -> dict[str, Any]:
    """What undoes an import: the ids of what it made, and the old values of what it changed."""
    found: dict[str, Any] = {name: [] for name in (*_ORDER, "proposal")}
    for note in notes:
        if name := _MADE.get(note.kind):
            found[name].append(str(note.details[name]))
    changes = [
        [line.plan["id"], line.plan["old"], line.plan["new"]]
        for line in lines
        if line.do == "change"
    ]
    return {**found, "kind": kind, "changes": changes}


def undo(session: Session, actor: Actor, batch_id: UUID) -> None:
    """Take a batch back. Raises NotFound, Refused, Conflict when it was not carried out, cannot be
    taken back any more, or somebody has acted on it.
    """
    query = select(tables.batch).where(tables.batch.c.id == batch_id).with_for_update()
    batch = cast("rows.Batch | None", session.execute(query).first())
    if batch is None or not access.may(actor, "see_people", batch.union_id):
        raise NotFound
    access.check(actor, "import_people", batch.union_id)
    if batch.state != BatchState.DONE or "undo" not in batch.report:
        raise Conflict(
            _("这次导入不能撤销：没有办过，已经撤销，或已超过七天。"), code="not_undoable"
        )
    records.queue(session)
    wrote = batch.report["undo"]
    if used := next(_used(session, batch, wrote), ""):
        why = _("导入以后已有人据此办事，或者登记又有变动，不能撤销。")
        raise Conflict(why, code="acted_on", by=used)
    notes = [*_put_back(session, wrote), *_taken_back(session, actor, wrote)]
    for name in _ORDER:
        table = tables.metadata.tables[name]
        session.execute(delete(table).where(table.c.id.in_(_ids(wrote, name))))
    gone = {name: wrote[name] for name in _ORDER}
    details = {"batch": str(batch_id), "import_kind": batch.kind, "file": batch.file, **gone}
    undone = records.Note(batch.union_id, "import_undone", details)
    records.record(session, actor, [*notes, undone])
    report = {key: batch.report[key] for key in ("counts", "sha256")}
    done = update(tables.batch).where(tables.batch.c.id == batch_id)
    session.execute(done.values(state=BatchState.UNDONE, report=report))


def _proposed(session: Session, wrote: dict[str, Any]) -> list[rows.Proposal]:
    """The posts that the import proposed; one from before proposed none."""
    proposal = tables.proposal
    keys = [UUID(key) for key in wrote.get("proposal", ())]
    query = select(proposal).where(proposal.c.id.in_(keys)).order_by(proposal.c.id)
    return list(cast("Any", session.execute(query.with_for_update()).all()))


def _taken_back(session: Session, actor: Actor, wrote: dict[str, Any]) -> Iterator[records.Note]:
    for row in _proposed(session, wrote):
        if row.state == ProposalState.PROPOSED:
            yield granting.withdraw(session, actor, row)


def _ids(wrote: dict[str, Any], name: str) -> list[UUID]:
    return [UUID(key) for key in wrote[name]]


def _used(session: Session, batch: rows.Batch, wrote: dict[str, Any]) -> Iterator[str]:
    """The names of what stands on the import: rows that refer to what it made, posts that changed
    since, deeds of those who got one, other values than it gave.
    """
    if any(row.state == ProposalState.DONE for row in _proposed(session, wrote)):
        yield "proposal"
    for name in ("member", "unit"):
        yield from _referring(session, tables.metadata.tables[name], wrote)
    yield from _acted(session, batch, wrote)
    for key, _old, new in wrote["changes"]:
        if _changed_since(session, "unit" if wrote["kind"] == "units" else "member", key, new):
            yield "change"


def _referring(session: Session, to: Table, wrote: dict[str, Any]) -> Iterator[str]:
    """The tables with a row that refers to one of those made, the import's own rows aside."""
    made = _ids(wrote, to.name)
    for table in tables.metadata.sorted_tables if made else ():
        for column in table.columns:
            if not any(key.column.table is to for key in column.foreign_keys):
                continue
            query = select(column).where(column.in_(made))
            if table.name in _ORDER:
                query = query.where(table.c.id.not_in(_ids(wrote, table.name)))
            if session.execute(query.limit(1)).first() is not None:
                yield table.name


def _acted(session: Session, batch: rows.Batch, wrote: dict[str, Any]) -> Iterator[str]:
    """Has a post changed, or has anybody who was given one done anything or been put on a roll
    since?
    """
    post, event = tables.post.c, tables.event.c
    given = session.execute(select(tables.post).where(post.id.in_(_ids(wrote, "post")))).all()
    if len(given) != len(wrote["post"]) or any(row.ended_why for row in given):
        yield "post"
    holders = {row.member_id for row in given} - {batch.member_id}
    deeds = select(event.kind).where(event.actor_id.in_(holders), event.at > batch.at)
    if holders and (deed := session.execute(deeds.limit(1)).scalar()):
        yield deed
    roll, poll = tables.roll.c, tables.poll.c
    asked = select(roll.poll_id).join(tables.poll, poll.id == roll.poll_id)
    asked = asked.where(roll.member_id.in_(holders), poll.opened_at > batch.at)
    if holders and session.execute(asked.limit(1)).first() is not None:
        yield "roll"
    attendance, meeting = tables.attendance.c, tables.meeting.c
    due = select(attendance.meeting_id).join(tables.meeting, meeting.id == attendance.meeting_id)
    due = due.where(attendance.member_id.in_(holders), meeting.called_at > batch.at)
    if holders and session.execute(due.limit(1)).first() is not None:
        yield "attendance"


def _changed_since(session: Session, name: str, key: str, new: dict[str, Any]) -> bool:
    table = tables.metadata.tables[name]
    fields = [field for field in new if field in table.columns]
    now = session.execute(
        select(*(table.c[field] for field in fields)).where(table.c.id == UUID(key))
    ).first()
    return now is None or [str(value or "") for value in now] != [str(new[f]) for f in fields]


def _put_back(session: Session, wrote: dict[str, Any]) -> Iterator[records.Note]:
    """Give what was changed its old values again; gives the events."""
    for key, old, _new in wrote["changes"]:
        if wrote["kind"] == "units":
            yield _unit_back(session, UUID(key), old)
        else:
            yield from _member_back(session, UUID(key), old)


def _member_back(session: Session, key: UUID, old: dict[str, Any]) -> list[records.Note]:
    member = tables.member.c
    row = cast("rows.Member", session.execute(select(tables.member).where(member.id == key)).one())
    values = {k: UUID(v) if k in ("unit_id", "union_id") else v for k, v in old.items()}
    session.execute(update(tables.member).where(member.id == key).values(values))
    return members.change_notes(row, values)


def _unit_back(session: Session, key: UUID, old: dict[str, Any]) -> records.Note:
    unit = tables.unit.c
    row = cast("rows.Unit", session.execute(select(tables.unit).where(unit.id == key)).one())
    values: dict[str, Any] = {k: v for k, v in old.items() if k not in ("parent", "guiding")}
    for name, column in (("parent", "parent_id"), ("guiding", "guiding_id")):
        if name in old:
            code = select(tables.unit).where(or_(unit.code == old[name]))
            there = cast("rows.Unit | None", session.execute(code).first())
            values[column] = there.id if there else None
            if name == "parent" and there and row.id == row.union_id:
                values["managing_id"] = there.union_id
    session.execute(update(tables.unit).where(unit.id == key).values(values))
    return records.Note(row.union_id, "unit_changed", units.changed(row, values))

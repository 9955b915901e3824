"""One act over several tasks of a kind, where the process allows it: each is done by itself, in its
own transaction and with its own event, which holds the number of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import and_, func, or_, select

from engine.commands import late, tasks
from engine.db import tables
from engine.errors import Conflict, EngineError, Invalid, NotFound, Unavailable
from engine.instance import rooms, together
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from engine.commands.tasks import InHand
    from engine.db import Session, rows
    from engine.people.organisation import Actor

T = TypeVar("T")
_task, _instance, _event = tables.task.c, tables.instance.c, tables.event.c
_opened, _draft = tables.opened.c, tables.draft.c
MOST = together.MOST  # tasks by one act


class CarryOut(Protocol):
    """How whoever calls runs a command: in a transaction of its own, refusals put on record."""

    def __call__(self, work: Callable[[Session], T], /) -> T: ...


@dataclass(frozen=True)
class Chosen:
    """A task of a batch: its revision as it was read, and answers of its own beside those for
    all.
    """

    id: UUID
    revision: int | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """One act: `id` is made by whoever acts and names it for ever; the same one again does only
    what is left.
    """

    id: UUID
    chosen: tuple[Chosen, ...]
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class Failed:
    """A task that stays as it was, and why."""

    id: UUID
    code: str
    message: str


@dataclass(frozen=True)
class Report:
    """What came of a batch; what was done before by the same one counts as done."""

    done: tuple[UUID, ...]
    failed: tuple[Failed, ...]


def run(carry_out: CarryOut, actor: Actor, batch: Batch) -> Report:
    """Do one after another; what fails is told and hinders nothing else. The caller has had the
    batch checked.

    Raises Unavailable when the database goes away; what was done until then is done.
    """
    tried = [(chosen.id, _tried(carry_out, actor, batch, chosen)) for chosen in batch.chosen]
    done = tuple(key for key, fault in tried if fault is None)
    return Report(done, tuple(fault for _key, fault in tried if fault))


def _tried(carry_out: CarryOut, actor: Actor, batch: Batch, chosen: Chosen) -> Failed | None:
    """One task in its own transaction; why it failed, if it did."""
    try:
        carry_out(lambda session: one(session, actor, batch, chosen))
    except Unavailable:
        raise
    except EngineError as fault:
        return Failed(chosen.id, fault.code, fault.message)
    return None


def check(session: Session, actor: Actor, batch: Batch) -> None:
    """May this batch begin? Raises Invalid for no task, too many, or tasks of several kinds;
    NotFound when none of them is this person's; Conflict `spot_check` while one of those drawn was
    not opened by this person, unless the batch began before.
    """
    keys = [chosen.id for chosen in batch.chosen]
    if not keys or len(keys) > together.MOST or len(set(keys)) != len(keys):
        wrong = _("一次应选 1 至 {most} 件，每件一次。", most=together.MOST)
        raise Invalid({"tasks": [wrong]})
    seen = and_(_opened.task_id == _task.id, _opened.member_id == actor.id)
    mine = or_(
        _task.assignee_id == actor.id,
        _task.seat.in_(sorted(actor.seats)),
        _task.closed_by == actor.id,
    )
    query = (
        select(_task.id, _task.element, _instance.process_id, _instance.number, _opened.at)
        .join(tables.instance, _instance.id == _task.instance_id)
        .outerjoin(tables.opened, seen)
        .where(_task.id.in_(keys), mine)
    )
    found = {row.id: row for row in session.execute(query)}
    if not found:
        raise NotFound
    if len({(row.process_id, row.element) for row in found.values()}) > 1:
        raise Invalid({"tasks": [_("只能一并办理同一环节的事项。")]})
    if _goes_on(session, actor, batch, next(iter(found.values()))):
        return
    drawn = [found[key] for key in together.spot(actor.id, keys) if key in found]
    unread = [row.number for row in drawn if row.at is None]
    if unread:
        wrong = _("请先打开抽查的 {numbers}，再一并办理。", numbers=Listed(unread))
        raise Conflict(wrong, code="spot_check")


def _goes_on(session: Session, actor: Actor, batch: Batch, kind: rows.Selected) -> bool:
    """Was this batch begun before, with these tasks among its own?"""
    key = together.key_of(f"{kind.process_id}.{kind.element}")
    kept = select(_draft.answers).where(_draft.member_id == actor.id, _draft.key == key)
    try_ = session.execute(kept).scalar() or {}
    same = try_.get("batch") == str(batch.id)
    return same and together.begun(try_, [chosen.id for chosen in batch.chosen])


def one(session: Session, actor: Actor, batch: Batch, chosen: Chosen) -> UUID:
    """Do one task of a batch; gives its instance. Nothing happens when this batch did it before.

    Raises what completing a task by itself raises; Conflict `not_together` where the process does
    not allow it.
    """
    try:
        held = tasks.open_task(session, actor, chosen.id, chosen.revision)
    except Conflict as fault:
        before = _done_before(session, actor, batch.id, chosen.id) if fault.code == "done" else None
        if before is None:
            raise
        return before
    if not held.rule.batch or held.work.row["confidential"]:
        raise Conflict(_("此项须单独办理。"), code="not_together")
    return late.submit(replace(held, batch=batch.id), _answers(held, batch, chosen))


def _answers(held: InHand, batch: Batch, chosen: Chosen) -> dict[str, Any]:
    """What the task is answered with: its own answers, those for all, what earlier steps said.

    An empty answer says nothing.
    """
    said = together.prefilled(held.rule, rooms.open_facts(held.work))
    for answers in (batch.answers, chosen.answers):
        said.update({key: value for key, value in answers.items() if value not in ("", [], None)})
    return said


def _done_before(session: Session, actor: Actor, batch_id: UUID, task_id: UUID) -> UUID | None:
    """The instance of a task that this batch finished; None when it was not this batch."""
    told = and_(
        _event.instance_id == _task.instance_id,
        _event.kind == "task_completed",
        func.strpos(_event.body, func.concat('"task":"', _task.element, '"')) > 0,
        func.strpos(_event.body, f'"batch":"{batch_id}"') > 0,
    )
    query = select(_task.instance_id).join(tables.event, told)
    found: UUID | None = session.execute(
        query.where(_task.id == task_id, _task.closed_by == actor.id)
    ).scalar()
    return found

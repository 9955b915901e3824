"""One act over several tasks of a kind, where the process allows it: each is done by itself, in its
own transaction and with its own event, which holds the number of the batch. It may be held, and
taken back, as an act over one task may.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import and_, func, or_, select

from engine import clock, db
from engine.commands import holding, late, tasks
from engine.db import tables
from engine.errors import Conflict, EngineError, Invalid, NotFound, Unavailable
from engine.instance import rooms, together
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from engine.commands.tasks import InHand
    from engine.db import Session, rows
    from engine.people.organisation import Actor

T = TypeVar("T")
_task, _instance, _event = tables.task.c, tables.instance.c, tables.event.c
_opened, _draft = tables.opened.c, tables.draft.c
MOST = together.MOST  # tasks by one act
_RECENTLY = timedelta(days=1)  # so long one learns why something of a batch cannot be taken back


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
    what is left. `hold`: seconds in which it may be taken back, see holding.submit.
    """

    id: UUID
    chosen: tuple[Chosen, ...]
    answers: Mapping[str, Any]
    hold: int = 0


@dataclass(frozen=True)
class Failed:
    """A task that stays as it was, and why; where acts are taken back, with its matter's number."""

    id: UUID
    code: str
    message: str
    number: str = ""


@dataclass(frozen=True)
class Report:
    """What came of a batch; what was done before by the same one counts as done. `held`: those of
    `done` that may be taken back, and until when.
    """

    done: tuple[UUID, ...]
    failed: tuple[Failed, ...]
    held: Mapping[UUID, datetime]

    @property
    def held_until(self) -> datetime | None:
        """Until when the last of them may be; None when all is done."""
        return max(self.held.values(), default=None)


@dataclass(frozen=True)
class Foreseen:
    """What a batch would do if it were carried out now: the tasks that it would finish, the papers
    that it would issue by their titles, and what it would leave as it is, and why.
    """

    ready: tuple[UUID, ...]
    papers: Mapping[str, int]
    failed: tuple[Failed, ...]


@dataclass(frozen=True)
class TakenBack:
    """Which tasks of a batch are open again, and which are not, and why."""

    tasks: tuple[UUID, ...]
    failed: tuple[Failed, ...]


def run(carry_out: CarryOut, actor: Actor, batch: Batch) -> Report:
    """Do one after another; what fails is told and hinders nothing else. The caller has had the
    batch checked.

    Raises Unavailable when the database goes away; what was done until then is done.
    """
    tried = {chosen.id: _tried(carry_out, actor, batch, chosen) for chosen in batch.chosen}
    done = {key: came for key, came in tried.items() if not isinstance(came, Failed)}
    failed = tuple(came for came in tried.values() if isinstance(came, Failed))
    return Report(tuple(done), failed, {key: until for key, until in done.items() if until})


def _tried(
    carry_out: CarryOut, actor: Actor, batch: Batch, chosen: Chosen
) -> Failed | datetime | None:
    """One task in its own transaction: what `one` gives, or why it failed."""
    try:
        return carry_out(lambda session: one(session, actor, batch, chosen))
    except Unavailable:
        raise
    except EngineError as fault:
        return Failed(chosen.id, fault.code, fault.message)


def foresee(carry_out: CarryOut, actor: Actor, batch: Batch) -> Foreseen:
    """Try one after another, each in a transaction of its own in which nothing stays. Raises
    Unavailable when the database goes away.
    """
    ready, papers, failed = [], Counter[str](), []
    for chosen in batch.chosen:
        try:
            papers.update(carry_out(partial(_on_trial, actor=actor, batch=batch, chosen=chosen)))
            ready.append(chosen.id)
        except Unavailable:
            raise
        except EngineError as fault:
            failed.append(Failed(chosen.id, fault.code, fault.message))
    return Foreseen(tuple(ready), papers, tuple(failed))


def _on_trial(session: Session, *, actor: Actor, batch: Batch, chosen: Chosen) -> list[str]:
    """Finish a task and take that back; gives the titles of the papers that it would issue."""
    with db.savepoint(session, trial=True):
        held = _taken(session, actor, batch, chosen)
        of = tables.document.c.instance_id == held.task.instance_id
        before = select(tables.document.c.id).where(of)
        had = session.execute(before).scalars().all()
        late.submit(held, _answers(held, batch, chosen))
        new = select(tables.document.c.title).where(of, tables.document.c.id.not_in(had))
        titles = list(session.execute(new).scalars())
    return titles


def _taken(session: Session, actor: Actor, batch: Batch, chosen: Chosen) -> InHand:
    """The task as one of this batch. Raises Conflict `not_together` where the process does not
    allow it.
    """
    held = tasks.open_task(session, actor, chosen.id, chosen.revision)
    if not held.rule.batch or held.work.row["confidential"] or held.lender:
        raise Conflict(_("此项须单独办理。"), code="not_together")
    return replace(held, batch=batch.id)


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


def one(session: Session, actor: Actor, batch: Batch, chosen: Chosen) -> datetime | None:
    """Do one task of a batch; gives until when that may be taken back, None when it is done.
    Nothing happens when this batch did it before, or holds it.

    Raises what completing a task by itself raises; Conflict `not_together` where the process does
    not allow it.
    """
    try:
        with db.savepoint(session):  # the same request again does not end the time of the first
            held = _taken(session, actor, batch, chosen)
    except Conflict as fault:
        until = holding.of_batch(session, actor, batch.id).get(chosen.id)
        if until or (fault.code == "done" and _done_before(session, actor, batch.id, chosen.id)):
            return until
        raise
    return holding.submit(held, _answers(held, batch, chosen), seconds=batch.hold)


def _answers(held: InHand, batch: Batch, chosen: Chosen) -> dict[str, Any]:
    """What the task is answered with: its own answers, those for all, what earlier steps said.

    An empty answer says nothing.
    """
    said = together.prefilled(held.rule, rooms.open_facts(held.work))
    for answers in (batch.answers, chosen.answers):
        said.update({key: value for key, value in answers.items() if value not in ("", [], None)})
    return said


def _done_before(session: Session, actor: Actor, batch_id: UUID, task_id: UUID) -> bool:
    """Did this batch finish the task?"""
    mine = _task.id == task_id, _task.closed_by == actor.id
    query = select(_task.id).join(tables.event, _told(batch_id)).where(*mine)
    return session.execute(query).first() is not None


def _told(batch_id: UUID) -> ColumnElement[bool]:
    """The event by which a batch finished a task."""
    return and_(
        _event.instance_id == _task.instance_id,
        _event.kind == "task_completed",
        func.strpos(_event.body, func.concat('"task":"', _task.element, '"')) > 0,
        func.strpos(_event.body, f'"batch":"{batch_id}"') > 0,
    )


# --- taking it back -------------------------------------------------------------------------------
def take_back(carry_out: CarryOut, actor: Actor, batch_id: UUID) -> TakenBack:
    """Take back what of a batch still waits, each task by itself; what was carried out within the
    last day is told as failed (`too_late`).

    Raises NotFound when there is neither; Unavailable when the database goes away.
    """
    back, failed = [], {}
    for key in carry_out(lambda session: holding.of_batch(session, actor, batch_id)):
        try:
            carry_out(partial(holding.withdraw, actor=actor, task_id=key))
            back.append(key)
        except (Conflict, NotFound) as fault:
            failed[key] = fault
    told = carry_out(lambda session: _not_back(session, actor, batch_id, failed))
    if not back and not told:
        raise NotFound
    return TakenBack(tuple(back), told)


def _not_back(
    session: Session, actor: Actor, batch_id: UUID, failed: Mapping[UUID, EngineError]
) -> tuple[Failed, ...]:
    """Those that could not be taken back, and those that this batch had finished by then."""
    since = clock.now() - _RECENTLY
    finished = (
        select(_task.id)
        .join(tables.event, _told(batch_id))
        .where(_task.closed_by == actor.id, _task.closed_at > since)
    )
    query = (
        select(_task.id, _instance.number)
        .join(tables.instance, _instance.id == _task.instance_id)
        .where(or_(_task.id.in_(failed), _task.id.in_(finished)))
        .order_by(_instance.number)
    )
    late = holding.too_late()
    found = [(row, failed.get(row.id, late)) for row in session.execute(query)]
    return tuple(Failed(row.id, why.code, why.message, row.number) for row, why in found)

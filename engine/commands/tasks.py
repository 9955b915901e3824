"""Claim, release and complete user tasks."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import bindparam, delete, func, null, select, update

from engine import clock, machine
from engine.commands import advance, answered, dates, meetings, provisos, unit_of_work
from engine.db import canonical, rows, tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.verbs import DEPUTISE
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import asks, context, deputies, lanes, rights, verbs
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy import Update

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.definitions.process import TaskRule
    from engine.people.organisation import Actor, Lent

_task, _draft = tables.task, tables.draft
_earlier, _before = tables.task.alias(), tables.instance.alias()
_DONE_BY = (
    select(func.array_agg(_earlier.c.element))
    .where(_earlier.c.instance_id == tables.instance.c.id, _earlier.c.closed_by == bindparam("who"))
    .scalar_subquery()
)
_SEEN = (
    select(_before.c.revision).where(_before.c.id == tables.instance.c.id).scalar_subquery()
)  # as it was when the statement began, before it waited for the lock
_READ = (
    select(*_task.c, _DONE_BY, asks.awaited(_task.c.id), _SEEN, *context.COLUMNS)
    .select_from(tables.instance)
    .join(_task, _task.c.instance_id == tables.instance.c.id)
    .where(_task.c.id == bindparam("key"))
    .with_for_update(of=tables.instance)
)
_WIDTH = len(rows.Task._fields)
_AS_READ = (
    _task.c.id == bindparam("key"),
    _task.c.state == TaskState.OPEN,
    _task.c.revision == bindparam("read"),
)
_CHANGE = update(_task).where(*_AS_READ).values(revision=_task.c.revision + 1)
_HOLD = _CHANGE.values(assignee_id=bindparam("holder"), handed_by=bindparam("giver"))
_OWN_DRAFT = _draft.c.member_id == bindparam("who"), _draft.c.key == bindparam("draft")
_FINISH = _CHANGE.values(
    state=TaskState.DONE,
    due=null(),
    answers=bindparam("given"),
    salt=bindparam("with_salt"),
    closed_by=bindparam("who"),
    closed_at=bindparam("now"),
).add_cte(delete(_draft).where(*_OWN_DRAFT).cte("drafts_dropped"))


@dataclass(frozen=True)
class InHand:
    """An open task that the actor has before them, in a unit of work on its locked instance.

    `done`: the elements that the actor has finished before; `batch`: the act over several tasks of
    which this is one; `awaits`: an opinion that was asked for on it; `saw`: how the matter stood on
    the page they acted on, see instance/stand.py; `lender`: in whose place they act.
    """

    work: UnitOfWork
    task: rows.Task
    rule: TaskRule
    done: frozenset[str] = frozenset()
    batch: UUID | None = None
    saw: Mapping[str, Any] | None = None
    awaits: bool = False
    lender: Lent | None = None

    @property
    def waits(self) -> bool:
        """Is it still to be done, in an instance that runs?"""
        running = self.work.row["state"] == InstanceState.RUNNING
        return running and self.task.state == TaskState.OPEN

    def check_bars(self, verb: str, answers: Mapping[str, Any] | None = None) -> None:
        """Separation of duties and recusal, over the answers too. Raises Refused."""
        about = (self.work, verb, self.rule.id, self.task)
        more: dict[str, Any] = {"place": self.lender.by if self.lender else None}
        more |= {"done": self.done, "awaits": self.awaits}
        rights.check_bars(Case(*about, answers=answers, **more))


def open_task(session: Session, actor: Actor, task_id: UUID, revision: int | None) -> InHand:
    """Lock the instance, read the task, refuse whoever may not act on it.

    Raises NotFound, Refused, Conflict.
    """
    task, (done, awaits, seen), row = _locked(session, actor, task_id)
    if unit_of_work.settled(session, row) or seen != row["revision"]:
        # while it waited for the lock, another command was faster
        task, (done, awaits, seen), row = _locked(session, actor, task_id)
    work = unit_of_work.resume(session, actor, row)
    rule = work.process.tasks[task.element]
    held = InHand(work, task, rule, frozenset(done or ()), awaits=awaits)
    if held.rule.poll:
        raise NotFound(_("这是一项表决，请在表决页上作答。"))
    if not rights.may(Case(work, "complete", task.element, task=task)):
        raise NotFound(instance_id=str(work.row["id"]), verb="complete", element=task.element)
    stale = revision not in (None, task.revision) or lanes.taken_by_another(work, task)
    if stale or not held.waits:
        raise _acted_first(work, task_id)
    lender = deputies.lender(work, task)
    return held if lender is None else _lent(held, lender)


def _lent(held: InHand, lender: Lent) -> InHand:
    """The same in the place of somebody who is away: what they have done stands against it, too.
    Raises Refused where no deputy may do it.
    """
    verbs.check(held.work, held.rule, DEPUTISE)
    theirs = verbs.done_by(held.work, [lender.by]).get(lender.by, frozenset())
    return replace(held, lender=lender, done=held.done | theirs)


def _locked(
    session: Session, actor: Actor, task_id: UUID
) -> tuple[rows.Task, tuple[list[str] | None, bool, int], rows.Instance]:
    """The task; what the actor has done before, whether it awaits an opinion, the revision that was
    read; and the locked instance.
    """
    read = session.execute(_READ, {"key": task_id, "who": actor.id}).first()
    values = tuple(access.must_see(read))
    done, awaits, seen = values[_WIDTH : _WIDTH + 3]
    row = context.row_of(values[_WIDTH + 3 :])
    return rows.Task._make(values[:_WIDTH]), (done, awaits, seen), row


def _change(held: InHand, statement: Update, **values: Any) -> None:
    """Change a task that is still as it was read. Raises Conflict when a rival was faster."""
    task = held.task
    read = {"key": task.id, "read": task.revision}
    if held.work.session.execute(statement, read | values).rowcount != 1:
        raise _acted_first(held.work, task.id)


def _acted_first(work: UnitOfWork, task_id: UUID) -> Conflict:
    """Say who acted, and when, by the task as it is now."""
    task = task_row(work.session, task_id)
    if task.state == TaskState.CANCELLED:
        return Conflict(_("此项已随流程变化取消，无需办理。"), code="cancelled")
    if task.state == TaskState.DONE:
        return _done(work, task)
    if work.row["state"] == InstanceState.SUSPENDED:
        return Conflict(_("此件已暂停，恢复后才能办理。"), code="suspended")
    who = task.assignee_id
    if who and who != (work.actor.id if work.actor else None):
        name = _name(work, who)
        return Conflict(_("{name}已认领此项，正在办理。", name=name), code="claimed", who=name)
    return Conflict(_("此项刚有变动，请刷新后再办。"), code="stale")


def _done(work: UnitOfWork, task: rows.Task) -> Conflict:
    who = task.closed_by or task.assignee_id
    name, moment = _name(work, who) if who else "", task.closed_at or clock.now()
    at = f"{moment.astimezone(clock.CHINA):%m-%d %H:%M}"
    return Conflict(_("{name}已于 {at} 办理了此项。", name=name, at=at), code="done", who=name)


def _name(work: UnitOfWork, member_id: UUID) -> str:
    return organisation.names(work.session, [member_id]).get(member_id, "")


def task_row(session: Session, task_id: UUID) -> rows.Task:
    """A task as it is now."""
    return cast("rows.Task", session.execute(select(_task).where(_task.c.id == task_id)).one())


def complete(
    session: Session,
    actor: Actor,
    task_id: UUID,
    answers: Mapping[str, Any],
    revision: int | None = None,
) -> UUID:
    """Finish a task with answers to its form; gives the instance's id.

    Raises NotFound (not yours), Conflict (someone acted first), Refused (recused, separated),
    Invalid (answers by field).
    """
    return submit(open_task(session, actor, task_id, revision), answers)


def submit(held: InHand, answers: Mapping[str, Any]) -> UUID:
    """The same of a task that was opened to learn what it asks. Raises Conflict, Refused,
    Invalid.
    """
    with held.work.answering():
        finish(held, checked(held, answers))
    return held.task.instance_id


def checked(held: InHand, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as they are kept, when neither form, bars nor gates stand against them. Raises
    Refused, Invalid.
    """
    work, rule = held.work, held.rule
    with work.answering():
        clean = answered.accepted(work, rule, rule.form, answers, held.task.due_at)
        _must_differ(held, clean)
        provisos.check(work, rule, clean)
        if rule.link and work.actor:
            entered_by = str(work.actor.id)
            clean = {"by_way": "inbox", **clean, "entered_by": entered_by}
        held.check_bars("complete", clean)
        answered.pass_gates(work, rule, clean, held.task.due_at)
    return clean


def _must_differ(held: InHand, answers: Mapping[str, Any]) -> None:
    """A round again says something new where its form demands it. Raises Invalid."""
    former, form = held.work.facts.get(held.rule.id), held.rule.form
    if form is None or not isinstance(former, dict):
        return
    if key := form.repeats(former, answers):
        raise Invalid({key: [_("与上一次完全相同；请写明这一次有什么不同。")]})


def finish(held: InHand, clean: dict[str, Any]) -> None:
    """Record the answers, move the machine and save. The caller has checked everything."""
    work, task, rule = held.work, held.task, held.rule
    salt, actor = os.urandom(16), work.actor
    meeting = {"meeting": meetings.close(work, task)} if rule.meeting else {}
    said = {"given": clean, "with_salt": salt, "who": actor.id if actor else None}
    _change(held, _FINISH, now=work.entered, draft=f"task:{task.id}", **said)
    work.say(rule.id, {**clean, **meeting})
    stand_for(held)
    provisos.note(work, task, rule, clean)
    digest = canonical.salted(clean, salt)
    body = work.log.add("task_completed", actor, task=rule.id, answers=digest)
    body.update(_noted(held, clean), **dates.noted(work, rule, clean, task.due_at))
    advance.advance(work, work.drive(_onward(work, task, body)), body, task.ref)


def _onward(work: UnitOfWork, task: rows.Task, body: dict[str, Any]) -> machine.Run:
    """Where a finished task leads: as its flow says; or straight back to where it was sent from, if
    one can still stand there.
    """
    spec, position, back = work.process.spec, work.position, task.sent_from
    if not task.straight or back not in machine.places(spec, position, task.ref):
        return machine.complete(spec, position, task.ref)
    assert back is not None
    body["straight"] = back
    return machine.again(spec, position, back, done=task.ref)


def _noted(held: InHand, clean: Mapping[str, Any]) -> dict[str, Any]:
    """What the history says in plain words of a finished task: its outcome, the batch, by which way
    and for which seat it came.
    """
    rule, seat = held.rule, held.task.seat
    noted: dict[str, Any] = {}
    if held.work.given:
        noted["given"] = held.work.given.isoformat()
    if rule.outcomes and not rule.room:  # what is said in a room stands there as a digest only
        noted["outcome"] = clean.get(rule.outcomes)
    if held.batch:
        noted["batch"] = str(held.batch)
    if held.saw:
        noted["saw"] = dict(held.saw)
    noted |= in_place(held)
    if rule.link:
        noted["by_way"] = clean.get("by_way")
    if "outside" in clean:
        noted["outside"] = clean["outside"]
    elif seat:
        noted["seat"] = lanes.short_seat(held.work, seat)
    return noted


def stand_for(held: InHand) -> None:
    """Keep in whose place a task is done; its deputy finds the matter from then on."""
    if held.lender is None or held.work.actor is None:
        return
    work, actor = held.work, held.work.actor
    told = {"task": held.rule.id, "by": str(actor.id), "for": str(held.lender.by)}
    work.facts[deputies.DEPUTIES] = {**deputies.recorded(work), str(held.task.id): told}
    work.show(actor.id)


def in_place(held: InHand) -> dict[str, Any]:
    """What an event says of it: on whose behalf, as {"id", "name"}."""
    lender = held.lender
    if lender is None:
        return {}
    return {"on_behalf_of": {"id": str(lender.by), "name": lender.name}}


def assign(held: InHand, holder: UUID | None, giver: UUID | None = None) -> None:
    """Somebody has the task from now on, or everybody on its seat; `giver` handed it to them. The
    caller tells it by an event, and saves.
    """
    _change(held, _HOLD, holder=holder, giver=giver)


def claim(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Take a task of one of my seats for myself, so that nobody else starts on it."""
    held = open_task(session, actor, task_id, None)
    held.check_bars("claim")
    if held.task.assignee_id != actor.id:
        assign(held, actor.id)
        held.work.log.add("task_claimed", actor, task=held.rule.id, id=str(task_id))
        unit_of_work.save(held.work)
    return held.task.instance_id


def release(session: Session, actor: Actor, task_id: UUID) -> UUID:
    """Give a claimed task back to its seat. A person's own task cannot be given back."""
    held = open_task(session, actor, task_id, None)
    if held.task.seat is None or held.task.assignee_id != actor.id:
        raise Conflict(_("此项不是您认领的，不能放回。"), code="not_claimed")
    assign(held, None)
    held.work.log.add("task_released", actor, task=held.rule.id, id=str(task_id))
    unit_of_work.save(held.work)
    return held.task.instance_id

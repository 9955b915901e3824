"""When people change: a leaver's open work goes to somebody else, who holds a post is replaced or
moves to another unit, a term of office ends for all, one person entered twice becomes one again.

Every step is one of those that stand in the history anyway, one record each.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import or_, select, update

from engine import clock
from engine.commands import people, reasons, unit_of_work
from engine.commands.people import records, terms, words
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance import rights
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access, organisation, posts, spelling

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.definitions.process import TaskRule
    from engine.people.organisation import Actor

_task, _instance = tables.task.c, tables.instance.c


# --- open work ------------------------------------------------------------------------------------
def hand_over(session: Session, actor: Actor, old_id: UUID, new_id: UUID, reason: str) -> int:
    """Give somebody's open tasks to another member, each with a record; gives how many.

    What is claimed by a post goes back to it, unless the other one holds it too. Left alone is what
    belongs to a person and not to an office: the owner's own tasks, what is said in a room, votes;
    and what the actor does not see.

    Raises NotFound, Refused, Invalid, Conflict when nothing is to be handed over.
    """
    plain = reasons.plain(reason)
    if old_id == new_id:
        raise Invalid({"to": [_("移交给本人没有意义。")]})
    member = records.member_of(session, actor, old_id)
    access.check(actor, "reassign", member.union_id)
    successor = organisation.actor(session, new_id)
    records.member_of(session, actor, new_id)
    done = sum(
        _hand_over(session, actor, task_id, successor, plain)
        for task_id in _open_tasks(session, actor, old_id)
    )
    if not done:
        raise Conflict(_("没有可以移交的未办事项。"), code="nothing_open")
    return done


def _open_tasks(session: Session, actor: Actor, member_id: UUID) -> list[UUID]:
    """The tasks that somebody has before them, in matters that the actor may see, oldest first."""
    query = (
        select(_task.id)
        .join(tables.instance, _instance.id == _task.instance_id)
        .where(_task.assignee_id == member_id, _task.state == TaskState.OPEN)
        .where(_instance.state == InstanceState.RUNNING, access.visible(actor))
        .order_by(_task.instance_id, _task.id)
    )
    return list(session.execute(query).scalars())


def _hand_over(
    session: Session, actor: Actor, task_id: UUID, successor: Actor, reason: str
) -> bool:
    """One of them. False: it is no office's work, or has been done meanwhile."""
    found = select(_task.instance_id).where(_task.id == task_id)
    instance_id = session.execute(found).scalar_one()
    work = unit_of_work.lock(session, actor, instance_id, InstanceState.RUNNING)
    task = cast("rows.Task", session.execute(select(tables.task).where(_task.id == task_id)).one())
    rule = work.process.tasks[task.element]
    if task.state != TaskState.OPEN or not (task.seat or _is_office(work, rule)):
        return False
    rights.check(Case(work, "reassign", task.element))
    back = task.seat is not None and task.seat not in successor.seats
    holder = None if back else successor.id
    changed = update(tables.task).where(_task.id == task_id)
    session.execute(changed.values(assignee_id=holder, handed_by=None, revision=_task.revision + 1))
    if holder:
        work.shares.add(holder)
    told: dict[str, Any] = {"old": str(task.assignee_id), "new": str(holder) if holder else None}
    told |= {"name": successor.name if holder else None, "reason": reason, "id": str(task_id)}
    work.log.add("task_reassigned", actor, task=task.element, **told)
    unit_of_work.save(work)
    return True


def _is_office(work: UnitOfWork, rule: TaskRule) -> bool:
    """Is a task that a person was named for one that another may do in their place? Not what the
    owner of the matter does, nor what is said in a room.
    """
    lane = work.process.lanes[rule.lane]
    return not rule.room and lane.person != f"launch.{work.process.owner_key}"


# --- posts in mid-term ----------------------------------------------------------------------------
def replace(
    session: Session, actor: Actor, post_id: UUID, member_id: UUID, on: date, why: str
) -> UUID:
    """Somebody takes a post over from the day `on`, for the rest of its term (替补); gives the new
    post. Raises as ending and granting do.
    """
    return _succeed(session, actor, _post(session, post_id), on, why, member_id=member_id)


def move(session: Session, actor: Actor, post_id: UUID, unit_id: UUID, on: date, why: str) -> UUID:
    """A post is held in another unit from the day `on`; gives the new post."""
    return _succeed(session, actor, _post(session, post_id), on, why, unit_id=unit_id)


def _post(session: Session, post_id: UUID) -> rows.Post:
    query = select(tables.post).where(tables.post.c.id == post_id)
    return cast("rows.Post", access.must_see(session.execute(query).first()))


def _succeed(
    session: Session, actor: Actor, post: rows.Post, on: date, why: str, **changed: UUID
) -> UUID:
    """The post ends the day before, another of the same kind and term follows."""
    people.end_post(session, actor, post.id, on - timedelta(days=1), why)
    member_id = changed.get("member_id", post.member_id)
    unit_id = changed.get("unit_id", post.unit_id)
    return people.grant_post(
        session, actor, member_id, post.kind, unit_id, from_on=on, to_on=post.to_on, term=post.term
    )


def end_term(session: Session, actor: Actor, union_id: UUID, term: str, last: date) -> int:
    """End all posts by category of a term that last beyond its last day, so that the next one can
    begin; gives how many. Raises Refused, Invalid, NotFound for a term nobody holds.
    """
    access.check_own(actor, "manage_people", union_id)
    wanted, post, unit = spelling.term(term), tables.post.c, tables.unit.c
    query = (
        select(post.id, post.term)
        .join(tables.unit, unit.id == post.unit_id)
        .where(unit.union_id == union_id, post.kind.in_(terms.by_category()))
        .where(post.from_on <= last, or_(post.to_on.is_(None), post.to_on > last))
        .order_by(post.id)
    )
    found = [key for key, its in session.execute(query) if spelling.term(its) == wanted]
    if not wanted or not found:
        raise NotFound(_("没有人的“{term}”任期在这一天以后。", term=term[:40]))
    for key in found:
        people.end_post(session, actor, key, last, "换届")
    return len(found)


# --- one person entered twice ---------------------------------------------------------------------
def join(session: Session, actor: Actor, twin_id: UUID, kept_id: UUID, why: str) -> None:
    """One person was entered twice: the posts and the open work of the twin go to the account that
    is kept, the twin is put out of use. What the twin did before stays under its own number.

    Raises NotFound, Refused, Invalid (not of one name or union), Conflict.
    """
    if twin_id == kept_id:
        raise Invalid({"into": [_("不能与本人合并。")]})
    records.queue(session)
    twin, kept = (records.member_of(session, actor, key) for key in (twin_id, kept_id))
    for member in (twin, kept):
        records.allow(actor, "manage_people", member.union_id)
    if spelling.words(twin.name) != spelling.words(kept.name) or twin.union_id != kept.union_id:
        raise Invalid(
            {"into": [_("姓名相同、同属一个{tenant}的两个账号才能合并。", tenant=posts.tenant())]}
        )
    if not (twin.active and kept.active):
        raise Conflict(_("停用的账号不能合并。"), code="inactive")
    plain = words.line("why", why, 200, 2)
    for post in _posts_left(session, twin_id):
        _pass_on(session, actor, post, kept_id, plain)
    with suppress(Conflict, Refused):  # nothing open, or it is the secretary's to hand over
        hand_over(session, actor, twin_id, kept_id, plain)
    people.change_member(session, actor, twin_id, active=False)
    told = {"member": str(twin_id), "name": twin.name, "into": str(kept_id), "why": plain}
    note = records.Note(twin.union_id, "member_joined", {**told, "username": kept.username})
    records.record(session, actor, [note])


def _posts_left(session: Session, member_id: UUID) -> list[rows.Post]:
    post = tables.post.c
    lasts = or_(post.to_on.is_(None), post.to_on > clock.today())
    query = select(tables.post).where(post.member_id == member_id, lasts).order_by(post.id)
    return list(cast("Any", session.execute(query).all()))


def _pass_on(session: Session, actor: Actor, post: rows.Post, kept_id: UUID, why: str) -> None:
    """A post ends today, and from tomorrow the kept account holds it, unless it does already."""
    last = max(clock.today(), post.from_on)
    people.end_post(session, actor, post.id, last, why)
    first, place = last + timedelta(days=1), (post.kind, post.unit_id)
    with suppress(Invalid, Conflict):  # held already or waiting, or a rival of it is
        people.grant_post(
            session, actor, kept_id, *place, from_on=first, to_on=post.to_on, term=post.term
        )

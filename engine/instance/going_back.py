"""Going back in a matter: to which earlier steps a task may be sent back, and whether one may take
back what one has done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine import clock, machine
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.verbs import RECALL, lasting
from engine.instance import verbs
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from engine.db import rows
    from engine.instance.context import Context
    from engine.messages import Message

_task, _event, _member = tables.task.c, tables.event.c, tables.member.c


@dataclass(frozen=True)
class Target:
    """An earlier step: who did it last, when, as which task; `straight`: once it is done anew it
    may lead straight back.
    """

    element: str
    task_id: UUID
    done_by: UUID | None
    done_at: datetime
    straight: bool


def targets(context: Context, task: rows.Task) -> tuple[Target, ...]:
    """The steps done before to which a task may be sent back, the last one first. Not into branches
    that have been joined or end beside it, nor behind what is not done a second time.
    """
    spec, position = context.process.spec, context.row["machine"]
    if position is None:
        return ()
    places = machine.places(spec, position, task.ref)
    done = list(_done(context))
    polled = [each.closed_at for each in done if _asks_many(context, each.element)]
    found: dict[str, Target] = {}
    free = _free(context)
    for row in done:
        gone = row.element in found or row.element == task.element or row.element not in places
        if gone or row.element not in free or _asks_many(context, row.element):
            continue
        beside = machine.beside(spec, row.element, task.element)
        straight = beside and not any(at > row.closed_at for at in polled)
        found[row.element] = Target(
            row.element, row.id, row.closed_by, done_at=row.closed_at, straight=straight
        )
    return tuple(found.values())


def _done(context: Context) -> Iterable[Any]:
    """The finished tasks of the matter, the last one first."""
    columns = _task.element, _task.id, _task.closed_by, _task.closed_at
    mine = _task.instance_id == context.row["id"], _task.state == TaskState.DONE, _task.ref != 0
    query = select(*columns).where(*mine).order_by(_task.closed_at.desc(), _task.id.desc())
    return context.session.execute(query).all()


def _asks_many(context: Context, element: str) -> bool:
    """Is it a poll or a meeting? What many have said is not undone by one."""
    rule = context.process.tasks[element]
    return rule.poll is not None or rule.meeting is not None


def _free(context: Context) -> set[str]:
    """The steps whose last doing, and all that followed, passed nothing that lasts. By the order of
    events: the day of a fact may lie before its entry.
    """
    moved = _event.instance_id == context.row["id"], _event.body.contains('"passed":')
    query = select(_event.body).where(*moved).order_by(_event.seq.desc())
    lasts, found = lasting(context.process), set[str]()
    for (told,) in context.session.execute(query):
        body: dict[str, Any] = json.loads(told)
        if lasts.intersection(body.get("passed", ())):
            break
        if body["kind"] == "task_completed":
            found.add(str(body["task"]))
    return found


# --- taking back what one has done ----------------------------------------------------------------
# what may have happened since, and changes nothing that could not be gone back behind
_IDLE = frozenset(
    {
        "attempt_refused",
        "comment_made",
        "comment_withdrawn",
        "copied",
        "copy_read",
        "copy_withdrawn",
        "evidence_exported",
        "history_read",
        "matter_read",
        "matter_reminded",
        "urging_raised",
    }
)
_PASSABLE = frozenset(  # nothing is left there
    {"endEvent", "exclusiveGateway", "parallelGateway", "startEvent", "subProcess", "userTask"}
)


def against(context: Context, task: rows.Task) -> Message | None:
    """Why what the actor has done cannot be taken back; None: it can. Nobody else has opened what
    came next, and nothing was issued, numbered or decided by it.
    """
    rule = context.process.tasks[task.element]
    if why := verbs.against(context.process, rule, RECALL):
        return why
    told = list(_since(context, task))
    running = context.row["state"] == InstanceState.RUNNING
    if not told or not running or _done_later(context, task):
        return _("此件已不在办理中，不能拿回。")
    body: dict[str, Any] = json.loads(told[0].body)
    if body["task"] != task.element:  # it has been opened again since
        return _("此后已有办理，不能拿回。")
    following = {each["task"] for each in body.get("opened", ())}
    return _acted(context, told[1:], following) or _left(context, task, body)


def _done_later(context: Context, task: rows.Task) -> bool:
    """Was the step done once more since?"""
    again = _task.element == task.element, _task.closed_at > task.closed_at
    here = _task.instance_id == task.instance_id, _task.state == TaskState.DONE
    return context.session.execute(select(_task.id).where(*here, *again)).first() is not None


def _since(context: Context, task: rows.Task) -> Iterator[Any]:
    """The last event of a completion that speaks of the step, and those after it; nothing when it
    is not the completion of this task.
    """
    mine = _event.instance_id == context.row["id"]
    done = select(_event.seq).where(mine, _event.kind == "task_completed")
    last = done.where(_event.body.contains(f'"task":"{task.element}"', autoescape=True))
    begins = last.order_by(_event.seq.desc()).limit(1).scalar_subquery()
    columns = _event.kind, _event.actor_id, _event.at, _event.body, _member.name
    query = select(*columns).outerjoin(tables.member, _member.id == _event.actor_id)
    found = context.session.execute(query.where(mine, _event.seq >= begins).order_by(_event.seq))
    rows = list(found)
    if rows and rows[0].actor_id == task.closed_by and task.state == TaskState.DONE:
        later = any(row.kind == "task_taken_back" for row in rows)
        yield from () if later else rows


def _acted(context: Context, later: Iterable[Any], following: Collection[str]) -> Message | None:
    """Who has opened one of the steps that followed, or what else has happened."""
    me = context.actor.id if context.actor else None
    for event in later:
        opened = event.kind == "task_opened"
        other = opened and json.loads(event.body)["task"] not in following
        if event.kind in _IDLE or other or (opened and event.actor_id == me):
            continue
        if opened:
            at = f"{event.at.astimezone(clock.CHINA):%m-%d %H:%M}"
            return _("{name}已于 {at} 打开下一环节，不能拿回。", name=event.name, at=at)
        return _("此后已有办理，不能拿回。")
    return None


def _left(context: Context, task: rows.Task, told: Mapping[str, Any]) -> Message | None:
    """What the completion itself has set off that cannot be called back."""
    process, position = context.process, context.row["machine"]
    passed = set(told.get("passed", ()))
    types = {
        process.diagram.elements[key].type for key in passed if key in process.diagram.elements
    }
    shown = any(rule.after in passed for rule in process.publications.values())
    asked = any(_asks_many(context, each["task"]) for each in told.get("opened", ()))
    if types - _PASSABLE or shown or passed & process.disclosed_by:
        return _("办结时已作出判定、编号、发文或公示，不能拿回。")
    if asked:
        return _("办结时已开始表决或会议，不能拿回。")
    if position is None or not machine.may_again(process.spec, position, task.element):
        return _("并行的各支已经汇合，或者子流程已经走完，不能拿回。")
    return None

"""What stands against the verbs beside a task's decision, and on whom they may fall: who may take a
task in somebody's place, who may be named in a comment.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select

from engine import clock
from engine.db import tables
from engine.definitions.verbs import (
    ASKING,
    COMMENT,
    COPY,
    DELEGATE,
    DEPUTISE,
    HAND_OVER,
    JOIN,
    OF_POLLS,
    RECALL,
    SEND_BACK,
)
from engine.errors import Refused
from engine.instance import rights, rooms
from engine.instance.context import Context
from engine.instance.rights import Case
from engine.instance.union_law import rulebook
from engine.messages import _
from engine.people import organisation, posts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.db import rows
    from engine.definitions import Process
    from engine.definitions.process import TaskRule
    from engine.messages import Message
    from engine.people.organisation import Actor

_task, _member, _share = tables.task.c, tables.member.c, tables.share.c
TITLES: Mapping[str, Message] = {
    COMMENT: _("评论"),
    HAND_OVER: _("转办"),
    SEND_BACK: _("退回"),
    RECALL: _("拿回"),
    DELEGATE: _("委派"),
    JOIN: _("加签"),
    DEPUTISE: _("代理"),
    COPY: _("抄送"),
}
LAW = "LAW"


def against(process: Process, rule: TaskRule, verb: str) -> Message | None:
    """Why a verb is not for this task, in a sentence; None: it is."""
    named = {"title": rule.title, "verb": TITLES[verb]}
    if verb not in rule.verbs:
        if rule.poll and verb not in OF_POLLS:
            return _("“{title}”是表决或征求同意，由本人作出，不能{verb}。", **named)
        if rule.meeting and verb != COPY:
            return _("“{title}”是会议，会已召集，不能{verb}。", **named)
        return _("本流程不允许对“{title}”{verb}。", **named)
    if verb in (COMMENT, COPY):  # neither moves anything
        return None
    if verb in (HAND_OVER, DEPUTISE) and process.lanes[rule.lane].person:
        return _("“{title}”由指定的人本人办理，不能{verb}。", **named)
    if verb == DEPUTISE and rule.room:
        return _("“{title}”里说的话不是人人可看，不能{verb}。", **named)
    if verb in ASKING and rule.link:
        return _("“{title}”由外单位答复，不能{verb}。", **named)
    if verb == JOIN:
        return None
    if guarded := statutory(process, rule.id):
        law = rulebook().get(guarded)[0].cited
        return _("“{title}”以{law}为前提，由本人办理，不能{verb}。", law=law, **named)
    return None


def check(context: Context, rule: TaskRule, verb: str) -> None:
    """Raise Refused, with the reason, unless the verb is for this task."""
    why = against(context.process, rule, verb)
    if why is not None:
        where = {"instance_id": str(context.row["id"]), "element": rule.id}
        raise Refused(why, code="verb", verb=verb, **where)


def lendable(process: Process) -> list[str]:
    """The tasks that a deputy may do."""
    rules = process.tasks.values()
    return sorted(rule.id for rule in rules if against(process, rule, DEPUTISE) is None)


def statutory(process: Process, element: str) -> str:
    """The first rule of law on which something that finishing the task passes is conditional: the
    task, or what follows it before another person acts. "": none.
    """
    near, book = {element, *process.following(element)}, rulebook()
    bases = (guard.basis for guard in process.guards if guard.at & near)
    of_law = (key for key in bases if key in book.ids and book.get(key)[0].level == LAW)
    return next(of_law, "")


# --- who may take a task --------------------------------------------------------------------------
def takers(context: Context, task: rows.Task) -> list[Actor]:
    """Who else sits on the seat of a task and may do it, nothing standing against them, in the
    order of taking office. None of a task that is one person's own.
    """
    if not task.seat:
        return []
    kind, _at, unit = task.seat.partition("@")
    ids = organisation.holders(context.session, kind, [UUID(unit)], clock.today())
    others = [each for each in ids if context.actor is None or each != context.actor.id]
    done = done_by(context, others)
    return [
        person
        for person in people(context, others)
        if _is_free(context, task, person, done.get(person.id, frozenset()))
    ]


def stand_in(context: Context, task: rows.Task) -> Actor | None:
    """Who does a task in the place of somebody who steps aside where nobody else on its seat may:
    the first of the office, in the order of taking office, against whom nothing stands.
    """
    ids = [each for each in _office(context) if context.actor and each != context.actor.id]
    done = done_by(context, ids)
    case = {each.id: done.get(each.id, frozenset()) for each in people(context, ids)}
    for person in people(context, ids):
        about = Case(
            seen_by(context, person), "claim", task.element, task=task, done=case[person.id]
        )
        if not any(bar.holds(person, about) for bar in rights.STANDING_IN):
            return person
    return None


def _is_free(context: Context, task: rows.Task, person: Actor, done: frozenset[str]) -> bool:
    """Does nothing stand against this person, as when they claim it?"""
    case = Case(seen_by(context, person), "claim", task.element, task=task, done=done)
    return not any(bar.holds(person, case) for bar in rights.BARS["claim"])


def done_by(context: Context, members: Iterable[UUID]) -> dict[UUID, frozenset[str]]:
    """What each of these has finished in the matter."""
    by = (_task.instance_id == context.row["id"], _task.closed_by.in_(list(members)))
    query = select(_task.closed_by, func.array_agg(_task.element)).where(*by)
    found = context.session.execute(query.group_by(_task.closed_by))
    return {who: frozenset(elements) for who, elements in found}


def people(context: Context, ids: Iterable[UUID]) -> list[Actor]:
    """These members with their posts, those who are active, in the order given."""
    wanted = list(ids)
    query = organisation.with_posts().where(_member.id.in_(wanted)).order_by(_member.id)
    found = groupby(context.session.execute(query), key=lambda row: row.id)
    known = {key: organisation.actor_of(list(rows)) for key, rows in found}
    return [known[key] for key in wanted if key in known]


def seen_by(context: Context, person: Actor) -> Context:
    """The same matter as another person has it before them."""
    return Context(context.session, person, context.row, context.process)


# --- who may be named -----------------------------------------------------------------------------
def nameable(context: Context, element: str, more: Iterable[UUID] = ()) -> list[Actor]:
    """Who may be named in a comment that stands in the room of a task ("" in none): those to whom
    the matter was ever put, and its office unless it is confidential; of them, and of `more`, all
    who may read what is said there, but the actor.
    """
    starter = context.row["starter_id"]
    known = dict.fromkeys((starter, *_put_to(context), *_office(context), *more))
    mine = context.actor.id if context.actor else None
    return [
        person
        for person in people(context, (key for key in known if key != mine))
        if rooms.may_read(seen_by(context, person), element)
    ]


def _put_to(context: Context) -> Iterator[UUID]:
    """The members to whom it was put by themselves, then those on the seats that had a task."""
    session, key = context.session, context.row["id"]
    own = select(_member.id).join(tables.share, _share.key == _member.id)
    yield from session.execute(own.where(_share.instance_id == key).order_by(_member.id)).scalars()
    seats = select(_task.seat).where(_task.instance_id == key, _task.seat.is_not(None))
    for seat in sorted(filter(None, session.execute(seats.distinct()).scalars())):
        kind, _at, unit = seat.partition("@")
        yield from organisation.holders(session, kind, [UUID(unit)], clock.today())


def _office(context: Context) -> Iterator[UUID]:
    if context.row["confidential"]:
        return
    union: Any = context.row["union_id"]
    for kind in sorted(posts.kinds().desks[posts.OFFICE]):
        yield from organisation.in_union(context.session, kind, union, clock.today())

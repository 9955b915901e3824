"""Rooms: what was said in a task is for some lanes only. Which tasks, answers and files of an
instance a person may not enter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine.db import tables
from engine.instance import confided, rounds
from engine.instance.confided import Doors
from engine.instance.lanes import may_include_actor
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from engine.db import Session
    from engine.definitions.process import Process, TaskRule
    from engine.instance.context import Context
    from engine.people.organisation import Actor

# what the body of an event says of an answer
_VOICE_KEYS = ("choice", "comment")  # what the body of an event says of one answer to a poll
ANSWER_KEYS = ("outcome", "choice", "comment", "result", "because")


def may_read(context: Context, element: str, at: datetime | None = None) -> bool:
    """May the actor read what was said in a task at a moment (None: now)? Without a room everybody
    who sees the instance may.

    An instance that is confidential no more can be checked by the union's desks,
    its rooms included.
    """
    rule = context.process.tasks.get(element)
    if rule is None or not rule.room or _checks(context):
        return True
    if not _enters(context, rule):
        return False
    first = confided.since(context, rule) if at else None
    return first is None or at is None or at >= first


def _enters(context: Context, rule: TaskRule) -> bool:
    lanes = context.process.lanes
    return any(may_include_actor(context, lanes[key]) for key in rule.room)


def _checks(context: Context) -> bool:
    """Does the actor check matters of this union, and is this one confidential no more?"""
    actor, row = context.actor, context.row
    disclosed = bool(context.process.disclosed_by) and not row["confidential"]
    return disclosed and actor is not None and access.may(actor, "export", row["union_id"])


def doors(context: Context) -> Doors:
    """What is kept from the actor of all that was said in tasks and messages."""
    rules = context.process.tasks.items()
    rooms = {} if _checks(context) else {key: rule for key, rule in rules if rule.room}
    shut = frozenset(key for key, rule in rooms.items() if not _enters(context, rule))
    entered = ((key, rule) for key, rule in rooms.items() if rule.confided and key not in shut)
    since = {key: confided.since(context, rule) for key, rule in entered}
    return Doors(shut, {key: first for key, first in since.items() if first is not None})


def closed(context: Context) -> frozenset[str]:
    """The tasks and messages of which anything is kept from the actor."""
    return doors(context).all


def open_facts(context: Context) -> dict[str, Any]:
    """The facts of an instance without those said in rooms that the actor may not enter."""
    shut, kept, known = closed_fields(context), context.process.rounds, doors(context)
    return {
        key: rounds.of_steps(fact, lambda step: step not in known.all)
        if key in kept
        else _without(key, fact, shut)
        for key, fact in context.facts.items()
        if key not in known.at(confided.said_last(context, key))
    }


def closed_fields(context: Context) -> frozenset[str]:
    """The dotted facts of single fields, and of what actions set, that are for other lanes than the
    actor's.
    """
    lanes, found = context.process.lanes, set()
    for path, readers in context.process.rooms.items():
        if not any(may_include_actor(context, lanes[each]) for each in readers):
            found.add(path)
    for key, rule in context.process.tasks.items():
        for field in rule.form.fields if rule.form else ():
            inside = (may_include_actor(context, lanes[each]) for each in field.room)
            if field.room and not any(inside):
                found.add(f"{key}.{field.key}")
    return frozenset(found) | {f"{key}.voters" for key in unnamed(context)}


def unnamed(context: Context) -> frozenset[str]:
    """The polls of which the actor does not learn who answered what, only how many: those that name
    the lanes which do.
    """
    lanes, found = context.process.lanes, set()
    for key, rule in context.process.tasks.items():
        named = rule.poll.names if rule.poll else None
        if named is not None:
            inside = (may_include_actor(context, lanes[each]) for each in named)
            found |= set() if any(inside) else {key}
    return frozenset(found)


def names_whom(body: Mapping[str, Any], unnamed: frozenset[str]) -> bool:
    """Does the body of an event tell what somebody answered in one of these polls?"""
    return body.get("task") in unnamed and any(key in body for key in _VOICE_KEYS)


def open_answers(
    context: Context, element: str, answers: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What was answered there, without the fields that the actor may not read."""
    return dict(_without(element, answers or {}, closed_fields(context)))


def _without(element: str, said: object, shut: frozenset[str]) -> Any:
    if not shut or not isinstance(said, dict):
        return said
    return {key: value for key, value in said.items() if f"{element}.{key}" not in shut}


def may_read_paper(context: Context, kind: str) -> bool:
    """May the actor read a paper of this kind? Not one that says what a field keeps from them."""
    rule = context.process.documents.get(kind)
    return rule is None or not rule.declared or not rule.reads & closed_fields(context)


def is_open_paper(process: Process, kind: str) -> bool:
    """May everybody who sees a matter of this version read a paper of this kind?"""
    rule = process.documents.get(kind)
    return rule is None or not rule.declared or not rule.reads & _not_for_all(process)


def is_open_fact(process: Process, path: str) -> bool:
    """May everybody who sees a matter of this version read this fact?"""
    rule = process.tasks.get(path.partition(".")[0])
    return not (rule and rule.room) and path not in _not_for_all(process)


def _not_for_all(process: Process) -> frozenset[str]:
    """The fields that are for some lanes, and who answered what in polls that do not tell all."""
    tasks = process.tasks.items()
    closed = {
        f"{key}.{field.key}"
        for key, task in tasks
        for field in (task.form.fields if task.form else ())
        if field.room
    }
    closed |= process.rooms.keys()
    named = {f"{key}.voters" for key, task in tasks if task.poll and task.poll.names is not None}
    return frozenset(closed | named)


def closed_files(
    session: Session, instance_id: UUID, known: Doors, fields: frozenset[str] = frozenset()
) -> frozenset[UUID]:
    """The attachments that were handed in behind these closed doors, or in these fields, and
    nowhere else.
    """
    if not known.all and not fields:
        return frozenset()
    task, instance = tables.task.c, tables.instance.c
    given = session.execute(
        select(task.element, task.answers, task.closed_at).where(
            task.instance_id == instance_id, task.answers.is_not(None)
        )
    ).all()
    at_launch = session.execute(
        select(instance.facts["launch"]).where(instance.id == instance_id)
    ).scalar()
    answers = [(row.element, row.answers, row.closed_at) for row in given]
    return files_behind(known, fields, [("launch", at_launch, None), *answers])


def files_behind(
    known: Doors,
    fields: frozenset[str],
    answers: Iterable[tuple[str, Any, datetime | None]],
) -> frozenset[UUID]:
    """The same, of answers that were read already: element, answers, when they were given."""
    inside: set[UUID] = set()
    outside: set[UUID] = set()
    for element, given, at in answers:
        for field, file in _files(given):
            closed = element in known.at(at) or f"{element}.{field}" in fields
            (inside if closed else outside).add(file)
    return frozenset(inside - outside)


def _files(answers: object) -> Iterator[tuple[str, UUID]]:
    """The files of answers, each with its field."""
    for field, value in answers.items() if isinstance(answers, dict) else ():
        for one in value if isinstance(value, list) else ():
            if isinstance(one, dict) and {"id", "sha256"} <= set(one):
                yield field, UUID(str(one["id"]))


def tells(body: Mapping[str, Any], shut: frozenset[str]) -> bool:
    """Does the body of an event repeat what was said behind one of these doors?"""
    about = {str(body.get(name)) for name in ("task", "element", "message")}
    return bool(shut & about) and any(key in body for key in ANSWER_KEYS)


def redacted(body: Mapping[str, Any], shut: frozenset[str]) -> Mapping[str, Any]:
    """The body of an event as it may be read by somebody to whom these rooms are closed."""
    if not tells(body, shut):
        return body
    return {k: v for k, v in body.items() if k not in ANSWER_KEYS} | {"room": "closed"}


def without_names(
    body: Mapping[str, Any], unnamed: frozenset[str], actor: Actor | None
) -> Mapping[str, Any]:
    """The body of an event for somebody who does not learn who answered what in these polls, but
    for the own answer.
    """
    own = actor is not None and (body.get("actor") or {}).get("id") == str(actor.id)
    if own or not names_whom(body, unnamed):
        return body
    return {k: v for k, v in body.items() if k not in _VOICE_KEYS}

"""How often and by whom those who have a matter were urged, whom that was told to, and what urging
it now would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from engine.db import aside, tables
from engine.db.states import InstanceState
from engine.instance import rights, urging
from engine.instance.rights import Case
from engine.queries import instance as reading
from engine.queries.standing import standing
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.instance.context import Context
    from engine.instance.urging import Waiting
    from engine.people.organisation import Actor
    from engine.queries.standing import Standing

_event = tables.event.c
KINDS = "matter_reminded", "urging_raised"


class Nth(NamedTuple):
    """The how manieth urging it was of a task."""

    title: str
    nth: int


@dataclass(frozen=True)
class Urged:
    """An urging. `told`: whom besides those who have the tasks."""

    at: datetime
    who: str
    reason: str
    tasks: tuple[Nth, ...]
    told: tuple[str, ...]


@dataclass(frozen=True)
class Coming:
    """What urging an open task now would be, see engine/instance/urging.py."""

    task: str
    nth: int
    today: int
    most: int
    may: bool
    told: tuple[str, ...]


@dataclass(frozen=True)
class Urgings:
    """`waits`: what is open, with whether it was noticed; `coming` is empty for whoever may not
    urge.
    """

    urged: tuple[Urged, ...]
    waits: tuple[Standing, ...]
    coming: tuple[Coming, ...]
    confidential: bool


def urgings(session: Session, actor: Actor, instance_id: UUID, lang: str = "zh") -> Urgings:
    """The urgings of a matter, the last first. Raises NotFound when it is not this person's to
    see.
    """
    context = reading.read(session, actor, instance_id)
    return of_matter(context, urging.waiting(context), lang)


def of_matter(
    context: Context, tasks: Iterable[Waiting], lang: str, *, urged: bool = True
) -> Urgings:
    """The same of a matter that is read, with these open tasks; `urged`: was anybody ever?"""
    session, key = context.session, context.row["id"]
    told = _told(context) if urged else []
    running = context.row["state"] == InstanceState.RUNNING
    plans = urging.planned(context, tasks) if running and _may(context) else []
    named = [*(body.get("to", ()) for _at, body in told), *(plan.told for plan in plans)]
    names = Named.of(session, [list(map(str, each)) for each in named])
    return Urgings(
        urged=tuple(reversed(_urged(context.process, told, names, lang))),
        waits=standing(session, [key], lang).get(key, ()) if urged else (),
        coming=tuple(
            Coming(
                task=context.process.title_of(plan.element, lang),
                nth=plan.nth,
                today=plan.today,
                most=plan.most,
                may=plan.may,
                told=tuple(names.get(each) for each in plan.told),
            )
            for plan in plans
        ),
        confidential=context.row["confidential"],
    )


def coming(
    session: Session, actor: Actor, ids: Sequence[UUID], lang: str = "zh"
) -> list[tuple[tuple[str, ...], int]]:
    """Whom urging these matters would tell besides, and in how many of them."""
    counts: dict[tuple[str, ...], int] = {}
    for key in ids:
        plans = urgings(session, actor, key, lang).coming
        told = tuple(dict.fromkeys(name for each in plans if each.may for name in each.told))
        if told:
            counts[told] = counts.get(told, 0) + 1
    return sorted(counts.items(), key=lambda each: -each[1])


def _may(context: Context) -> bool:
    return rights.may(Case(context, "remind"))


def _told(context: Context) -> list[tuple[datetime, Mapping[str, Any]]]:
    query = select(_event.at, _event.body, _event.words).where(
        _event.instance_id == context.row["id"], _event.kind.in_(KINDS)
    )
    rows = context.session.execute(query.order_by(_event.seq))
    return [(row.at, aside.told(row.body, row.words)) for row in rows]


def _urged(
    process: Process, told: Sequence[tuple[datetime, Mapping[str, Any]]], names: Named, lang: str
) -> list[Urged]:
    """Each urging with what it was told to besides, which its history tells right behind it."""
    found: list[Urged] = []
    for at, body in told:
        if body["kind"] == KINDS[0]:
            tasks = tuple(
                Nth(process.title_of(t["task"], lang), t["n"]) for t in body.get("urged", ())
            )
            found.append(Urged(at, body["actor"]["name"], body["reason"], tasks, ()))
        else:
            last = found.pop()
            more = (*last.told, *(names.names.get(each, "") for each in body["to"]))
            told_to = tuple(dict.fromkeys(more))
            found.append(Urged(last.at, last.who, last.reason, last.tasks, told_to))
    return found

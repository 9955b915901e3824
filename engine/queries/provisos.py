"""Conditions on which somebody agreed (附条件同意), as a person may see them: on the page of their
matter, and what still stands before whoever has to do with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.instance import context as instance
from engine.instance import fulfilling, provisos
from engine.people import access
from engine.queries.words import Named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db import Session
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_instance = tables.instance.c


@dataclass(frozen=True)
class Said:
    """What somebody said of one: `did` reported, met or unmet; `files`: (id, name)."""

    did: str
    who: str
    at: datetime
    text: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Condition:
    """One of a matter. `state`: open, reported, met, unmet; `late`: its day has passed and it is
    not met; `reports`, `judges`: this reader may say so.
    """

    task_id: str
    no: int
    title: str  # of the task at which it was set
    by: str
    what: str
    due: date
    who: str
    state: str
    late: bool
    said: tuple[Said, ...]
    reports: bool
    judges: bool

    @property
    def stands(self) -> bool:
        """Is it still to be met?"""
        return self.state != provisos.MET


@dataclass(frozen=True)
class Page:
    """One condition and its matter."""

    instance_id: UUID
    number: str
    title: str
    condition: Condition


@dataclass(frozen=True)
class Standing:
    """One that is still to be met, in the inbox of who has to do with it."""

    instance_id: UUID
    number: str
    subject: str
    what: str
    due: date
    state: str
    late: bool


def of_matter(context: Context, lang: str) -> tuple[Condition, ...]:
    """Those of a matter in the order of their decisions; no statement where there are none."""
    found = provisos.recorded(context.facts)
    if not found:
        return ()
    people = [each.by for each in found] + [act.by for each in found for act in each.acts]
    names = Named.of(context.session, [people])
    return tuple(_condition(context, each, names, lang) for each in found)


def _condition(context: Context, one: provisos.Proviso, names: Named, lang: str) -> Condition:
    return Condition(
        task_id=one.task_id,
        no=one.no,
        title=context.process.title_of(one.task, lang),
        by=names.get(UUID(one.by)),
        what=one.what,
        due=one.due,
        who=one.who,
        state=one.state,
        late=one.overdue(clock.today()),
        said=tuple(_said(act, names) for act in one.acts),
        reports=fulfilling.may_report(context, one),
        judges=fulfilling.may_judge(context, one),
    )


def _said(act: provisos.Act, names: Named) -> Said:
    files = tuple((file["id"], file["name"]) for file in act.files)
    at = datetime.fromisoformat(act.at)
    return Said(act.did, names.get(UUID(act.by)), at, text=act.text, files=files)


def standing(told: Sequence[Sequence[Any]]) -> tuple[Standing, ...]:
    """Those still to be met of matters as the statement of the inbox gives them (id, number, title,
    and the two facts), soonest due first.
    """
    today = clock.today()
    found = (
        Standing(
            UUID(key),
            number,
            title,
            one.what,
            due=one.due,
            state=one.state,
            late=one.overdue(today),
        )
        for key, number, title, set_, acts in told
        for one in provisos.recorded({provisos.SET: set_, provisos.ACTS: acts})
        if one.stands
    )
    return tuple(sorted(found, key=lambda each: (each.due, each.number)))


def page(
    session: Session, actor: Actor, instance_id: UUID, which: tuple[UUID, int], lang: str = "zh"
) -> Page:
    """One condition of a matter, by its decision's task and its number. Raises NotFound."""
    query = select(*instance.COLUMNS).where(_instance.id == instance_id, access.visible(actor))
    row: Any = access.must_see(session.execute(query).first())
    context = instance.context_from(session, actor, tuple(row))
    known = of_matter(context, lang)
    found = next((c for c in known if (c.task_id, c.no) == (str(which[0]), which[1])), None)
    head = instance_id, context.row["number"], context.row["title"]
    return Page(*head, access.must_see(found))

"""What matters have published, as a member of the circle sees it: the facts shown, until when, the
form; nothing else of the matter. And the objections, as whoever handles the matter sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Text, and_, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from engine import clock, forms
from engine.calendar.moments import ending_day
from engine.db import rows, tables
from engine.db.states import ALIVE
from engine.instance import books, choices, rooms
from engine.instance import context as instance
from engine.people import access
from engine.queries.words import Answered, Named, about, answered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_publication, _instance = tables.publication.c, tables.instance.c
_WIDTH = len(rows.Publication._fields)


@dataclass(frozen=True)
class Mine:
    """The objection that the reader has made; `receipt`: the digest of it in the history."""

    at: datetime
    receipt: str
    answers: tuple[Answered, ...]


@dataclass(frozen=True)
class Publication:
    """`open`: does it stand; `takes`: does it take an objection of the reader now; `until`: its
    end, on the last day where it ends with one.
    """

    id: UUID
    title: str
    asks: str
    union: str
    shown: tuple[Answered, ...]
    opened_at: datetime
    until: datetime
    last_day: date
    open: bool
    takes: bool
    suspended: bool
    form: forms.Form
    offers: Mapping[str, list[tuple[str, str]]]
    mine: Mine | None


@dataclass(frozen=True)
class Objection:
    """One objection as whoever handles the matter reads it."""

    who: str
    at: datetime
    answers: tuple[Answered, ...]


@dataclass(frozen=True)
class Raised:
    """What came of a publication so far: to how many it was shown, until when, who objected."""

    key: str
    title: str
    people: int
    last_day: date
    over: bool
    objections: tuple[Objection, ...]


def _open() -> ColumnElement[bool]:
    return and_(_publication.until > clock.now(), _instance.state.in_(ALIVE))


def _objected(actor: Actor) -> ColumnElement[bool]:
    """Has this actor objected? Then a receipt is there to be read, as long as the matter is."""
    fact, mine = _instance.facts[_publication.element], [{"who": str(actor.id)}]
    return or_(
        and_(fact["objections"].contains(mine), _is_sheet(fact)),
        fact["beside"].contains(
            func.jsonb_build_array(
                func.jsonb_build_object(
                    "publication", cast(_publication.id, Text), "objections", literal(mine, JSONB)
                )
            )
        ),
    )


def _is_sheet(fact: ColumnElement[Any]) -> ColumnElement[bool]:
    """Is this publication the one that its fact is about? Older versions did not say."""
    said = fact["publication"].astext
    return or_(said.is_(None), said == cast(_publication.id, Text))


def publications(session: Session, actor: Actor, lang: str = "zh") -> tuple[Publication, ...]:
    """Those that stand open, the soonest to end first; then those to which this person objected."""
    now = clock.now()
    found = [_publication_of(session, actor, row, lang) for row in _read(session, actor)]
    return tuple(sorted(found, key=lambda each: (each.until <= now, each.until)))


def publication(
    session: Session, actor: Actor, publication_id: UUID, lang: str = "zh"
) -> Publication:
    """One of them. Raises NotFound for whoever is not of its circle, and when it is over for who
    did not object.
    """
    found = _read(session, actor, _publication.id == publication_id)
    return _publication_of(session, actor, access.must_see(next(iter(found), None)), lang)


def _read(session: Session, actor: Actor, *more: ColumnElement[bool]) -> list[tuple[Any, ...]]:
    """Rows of a publication that stands, of whose circle this actor is, with its instance as
    engine.instance.context reads it.
    """
    query = (
        select(*tables.publication.c, *instance.COLUMNS)
        .select_from(tables.publication)
        .join(tables.instance, _instance.id == _publication.instance_id)
        .where(_publication.circle.contains([actor.id]), _publication.current, *more)
        .where(or_(_open(), _objected(actor)))
    )
    return [tuple(row) for row in session.execute(query)]


def _publication_of(
    session: Session, actor: Actor, values: tuple[Any, ...], lang: str
) -> Publication:
    row = rows.Publication(*values[:_WIDTH])
    context = instance.context_from(session, actor, values[_WIDTH:])
    rule, fact = context.process.publications[row.element], _sheet(context, row)
    names = Named.of(session, [fact["shown"], fact["objections"], context.row["union_id"]], actor)
    shown = [(path, fact["shown"][path]) for path in rule.shows if path in fact["shown"]]
    offer, state = choices.of_instance(context), context.row["state"]
    mine = _mine(context, row, names, lang)
    running = state in ALIVE and row.until > clock.now()
    return Publication(
        id=row.id,
        title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        union=names.get(context.row["union_id"]),
        shown=about(context.process, shown, names, lang).all,
        opened_at=row.opened_at,
        until=row.until,
        last_day=ending_day(row.until),
        open=running,
        takes=running and state == "running" and mine is None,
        suspended=state == "suspended",
        form=forms.settled(rule.form, context.names()),
        offers={key: offer(source) for key, source in rule.form.sources.items()},
        mine=mine,
    )


def _sheet(context: Context, row: rows.Publication) -> dict[str, Any]:
    return books.sheet_of(context.facts[row.element], row.id)


def _mine(context: Context, row: rows.Publication, names: Named, lang: str) -> Mine | None:
    me = str(context.actor.id) if context.actor else ""
    for made in _sheet(context, row)["objections"]:
        if made["who"] == me:
            form = context.process.tasks[row.element].form
            answers = answered(form, made["answers"], names, lang)
            return Mine(datetime.fromisoformat(made["at"]), made["receipt"], answers)
    return None


def raised(context: Context, lane: str, names: Named, lang: str) -> tuple[Raised, ...]:
    """What came of the publications that a lane handles, for whoever has a task of that lane; not
    of those whose room is closed to them.
    """
    keys = [key for key, rule in context.process.publications.items() if rule.lane == lane]
    shown = [key for key in keys if "shown" in context.facts.get(key, ())]
    open_to = [key for key in shown if rooms.may_read(context, key)]
    if not open_to:
        return ()
    its = _publication.instance_id == context.row["id"], _publication.current
    ends = select(_publication.id, _publication.element, _publication.until).where(*its)
    until = {
        row.element: row.until
        for row in context.session.execute(ends)
        if context.facts[row.element].get("publication", str(row.id)) == str(row.id)
    }
    return tuple(_raised(context, key, until[key], names, lang=lang) for key in open_to)


def _raised(context: Context, key: str, until: datetime, names: Named, *, lang: str) -> Raised:
    rule, fact = context.process.publications[key], context.facts[key]
    objections = tuple(
        Objection(
            names.names.get(made["who"], ""),
            datetime.fromisoformat(made["at"]),
            answered(rule.form, rooms.open_answers(context, key, made["answers"]), names, lang),
        )
        for made in fact["objections"]
    )
    title, over = rule.title.in_(lang), until <= clock.now()
    return Raised(
        key,
        title,
        people=fact["people"],
        last_day=ending_day(until),
        over=over,
        objections=objections,
    )

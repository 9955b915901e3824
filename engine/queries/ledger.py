"""The ledger of duties: per union and year how each duty of the catalogue stands, computed from
the events of its instances. Nothing of a confidential instance counts or is shown.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Boolean, Text, cast, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from engine import clock
from engine.db import tables
from engine.db.states import DefinitionState
from engine.definitions.duties import catalogue
from engine.errors import NotFound
from engine.history.duties import Mark
from engine.instance.union_law import UnionLaw, read_by, rulebook
from engine.people import access, posts
from engine.people.ordering import on_screen
from engine.people.organisation import INSTALLATION
from engine.queries.as_of import readable as readable_bodies
from engine.queries.duty_cases import (
    FINISHED,
    Came,
    Noted,
    Standing,
    State,
    Terms,
    case_of,
    standings,
)
from engine.queries.duty_cases import Light as Light
from engine.queries.history import read_body

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from engine.db import Session
    from engine.definitions.duties import Duty
    from engine.people.organisation import Actor
    from engine.queries.duty_cases import Case

About = tuple[str, str, UnionLaw]  # of a union: its kind, who runs it, its law
LEAD, GREEN, AMBER = "DL-LEAD", "DL-EVENT-G", "DL-EVENT-A"  # the rules by which it is judged
_event, _unit, _instance = tables.event.c, tables.unit.c, tables.instance.c
_definition = tables.definition.c
# written out, so that the index of these events serves
_OF_DUTIES = literal_column("event.kind = 'duty_noted'", Boolean)
_UNION = literal_column("(event.body::jsonb ->> 'union')", Text)
_STATES = (DefinitionState.PUBLISHED, DefinitionState.RETIRED, DefinitionState.OWN)


@dataclass(frozen=True)
class Matter:
    """An instance that the reader may see."""

    id: UUID
    number: str
    title: str


@dataclass(frozen=True)
class Row:
    """A duty in one of its periods. `matters`: those of its cases that the reader may see, by
    id.
    """

    duty: Duty
    standing: Standing
    keeping: Keeping | None
    matters: Mapping[UUID, Matter]

    @property
    def since(self) -> date | None:
        """Since when it is kept."""
        return self.keeping.since if self.keeping else None

    @property
    def guarded(self) -> bool:
        """Do confidential instances belong to it, too? They are left out."""
        return self.keeping is not None and self.keeping.secret

    @property
    def told(self) -> tuple[tuple[Case, Matter], ...]:
        """The cases whose instance the reader may see."""
        known = self.matters
        return tuple((c, known[c.matter]) for c in self.standing.cases if c.matter in known)

    @property
    def untold(self) -> int:
        """How many more there are."""
        return len(self.standing.cases) - len(self.told)


@dataclass(frozen=True)
class Union:
    id: UUID
    name: str


@dataclass(frozen=True)
class Ledger:
    union: Union
    year: int
    rows: tuple[Row, ...]

    def count(self, *states: State) -> int:
        """How many rows stand so."""
        return sum(row.standing.state in states for row in self.rows)

    def lit(self, light: Light) -> int:
        """How many rows have this light."""
        return sum(row.standing.light == light for row in self.rows)


# --- whose ----------------------------------------------------------------------------------------
def readable(session: Session, actor: Actor) -> list[Union]:
    """The unions whose ledgers this person may read: those they belong to or hold a post in, their
    own first, and those managed by a union whose desk they keep or for which they act as its
    superior.
    """
    own = [actor.union_id, *(p.union_id for p in actor.posts if p.union_id)]
    acting = actor.unions(*posts.kinds().superiors)
    above = {*access.desk_unions(actor, *access.SEEING), *acting}
    query = select(_unit.id, _unit.name).where(
        _unit.union_id == _unit.id, or_(_unit.id.in_(own), _unit.managing_id.in_(above))
    )
    found = [Union(*row) for row in session.execute(query).tuples()]
    return sorted(on_screen(found, lambda u: u.name), key=lambda u: u.id != actor.union_id)


def ledger(session: Session, actor: Actor, union_id: UUID, year: int) -> Ledger:
    """The ledger of a union. Raises NotFound where it is not this person's to read."""
    found = [each for each in readable(session, actor) if each.id == union_id]
    if not found:
        raise NotFound
    (told,) = _ledgers(session, actor, found, year)
    return told


def side_by_side(session: Session, actor: Actor, year: int) -> tuple[Ledger, ...]:
    """The ledgers of all unions that this person may read."""
    return tuple(_ledgers(session, actor, readable(session, actor), year))


# --- reading --------------------------------------------------------------------------------------
def _ledgers(
    session: Session, actor: Actor, unions: Sequence[Union], year: int
) -> Iterable[Ledger]:
    ids = [union.id for union in unions]
    noted = _noted(session, ids)
    hidden, seen = _matters(session, actor, {n.matter for each in noted.values() for n in each})
    kept = _kept(session, ids)
    duties = catalogue()
    for union, about in zip(unions, _about(session, ids), strict=True):
        cases = _cases((n for n in noted[union.id] if n.matter not in hidden), clock.today())
        keeping = {duty: kept.of(union.id, duty) for duty in duties}
        rows = (_rows(d, keeping[d.key], cases[d.key], about, year) for d in duties.values())
        told = tuple(Row(*row, seen) for each in rows for row in each)
        yield Ledger(union, year, told)


def _rows(
    duty: Duty, keeping: Keeping | None, cases: Sequence[Case], about: About, year: int
) -> Iterable[tuple[Duty, Standing, Keeping | None]]:
    """How a duty stands, period by period, and since when it is kept."""
    kind, owner, law = about
    if keeping is None:
        found = _told_elsewhere(standings(duty, cases, year, _terms(duty, law, date.max)))
    elif not cases and not _applies(duty, kind, owner):
        found = [_alone(State.NOT_APPLICABLE)]
    elif not cases and keeping.secret:
        found = [_alone(State.SECRET)]
    else:
        found = standings(duty, cases, year, _terms(duty, law, keeping.since))
    return [(duty, each, keeping) for each in found]


def _told_elsewhere(found: Sequence[Standing]) -> list[Standing]:
    """Of a duty that no folder fulfils: what was entered of it, and nothing of what was not."""
    told = [standing for standing in found if standing.count(*FINISHED, Came.OPEN)]
    return told or [_alone(State.NOT_KEPT)]


def _alone(state: State) -> Standing:
    return Standing(state, Light.GREY, None, ())


def _noted(session: Session, unions: Collection[UUID]) -> dict[UUID, list[Noted]]:
    """What the events tell, by union, instance by instance, oldest first."""
    query = (
        select(_event.instance_id, _event.body)
        .where(_OF_DUTIES, _UNION.in_([str(union) for union in unions]))
        .order_by(_event.instance_id, _event.seq)
    )
    found: dict[UUID, list[Noted]] = defaultdict(list)
    with readable_bodies():
        for matter, text in session.execute(query).tuples():
            body = read_body(text)
            found[UUID(body["union"])].append(_note(matter, body))
    return found


def _note(matter: UUID, body: Mapping[str, Any]) -> Noted:
    due, until = (_day(body.get(name)) for name in ("due", "until"))
    day = date.fromisoformat(body["day"])
    elsewhere = body.get("elsewhere") is True
    mark = Mark(body["mark"])
    return Noted(matter, body["duty"], mark, day=day, due=due, until=until, elsewhere=elsewhere)


def _day(told: str | None) -> date | None:
    return date.fromisoformat(told) if told else None


def _cases(noted: Iterable[Noted], today: date) -> dict[str, list[Case]]:
    """By duty, what each instance came to."""
    by_matter: dict[tuple[str, UUID], list[Noted]] = defaultdict(list)
    for each in noted:
        by_matter[each.duty, each.matter].append(each)
    cases: dict[str, list[Case]] = defaultdict(list)
    for (duty, _matter), notes in by_matter.items():
        cases[duty].append(case_of(notes, today))
    for found in cases.values():
        found.sort(key=lambda case: (case.day, str(case.matter)))
    return cases


def _matters(
    session: Session, actor: Actor, ids: Collection[UUID]
) -> tuple[set[UUID], dict[UUID, Matter]]:
    """Which of these are confidential, and those of the others that this person may see."""
    visible = access.visible(actor).label("visible")
    columns = (_instance.id, _instance.number, _instance.title, _instance.confidential, visible)
    rows = session.execute(select(*columns).where(_instance.id.in_(ids))).all() if ids else []
    hidden = {row.id for row in rows if row.confidential}
    told = (Matter(r.id, r.number, r.title) for r in rows if r.visible and not r.confidential)
    return hidden, {matter.id: matter for matter in told}


def _about(session: Session, unions: Sequence[UUID]) -> list[About]:
    """Of each union, in this order: its kind, who runs it, its law."""
    its, law = tables.unit.alias("its"), literal_column(read_by("its.id"), JSONB).label("law")
    query = select(its.c.id, its.c.kind, its.c.owner_type, law).where(its.c.id.in_(unions))
    rows = session.execute(query).all()
    found = {row.id: (row.kind, row.owner_type, UnionLaw(row.law)) for row in rows}
    return [found[union] for union in unions]


def _applies(duty: Duty, kind: str, owner: str) -> bool:
    return kind in duty.units and (not duty.owners or owner in duty.owners)


def _terms(duty: Duty, law: UnionLaw, since: date) -> Terms:
    known, today = rulebook().ids, clock.today()

    def share(rule: str) -> Any:
        return law.ruling(rule, today).share if rule in known else None

    lead = int(law.ruling(LEAD, today).value or 0) if LEAD in known else 0
    shift = duty.period.shift
    later = int(law.ruling(shift, today).value or 0) if shift else 0
    return Terms(today, lead, share(GREEN), share(AMBER), later, since=since)


# --- which duties are kept ------------------------------------------------------------------------
@dataclass(frozen=True)
class Keeping:
    """Since when a duty is kept; `secret`: its instances begin as confidential ones."""

    since: date
    secret: bool


@dataclass(frozen=True)
class Kept:
    """By union (INSTALLATION: all of them) and duty since when it is kept; `begun`: since when a
    union is.
    """

    duties: Mapping[tuple[UUID, str], Keeping]
    begun: Mapping[UUID, date]

    def of(self, union: UUID, duty: str) -> Keeping | None:
        """Of a union; None of a duty that no folder of it fulfils."""
        places = ((INSTALLATION, duty), (union, duty))
        found = [self.duties[place] for place in places if place in self.duties]
        if not found:
            return None
        since = max(self.begun[union], min(each.since for each in found))
        return Keeping(since, any(each.secret for each in found))


def _kept(session: Session, unions: Sequence[UUID]) -> Kept:
    """By the events that put versions in force, and the first event of each union."""
    first = select(_event.instance_id, _event.at).where(
        _event.seq == 1, _event.instance_id.in_(unions)
    )
    begun = {chain: clock.day_of(at) for chain, at in session.execute(first).tuples()}
    fulfils, duties = _versions(session), dict[tuple[UUID, str], Keeping]()
    for chain, at, version in _published(session, [INSTALLATION, *unions]):
        secret, keys = fulfils.get(version, (False, ()))
        for key in keys:
            before = duties.get((chain, key), Keeping(clock.day_of(at), secret=False))
            duties[chain, key] = Keeping(before.since, before.secret or secret)
    return Kept(duties, {union: begun.get(union, clock.today()) for union in unions})


def _published(session: Session, chains: Sequence[UUID]) -> Iterable[tuple[UUID, datetime, str]]:
    """For whom, when and which version was put in force, the oldest first."""
    query = (
        select(_event.instance_id, _event.at, _event.body)
        .where(_event.instance_id.in_(chains), _event.kind == "definition_published")
        .order_by(_event.at)
    )
    for chain, at, text in session.execute(query).tuples():
        yield chain, at, str(read_body(text).get("version"))


def _versions(session: Session) -> dict[str, tuple[bool, tuple[str, ...]]]:
    """The versions that fulfil a duty, as `_fulfilled` reads them."""
    toml = cast(_definition.files["process.toml"].astext, Text)
    speaking = _definition.state.in_(_STATES), toml.like("%[[duty]]%")
    query = select(_definition.hash, toml).where(*speaking)
    return {version: _fulfilled(text) for version, text in session.execute(query).tuples()}


@lru_cache(maxsize=512)
def _fulfilled(text: str) -> tuple[bool, tuple[str, ...]]:
    """Of a version: whether its instances are confidential, and the duties it fulfils."""
    told = tomllib.loads(text)
    secret = told.get("confidentiality") == "named"
    return secret, tuple(str(duty["of"]) for duty in told.get("duty", ()) if "of" in duty)

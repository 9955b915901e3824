"""One instance as a person may see it, and the lists and the search over many. Narrowed by access.visible in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Text, and_, cast, literal, or_, select, text, true, union, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from engine import clock, forms, machine
from engine.db import tables
from engine.definitions.store import process_of
from engine.errors import Invalid
from engine.instance import lanes, rooms
from engine.instance.context import context_of
from engine.instance.view import ERASED_MARK, ERASED_TITLE
from engine.messages import restored
from engine.people import access, organisation
from engine.queries import foresight, newest, standing
from engine.queries.words import Answered, Named, answered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Select

    from engine.db import Session
    from engine.definitions import Process
    from engine.instance.context import Context
    from engine.people.organisation import Actor

_instance = tables.instance.c
MOST = 200
FEW, NEWEST, PROBED = 1000, 5000, 3000  # instances that a search names, or looks through
STATES = ("running", "suspended", "ended", "withdrawn", "terminated")


@dataclass(frozen=True)
class Row:
    """An instance in a list. `stage` are the titles of what is open."""

    id: UUID
    number: str
    title: str
    process_id: str
    process_title: str
    state: str
    outcome: str
    outcome_title: str
    stage: tuple[str, ...]
    starter: str
    unit: str
    started_at: datetime
    changed_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Page:
    items: tuple[Row, ...]
    next: str | None


@dataclass(frozen=True)
class Open:
    """A task of an instance, open or done."""

    id: UUID
    element: str
    title: str
    state: str
    who: str  # the person, or the lane's title and unit
    mine: bool
    opened_at: datetime
    due_at: datetime | None
    due: Mapping[str, Any] | None
    closed_at: datetime | None
    closed_by: str
    poll_id: UUID | None
    answers: tuple[Answered, ...]


@dataclass(frozen=True)
class Able:
    """A message that this person may send now: a button and its form."""

    name: str
    title: str
    asks: str
    form: forms.Form | None
    refused: str  # why it would be refused now, whatever one writes; "" otherwise


@dataclass(frozen=True)
class Paper:
    """A document or an attachment. `kind` is "document" or "attachment"."""

    id: UUID
    kind: str
    title: str
    number: str
    at: datetime
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True)
class Linked:
    """Another instance that belongs to this one. `kind`: merged_into, origin_of when that one was merged into this, or the
    name that the process gives the link. `back`: the link was made there, and leads here."""

    id: UUID
    number: str
    title: str
    kind: str
    process_title: str
    state: str
    back: bool
    at: datetime


@dataclass(frozen=True)
class File:
    """Everything about one instance that a page shows."""

    row: Row
    process: Process
    facts: Mapping[str, Any]
    launched: tuple[Answered, ...]
    tasks: tuple[Open, ...]
    able: tuple[Able, ...]
    papers: tuple[Paper, ...]
    links: tuple[Linked, ...]
    live: tuple[str, ...]
    suspended_at: datetime | None
    stopped_days: int
    incidents: tuple[tuple[UUID, str, datetime], ...]
    confidential: bool  # only those named in it know of it
    erased: bool  # its contents were erased by the rules; the history stays
    desk: bool  # may suspend, resume and terminate
    mends: bool  # may try again what broke
    history: bool  # may read the whole history
    version: str
    union_id: UUID


def instances(
    session: Session,
    actor: Actor,
    words: str | None = None,
    process: str | None = None,
    state: str | None = None,
    unit_id: UUID | None = None,
    starter_id: UUID | None = None,
    since: date | None = None,
    until: date | None = None,
    mine: bool = False,
    overdue: bool = False,
    after: str | None = None,
    limit: int = 50,
    lang: str = "zh",
    others: bool = False,
) -> Page:
    """Newest first. `words` finds numbers, titles, people and units; `mine` only what I started, `others` only what others
    started and I take part in; `overdue` only what waits for somebody who is late. Raises Invalid."""
    conditions = _filters(process, state, unit_id, starter_id, since, until)
    if overdue:
        task = tables.task.c
        late = select(task.instance_id).where(
            task.state == "open", task.due_at.is_not(None), task.due_at <= clock.now()
        )
        conditions += [_instance.state == "running", _instance.id.in_(late)]
    if others:
        conditions.append(_instance.starter_id != actor.id)
    if after:
        try:
            conditions.append(_instance.id < UUID(after))
        except ValueError:
            raise Invalid({"after": ["翻页标记无效。"]}) from None
    size = max(1, min(limit, MOST))
    ways = newest.ways(actor, mine=mine, others=others)
    wanted = Wanted.of(words)
    if wanted is None:
        first = [way.newest(size + 1, *conditions) for way in ways]
    else:
        first = wanted.first(session, ways, conditions, size + 1)
    ids = union(*first).subquery()
    query = (
        _rows()
        .where(_instance.id.in_(select(ids.c.id)))
        .order_by(_instance.id.desc())
        .limit(size + 1)
    )
    found = session.execute(query).all()
    items = tuple(_row(session, r, lang) for r in found[:size])
    return Page(items, str(items[-1].id) if len(found) > size else None)


def _rows() -> Any:
    member, unit = tables.member.c, tables.unit.c
    return (
        select(
            _instance.id,
            _instance.number,
            _instance.title,
            _instance.process_id,
            _instance.version,
            _instance.state,
            _instance.outcome,
            _instance.stage,
            _instance.started_at,
            _instance.changed_at,
            _instance.ended_at,
            member.name.label("starter"),
            unit.name.label("unit"),
        )
        .join(tables.member, member.id == _instance.starter_id)
        .outerjoin(tables.unit, unit.id == _instance.unit_id)
    )


def _filters(
    process: str | None,
    state: str | None,
    unit_id: UUID | None,
    starter_id: UUID | None,
    since: date | None,
    until: date | None,
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [true()]
    if process:
        found.append(_instance.process_id == process)
    if state:
        if state not in STATES:
            raise Invalid({"state": [f"应为 {'、'.join(STATES)} 之一。"]})
        found.append(_instance.state == state)
    if unit_id:
        found.append(_instance.unit_id == unit_id)
    if starter_id:
        found.append(_instance.starter_id == starter_id)
    if since:
        found.append(_instance.started_at >= datetime.combine(since, time(), clock.CHINA))
    if until:
        found.append(
            _instance.started_at < datetime.combine(until + timedelta(days=1), time(), clock.CHINA)
        )
    return found


_BY_GRAMS = text(
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off"
)
_AS_USUAL = text(
    "SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on"
)


@dataclass(frozen=True)
class Wanted:
    """What a search looks for: pieces of two characters, single characters of the title, or a number as it stands."""

    grams: list[str]
    letters: list[str]
    number: str  # "" when the words do not look like one

    @classmethod
    def of(cls, words: str | None) -> Wanted | None:
        """None when there is nothing to look for."""
        if not words or not words.strip():
            return None
        found = {gram for part in words.split()[:8] for gram in forms.bigrams(part)}
        return cls(
            grams=sorted(g for g in found if len(g) > 1)[:60],
            letters=sorted(g for g in found if len(g) == 1),
            number=words.strip() if "〔" in words else "",
        )

    def first(
        self,
        session: Session,
        ways: Sequence[newest.Way],
        conditions: Sequence[ColumnElement[bool]],
        enough: int,
    ) -> list[Select[tuple[UUID]]]:
        """The first page of each way. The planner cannot know how often pieces meet, so we look first.

        Frequent words fill a page from the newest instances. Of the others the index knows all; when these are too many
        to name, they are frequent enough to be met by going on from the newest.
        """
        if (
            not self.grams
        ):  # one character is no gram of longer words: look at the newest titles themselves
            held = self._or_number(and_(*self._letters()))
            return [way.newest_among(NEWEST, enough, *conditions, held) for way in ways]
        met, open_ended = self._met(session, ways, conditions, enough)
        if not open_ended:
            return [_these(ids) for ids in met]
        hits = self._hits(session)
        if len(hits) > FEW:
            rest = [way.newest(enough, *conditions, self._among()) for way in ways]
        else:
            named = self._or_number(and_(_instance.id.in_(hits), *self._letters()))
            rest = [way.newest(enough, *conditions, named) for way in ways]
        return [rest[n] if n in open_ended else _these(ids) for n, ids in enumerate(met)]

    def _met(
        self,
        session: Session,
        ways: Sequence[newest.Way],
        conditions: Sequence[ColumnElement[bool]],
        enough: int,
    ) -> tuple[list[list[UUID]], set[int]]:
        """What each way meets among its newest, not more than `enough`; and the places of those that may meet more."""
        parts = []
        for n, way in enumerate(ways):
            probe = way.newest_among(PROBED, enough, *conditions, self._among()).subquery()
            more = way.beyond(PROBED).subquery()
            parts.append(select(literal(n).label("way"), literal(False), probe.c[0]))
            parts.append(select(literal(n), literal(True), more.c[0]))
        rows = session.execute(union_all(*parts)).all()
        met = [[key for way, more, key in rows if way == n and not more] for n in range(len(ways))]
        longer = {way for way, more, _ in rows if more and len(met[way]) < enough}
        return met, longer

    def _hits(self, session: Session) -> Sequence[UUID]:
        """What the index finds, over all unions; of more than FEW it is only known that they are more."""
        holds = select(_instance.id).where(_instance.grams.contains(self.grams))
        session.execute(_BY_GRAMS)
        found = session.execute(holds.limit(FEW + 1)).scalars().all()
        session.execute(_AS_USUAL)
        return found

    def _letters(self) -> list[ColumnElement[bool]]:
        return [_instance.title.contains(letter, autoescape=True) for letter in self.letters]

    def _among(self) -> ColumnElement[bool]:
        """The condition, put so that the planner keeps off the index, which reads all there is of a frequent piece."""
        holds = (_instance.grams + cast([], ARRAY(Text))).contains(self.grams)
        return self._or_number(and_(holds, *self._letters()))

    def _or_number(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return or_(_instance.number == self.number, condition) if self.number else condition


def _these(ids: Sequence[UUID]) -> Select[tuple[UUID]]:
    return select(_instance.id).where(_instance.id.in_(ids))


def _row(session: Session, row: Any, lang: str) -> Row:
    process = process_of(session, row.version)
    return Row(
        id=row.id,
        number=row.number,
        title=_title(row.title, lang),
        process_id=row.process_id,
        process_title=process.title.in_(lang),
        state=row.state,
        outcome=row.outcome,
        outcome_title=process.title_of(row.outcome, lang) if row.outcome else "",
        stage=tuple(process.title_of(e, lang) for e in _people_first(process, row.stage)),
        starter=row.starter,
        unit=row.unit or "",
        started_at=row.started_at,
        changed_at=row.changed_at,
        ended_at=row.ended_at,
    )


def _people_first(process: Process, stage: Sequence[str]) -> Sequence[str]:
    """What somebody has to do; only where nobody has, what the matter waits for."""
    return [
        e
        for e in stage
        if e in process.diagram.elements and process.diagram.elements[e].type == "userTask"
    ] or stage


def _title(title: str, lang: str) -> str:
    return (
        "The contents were erased by the rules" if title == ERASED_TITLE and lang == "en" else title
    )


def file(session: Session, actor: Actor, instance_id: UUID, lang: str = "zh") -> File:
    """One instance with all that hangs on it. Raises NotFound when it is not this person's to see."""
    found = session.execute(
        _rows().where(_instance.id == instance_id, access.visible(actor))
    ).first()
    head = _row(session, access.must_see(found), lang)
    context = context_of(session, actor, instance_id)
    full, process = context.row, context.process
    erased = ERASED_MARK in full["facts"]
    live = machine.look(process.spec, full["machine"]) if full["machine"] else ()
    names = Named.of(session, full["facts"], actor)
    incident = tables.incident.c
    troubles = session.execute(
        select(incident.id, incident.message, incident.detail, incident.at).where(
            incident.instance_id == instance_id, incident.resolved_at.is_(None)
        )
    ).all()
    acts = full["confidential"] and access.acts_by_post(session, actor, instance_id)
    desk = access.may(actor, "suspend", full["union_id"]) and (acts or not full["confidential"])
    return File(
        row=head,
        process=process,
        facts=rooms.open_facts(context),
        launched=answered(process.launch_form, full["facts"].get("launch", {}), names, lang),
        tasks=_tasks(context, actor, names, lang),
        able=_able(context, live, lang),
        papers=() if erased else papers(session, instance_id, process, rooms.closed(context), lang),
        links=_links(session, actor, instance_id, lang),
        live=tuple(w.element for w in live),
        suspended_at=full["suspended_at"],
        stopped_days=full["stopped_days"],
        incidents=tuple(
            (t.id, restored(t.detail.get("message") or t.message), t.at) for t in troubles
        ),
        confidential=full["confidential"],
        erased=erased,
        desk=desk,
        mends=desk or acts,
        history=access.may(actor, "read_history", full["union_id"]),
        version=full["version"],
        union_id=full["union_id"],
    )


def _tasks(context: Context, actor: Actor, names: Named, lang: str) -> tuple[Open, ...]:
    session, process, instance_id = context.session, context.process, context.row["id"]
    task, poll = tables.task.c, tables.poll.c
    rows = session.execute(
        select(tables.task, poll.id.label("poll_id"))
        .outerjoin(tables.poll, and_(poll.task_id == task.id, poll.state != "void"))
        .where(task.instance_id == instance_id)
        .order_by(task.opened_at, task.id)
    ).all()
    people = organisation.names(
        session, [i for r in rows for i in (r.assignee_id, r.closed_by) if i]
    )
    units = organisation.unit_names(session, [UUID(r.seat.split("@")[1]) for r in rows if r.seat])
    shut = rooms.closed(context)
    asked = _asked_of(session, actor, instance_id) if shut else set()
    none: frozenset[str] = frozenset()
    return tuple(
        _open(r, none if r.poll_id in asked else shut, actor, process, names, people, units, lang)
        for r in rows
    )


def _asked_of(session: Session, actor: Actor, instance_id: UUID) -> set[UUID]:
    """The polls of a matter on whose rolls this person stands, or whose tellers they are."""
    poll, roll, teller = tables.poll.c, tables.roll.c, tables.teller.c
    mine = union(
        select(roll.poll_id).where(roll.member_id == actor.id),
        select(teller.poll_id).where(teller.member_id == actor.id),
    )
    return set(
        session.execute(
            select(poll.id).where(poll.instance_id == instance_id, poll.id.in_(mine))
        ).scalars()
    )


def _open(
    row: Any,
    shut: frozenset[str],
    actor: Actor,
    process: Process,
    names: Named,
    people: dict[UUID, str],
    units: dict[UUID, str],
    lang: str,
) -> Open:
    rule = process.tasks[row.element]
    lane = process.lanes.get(rule.lane)
    who = standing.lane_words(
        lane, units.get(UUID(row.seat.split("@")[1]), "") if row.seat else "", lang
    )
    if row.assignee_id:
        who = f"{who} {people.get(row.assignee_id, '')}".strip()
    return Open(
        id=row.id,
        element=row.element,
        title=rule.title.in_(lang),
        state=row.state,
        who=who,
        mine=row.state == "open"
        and (row.assignee_id == actor.id or (row.assignee_id is None and row.seat in actor.seats)),
        opened_at=row.opened_at,
        due_at=row.due_at,
        due=row.due,
        closed_at=row.closed_at,
        closed_by=people.get(row.closed_by, ""),
        poll_id=None if row.element in shut else row.poll_id,
        answers=answered(rule.form, {} if row.element in shut else row.answers or {}, names, lang),
    )


def _able(context: Context, live: tuple[machine.Live, ...], lang: str) -> tuple[Able, ...]:
    """The messages that the instance waits for and that this person may send, each with what refuses it now."""
    process = context.process
    if context.row["state"] != "running":
        return ()
    found: dict[str, Able] = {}
    for wait in live:
        rule = process.messages.get(wait.text) if wait.kind == "message" else None
        lane = process.lanes.get(rule.lane) if rule else None
        if rule and lane and lanes.may_include_actor(context, lane):
            why = foresight.refusal(context, rule.name, lang)
            asks = rule.asks.in_(lang)
            found[rule.name] = Able(rule.name, rule.title.in_(lang), asks, rule.form, why)
    return tuple(found.values())


def papers(
    session: Session, instance_id: UUID, process: Process, shut: frozenset[str], lang: str = "zh"
) -> tuple[Paper, ...]:
    """The documents issued in an instance and the files added to it, without those handed in behind closed doors."""
    document, attachment = tables.document.c, tables.attachment.c
    issued = session.execute(
        select(
            document.id,
            document.kind,
            document.title,
            document.number,
            document.issued_at,
            document.data_sha256,
        )
        .where(document.instance_id == instance_id)
        .order_by(document.issued_at, document.id)
    ).all()
    added = session.execute(
        select(tables.attachment)
        .where(attachment.instance_id == instance_id)
        .order_by(attachment.at)
    ).all()
    titles = (
        {key: rule.title.in_(lang) for key, rule in process.documents.items()}
        if lang.startswith("en")
        else {}
    )
    found = [
        Paper(
            d.id,
            "document",
            titles.get(d.kind, d.title),
            d.number,
            d.issued_at,
            0,
            d.data_sha256,
            "application/pdf",
        )
        for d in issued
    ]
    hidden = rooms.closed_files(session, instance_id, shut)
    found += [
        Paper(a.id, "attachment", a.name, "", a.at, a.size, a.sha256, a.media_type)
        for a in added
        if a.id not in hidden
    ]
    return tuple(found)


def _links(session: Session, actor: Actor, instance_id: UUID, lang: str) -> tuple[Linked, ...]:
    """What this matter was linked to and what was linked to it, oldest first; only what this person may know of."""
    link = tables.link.c
    columns = select(
        _instance.id,
        _instance.number,
        _instance.title,
        _instance.version,
        _instance.state,
        link.kind,
        link.at,
    )
    out = columns.join(tables.link, link.to_id == _instance.id).where(
        link.from_id == instance_id, access.visible(actor)
    )
    back = columns.join(tables.link, link.from_id == _instance.id).where(
        link.to_id == instance_id, access.visible(actor)
    )
    found = [(row, False) for row in session.execute(out)] + [
        (row, True) for row in session.execute(back)
    ]
    return tuple(
        Linked(
            r.id,
            r.number,
            r.title,
            "origin_of" if back and r.kind == "merged_into" else r.kind,
            process_of(session, r.version).title.in_(lang),
            r.state,
            back,
            r.at,
        )
        for r, back in sorted(found, key=lambda pair: pair[0].at)
    )


def alike(
    session: Session, actor: Actor, process_id: str, title: str, limit: int = 5, lang: str = "zh"
) -> tuple[Row, ...]:
    """Instances of the actor's unions whose titles share most with what is being typed: possible duplicates."""
    grams = set(forms.bigrams(title))
    if len(grams) < 2:
        return ()
    unions = sorted({p.union_id for p in actor.posts if p.union_id}, key=str)
    rows = session.execute(
        _rows()
        .add_columns(_instance.grams)
        .where(
            _instance.union_id.in_(unions),
            _instance.process_id == process_id,
            _instance.grams.overlap(sorted(grams)),
            or_(~_instance.confidential, access.visible(actor)),
        )
        .order_by(_instance.id.desc())
        .limit(400)
    ).all()
    scored = sorted(((_likeness(grams, r.title), r) for r in rows), key=lambda pair: -pair[0])
    return tuple(_row(session, r, lang) for score, r in scored[:limit] if score >= 35)


def _likeness(grams: set[str], title: str) -> int:
    """How much two titles share, in percent of the shorter one."""
    other = set(forms.bigrams(title))
    return 100 * len(grams & other) // max(1, min(len(grams), len(other)))

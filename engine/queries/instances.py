"""Lists of instances and the search over many. Narrowed by access.visible in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Integer, Text, and_, cast, column, func, or_, select, text, true, values
from sqlalchemy.dialects.postgresql import ARRAY

from engine import clock, forms
from engine.db import tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.store import process_of
from engine.errors import Invalid
from engine.history.erased import ERASED_TITLE
from engine.messages import Listed, _
from engine.people import access
from engine.queries import newest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy import Row as Selected

    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor

_instance, _task = tables.instance.c, tables.task.c
MOST = 200
FEW, NEWEST, PROBED = 1000, 5000, 3000  # instances that a search names, or looks through
STATES = tuple(InstanceState)


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
class Wanted:
    """Which instances of a list. `words` finds numbers, titles, people and units; `mine` only what
    I started, `others` only what others started and I take part in; `overdue` only what waits for
    somebody who is late; `stage` what waits at this element, `waits` for this person or seat.
    """

    words: str | None = None
    process: str | None = None
    state: str | None = None
    unit_id: UUID | None = None
    starter_id: UUID | None = None
    since: date | None = None
    until: date | None = None
    mine: bool = False
    others: bool = False
    overdue: bool = False
    stage: str | None = None
    waits: str | None = None


EVERYTHING = Wanted()


def instances(
    session: Session,
    actor: Actor,
    wanted: Wanted = EVERYTHING,
    *,
    after: str | None = None,
    limit: int = 50,
    lang: str = "zh",
) -> Page:
    """A page of the instances that this person may see, newest first. Raises Invalid for a wrong
    filter or cursor.
    """
    narrowing = _narrowing(wanted)
    conditions = [*narrowing, *_behind(after)]
    if wanted.others:
        conditions.append(_instance.starter_id != actor.id)
    size = max(1, min(limit, MOST))
    ways = newest.ways(actor, mine=wanted.mine, others=wanted.others)
    search = Search.of(wanted.words)
    if search is not None:
        ids = search.first(session, ways, conditions, size + 1)
    else:
        named = _named(session, conditions) if narrowing else None
        ids = _first(ways, size + 1, conditions, named)
    query = _rows().where(_instance.id.in_(ids))
    found = session.execute(query.order_by(_instance.id.desc()).limit(size + 1)).all()
    items = tuple(_row(session, r, lang) for r in found[:size])
    return Page(items, str(items[-1].id) if len(found) > size else None)


def _behind(cursor: str | None) -> list[ColumnElement[bool]]:
    """The condition that goes on from a page. Raises Invalid."""
    try:
        return [_instance.id < UUID(cursor)] if cursor else []
    except ValueError:
        raise Invalid({"after": [_("翻页标记无效。")]}) from None


def _named(session: Session, conditions: list[ColumnElement[bool]]) -> Sequence[UUID] | None:
    """The instances of everybody that meet the conditions, None when they are more than FEW."""
    found = session.execute(select(_instance.id).where(*conditions).limit(FEW + 1)).scalars().all()
    return found if len(found) <= FEW else None


def _first(
    ways: Sequence[newest.Way],
    enough: int,
    conditions: Sequence[ColumnElement[bool]],
    named: Sequence[UUID] | None,
) -> Select[tuple[UUID]]:
    """The first page without words. `named`: all that meet the conditions, if they are few.

    Few are asked about one by one; many are soon met by going down what each way leads to.
    """
    if named is not None:
        return newest.first_of_few(ways, enough, _instance.id.in_(named))
    return newest.first_by_each(ways, enough, *conditions)


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


def _narrowing(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What is asked of an instance itself, but the words."""
    if wanted.state and wanted.state not in STATES:
        raise Invalid({"state": [_("应为 {choices} 之一。", choices=Listed(STATES))]})
    found = _equal(wanted)
    if wanted.since:
        found.append(_instance.started_at >= clock.midnight(wanted.since))
    if wanted.until:
        found.append(_instance.started_at < clock.midnight(wanted.until + timedelta(days=1)))
    found += _open(wanted)
    return [*found, *_overdue()] if wanted.overdue else found


def _open(wanted: Wanted) -> list[ColumnElement[bool]]:
    """It goes on, and waits at this step, or for this person or seat."""
    asked = [_task.element == wanted.stage] if wanted.stage else []
    if wanted.waits:
        whose = func.coalesce(cast(_task.assignee_id, Text), _task.seat)
        asked.append(whose == wanted.waits)
    if not asked:
        return []
    waiting = select(_task.instance_id).where(_task.state == TaskState.OPEN, *asked)
    return [_instance.state == InstanceState.RUNNING, _instance.id.in_(waiting)]


def _overdue() -> list[ColumnElement[bool]]:
    """It goes on, and a task of it has waited beyond its time."""
    late = select(_task.instance_id).where(
        _task.state == TaskState.OPEN, _task.due_at.is_not(None), _task.due_at <= clock.now()
    )
    return [_instance.state == InstanceState.RUNNING, _instance.id.in_(late)]


def _equal(wanted: Wanted) -> list[ColumnElement[bool]]:
    pairs = (
        (_instance.process_id, wanted.process),
        (_instance.state, wanted.state),
        (_instance.unit_id, wanted.unit_id),
        (_instance.starter_id, wanted.starter_id),
    )
    return [column == value for column, value in pairs if value]


_ONE = values(column("one", Integer), name="one").data([(1,)])
_BY_GRAMS = text(
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off"
)
_AS_USUAL = text(
    "SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on"
)


@dataclass(frozen=True)
class Search:
    """What a search looks for: pieces of two characters, single characters of the title, or a
    number as it stands.
    """

    grams: list[str]
    letters: list[str]
    number: str  # "" when the words do not look like one
    mark: str = ""  # of a number as people write it

    @classmethod
    def of(cls, words: str | None) -> Search | None:
        """None when there is nothing to look for."""
        if not words or not words.strip():
            return None
        parts = words.split()[:8]
        if all(len(part) == 1 for part in parts):  # a name typed with blanks: 赵 一
            parts = ["".join(parts)]
        found = {gram for part in parts for gram in forms.bigrams(part)}
        return cls(
            grams=sorted(g for g in found if len(g) > 1)[:60],
            letters=sorted(g for g in found if len(g) == 1),
            number=words.strip() if "〔" in words else "",
            mark=forms.sought(words),
        )

    def first(
        self,
        session: Session,
        ways: Sequence[newest.Way],
        conditions: Sequence[ColumnElement[bool]],
        enough: int,
    ) -> Select[tuple[UUID]]:
        """The ids of the first page. The planner cannot know how often pieces meet, so we look
        first.

        Frequent words fill a page from the newest instances. Of the others the index knows all;
        when these are too many to name, they are frequent enough to be met by going on from the
        newest.
        """
        if not self.grams:  # one character is no gram of longer words
            newest_titles = self._or_number(and_(*self._letters()))
            ids = newest.first(ways, NEWEST)
            return newest.first_among(ids, enough, *conditions, newest_titles)
        met, whole = self._met(session, ways, conditions, enough)
        if whole:
            return select(_instance.id).where(_instance.id.in_(met))
        held = self._named(session)
        if held is None:
            return newest.first_by_each(ways, enough, *conditions, self._among())
        return newest.first_of_few(ways, enough, *conditions, held)

    def _met(
        self,
        session: Session,
        ways: Sequence[newest.Way],
        conditions: Sequence[ColumnElement[bool]],
        enough: int,
    ) -> tuple[list[UUID], bool]:
        """What is met among the newest, not more than `enough`; and whether that is all there is to
        show.
        """
        probed = select(newest.first(ways, PROBED).c.id).cte("probed")
        among = select(probed.c.id).order_by(probed.c.id.desc()).subquery()
        held = self._or_number(and_(self._holds(), *self._letters()))
        met = newest.first_among(among, enough, *conditions, held).subquery()
        size = select(func.count()).select_from(probed).scalar_subquery()
        rows = session.execute(
            select(size, met.c.id).select_from(_ONE.outerjoin(met, true()))
        ).all()
        found = [key for _size, key in rows if key is not None]
        return found, len(found) == enough or rows[0][0] < PROBED

    def _named(self, session: Session) -> ColumnElement[bool] | None:
        """The condition that it is one of those that the index finds, over all unions; None when
        they are more than FEW.
        """
        holds = select(_instance.id).where(self._holds())
        session.execute(_BY_GRAMS)
        found = session.execute(holds.limit(FEW + 1)).scalars().all()
        session.execute(_AS_USUAL)
        if len(found) > FEW:
            return None
        return self._or_number(and_(_instance.id.in_(found), *self._letters()))

    def _letters(self) -> list[ColumnElement[bool]]:
        return [_instance.title.contains(letter, autoescape=True) for letter in self.letters]

    def _among(self) -> ColumnElement[bool]:
        """The condition, put so that the planner keeps off the index, which reads all there is of a
        frequent piece.
        """
        kept = _instance.grams + cast([], ARRAY(Text))
        return self._or_number(and_(self._holds(kept), *self._letters()))

    def _holds(self, kept: ColumnElement[Any] = _instance.grams) -> ColumnElement[bool]:
        """The condition that an instance has all the pieces, or the number."""
        holds = kept.contains(self.grams)
        return or_(holds, kept.contains([self.mark])) if self.mark else holds

    def _or_number(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return or_(_instance.number == self.number, condition) if self.number else condition


def _row(session: Session, row: Selected[Any], lang: str) -> Row:
    return in_list(process_of(session, row.version), row._asdict(), lang)


def in_list(process: Process, row: Mapping[str, Any], lang: str) -> Row:
    """A row of `instance` with the names of its `starter` and `unit`, in words."""
    return Row(
        id=row["id"],
        number=row["number"],
        title=_title(row["title"], lang),
        process_id=row["process_id"],
        process_title=process.title.in_(lang),
        state=row["state"],
        outcome=row["outcome"],
        outcome_title=process.title_of(row["outcome"], lang) if row["outcome"] else "",
        stage=tuple(process.title_of(e, lang) for e in people_first(process, row["stage"])),
        starter=row["starter"],
        unit=row["unit"] or "",
        started_at=row["started_at"],
        changed_at=row["changed_at"],
        ended_at=row["ended_at"],
    )


def people_first(process: Process, stage: Sequence[str]) -> Sequence[str]:
    """What somebody has to do; only where nobody has, what the matter waits for."""
    elements = process.diagram.elements
    return [e for e in stage if e in elements and elements[e].type == "userTask"] or stage


def _title(title: str, lang: str) -> str:
    erased = title == ERASED_TITLE and lang == "en"
    return "The contents were erased by the rules" if erased else title


def alike(
    session: Session, actor: Actor, process_id: str, title: str, limit: int = 5, lang: str = "zh"
) -> tuple[Row, ...]:
    """Instances of the actor's unions whose titles share most with what is being typed: possible
    duplicates.
    """
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

"""What waits for a person, over all processes, posts and unions: tasks of their own, of their
seats, and open polls.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from engine import clock
from engine.db.states import ALIVE, InstanceState
from engine.definitions.store import process_of
from engine.errors import Invalid
from engine.instance.union_law import UnionLaw, read_by
from engine.messages import Message, _, restored
from engine.people import access, posts
from engine.queries import foresight, provisos
from engine.queries.mine import BUCKETS, MINE, NARROWED, PARTS, narrowed, whose
from engine.queries.news import Asked, Mention, Sent
from engine.queries.words import Named, about

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db import Session, rows
    from engine.definitions.process import Process
    from engine.people.organisation import Actor

MOST = 200
_RANK = (
    "coalesce(array_position(CAST(:parts AS text[]), part), 0)"  # of its part; 0 in a list without
)

# the counts stand on every row, and on one without an item where the page is empty
_PAGE = text(
    "WITH"
    + MINE
    + f"""
, page AS (
  SELECT *, {_RANK} AS rank FROM dated {NARROWED}
     AND (CAST(:after_due AS timestamptz) IS NULL
          OR ({_RANK}, coalesce(due_at, 'infinity'), id)
             > (CAST(:after_rank AS int), CAST(:after_due AS timestamptz), CAST(:after_id AS uuid)))
   ORDER BY {_RANK}, coalesce(due_at, 'infinity'), id LIMIT :limit
), counted AS (
  SELECT coalesce(json_agg(json_build_array(bucket, process_id, part, element, n)), '[]') AS counts
    FROM (SELECT bucket, process_id, part, element, count(*) AS n FROM dated GROUP BY 1, 2, 3, 4) AS c
), published AS (
  SELECT count(*) AS published FROM publication p JOIN instance i ON i.id = p.instance_id
   WHERE p.circle @> ARRAY[CAST(:me AS uuid)] AND p.current AND p.until > :now AND i.state = ANY(:alive)
), laws AS (
  SELECT json_object_agg(u.id, {read_by("u.id")}) AS laws FROM unit u WHERE u.id IN (SELECT union_id FROM page WHERE due_at IS NOT NULL)
), own AS (
  SELECT coalesce(json_agg(json_build_array(h.task_id, i.version, t.element, CASE WHEN i.confidential THEN '' ELSE i.title END, h.until, h.why, h.batch) ORDER BY h.until), '[]') AS own
    FROM held_act h JOIN instance i ON i.id = h.instance_id JOIN task t ON t.id = h.task_id WHERE h.member_id = :me
), named AS (
  SELECT coalesce(json_agg(json_build_array(c.instance_id, c.element, i.number, CASE WHEN i.confidential THEN '' ELSE i.title END, m.name, c.at) ORDER BY c.at), '[]') AS named
    FROM comment c JOIN instance i ON i.id = c.instance_id JOIN member m ON m.id = c.member_id
   WHERE c.mentions @> ARRAY[CAST(:me AS uuid)] AND NOT c.read_by @> ARRAY[CAST(:me AS uuid)] AND c.withdrawn_at IS NULL AND c.text IS NOT NULL
     AND (i.starter_id = :me OR NOT i.confidential AND i.union_id = ANY(:offices)
          OR EXISTS (SELECT 1 FROM share h WHERE h.instance_id = i.id AND h.key = ANY(:keys)))
), asked AS (
  SELECT coalesce(json_agg(json_build_array(a.id, a.what, i.number, CASE WHEN i.confidential THEN '' ELSE i.title END, m.name,
                  CASE WHEN a.to_id = :me THEN a.asked_at ELSE a.answered_at END, a.to_id = :me, t.id) ORDER BY a.asked_at), '[]') AS asked
    FROM ask a JOIN instance i ON i.id = a.instance_id JOIN task t ON t.id = a.task_id
    JOIN member m ON m.id = CASE WHEN a.to_id = :me THEN a.by_id ELSE a.to_id END
   WHERE (a.to_id = :me AND a.answered_at IS NULL OR a.by_id = :me AND a.answered_at IS NOT NULL)
     AND a.withdrawn_at IS NULL AND t.state = 'open' AND i.state = 'running'
), sent AS (
  SELECT coalesce(json_agg(json_build_array(c.id, c.instance_id, i.number, CASE WHEN i.confidential THEN '' ELSE i.title END, m.name, c.at) ORDER BY c.at), '[]') AS sent
    FROM copy c JOIN instance i ON i.id = c.instance_id JOIN member m ON m.id = c.by_id
   WHERE c.to_id = :me AND c.read_at IS NULL AND c.withdrawn_at IS NULL
     AND (NOT i.confidential AND i.union_id = ANY(:unions) OR i.starter_id = :me
          OR EXISTS (SELECT 1 FROM share h WHERE h.instance_id = i.id AND h.key = ANY(:keys)))
), agreed AS (
  SELECT coalesce(json_agg(json_build_array(i.id, i.number, i.title, i.facts->'_provisos', i.facts->'_proviso_acts')), '[]') AS agreed
    FROM instance i WHERE i.union_id = ANY(:unions) AND i.facts ? '_provisos' AND i.state = ANY(:tracked) AND NOT i.confidential
     AND (i.union_id = ANY(:offices) OR EXISTS (SELECT 1 FROM jsonb_each(i.facts->'_provisos') AS p
           WHERE p.value->>'by' = CAST(:me AS text) OR p.value->'for' ?| CAST(:holds AS text[])))
), kept AS (
  SELECT coalesce(json_agg(json_build_array(name, wanted) ORDER BY name), '[]') AS views FROM saved_view WHERE member_id = :me AND place = ''
)
SELECT counted.counts, published.published, laws.laws, kept.views, own.own, named.named, asked.asked, sent.sent, agreed.agreed,
       page.*, t.assignee_id, t.revision, coalesce(t.due, pt.due) AS due,
       p.kind AS poll_kind, p.rule->'about' AS about, m.name AS starter,
       CASE p.state WHEN 'called' THEN 'take_key'
         WHEN 'counting' THEN CASE WHEN p.secret AND NOT p.rule ? 'opened' THEN 'open_box' ELSE 'sign' END END AS teller,
       u.name AS union_name, hm.name AS held_by, lm.name AS lender_name
  FROM counted CROSS JOIN published CROSS JOIN laws CROSS JOIN kept CROSS JOIN own CROSS JOIN named CROSS JOIN asked CROSS JOIN sent CROSS JOIN agreed
  LEFT JOIN page ON true LEFT JOIN task t ON page.what = 'task' AND t.id = page.id
  LEFT JOIN poll p ON page.what = 'poll' AND p.id = page.id LEFT JOIN task pt ON pt.id = p.task_id
  LEFT JOIN member m ON m.id = page.starter_id LEFT JOIN unit u ON u.id = page.union_id
  LEFT JOIN held_act h ON h.task_id = t.id AND h.why IS NULL LEFT JOIN member hm ON hm.id = h.member_id
  LEFT JOIN member lm ON lm.id = page.lender
 ORDER BY page.rank, coalesce(page.due_at, 'infinity'), page.id"""
)


@dataclass(frozen=True)
class Item:
    """One thing to do. `what` is "task" or "poll"; `id` is the task's or the poll's; `bucket` one
    of BUCKETS, `part` one of PARTS, `flags` some of FLAGS.

    `working_left` and `days_left` until it is due, negative when that has passed, as on its card;
    None without a due time.
    """

    id: UUID
    what: str
    instance_id: UUID
    number: str
    title: str
    process_id: str
    process_title: str
    element: str
    element_title: str
    asks: str
    bucket: str
    part: str
    flags: tuple[str, ...]
    alike: bool  # may it be done together with others of its kind?
    confidential: bool
    due_at: datetime | None
    due: Mapping[str, Any] | None
    working_left: int | None
    days_left: int | None
    opened_at: datetime
    started_at: datetime
    starter: str
    union: str
    claimed: bool
    revision: int | None
    poll_kind: str
    about: str  # the question that a poll puts, where it says one
    teller: str  # what I do as a teller: take_key, open_box, sign; "" otherwise
    held_by: str  # who has done it, and may still take it back; ""
    lender: str  # in whose place it would be done; ""
    timed: bool  # may it be that it cannot be done yet? then not_yet.py says from when

    @property
    def of(self) -> str:
        """Its kind."""
        return f"{self.process_id}.{self.element}"


@dataclass(frozen=True)
class Own:
    """An act of this person that they may take back until a moment; or one that could not be
    carried out, and why.
    """

    task_id: UUID
    title: str
    subject: str  # "" of a confidential matter
    until: datetime
    why: Message | str  # "" while it waits
    batch: UUID | None  # of the act over several tasks of which it is one


@dataclass(frozen=True)
class Batch:
    """What may be taken back of an act over several tasks: how many, the last of them until
    when.
    """

    batch: UUID
    title: str  # of its tasks
    n: int
    until: datetime


@dataclass(frozen=True)
class Inbox:
    """A page of items, the counts by bucket, process and part over all of them, and the cursor of
    the next page.
    """

    items: tuple[Item, ...]
    counts: Mapping[str, int]
    by_process: Mapping[str, int]
    by_part: Mapping[str, int]
    alike: Mapping[str, int]  # kinds ("process.element") of which several can be done together
    total: int
    next: str | None
    published: int  # so many publications stand open to this person
    views: tuple[tuple[str, Mapping[str, str]], ...]  # their saved filters, by name
    own: tuple[Own, ...]
    named: tuple[Mention, ...]  # comments that name this person, who has not read them
    asked: tuple[Asked, ...]  # of this person, or answered to them
    agreed: tuple[provisos.Standing, ...]  # conditions still to be met that are theirs to follow
    sent: tuple[Sent, ...]  # to this person, for information: nothing to do

    @property
    def must(self) -> int:
        """How many of them must be done."""
        return self.total - self.by_part["optional"]

    @property
    def batches(self) -> tuple[Batch, ...]:
        """This person's acts over several tasks of which something may be taken back."""
        now, waiting = clock.now(), defaultdict[UUID, list[Own]](list)
        for act in self.own:
            if act.batch and not act.why and act.until > now:
                waiting[act.batch].append(act)
        return tuple(
            Batch(key, acts[-1].title, len(acts), acts[-1].until) for key, acts in waiting.items()
        )


def inbox(
    session: Session,
    actor: Actor,
    *,
    after: str | None = None,
    limit: int = 50,
    by_part: bool = False,
    lang: str = "zh",
    **wanted: str | None,
) -> Inbox:
    """The first page, or the one behind cursor `after`, of what a filter (see mine.narrowed) lets
    through; soonest due first, `by_part`: within each part of the list. Raises Invalid for a bad
    filter or cursor.
    """
    size = max(1, min(limit, MOST))
    place = {**_cursor(after), "limit": size + 1, "parts": list(PARTS) if by_part else []}
    mine: dict[str, Any] = {"keys": actor.keys}
    mine["offices"] = access.desk_unions(actor, posts.OFFICE)
    mine |= {"unions": access.own_unions(actor), "tracked": [*ALIVE, InstanceState.ENDED]}
    mine["holds"] = [str(actor.id), *sorted(actor.seats)]
    values = {**whose(actor), **narrowed(wanted), **place, **mine, "alive": list(ALIVE)}
    found = session.execute(_PAGE, values).all()
    rows = [row for row in found if row.id is not None]
    items = _items(session, rows[:size], found[0], lang)
    more = _place(rows[size - 1]) if len(rows) > size else None
    own = tuple(_own(session, each, lang) for each in found[0].own)
    return _counted(items, found[0], more, own)


def _own(session: Session, act: Sequence[Any], lang: str) -> Own:
    """One act as the statement gives it."""
    key, version, element, subject, until, why, batch = act
    title = process_of(session, version).tasks[element].title.in_(lang)
    reason = "" if why is None else restored(why)
    of = UUID(batch) if batch else None
    return Own(UUID(key), title, subject, until=datetime.fromisoformat(until), why=reason, batch=of)


def _counted(
    items: tuple[Item, ...], first: rows.Selected, more: str | None, own: tuple[Own, ...]
) -> Inbox:
    """The page with what was counted of all, which stands in its first row."""
    counts, by_process, by_part, alike = (Counter[str]() for _of in range(4))
    for bucket, process, part, element, n in first.counts:
        counts[bucket] += n
        by_process[process] += n
        by_part[part] += n
        alike[f"{process}.{element}"] += n if part == "together" else 0
    return Inbox(
        items,
        {b: counts[b] for b in BUCKETS},
        by_process,
        {p: by_part[p] for p in PARTS},
        {of: n for of, n in alike.items() if n > 1},
        total=counts.total(),
        next=more,
        published=first.published,
        views=tuple((name, wanted) for name, wanted in first.views),
        own=own,
        named=tuple(Mention.of(*each) for each in first.named),
        asked=tuple(Asked.of(*each) for each in first.asked),
        agreed=provisos.standing(first.agreed),
        sent=tuple(Sent.of(*each) for each in first.sent),
    )


def _place(row: rows.Selected) -> str:
    """The cursor behind an item; where the list goes by parts, with the rank of its part."""
    due = row.due_at.isoformat() if row.due_at else "infinity"
    return f"{due}~{row.id}~{row.rank}" if row.rank else f"{due}~{row.id}"


def _cursor(after: str | None) -> dict[str, Any]:
    if not after:
        return dict.fromkeys(("after_due", "after_id", "after_rank"))
    due, _mark, rest = after.partition("~")
    key, _mark, rank = rest.partition("~")
    try:
        at = due if due == "infinity" else datetime.fromisoformat(due).isoformat()
        return {"after_due": at, "after_id": UUID(key), "after_rank": int(rank or 0)}
    except ValueError:
        raise Invalid({"after": [_("翻页标记无效。")]}) from None


def _items(
    session: Session, rows: Sequence[rows.Selected], first: rows.Selected, lang: str
) -> tuple[Item, ...]:
    """In words. The questions that polls put are named in one look-up, and only where one names
    somebody.
    """
    names = Named.of(session, [row.about[:1] for row in rows if row.about])
    laws = {UUID(union): UnionLaw(read) for union, read in (first.laws or {}).items()}
    return tuple(
        _item(process_of(session, row.version), row, _left(row, laws), names, lang) for row in rows
    )


def _left(row: rows.Selected, laws: Mapping[UUID, UnionLaw]) -> tuple[int | None, int | None]:
    """How many working days are left, by the calendar of the union, and how many days."""
    if row.due_at is None:
        return None, None
    return laws[row.union_id].calendar.remaining(clock.now(), row.due_at)


def _item(
    process: Process,
    row: rows.Selected,
    left: tuple[int | None, int | None],
    names: Named,
    lang: str,
) -> Item:
    rule = process.tasks[row.element]
    question = about(process, row.about[:1], names, lang).question if row.about else ""
    return Item(
        id=row.id,
        what=row.what,
        instance_id=row.instance_id,
        number=row.number,
        title=row.title,
        process_id=row.process_id,
        process_title=process.title.in_(lang),
        element=row.element,
        element_title=rule.title.in_(lang),
        asks=rule.asks.in_(lang),
        bucket=row.bucket,
        part=row.part,
        flags=tuple(row.flags),
        alike=row.alike,
        confidential=row.confidential,
        due_at=row.due_at,
        due=row.due,
        working_left=left[0],
        days_left=left[1],
        opened_at=row.opened_at,
        started_at=row.started_at,
        starter=row.starter,
        union=row.union_name,
        claimed=row.assignee_id is not None,
        revision=row.revision,
        poll_kind=row.poll_kind or "",
        teller=row.teller or "",
        about=question,
        held_by=row.held_by or "",
        lender=row.lender_name or "",
        timed=row.what == "task" and foresight.timed(process, row.element),
    )

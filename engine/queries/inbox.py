"""What waits for a person, over all processes, posts and unions: tasks of their own, of their
seats, and open polls.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from engine import clock
from engine.db.states import ALIVE
from engine.definitions.store import process_of
from engine.errors import Invalid
from engine.messages import Listed, Message, _, restored
from engine.queries.words import Named, about

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db import Session, rows
    from engine.definitions.process import Process
    from engine.people.organisation import Actor

BUCKETS = ("overdue", "today", "week", "later", "undated")
MOST = 200

_MINE = """
mine AS (
  SELECT t.id, t.instance_id, t.due_at, 'task' AS what FROM task t
   WHERE t.state = 'open' AND t.assignee_id = :me
  UNION ALL
  SELECT t.id, t.instance_id, t.due_at, 'task' FROM task t
   WHERE t.state = 'open' AND t.assignee_id IS NULL AND t.seat = ANY(:seats)
  UNION ALL
  SELECT p.id, p.instance_id, p.closes_at, 'poll' FROM roll r JOIN poll p ON p.id = r.poll_id
   WHERE r.member_id = :me AND r.open AND p.state = 'open'
  UNION
  SELECT p.id, p.instance_id, p.closes_at, 'poll' FROM teller r JOIN poll p ON p.id = r.poll_id
   WHERE r.member_id = :me AND r.signed_at IS NULL AND coalesce(r.dissent, r.leaves) IS NULL AND p.state IN ('called', 'counting')
     AND NOT EXISTS (SELECT 1 FROM teller_key k WHERE k.poll_id = p.id AND k.member_id = :me
                        AND (p.state = 'called' OR k.joined))
),
dated AS (
  SELECT mine.*, i.number, i.title, i.process_id, i.version, i.started_at, i.starter_id, i.union_id, i.confidential,
         CASE WHEN mine.due_at IS NULL THEN 'undated' WHEN mine.due_at <= :now THEN 'overdue'
              WHEN mine.due_at <= :tomorrow THEN 'today' WHEN mine.due_at <= :week THEN 'week' ELSE 'later' END AS bucket
    FROM mine JOIN instance i ON i.id = mine.instance_id WHERE i.state = 'running'
     AND NOT EXISTS (SELECT 1 FROM held_act h WHERE h.task_id = mine.id AND h.member_id = :me AND h.why IS NULL)
)"""

# the counts stand on every row, and on one without an item where the page is empty
_PAGE = text(
    "WITH"
    + _MINE
    + """
, page AS (
  SELECT * FROM dated
   WHERE (CAST(:bucket AS text) IS NULL OR bucket = :bucket)
     AND (CAST(:process AS text) IS NULL OR process_id = :process)
     AND (CAST(:like AS text) IS NULL OR title ILIKE :like OR number ILIKE :like)
     AND (CAST(:after_due AS timestamptz) IS NULL
          OR (coalesce(due_at, 'infinity'), id) > (CAST(:after_due AS timestamptz), CAST(:after_id AS uuid)))
   ORDER BY coalesce(due_at, 'infinity'), id LIMIT :limit
), counted AS (
  SELECT coalesce(json_agg(json_build_array(bucket, process_id, n)), '[]') AS counts
    FROM (SELECT bucket, process_id, count(*) AS n FROM dated GROUP BY 1, 2) AS c
), published AS (
  SELECT count(*) AS published FROM publication p JOIN instance i ON i.id = p.instance_id
   WHERE p.circle @> ARRAY[CAST(:me AS uuid)] AND p.current AND p.until > :now AND i.state = ANY(:alive)
), own AS (
  SELECT coalesce(json_agg(json_build_array(h.task_id, i.version, t.element, i.title, h.until, h.why) ORDER BY h.until), '[]') AS own
    FROM held_act h JOIN instance i ON i.id = h.instance_id JOIN task t ON t.id = h.task_id WHERE h.member_id = :me
)
SELECT counted.counts, published.published, own.own, page.*, coalesce(t.element, pt.element) AS element, t.assignee_id, t.revision, coalesce(t.due, pt.due) AS due,
       coalesce(t.opened_at, p.opened_at) AS opened_at, p.kind AS poll_kind, p.rule->'about' AS about, m.name AS starter,
       CASE p.state WHEN 'called' THEN 'take_key'
         WHEN 'counting' THEN CASE WHEN p.secret AND NOT p.rule ? 'opened' THEN 'open_box' ELSE 'sign' END END AS teller,
       u.name AS union_name, hm.name AS held_by
  FROM counted CROSS JOIN published CROSS JOIN own LEFT JOIN page ON true LEFT JOIN task t ON page.what = 'task' AND t.id = page.id
  LEFT JOIN poll p ON page.what = 'poll' AND p.id = page.id LEFT JOIN task pt ON pt.id = p.task_id
  LEFT JOIN member m ON m.id = page.starter_id LEFT JOIN unit u ON u.id = page.union_id
  LEFT JOIN held_act h ON h.task_id = t.id AND h.why IS NULL LEFT JOIN member hm ON hm.id = h.member_id
 ORDER BY coalesce(page.due_at, 'infinity'), page.id"""
)


@dataclass(frozen=True)
class Item:
    """One thing to do. `what` is "task" or "poll"; `id` is the task's or the poll's; `bucket` one
    of BUCKETS.
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
    due_at: datetime | None
    due: Mapping[str, Any] | None
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


@dataclass(frozen=True)
class Own:
    """An act of this person that they may take back until a moment; or one that could not be
    carried out, and why.
    """

    task_id: UUID
    title: str
    subject: str
    until: datetime
    why: Message | str  # "" while it waits


@dataclass(frozen=True)
class Inbox:
    """A page of items, the counts by bucket and by process over all of them, and the cursor of the
    next page.
    """

    items: tuple[Item, ...]
    counts: Mapping[str, int]
    by_process: Mapping[str, int]
    total: int
    next: str | None
    published: int  # so many publications stand open to this person
    own: tuple[Own, ...]


def like(words: str | None) -> str | None:
    """A search text as an ILIKE pattern that matches it literally."""
    if not words or not words.strip():
        return None
    plain = (
        words.strip()
        .replace("\\", "\\\\")
        .replace("%", "\\%")
        .replace("_", "\\_")
        .replace("\0", "")
    )
    return f"%{plain[:100]}%"


def inbox(
    session: Session,
    actor: Actor,
    *,
    bucket: str | None = None,
    process: str | None = None,
    words: str | None = None,
    after: str | None = None,
    limit: int = 50,
    lang: str = "zh",
) -> Inbox:
    """The first page, or the one behind cursor `after`; soonest due first. Raises Invalid for a bad
    bucket or cursor.
    """
    if bucket is not None and bucket not in BUCKETS:
        raise Invalid({"bucket": [_("应为 {choices} 之一。", choices=Listed(BUCKETS))]})
    size = max(1, min(limit, MOST))
    after_due, after_id = _cursor(after)
    narrowed = {"bucket": bucket, "process": process, "like": like(words)}
    place = {"after_due": after_due, "after_id": after_id, "limit": size + 1}
    found = session.execute(
        _PAGE, {**_whose(actor), **narrowed, **place, "alive": list(ALIVE)}
    ).all()
    rows = [row for row in found if row.id is not None]
    items = _items(session, rows[:size], lang)
    more = _place(items[-1]) if len(rows) > size else None
    own = tuple(_own(session, each, lang) for each in found[0].own)
    return _counted(items, found[0], more, own)


def _own(session: Session, act: Sequence[Any], lang: str) -> Own:
    """One act as the statement gives it."""
    key, version, element, subject, until, why = act
    title = process_of(session, version).tasks[element].title.in_(lang)
    reason = "" if why is None else restored(why)
    return Own(UUID(key), title, subject, datetime.fromisoformat(until), reason)


def _counted(
    items: tuple[Item, ...], first: rows.Selected, more: str | None, own: tuple[Own, ...]
) -> Inbox:
    """The page with what was counted of all, which stands in its first row."""
    counts, by_process = Counter[str](), Counter[str]()
    for bucket, process, n in first.counts:
        counts[bucket] += n
        by_process[process] += n
    return Inbox(
        items,
        {b: counts[b] for b in BUCKETS},
        by_process,
        total=counts.total(),
        next=more,
        published=first.published,
        own=own,
    )


def _whose(actor: Actor) -> dict[str, Any]:
    """Whose things, and where the buckets end."""
    midnight = datetime.combine(clock.today() + timedelta(days=1), time(), clock.CHINA)
    return {
        "me": actor.id,
        "seats": sorted(actor.seats),
        "now": clock.now(),
        "tomorrow": midnight,
        "week": midnight + timedelta(days=6),
    }


def _place(item: Item) -> str:
    """The cursor behind an item."""
    due = item.due_at.isoformat() if item.due_at else "infinity"
    return f"{due}~{item.id}"


def _cursor(after: str | None) -> tuple[str | None, UUID | None]:
    if not after:
        return None, None
    due, _mark, key = after.partition("~")
    try:
        return (due if due == "infinity" else datetime.fromisoformat(due).isoformat()), UUID(key)
    except ValueError:
        raise Invalid({"after": [_("翻页标记无效。")]}) from None


def _items(session: Session, rows: Sequence[rows.Selected], lang: str) -> tuple[Item, ...]:
    """In words. The questions that polls put are named in one look-up, and only where one names
    somebody.
    """
    names = Named.of(session, [row.about[:1] for row in rows if row.about])
    return tuple(_item(process_of(session, row.version), row, names, lang) for row in rows)


def _item(process: Process, row: rows.Selected, names: Named, lang: str) -> Item:
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
        due_at=row.due_at,
        due=row.due,
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
    )


_NEXT = text(
    "WITH"
    + _MINE
    + """
, done AS (
  SELECT t.instance_id, t.element, i.process_id FROM task t JOIN instance i ON i.id = t.instance_id
   WHERE t.id = coalesce((SELECT task_id FROM poll WHERE id = :done), :done)
)
SELECT d.id, d.what
  FROM dated d LEFT JOIN done ON true LEFT JOIN poll p ON d.what = 'poll' AND p.id = d.id
  JOIN task t ON t.id = coalesce(p.task_id, d.id)
 WHERE d.id <> :done AND NOT EXISTS (SELECT 1 FROM held_act h WHERE h.task_id = d.id AND h.why IS NULL)
   AND (NOT d.confidential OR d.instance_id = done.instance_id)
 ORDER BY (d.instance_id = done.instance_id) IS TRUE DESC,
          (d.process_id = done.process_id AND t.element = done.element) IS TRUE DESC,
          coalesce(d.due_at, 'infinity'), d.id
 LIMIT 1"""
)


def following(session: Session, actor: Actor, done: UUID) -> tuple[str, UUID] | None:
    """What to do next after finishing something, as "task" or "poll" and its id: what is left of
    the same matter, then the same step of others, then the most urgent. Another confidential
    matter never opens by itself.
    """
    found = session.execute(_NEXT, {**_whose(actor), "done": done}).first()
    return (found.what, found.id) if found else None

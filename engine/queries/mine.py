"""What is mine to do, as a piece of SQL: tasks of my own, of my seats, and open polls; each with
its due bucket, the part of the list it stands in, and what sets it apart from its like.
"""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from engine import clock, forms
from engine.errors import Invalid
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.people.organisation import Actor, Lent

BUCKETS = ("overdue", "today", "week", "later", "undated")
PARTS = ("soon", "together", "look", "poll", "deputy", "optional")
"""In the order in which a person works. soon: overdue or due today; together: the process allows
one act for many, and nothing is unusual; look: to be read one by one; poll: answered one by one;
deputy: in the place of somebody who is away; optional: who does not answer omits nothing, so that
it is in no count of what must be done."""
FLAGS = ("own", "file", "changed", "long")
"""own: a matter of my own, or one that I support; file: a file was added since it came to me;
changed: something was said since, or since I last saw it; long: a long text."""
LONG = 1500  # characters of a launch beyond which it is read by itself

# `of`, "process.element", and `part` name a kind and a part of the list
MINE = """
mine AS (
  SELECT t.id, t.instance_id, t.due_at, 'task' AS what, t.element, t.opened_at, NULL AS kind, CAST(NULL AS uuid) AS lender FROM task t
   WHERE t.state = 'open' AND t.assignee_id = :me
  UNION ALL
  SELECT t.id, t.instance_id, t.due_at, 'task', t.element, t.opened_at, NULL, NULL FROM task t
   WHERE t.state = 'open' AND t.assignee_id IS NULL AND t.seat = ANY(:seats)
  UNION ALL
  (SELECT DISTINCT ON (t.id) t.id, t.instance_id, t.due_at, 'task', t.element, t.opened_at, NULL, l.lender
    FROM jsonb_to_recordset(CAST(:lent AS jsonb)) AS l(lender uuid, seats text[], processes text[], due_by timestamptz)
    JOIN task t ON t.seat = ANY(l.seats) AND t.state = 'open' AND (t.assignee_id IS NULL OR t.assignee_id = l.lender)
    JOIN instance i ON i.id = t.instance_id JOIN definition d ON d.hash = i.version
   WHERE NOT t.seat = ANY(:seats) AND i.process_id = ANY(l.processes) AND t.element = ANY(d.lent)
     AND NOT i.confidential AND i.starter_id NOT IN (:me, l.lender) AND (l.due_by IS NULL OR t.due_at <= l.due_by)
   ORDER BY t.id, l.lender)
  UNION ALL
  SELECT p.id, p.instance_id, p.closes_at, 'poll', t.element, p.opened_at, p.kind, NULL
    FROM roll r JOIN poll p ON p.id = r.poll_id JOIN task t ON t.id = p.task_id
   WHERE r.member_id = :me AND r.open AND p.state = 'open'
  UNION
  SELECT p.id, p.instance_id, p.closes_at, 'poll', t.element, p.opened_at, 'count', NULL
    FROM teller r JOIN poll p ON p.id = r.poll_id JOIN task t ON t.id = p.task_id
   WHERE r.member_id = :me AND r.signed_at IS NULL AND coalesce(r.dissent, r.leaves) IS NULL AND p.state IN ('called', 'counting')
     AND NOT EXISTS (SELECT 1 FROM teller_key k WHERE k.poll_id = p.id AND k.member_id = :me
                        AND (p.state = 'called' OR k.joined))
),
marked AS (
  SELECT mine.*, i.number, i.title, i.process_id, i.version, i.started_at, i.starter_id, i.union_id, i.confidential,
         mine.what = 'task' AND mine.lender IS NULL AND d.batch @> ARRAY[mine.element] AND NOT i.confidential AS alike,
         CASE WHEN mine.what = 'task' THEN array_remove(ARRAY[
           CASE WHEN i.starter_id = :me OR EXISTS (
             SELECT 1 FROM roll r JOIN poll p ON p.id = r.poll_id
              WHERE p.instance_id = i.id AND p.kind = 'seconding' AND r.member_id = :me AND r.at IS NOT NULL) THEN 'own' END,
           CASE WHEN EXISTS (
             SELECT 1 FROM attachment a WHERE a.instance_id = i.id AND a.at > mine.opened_at) THEN 'file' END,
           CASE WHEN EXISTS (
             SELECT 1 FROM task x WHERE x.instance_id = i.id AND x.closed_at > coalesce(o.at, mine.opened_at)
                AND x.closed_by IS DISTINCT FROM :me) THEN 'changed' END,
           CASE WHEN d.batch @> ARRAY[mine.element] AND length(i.facts->>'launch') > :long THEN 'long' END
         ], NULL) ELSE '{}' END AS flags
    FROM mine JOIN instance i ON i.id = mine.instance_id JOIN definition d ON d.hash = i.version
    LEFT JOIN opened o ON o.member_id = :me AND o.task_id = mine.id
   WHERE i.state = 'running' AND NOT (mine.what = 'task' AND coalesce(i.facts->'_aside' ?| ARRAY[CAST(:me AS text), CAST(mine.lender AS text)], false))
     AND NOT EXISTS (SELECT 1 FROM held_act h WHERE h.task_id = mine.id AND h.member_id = :me AND h.why IS NULL)
),
dated AS (
  SELECT marked.*,
         CASE WHEN due_at IS NULL THEN 'undated' WHEN due_at <= :now THEN 'overdue'
              WHEN due_at <= :tomorrow THEN 'today' WHEN due_at <= :week THEN 'week' ELSE 'later' END AS bucket,
         CASE WHEN kind = 'seconding' THEN 'optional' WHEN lender IS NOT NULL THEN 'deputy' WHEN due_at <= :tomorrow THEN 'soon' WHEN what = 'poll' THEN 'poll'
              WHEN alike AND flags = '{}' THEN 'together' ELSE 'look' END AS part
    FROM marked
)"""
NARROWED = """
   WHERE (CAST(:bucket AS text) IS NULL OR bucket = :bucket)
     AND (CAST(:part AS text) IS NULL OR part = :part)
     AND (CAST(:process AS text) IS NULL OR process_id = :process)
     AND (CAST(:of AS text) IS NULL OR process_id || '.' || element = :of)
     AND (CAST(:like AS text) IS NULL OR title ILIKE :like OR number ILIKE :like
          OR CAST(:mark AS text) IS NOT NULL
             AND EXISTS (SELECT 1 FROM instance n WHERE n.id = instance_id AND n.grams @> ARRAY[CAST(:mark AS text)]))"""


def whose(actor: Actor) -> dict[str, Any]:
    """Values for MINE: whose things, and where the buckets end."""
    midnight = datetime.combine(clock.today() + timedelta(days=1), time(), clock.CHINA)
    return {
        "me": actor.id,
        "seats": sorted(actor.seats),
        "now": clock.now(),
        "tomorrow": midnight,
        "week": midnight + timedelta(days=6),
        "long": LONG,
        "lent": json.dumps([_lent(each) for each in actor.lent]),
    }


def _lent(lent: Lent) -> dict[str, Any]:
    due_by = lent.due_by.isoformat() if lent.due_by else None
    return {
        "lender": str(lent.by),
        "seats": lent.seats,
        "processes": lent.processes,
        "due_by": due_by,
    }


def narrowed(wanted: Mapping[str, str | None]) -> dict[str, Any]:
    """Values for NARROWED out of a filter: bucket, part, process, of, words, each or none. Raises
    Invalid for a bucket or part that there is not.
    """
    for key, choices in (("bucket", BUCKETS), ("part", PARTS)):
        if wanted.get(key) is not None and wanted[key] not in choices:
            raise Invalid({key: [_("应为 {choices} 之一。", choices=Listed(choices))]})
    plain = {key: wanted.get(key) for key in ("bucket", "part", "process", "of")}
    words = wanted.get("words")
    return {**plain, "like": like(words), "mark": forms.sought(words or "") or None}


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

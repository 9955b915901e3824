"""What to do next: what a list that one walks through has before and behind a thing, and without a
list what follows something that was finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text

from engine.queries.mine import MINE, NARROWED, narrowed, whose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.people.organisation import Actor

Thing = tuple[str, UUID]  # "task" or "poll", and its id

_NEXT = text(
    "WITH"
    + MINE
    + """
, done AS (
  SELECT t.instance_id, t.element, i.process_id FROM task t JOIN instance i ON i.id = t.instance_id
   WHERE t.id = coalesce((SELECT task_id FROM poll WHERE id = :done), :done)
)
SELECT d.id, d.what
  FROM dated d LEFT JOIN done ON true
 WHERE d.id <> :done AND NOT EXISTS (SELECT 1 FROM held_act h WHERE h.task_id = d.id AND h.why IS NULL)
   AND (NOT d.confidential OR d.instance_id = done.instance_id)
 ORDER BY (d.instance_id = done.instance_id) IS TRUE DESC,
          (d.process_id = done.process_id AND d.element = done.element) IS TRUE DESC,
          coalesce(d.due_at, 'infinity'), d.id
 LIMIT 1"""
)

# `here` holds the place of a thing that may have left the list since
_STEPS = text(
    "WITH"
    + MINE
    + f"""
, listed AS (
  SELECT id, what, confidential, coalesce(due_at, 'infinity') AS due FROM dated {NARROWED}
     AND NOT EXISTS (SELECT 1 FROM held_act h WHERE h.task_id = dated.id AND h.why IS NULL)
), here AS (
  SELECT coalesce(due_at, 'infinity') AS due, id, instance_id FROM task WHERE id = :here
  UNION ALL SELECT coalesce(closes_at, 'infinity'), id, instance_id FROM poll WHERE id = :here
)
SELECT (SELECT count(*) FROM listed l, here h WHERE l.id <> h.id) AS others,
       (SELECT count(*) FROM listed l, here h WHERE (l.due, l.id) < (h.due, h.id)) AS earlier,
       (SELECT json_build_array(l.what, l.id) FROM listed l, here h WHERE (l.due, l.id) > (h.due, h.id) AND NOT l.confidential
         ORDER BY l.due, l.id LIMIT 1) AS behind,
       (SELECT json_build_array(l.what, l.id) FROM listed l, here h WHERE (l.due, l.id) < (h.due, h.id) AND NOT l.confidential
         ORDER BY l.due DESC, l.id DESC LIMIT 1) AS before,
       (SELECT json_build_array(l.what, l.id) FROM listed l, here h WHERE (l.due, l.id) < (h.due, h.id) AND NOT l.confidential
         ORDER BY l.due, l.id LIMIT 1) AS first,
       (SELECT json_build_array(d.what, d.id) FROM dated d, here h WHERE d.instance_id = h.instance_id AND d.id <> h.id
         ORDER BY coalesce(d.due_at, 'infinity'), d.id LIMIT 1) AS own"""
)


@dataclass(frozen=True)
class Steps:
    """A thing's place in a list that one walks through: the `nth` of `size`, itself counted. None
    `behind` or `before` it that may open by itself; `first`: the first of those before it; `own`:
    what else waits in the same matter.
    """

    nth: int
    size: int
    behind: Thing | None
    before: Thing | None
    first: Thing | None
    own: Thing | None

    @property
    def left(self) -> Thing | None:
        """What comes when this one is done: the one behind it, the first that was skipped, or when
        the list is done what is left of the same matter.
        """
        return self.behind or self.first or self.own


def steps(session: Session, actor: Actor, here: UUID, wanted: Mapping[str, str | None]) -> Steps:
    """Where a task or poll stands in the list of a filter (see mine.narrowed). A confidential
    matter is counted and never opens by itself. Raises Invalid for a bad filter.
    """
    values = {**whose(actor), **narrowed(wanted), "here": here}
    found = session.execute(_STEPS, values).one()
    ways = (found.behind, found.before, found.first, found.own)
    return Steps(found.earlier + 1, found.others + 1, *map(_thing, ways))


def _thing(found: list[str] | None) -> Thing | None:
    return (found[0], UUID(found[1])) if found else None


def following(session: Session, actor: Actor, done: UUID) -> Thing | None:
    """What to do next after finishing something, as "task" or "poll" and its id: what is left of
    the same matter, then the same step of others, then the most urgent. Another confidential
    matter never opens by itself.
    """
    found = session.execute(_NEXT, {**whose(actor), "done": done}).first()
    return (found.what, found.id) if found else None

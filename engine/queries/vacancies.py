"""Open tasks that nobody can do, or seems to have: nobody holds the post today, or whoever has the
task has left or lost the post.
Told to who launched the matter and to the secretary of its union, of a confidential one to
whoever acts in it by a post, from the moment it is so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from engine import clock
from engine.db import tables
from engine.definitions.store import process_of
from engine.people import access, organisation, posts
from engine.queries.standing import lane_words
from engine.queries.words import Named

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

MOST = 50  # told at once; when they are settled, the next ones are
_task = tables.task.c
_VACANT = text(
    """
    WITH waiting AS (
      SELECT t.id, t.seat, t.assignee_id FROM task t JOIN instance i ON i.id = t.instance_id
       WHERE t.state = 'open' AND i.state = 'running'
         AND (CAST(:instance AS uuid) IS NULL OR t.instance_id = :instance)
         AND (i.starter_id = :me OR (i.union_id = ANY(:offices) AND NOT i.confidential)
              OR (i.confidential AND EXISTS (
                    SELECT 1 FROM share s WHERE s.instance_id = i.id AND s.key = ANY(:seats))))
    ), seats AS (
      SELECT seat FROM (SELECT DISTINCT seat FROM waiting WHERE assignee_id IS NULL AND seat IS NOT NULL) s
       WHERE NOT EXISTS (
         SELECT 1 FROM post p JOIN member m ON m.id = p.member_id AND m.active
          WHERE p.kind = split_part(s.seat, '@', 1) AND p.unit_id = CAST(split_part(s.seat, '@', 2) AS uuid)
            AND p.from_on <= :today AND (p.to_on IS NULL OR p.to_on >= :today))
    )
    SELECT t.id, t.instance_id, t.element, t.seat, t.assignee_id, t.opened_at,
           i.number, i.title, i.version
      FROM waiting w JOIN task t ON t.id = w.id JOIN instance i ON i.id = t.instance_id
     WHERE (w.assignee_id IS NULL AND w.seat IN (SELECT seat FROM seats))
        OR EXISTS (SELECT 1 FROM member m WHERE m.id = w.assignee_id AND NOT m.active)
        OR (w.assignee_id IS NOT NULL AND w.seat IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM post p WHERE p.member_id = w.assignee_id AND p.kind = split_part(w.seat, '@', 1)
                AND p.unit_id = CAST(split_part(w.seat, '@', 2) AS uuid)
                AND p.from_on <= :today AND (p.to_on IS NULL OR p.to_on >= :today)))
     ORDER BY t.opened_at, t.id LIMIT :most
    """
)


@dataclass(frozen=True)
class Vacancy:
    """An open task that nobody can do. `who`: the post and unit it waits for, or who has left."""

    task_id: UUID
    instance_id: UUID
    number: str
    title: str
    task: str
    who: str
    since: datetime


def vacancies(
    session: Session, actor: Actor, lang: str = "zh", instance_id: UUID | None = None
) -> tuple[Vacancy, ...]:
    """Those in the matters that the actor launched, in the open ones of the unions whose office
    the actor keeps, and in the confidential ones in which the actor acts by a post, or of one
    matter alone; the oldest first, MOST at once.
    """
    seats = [organisation.seat_key(seat) for seat in actor.seats]
    whose = {"me": actor.id, "offices": access.desk_unions(actor, posts.OFFICE), "seats": seats}
    about = {"instance": instance_id, "today": clock.today(), "most": MOST}
    rows = session.execute(_VACANT, {**whose, **about}).all()
    units = [(row.seat or "").partition("@")[2] for row in rows]
    names = Named.of(session, [units, *(row.assignee_id for row in rows)]) if rows else None
    found = []
    for row, unit in zip(rows, units, strict=True):
        assert names is not None
        process = process_of(session, row.version)
        rule = process.tasks[row.element]
        lane = lane_words(process.lanes.get(rule.lane), names.names.get(unit, ""), lang)
        found.append(
            Vacancy(
                task_id=row.id,
                instance_id=row.instance_id,
                number=row.number,
                title=row.title,
                task=rule.title.in_(lang),
                who=names.get(row.assignee_id) or lane,
                since=row.opened_at,
            )
        )
    return tuple(found)

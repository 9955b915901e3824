"""The State Council's holiday notice of a year, loaded for all unions; deadlines that rest on it
are computed anew.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from sqlalchemy.dialects.postgresql import insert as upsert

from engine import calendar, clock
from engine.commands.rules.fields import Faults, line
from engine.commands.rules.recomputing import recompute, resting_on
from engine.db import queue, tables
from engine.errors import EngineError, Invalid
from engine.history import event_log
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

FEW = 20  # so many instances are recomputed at once; more of them are left to the workers


def load_notice(
    session: Session, actor: Actor, year: int, rows: Iterable[Sequence[object]], source: str
) -> int:
    """Load the State Council's holiday notice of a year, or a corrected one; it holds for all
    unions of the installation.

    rows: (day, 休/班， name). Gives how many instances have deadlines that rest on it; their
    recomputing is asked for in this transaction. Raises Refused, Invalid (all faulty rows at once).
    """
    access.check(actor, "load_notice", None)  # of any union: the calendar is one for all
    faults: Faults = {}
    source = line("source", source, 200, faults)
    notice = _read(year, rows, faults)
    if faults:
        raise Invalid(faults)
    days = {day.isoformat(): worked for day, worked in notice.items()}
    values = {"days": days, "source": source, "member_id": actor.id, "loaded_at": clock.now()}
    stored = upsert(tables.notice).values(year=year, **values)
    session.execute(stored.on_conflict_do_update(index_elements=["year"], set_=values))
    details = {
        "year": year,
        "source": source,
        "days": len(days),
        "sha256": hashlib.sha256(json.dumps(days, sort_keys=True).encode()).hexdigest(),
    }
    event_log.note(session, event_log.INSTALLATION, "notice_loaded", actor, **details)
    concerned = resting_on(session, year)
    _recompute_all(session, concerned)
    return len(concerned)


def _read(year: int, rows: Iterable[Sequence[object]], faults: Faults) -> calendar.Notice:
    this = clock.today().year
    if not this <= year <= this + 2:
        wrong = _("只能载入 {first} 至 {last} 年的放假安排。", first=this, last=this + 2)
        faults["year"] = [wrong]
        return {}
    try:
        return calendar.parse_notice(rows, year)
    except Invalid as fault:
        faults.update(fault.fields)
        return {}


def _recompute_all(session: Session, instance_ids: Sequence[UUID]) -> None:
    for instance_id in instance_ids:
        if len(instance_ids) > FEW or not _recomputed(session, instance_id):
            key = str(instance_id)
            queue.defer(session, "forecast", once=f"forecast:{key}", instance_id=key)


def _recomputed(session: Session, instance_id: UUID) -> bool:
    """Recompute at once; False when the instance is faulty, which must not keep the notice from
    being loaded.
    """
    try:
        with session.begin_nested():
            recompute(session, instance_id)
    except EngineError:
        return False
    return True

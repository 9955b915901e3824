"""The State Council's holiday notice of a year, for all unions: proposed by one, loaded by another; deadlines that rest
on it are computed anew.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import calendar, clock
from engine.commands import proposals
from engine.commands.rules.fields import Faults, line
from engine.commands.rules.recomputing import recompute, recomputed, resting_on
from engine.db import queue, tables
from engine.errors import EngineError, Invalid
from engine.history import event_log
from engine.messages import _
from engine.people import access
from engine.people.organisation import INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

NOTICE = "notice"  # the kind of proposal
FEW = 20  # so many instances are recomputed at once; more of them are left to the workers
SHOWN = 200  # of so many instances a preview computes what would move


class Proposed(NamedTuple):
    """A notice handed in: its proposal, how many instances rest on it, how many deadlines of theirs would move."""

    id: UUID
    instances: int
    deadlines: int


class _Read(NamedTuple):
    """A notice as it came: the year, ISO day -> worked, where it is from."""

    year: int
    days: dict[str, bool]
    source: str

    @property
    def details(self) -> dict[str, Any]:
        """What the history keeps of it."""
        text = json.dumps(self.days, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return {
            "year": self.year,
            "source": self.source,
            "days": len(self.days),
            "sha256": digest,
        }


def propose_notice(
    session: Session, actor: Actor, year: int, rows: Iterable[Sequence[object]], source: str
) -> Proposed:
    """Hand in the State Council's holiday notice of a year, or a corrected one, with a preview of what it moves.

    rows: (day, 休/班， name). Nothing changes until somebody who answers for the installation approves it. Raises
    Refused, Invalid (all faulty rows at once), Conflict when one of this year waits.
    """
    access.unions(actor, "propose_notice")
    faults: Faults = {}
    source = line("source", source, 200, faults)
    days = _read(year, rows, faults)
    if faults:
        raise Invalid(faults)
    notice = _Read(year, {day.isoformat(): worked for day, worked in days.items()}, source)
    concerned = resting_on(session, year)
    moves = _preview(session, actor, notice, concerned[:SHOWN])
    body = {"days": notice.days, "source": source, "moves": moves, "instances": len(concerned)}
    draft = proposals.Draft(NOTICE, INSTALLATION, str(year), body)
    key = proposals.hand_in(session, actor, draft)
    event_log.note(
        session, INSTALLATION, "notice_proposed", actor, proposal=str(key), **notice.details
    )
    return Proposed(key, len(concerned), sum(len(each["deadlines"]) for each in moves))


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


def _preview(
    session: Session, actor: Actor, notice: _Read, instance_ids: Sequence[UUID]
) -> list[dict[str, Any]]:
    """Which deadlines would move, by instance: computed for good, and then taken back."""
    instance, moves = tables.instance.c, list[dict[str, Any]]()
    unions = select(instance.id, instance.union_id).where(instance.id.in_(instance_ids))
    union_of = {row.id: row.union_id for row in session.execute(unions)}
    trial = session.begin_nested()
    try:
        _store(session, actor, notice)
        for instance_id in instance_ids:
            if changes := _tried(session, instance_id):
                whose = {"instance": str(instance_id), "union": str(union_of[instance_id])}
                moves.append({**whose, "deadlines": changes})
    finally:
        trial.rollback()
    return moves


def _tried(session: Session, instance_id: UUID) -> list[dict[str, Any]]:
    """What moves in an instance; nothing is told of a faulty one, which keeps no notice from being proposed."""
    try:
        with session.begin_nested():
            return recomputed(session, instance_id)
    except EngineError:
        return []


def decide_notice(session: Session, actor: Actor, row: rows.Proposal, approve: bool) -> int:
    """Load a proposed notice for all unions, or refuse it; another than who proposed it.

    Gives how many instances have deadlines that rest on it; their recomputing is asked for in this transaction. Raises
    Refused.
    """
    access.check(actor, "approve_notice", INSTALLATION)
    proposals.must_be_second(session, actor, row, "approve_notice")
    notice = _Read(int(row.subject), row.body["days"], row.body["source"])
    about = {"proposal": str(row.id), **notice.details}
    if not approve:
        event_log.note(session, INSTALLATION, "notice_refused", actor, **about)
        return 0
    _store(session, actor, notice)
    event_log.note(session, INSTALLATION, "notice_loaded", actor, **about)
    concerned = resting_on(session, notice.year)
    _recompute_all(session, concerned)
    return len(concerned)


def _store(session: Session, actor: Actor, notice: _Read) -> None:
    values = {
        "days": notice.days,
        "source": notice.source,
        "member_id": actor.id,
        "loaded_at": clock.now(),
    }
    stored = upsert(tables.notice).values(year=notice.year, **values)
    session.execute(stored.on_conflict_do_update(index_elements=["year"], set_=values))


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

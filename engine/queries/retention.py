"""What is due for erasure: the confidential matters that have ended, how long the rule keeps their
contents, and which are held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import clock
from engine.db import tables
from engine.db.states import ProposalState
from engine.history.erased import ERASED_MARK
from engine.instance.union_law import RETENTION, UnionLaw
from engine.instance.view import ENDED
from engine.messages import Message, _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from uuid import UUID

    from engine.db import Session, rows
    from engine.people.organisation import Actor

_instance, _proposal = tables.instance.c, tables.proposal.c
STATES: Mapping[str, Message] = {
    "held": _("依法保留"),
    "proposed": _("已提出删除，等待另一人批准"),
    "due": _("保存期已满，可以提出删除"),
    "kept": _("保存期内"),
    "erased": _("内容已删除"),
}


@dataclass(frozen=True)
class Retained:
    """A confidential matter that has ended. until: the last day of its time by the rule; state: a
    key of STATES.
    """

    id: UUID
    number: str
    title: str
    ended_on: date
    until: date
    rule: str
    state: str


def report(session: Session, actor: Actor) -> tuple[Retained, ...]:
    """The ended confidential matters that this person may see, those first whose time ends first;
    the others are not even counted.
    """
    query = select(tables.instance).where(
        _instance.confidential,
        _instance.state.in_(ENDED),
        _instance.ended_at.is_not(None),
        access.visible(actor),
    )
    laws: dict[UUID, UnionLaw] = {}
    waiting = _waiting(session)
    found = []
    for row in session.execute(query):
        if row.union_id not in laws:
            laws[row.union_id] = UnionLaw.of(session, row.union_id)
        found.append(_retained(row, laws[row.union_id], waiting.get(str(row.id), frozenset())))
    return tuple(sorted(found, key=lambda each: (each.until, each.number)))


def _waiting(session: Session) -> dict[str, frozenset[str]]:
    """The kinds of proposals that wait about a matter: to lift a hold, to erase it."""
    query = select(_proposal.kind, _proposal.subject).where(
        _proposal.kind.in_(("hold", "erasure")), _proposal.state == ProposalState.PROPOSED
    )
    found: dict[str, frozenset[str]] = {}
    for kind, subject in session.execute(query):
        found[subject] = found.get(subject, frozenset()) | {kind}
    return found


def _retained(row: rows.Selected, law: UnionLaw, waiting: frozenset[str]) -> Retained:
    ended_at: datetime = row.ended_at
    until = law.retained_until(ended_at)
    if ERASED_MARK in row.facts:
        state = "erased"
    elif "hold" in waiting:
        state = "held"
    elif "erasure" in waiting:
        state = "proposed"
    else:
        state = "kept" if clock.now() < until.moment else "due"
    day = clock.day_of(ended_at)
    last, rule = until.day, RETENTION
    return Retained(row.id, row.number, row.title, day, until=last, rule=rule, state=state)


HEAD = (_("编号"), _("事项"), _("办结日期"), _("保存至"), _("依据"), _("状态"))


def lines(found: tuple[Retained, ...]) -> list[tuple[str, ...]]:
    """The report as a table, its head first."""
    return [HEAD, *map(_line, found)]


def _line(each: Retained) -> tuple[str, ...]:
    days = each.ended_on.isoformat(), each.until.isoformat()
    return (each.number, each.title, *days, each.rule, STATES[each.state])

"""What deadlines are counted by: the holiday notices and the vacations of the unions."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.history.event_log import INSTALLATION
from engine.history.verification.replay import bodies, false, near
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.history.event_log import Break


def first_false(session: Session) -> Break | None:
    """The first notice or vacation that is not what the events tell."""
    return _notices(session) or _vacations(session)


def _notices(session: Session) -> Break | None:
    last = {says["year"]: says for _chain, _seq, says in bodies(session, "notice_loaded")}
    for row in session.execute(select(tables.notice)):
        says = last.pop(row.year, None)
        if says is None or not _same_notice(row, says):
            return false(INSTALLATION, "notice", row.year, _("放假安排与历史不符"))
    for year in last:
        return false(INSTALLATION, "notice", year, _("放假安排缺失"))
    return None


def _same_notice(row: rows.Selected, says: Mapping[str, Any]) -> bool:
    digest = hashlib.sha256(json.dumps(row.days, sort_keys=True).encode()).hexdigest()
    who = says["actor"]["id"] if says.get("actor") else None
    told = (says["sha256"], says["source"], who)
    kept = (digest, row.source, str(row.member_id) if row.member_id else None)
    return kept == told and near(row.loaded_at, says["at"])


def _vacations(session: Session) -> Break | None:
    told: dict[str, tuple[UUID, tuple[str, str, str]]] = {}
    for chain, _seq, says in bodies(session, "vacation_added", "vacation_removed"):
        told.pop(says["vacation"], None)
        if says["kind"] == "vacation_added":
            terms = (says["name"], says["from_on"], says["to_on"])
            told[says["vacation"]] = (chain, terms)
    for row in session.execute(select(tables.vacation)):
        kept = (row.unit_id, (row.name, row.from_on.isoformat(), row.to_on.isoformat()))
        if told.pop(str(row.id), None) != kept:
            return false(row.unit_id, "vacation", row.id, _("假期与历史不符"))
    for key, (chain, _terms) in told.items():
        return false(chain, "vacation", key, _("假期缺失"))
    return None

"""What stands beside the events of a matter in words: each has its digest, and none is missing but
by an erasure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import aside, tables
from engine.history.verification.replay import false
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from engine.db import Session
    from engine.history.event_log import Break

_event = tables.event.c
_STRAY = (
    select(_event.instance_id, _event.seq)
    .where(_event.words.is_not(None), _event.instance_id.not_in(select(tables.instance.c.id)))
    .limit(1)
)
_WRONG = _("记录旁的原话与所存摘要不符")


def stray(session: Session) -> Break | None:
    """Words beside an event of no matter: only those of matters have any."""
    found = session.execute(_STRAY).first()
    return _false(found.instance_id, found.seq) if found else None


def _false(chain: UUID, seq: int) -> Break:
    return false(chain, "event", f"{chain} {seq}", _WRONG, seq)


def first_false(chain: UUID, rows: Sequence[Any]) -> Break | None:
    """Rows: seq, body, words of the events of a matter, in order."""
    apart = [row for row in rows if row.words is not None or f'"{aside.MARK}":' in row.body]
    if not apart:
        return None
    erased = max((r.seq for r in rows if json.loads(r.body)["kind"] == "matter_erased"), default=0)
    for row in apart:
        body = json.loads(row.body)
        gone = row.words is None and (row.seq < erased or not aside.digests(body))
        if not gone and not aside.agrees(body, row.words or {}):
            return _false(chain, row.seq)
    return None

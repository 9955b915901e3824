"""What stands beside the events of a matter in words: each has its digest, and none is missing but
by an erasure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.history import aside
from engine.history.verification.replay import false
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from engine.history.event_log import Break


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
            why = _("记录旁的原话与所存摘要不符")
            return false(chain, "event", f"{chain} {row.seq}", why, row.seq)
    return None

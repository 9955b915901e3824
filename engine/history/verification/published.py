"""What matters have published: each row is what its event tells, and every event has its row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.ballots.rolls import digest
from engine.history.verification.replay import first_wrong, near
from engine.messages import _

if TYPE_CHECKING:
    from engine.history.event_log import Break
    from engine.history.verification.replay import Replayed


def first_false(replayed: Replayed, rows: list[Any]) -> Break | None:
    """The first publication of a matter that is not what was told of it."""
    left = dict(replayed.publications)
    for row in rows:
        told = left.pop(str(row.id), None)
        if told is None:
            return replayed.false("publication", row.id, _("公示没有记录"))
        columns = {
            "element": ("名称", row.element == told.element),
            "circle": ("范围", digest(map(str, row.circle)) == told.circle_hash),
            "opened_at": ("开始时间", near(row.opened_at, told.at)),
            "until": ("截止时间", row.until == told.until),
            "current": ("是否有效", row.current == told.current),
        }
        if wrong := first_wrong(columns):
            why = _("公示的{column}与历史不符", column=wrong)
            return replayed.false("publication", row.id, why, told.seq)
    for key, lost in left.items():
        return replayed.false("publication", key, _("公示缺失"), lost.seq)
    return None

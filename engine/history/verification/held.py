"""Acts that wait to be carried out, and those that were not: what is kept beside the tasks is what
the events tell.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from engine.history.verification.replay import first_wrong, salted
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db import rows
    from engine.history.event_log import Break
    from engine.history.verification.replay import Replayed
    from engine.history.verification.told import Held


def first_false(
    replayed: Replayed, kept: Iterable[rows.HeldAct], until: datetime | None
) -> Break | None:
    """The first row that is not as told. Each act that waits is there; one that was not carried
    out may have been read and gone. `until` is that of the instance.
    """
    if replayed.stray:
        why = _("撤回或办理的不是等待中的那一项")
        return replayed.false("held_act", replayed.chain, why, replayed.stray)
    waiting, seq = replayed.held, replayed.held.seq if replayed.held else 0
    if until != (datetime.fromisoformat(waiting.until) if waiting else None):
        why = _("事项的{column}与历史不符", column="held_until")
        return replayed.false("instance", replayed.chain, why, seq)
    found = False
    for row in kept:
        key = str(row.task_id), str(row.member_id)
        told = replayed.dropped.get(key) if row.why is not None else waiting
        if told is None or key != (told.task, told.by):
            return replayed.false("held_act", row.task_id, _("等待办理的一项没有记录"))
        if wrong := first_wrong(_columns(row, told)):
            why = _("等待办理的一项的{column}与历史不符", column=wrong)
            return replayed.false("held_act", row.task_id, why, told.seq)
        found = found or row.why is None
    if waiting and not found:
        return replayed.false("held_act", waiting.task, _("等待办理的一项缺失"), seq)
    return None


def _columns(row: rows.HeldAct, told: Held) -> dict[str, tuple[str, bool]]:
    """What is compared of one of them."""
    return {
        "answers": ("内容", salted(row.answers, row.salt) == told.digest),
        "given_at": ("办理时间", row.given_at == datetime.fromisoformat(told.given)),
        "until": ("期限", row.until == datetime.fromisoformat(told.until)),
        "why": ("未成的原因", row.why == told.why),
        "batch": ("批号", (str(row.batch) if row.batch else None) == told.batch),
    }

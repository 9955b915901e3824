"""What was sent for information: to whom, by whom, and that it was read or taken back; none is
missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.history.verification.replay import first_wrong, near, near_if, salted
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db import rows
    from engine.history.event_log import Break
    from engine.history.verification.beside import Copied
    from engine.history.verification.replay import Replayed


def first_false(replayed: Replayed, kept: Iterable[rows.Copy]) -> Break | None:
    """The first of them that is not as told. The notes of an erased matter are gone."""
    left = dict(replayed.copies)
    for row in kept:
        told = left.pop(str(row.id), None)
        if told is None:
            return replayed.false("copy", row.id, _("抄送没有记录"))
        if wrong := first_wrong(_columns(row, told, erased=bool(replayed.erased))):
            why = _("抄送的{column}与历史不符", column=wrong)
            return replayed.false("copy", row.id, why, told.seq)
    for key, told in left.items():
        return replayed.false("copy", key, _("抄送缺失"), told.seq)
    return None


def _columns(row: rows.Copy, told: Copied, *, erased: bool) -> dict[str, tuple[str, bool]]:
    """What is compared of one of them."""
    gone = erased and row.text is None and row.salt is None
    return {
        "text": ("附言", gone or salted({"text": row.text}, row.salt) == told.digest),
        "by_id": ("抄送的人", str(row.by_id) == told.by),
        "to_id": ("抄送给谁", str(row.to_id) == told.to),
        "at": ("时间", near(row.at, told.at)),
        "element": ("所在环节", row.element == told.element),
        "read_at": ("看的时间", near_if(row.read_at, told.read)),
        "withdrawn_at": ("收回时间", near_if(row.withdrawn_at, told.withdrawn)),
    }

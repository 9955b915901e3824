"""Comments beside the history: each has its event, and none is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.history.verification.replay import first_wrong, near, near_if, salted
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db import rows
    from engine.history.event_log import Break
    from engine.history.verification.replay import Replayed
    from engine.history.verification.told import Remark


def first_false(replayed: Replayed, kept: Iterable[rows.Comment]) -> Break | None:
    """The first comment that is not as told. The words of an erased matter are gone."""
    left = dict(replayed.remarks)
    for row in kept:
        told = left.pop(str(row.id), None)
        if told is None:
            return replayed.false("comment", row.id, _("评论没有记录"))
        if wrong := first_wrong(_columns(row, told, erased=bool(replayed.erased))):
            why = _("评论的{column}与历史不符", column=wrong)
            return replayed.false("comment", row.id, why, told.seq)
    for key, told in left.items():
        return replayed.false("comment", key, _("评论缺失"), told.seq)
    return None


def _columns(row: rows.Comment, told: Remark, *, erased: bool) -> dict[str, tuple[str, bool]]:
    """What is compared of one of them."""
    gone = erased and row.text is None and row.salt is None
    return {
        "text": ("内容", gone or salted({"text": row.text}, row.salt) == told.digest),
        "member_id": ("评论人", str(row.member_id) == told.by),
        "at": ("时间", near(row.at, told.at)),
        "element": ("所在环节", row.element == told.element),
        "mentions": ("提到的人", [str(each) for each in row.mentions] == told.named),
        "withdrawn_at": ("收回时间", near_if(row.withdrawn_at, told.withdrawn)),
    }

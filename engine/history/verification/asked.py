"""What was asked beside the decisions of tasks, and answered: each has its events, none is
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
    from engine.history.verification.beside import Asked
    from engine.history.verification.replay import Replayed


def first_false(replayed: Replayed, kept: Iterable[rows.Ask]) -> Break | None:
    """The first of them that is not as told. The words of an erased matter are gone."""
    left = dict(replayed.asked)
    for row in kept:
        told = left.pop(str(row.id), None)
        if told is None:
            return replayed.false("ask", row.id, _("委派、加签没有记录"))
        if wrong := first_wrong(_columns(row, told, erased=bool(replayed.erased))):
            why = _("委派、加签的{column}与历史不符", column=wrong)
            return replayed.false("ask", row.id, why, told.seq)
    for key, told in left.items():
        return replayed.false("ask", key, _("委派、加签缺失"), told.seq)
    return None


def _columns(row: rows.Ask, told: Asked, *, erased: bool) -> dict[str, tuple[str, bool]]:
    """What is compared of one of them."""
    gone = erased and row.said is None and row.answer is None and row.salt is None
    answer = salted({"answer": row.answer}, row.salt) if row.answer is not None else ""
    return {
        "said": ("内容", gone or salted({"said": row.said}, row.salt) == told.digest),
        "answer": ("答复", gone or answer == told.answer),
        "what": ("种类", row.what == told.what),
        "element": ("所在环节", row.element == told.element),
        "task_id": ("所在环节", str(row.task_id) == told.task),
        "by_id": ("请的人", str(row.by_id) == told.by),
        "to_id": ("被请的人", str(row.to_id) == told.to),
        "asked_at": ("时间", near(row.asked_at, told.at)),
        "answered_at": ("答复时间", near_if(row.answered_at, told.answered)),
        "withdrawn_at": ("收回时间", near_if(row.withdrawn_at, told.withdrawn)),
    }

"""Urging: each open task as often a day as the union's rule says; what was in vain is told to those
above, rung by rung, on record.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine import clock
from engine.commands import circulating
from engine.errors import Conflict
from engine.instance import urging
from engine.messages import _

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork
    from engine.people.organisation import Actor

_MARK = text("""
UPDATE task SET due = coalesce(due, '{}') || jsonb_build_object('reminded', CAST(:today AS text),
       'urged', CAST(:urged AS jsonb)) WHERE id = :id
""")


def urge(work: UnitOfWork, actor: Actor, reason: str) -> None:
    """Urge whoever has a task in it, as far as the day's quota goes; the caller saves. Raises
    Conflict when nobody has a task, or all of them were urged often enough today.
    """
    plans = urging.planned(work, urging.waiting(work))
    now = [plan for plan in plans if plan.may]
    if not plans:
        raise Conflict(_("现在没有等待办理的环节。"), code="reminded")
    if not now:
        said = {"n": max(plan.today for plan in plans), "most": plans[0].most}
        full = _("今天已经催办过 {n} 次，每天最多 {most} 次，明天可以再催。", **said)
        raise Conflict(full, code="reminded")
    for plan in now:
        _mark(work, plan)
    urged = [{"task": plan.element, "id": str(plan.id), "n": plan.nth} for plan in now]
    work.log.add("matter_reminded", actor, reason=reason, urged=urged)
    for plan in now:
        if plan.told:
            _raise(work, actor, plan, reason)


def _mark(work: UnitOfWork, plan: urging.Planned) -> None:
    row = work.session.execute(text("SELECT due FROM task WHERE id = :id"), {"id": plan.id})
    before = [at.isoformat() for at in urging.urged(row.scalar())]
    urged = [*before, clock.now().isoformat()]
    values = {"id": plan.id, "today": clock.today().isoformat(), "urged": json.dumps(urged)}
    work.session.execute(_MARK, values)


def _raise(work: UnitOfWork, actor: Actor, plan: urging.Planned, reason: str) -> None:
    """Put it before those above for information; that they read it is on record."""
    to: dict[str, Any] = {"to": [str(each) for each in plan.told], "n": plan.nth}
    work.log.add("urging_raised", actor, task=plan.element, id=str(plan.id), **to)
    title = work.process.title_of(plan.element)
    words = _("第 {n} 次催办“{task}”：{reason}", n=plan.nth, task=title, reason=reason)
    circulating.circulate(work, actor, plan.told, str(words))

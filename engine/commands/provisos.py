"""Conditions on which somebody agreed (附条件同意), followed up: they are set with the decision,
reported as carried out with papers, and found to be met or not by who set them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import clock, forms
from engine.commands import attachments, unit_of_work
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import fulfilling, lanes, provisos
from engine.instance.provisos import ACTS, MET, REPORTED, SET, UNMET
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.definitions.process import TaskRule
    from engine.instance.provisos import Proviso
    from engine.people.organisation import Actor

    Which = tuple[UUID, int]  # the task of the decision, and the number of the condition, from 1

_TEXT = forms.Field(
    "text", "textarea", "说明", "Account", required=True, limits=forms.Limits(max_length=500)
)
_FILES = forms.Field("files", "filepicker", "证明材料", "Papers", multiple=True)
REPORT = forms.Form("proviso", (_TEXT, _FILES))
KINDS = {REPORTED: "proviso_reported", MET: "proviso_met", UNMET: "proviso_unmet"}


def check(work: UnitOfWork, rule: TaskRule, clean: Mapping[str, Any]) -> None:
    """A condition is for a day to come. Raises Invalid."""
    if rule.provisos is None:
        return
    table, today = rule.provisos.rows, work.today.isoformat()
    rows = enumerate(clean.get(table) or ())
    over = [n for n, row in rows if row["due"] < today]
    if over:
        raise Invalid({f"{table}.{n}.due": [_("第 {n} 行：期限已经过去。", n=n + 1)] for n in over})


def note(work: UnitOfWork, task: rows.Task, rule: TaskRule, clean: Mapping[str, Any]) -> None:
    """The conditions of a decision stand from now on. Its event tells it."""
    found = clean.get(rule.provisos.rows) if rule.provisos else None
    if not found or rule.provisos is None or work.actor is None:
        return
    said = [
        {"what": row["what"], "due": row["due"], "who": str(row.get("who") or "")} for row in found
    ]
    whom = lanes.people_of(work, work.process.lanes[rule.provisos.lane])
    told = {"task": rule.id, "by": str(work.actor.id), "at": clock.now().isoformat(), "rows": said}
    told["for"] = [*([whom.seat] if whom.seat else []), *whom.persons]
    work.facts[SET] = {**(work.facts.get(SET) or {}), str(task.id): told}


def drop(work: UnitOfWork, task_id: UUID) -> None:
    """The decision was taken back, and its conditions with it. The caller tells it."""
    left = {k: v for k, v in (work.facts.get(SET) or {}).items() if k != str(task_id)}
    if SET in work.facts:
        work.facts.pop(SET)
        work.facts |= {SET: left} if left else {}


def report(
    session: Session, actor: Actor, instance_id: UUID, which: Which, given: Mapping[str, Any]
) -> UUID:
    """Say that a condition is carried out, with `text` and `files`; also of one that was found not
    to be. Gives the instance's id.

    Raises NotFound, Refused (not who carries it out), Conflict (nothing to report), Invalid.
    """
    work, proviso = _found(session, actor, instance_id, which)
    if proviso.state in (REPORTED, MET):
        raise Conflict(_("这一条件已经报告落实，或者已经确认。"), code="reported")
    fulfilling.must_report(work, proviso)
    clean = forms.clean(REPORT, given, work.names())
    attachments.adopt(session, actor, instance_id, REPORT, clean)
    return _said(work, proviso, REPORTED, clean["text"], clean.get("files") or [])


def judge(
    session: Session, actor: Actor, instance_id: UUID, which: Which, *, met: bool, text: str = ""
) -> UUID:
    """Say that a condition is met, or that it is not and why: by who set it. Gives the instance's
    id.

    Raises NotFound, Refused (somebody else's, or reported by oneself), Conflict (nothing to judge
    yet), Invalid (no reason).
    """
    work, proviso = _found(session, actor, instance_id, which)
    late = proviso.overdue(clock.today()) and not met
    if proviso.state != REPORTED and not (late and proviso.state != UNMET):
        raise Conflict(_("这一条件还没有报告落实，也没有逾期。"), code="not_reported")
    fulfilling.must_judge(work, proviso)
    plain = text.strip()
    if len(plain) > 500 or "\0" in plain or not (plain or met):
        raise Invalid({"text": [_("请写明哪里没有落实，不超过 500 字。")]})
    return _said(work, proviso, MET if met else UNMET, plain, [])


def _found(
    session: Session, actor: Actor, instance_id: UUID, which: Which
) -> tuple[UnitOfWork, Proviso]:
    """A condition of a locked matter. Raises NotFound."""
    work = unit_of_work.lock(session, actor, instance_id)
    for each in provisos.recorded(work.facts):
        if (each.task_id, each.no) == (str(which[0]), which[1]):
            return work, each
    raise NotFound(instance_id=str(instance_id))


def _said(work: UnitOfWork, proviso: Proviso, did: str, text: str, files: list[Any]) -> UUID:
    assert work.actor is not None
    key = f"{proviso.task_id}:{proviso.no}:{len(proviso.acts) + 1}"
    told = {"did": did, "by": str(work.actor.id), "at": clock.now().isoformat()}
    said = {**told, "text": text, "files": files}
    work.facts[ACTS] = {**(work.facts.get(ACTS) or {}), key: said}
    about = {"task": proviso.task, "of": proviso.task_id, "no": proviso.no}
    work.log.add(KINDS[did], work.actor, **about)
    unit_of_work.save(work)
    return work.row["id"]

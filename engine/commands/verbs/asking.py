"""Asking somebody beside the decision of a task: to prepare its answers (委派), or for an
opinion on which it waits (加签). Whoever asks goes on deciding; what comes back has the name of
who said it.

The words stand beside the history, which keeps their digests, as those of a comment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import insert, select, update

from engine import clock, forms
from engine.commands import drafts, tasks, unit_of_work
from engine.db import canonical, tables
from engine.db.states import InstanceState, TaskState
from engine.definitions.verbs import DELEGATE
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import asks, choices, rights, verbs
from engine.instance.rights import Case
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.commands.tasks import InHand
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.definitions.process import TaskRule
    from engine.people.organisation import Actor

LONGEST = 2000
VIEWS = ("agree", "disagree")
_ask, _draft, _instance = tables.ask.c, tables.draft.c, tables.instance.c


def ask(
    session: Session,
    actor: Actor,
    task_id: UUID,
    what: str,
    to: UUID,
    text: str,
    *,
    after: bool = False,
    revision: int | None = None,
) -> UUID:
    """Ask somebody about my open task: `what` is "delegate", to prepare its answers, or "join", for
    an opinion before it is done. `after`: they give it on what I have written so far, my draft.
    Gives the id of what was asked.

    Raises NotFound, Conflict (as completing it does; asked already), Refused (not for this task;
    recused, separated), Invalid (the words; somebody who may not be asked; nothing written).
    """
    held = tasks.open_task(session, actor, task_id, revision)
    work = held.work
    verbs.check(work, held.rule, what)
    held.check_bars(what)
    said: dict[str, Any] = {"text": _plain(text)}
    asked = next((each for each in asks.askable(work, held.task) if each.id == to), None)
    if asked is None:
        raise Invalid({"to": [_("只能请看得到此件，或者同一单位、不须回避的人。")]})
    if _asked_already(held, what, to):
        raise Conflict(_("已经请过{name}，还没有答复。", name=asked.name), code="asked")
    if after:
        said["answers"] = _written(held)
    key, salt = tables.new_id(), os.urandom(canonical.SALT_BYTES)
    row: dict[str, Any] = {"id": key, "instance_id": held.task.instance_id, "task_id": task_id}
    row |= {
        "by_id": actor.id,
        "to_id": to,
        "asked_at": clock.now(),
        "what": what,
        "element": held.rule.id,
    }
    session.execute(insert(tables.ask).values(**row, said=said, salt=salt))
    if not _sees(session, asked, held.task.instance_id):
        work.show(to)
    told = {"id": str(key), "what": what, "of": str(task_id), "to": str(to), "name": asked.name}
    digest = canonical.salted({"said": said}, salt)
    work.log.add("asked", actor, task=held.rule.id, digest=digest, **told)
    unit_of_work.save(work)
    return key


def answer(session: Session, actor: Actor, ask_id: UUID, given: Mapping[str, Any]) -> UUID:
    """Answer what I was asked: `text`, an opinion or a word with it; of what I shall prepare
    `answers` to the form of the task, of an opinion `view`, "agree" or "disagree". Gives the
    instance's id.

    Raises NotFound (it was not me), Conflict (answered, taken back, or the task is done), Refused
    (recused), Invalid.
    """
    asked = _asked_me(session, actor, ask_id)
    rights.check_bars(Case(asked.work, "answer_ask", asked.row.element))
    if asked.row.what == DELEGATE:
        text = str(given.get("text") or "").strip()
        answers = _prepared(asked.work, asked.rule, given.get("answers") or {})
        said: dict[str, Any] = {"text": _plain(text) if text else "", "answers": answers}
    else:
        said = {"text": _plain(str(given.get("text") or "")), "view": given.get("view")}
        if said["view"] not in VIEWS:
            raise Invalid({"view": [_("请选择是否同意。")]})
    return _answered(asked, said)


def decline(session: Session, actor: Actor, ask_id: UUID, reason: str) -> UUID:
    """Do not answer, and say why: nobody waits for me any more. Raises as `answer`."""
    said = {"text": _plain(reason), "declined": True}
    return _answered(_asked_me(session, actor, ask_id), said)


def withdraw(session: Session, actor: Actor, ask_id: UUID) -> UUID:
    """Take back what was asked while nobody has answered (收回委派, 减签): by who asked, or by who
    has the task now. Gives the instance's id.

    Raises NotFound, Conflict.
    """
    asked = _locked(session, actor, ask_id)
    row, work = asked.row, asked.work
    has_it = rights.may(Case(work, "complete", row.element, task=asked.task))
    if row.by_id != actor.id and not has_it:
        raise NotFound(instance_id=str(row.instance_id))
    _must_wait(asked)
    session.execute(update(tables.ask).where(_ask.id == ask_id).values(withdrawn_at=clock.now()))
    _tell(asked, "ask_withdrawn", to=str(row.to_id))
    return row.instance_id


def adopt(session: Session, actor: Actor, ask_id: UUID) -> UUID:
    """Take what somebody prepared as my draft of the task, in place of any other; gives the task's
    id. Nothing is decided by that, so that nothing is told.

    Raises NotFound (not my task), Conflict (nothing was prepared).
    """
    row = _row(session, ask_id)
    held = tasks.open_task(session, actor, row.task_id, None)
    answers = (row.answer or {}).get("answers")
    if row.answered_at is None or not answers:
        raise Conflict(_("没有可以采用的拟办内容。"), code="not_prepared")
    drafts.put_back(session, actor.id, f"task:{held.task.id}", answers)
    return held.task.id


# --- what is asked --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Asked:
    """What was asked, its task, and a unit of work on the locked instance."""

    work: UnitOfWork
    row: rows.Ask
    task: rows.Task

    @property
    def rule(self) -> TaskRule:
        return self.work.process.tasks[self.row.element]


def _row(session: Session, ask_id: UUID) -> rows.Ask:
    found = session.execute(select(tables.ask).where(_ask.id == ask_id)).first()
    return cast("rows.Ask", access.must_see(found))


def _locked(session: Session, actor: Actor, ask_id: UUID) -> Asked:
    """It as it is once its instance is locked. Raises NotFound, Conflict."""
    key = _row(session, ask_id).instance_id
    work = unit_of_work.lock(session, actor, key, InstanceState.RUNNING)
    row = _row(session, ask_id)
    return Asked(work, row, tasks.task_row(session, row.task_id))


def _asked_me(session: Session, actor: Actor, ask_id: UUID) -> Asked:
    access.must_see(True if _row(session, ask_id).to_id == actor.id else None)
    asked = _locked(session, actor, ask_id)
    _must_wait(asked)
    return asked


def _must_wait(asked: Asked) -> None:
    """Raise Conflict unless an answer is still wanted."""
    if asked.row.withdrawn_at is not None:
        raise Conflict(_("对方已经收回，不必再答复。"), code="withdrawn")
    if asked.row.answered_at is not None:
        raise Conflict(_("已经答复过了。"), code="answered")
    if asked.task.state != TaskState.OPEN:
        raise Conflict(_("此项已经办结，不必再答复。"), code="done")


def _answered(asked: Asked, said: dict[str, Any]) -> UUID:
    row = asked.row
    change = update(tables.ask).where(_ask.id == row.id)
    asked.work.session.execute(change.values(answered_at=clock.now(), answer=said))
    assert row.salt is not None
    told = {"declined": True} if said.get("declined") else {}
    _tell(asked, "ask_answered", digest=canonical.salted({"answer": said}, row.salt), **told)
    return row.instance_id


def _tell(asked: Asked, kind: str, **told: Any) -> None:
    """Put it on record, and save."""
    row, work = asked.row, asked.work
    told |= {"id": str(row.id), "what": row.what, "of": str(row.task_id)}
    work.log.add(kind, work.actor, task=row.element, **told)
    unit_of_work.save(work)


def _asked_already(held: InHand, what: str, to: UUID) -> bool:
    same = _ask.task_id == held.task.id, _ask.what == what, _ask.to_id == to, asks.WAITS
    return held.work.session.execute(select(_ask.id).where(*same)).first() is not None


def _sees(session: Session, person: Actor, instance_id: UUID) -> bool:
    here = select(_instance.id).where(_instance.id == instance_id, access.visible(person))
    return session.execute(here).first() is not None


def _written(held: InHand) -> dict[str, Any]:
    """What the actor has written so far, without files. Raises Invalid for nothing."""
    assert held.work.actor is not None
    mine = _draft.member_id == held.work.actor.id
    query = select(_draft.answers).where(mine, _draft.key == f"task:{held.task.id}")
    written = held.work.session.execute(query).scalar() or {}
    form = held.rule.form
    fields = {each.key for each in form.asked if each.kind != "filepicker"} if form else set()
    kept = {key: value for key, value in written.items() if key in fields}
    if not kept:
        raise Invalid({"after": [_("请先填写您的意见，再请人复核。")]})
    return kept


def _prepared(work: UnitOfWork, rule: TaskRule, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers to the form of a task, without files, as whoever decides may take them over. Raises
    Invalid.
    """
    if rule.form is None:
        return {}
    form = rule.form.without_files()
    return forms.clean(form, answers, work.names(), choices.of_instance(work))


def _plain(text: str) -> str:
    plain = text.strip()
    if not plain or len(plain) > LONGEST or "\0" in plain:
        raise Invalid({"text": [_("请写明内容，不超过 {most} 字。", most=LONGEST)]})
    return plain

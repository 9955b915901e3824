"""Answers from outside the installation: a signed one-time link to one task's form, for somebody
without an account.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from engine import clock
from engine.commands import answered, tasks, unit_of_work
from engine.commands.tasks import InHand
from engine.db import aside, tables
from engine.db.states import InstanceState
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.instance.invitations import SHUT, asked, token_hash, usable
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Session
    from engine.errors import EngineError
    from engine.instance.invitations import Usable
    from engine.people.organisation import Actor

_invitation = tables.invitation
VALID = timedelta(
    days=60
)  # then a new link is sent; the limits of the instance stand in its process
MAX_NAME = 100
WHO = ("name", "office", "unit")
_READING = ("task", "to", "token", "paper")
WINDOW, PER_ADDRESS = timedelta(minutes=15), 30  # wrong links from one address


def invite(session: Session, actor: Actor, task_id: UUID, to: str) -> str:
    """A new link for whoever shall answer this task from outside; older links of the task end.

    Gives the token, once.

    Raises NotFound (not yours), Conflict (done, or not a task that may be answered from outside),
    Invalid.
    """
    held = tasks.open_task(session, actor, task_id, None)
    if not held.rule.link:
        raise Conflict(_("此项不能由外单位在线答复。"), code="no_link")
    plain = to.strip()
    if not _is_name(plain):
        raise Invalid({"to": [_("请写明发给谁，不超过 {most} 字。", most=MAX_NAME)]})
    token = secrets.token_urlsafe(32)
    ends_at = _send(session, actor, task_id, token, plain)
    held.work.log.add(
        "link_sent",
        actor,
        task=held.task.element,
        to=plain,
        token=token_hash(token).hex(),
        until=clock.day_of(ends_at).isoformat(),
    )
    unit_of_work.save(held.work)
    return token


def _is_name(text: str) -> bool:
    return bool(text) and len(text) <= MAX_NAME and "\0" not in text


def _send(session: Session, actor: Actor, task_id: UUID, token: str, to: str) -> datetime:
    """Store a new link and end the older ones of its task; gives the moment when it ends itself."""
    now = clock.now()
    unused = _invitation.c.task_id == task_id, _invitation.c.used_at.is_(None)
    session.execute(update(_invitation).where(*unused).values(ends_at=now))
    link = {
        "id": tables.new_id(),
        "task_id": task_id,
        "token": token_hash(token),
        "sent_by": actor.id,
        "to": to,
        "sent_at": now,
        "ends_at": now + VALID,
    }
    session.execute(insert(_invitation).values(**link))
    return now + VALID


def knock(session: Session, token: str, address: str) -> EngineError | None:
    """What keeps this link shut: NotFound (wrong, used, ended), or Refused after too many wrong
    ones from this address.

    Commit what it wrote, so that failures count; then raise what it gave.
    """
    try:
        usable(session, token)
    except NotFound as fault:
        wrong = fault
    else:
        return None
    key = f"link:{address if address.isprintable() else ''}"[:100]
    if wait := _seconds_to_wait(session, key):
        too_many = _("尝试次数过多，请在 {minutes} 分钟后再试。", minutes=-(-wait // 60))
        return Refused(too_many, code="too_many_attempts", wait=wait)
    session.execute(insert(tables.attempt).values(key=key, at=clock.now()))
    return wrong


def _seconds_to_wait(session: Session, key: str) -> int:
    """How long an address with too many wrong links must wait; 0 when it need not."""
    attempt, now = tables.attempt.c, clock.now()
    recent = select(attempt.at).where(attempt.key == key, attempt.at > now - WINDOW)
    latest_first = recent.order_by(attempt.at.desc())
    oldest = session.execute(latest_first.offset(PER_ADDRESS - 1).limit(1)).scalar()
    return 0 if oldest is None else max(1, int((oldest + WINDOW - now).total_seconds()))


@dataclass(frozen=True)
class Answering:
    """The task of a link, open before whoever answers it: `who` they are."""

    held: InHand
    who: Mapping[str, str]


def answer(
    session: Session, token: str, answers: Mapping[str, Any], outside: Mapping[str, str]
) -> UUID:
    """Answer the task of a link, once. `outside` says who answers: name, office, unit.

    Raises NotFound, Conflict, Invalid.
    """
    reply = take_up(session, token, outside)
    submit(reply, answers)
    return reply.held.task.instance_id


def take_up(session: Session, token: str, outside: Mapping[str, str]) -> Answering:
    """Lock the task of a link and mark the link as used. Raises NotFound, Conflict, Invalid."""
    found = usable(session, token)
    who = _named(outside)
    held = _locked(session, found)
    _use(session, found)
    return Answering(held, who)


def submit(reply: Answering, answers: Mapping[str, Any]) -> None:
    """Finish the task with these answers. Raises Refused, Invalid."""
    held = reply.held
    work, rule, due_at = held.work, held.rule, held.task.due_at
    with work.answering():
        clean = answered.accepted(work, rule, asked(rule.form), answers, due_at)
        answered.pass_gates(work, rule, clean, due_at)
        tasks.finish(held, {**clean, "by_way": "link", "outside": dict(reply.who)})


def note_reading(session: Session, token: str, paper: UUID | None = None) -> bool:
    """Put on record that a confidential matter's letter, or a `paper` enclosed with it, was opened
    by a link: each once a day. False: it stands there, or the matter is not confidential.

    Raises NotFound for a link that does not hold.
    """
    found = usable(session, token)
    instance = tables.instance.c
    confidential = select(instance.confidential).where(instance.id == found.instance_id)
    if not session.execute(confidential).scalar_one():
        return False
    work = unit_of_work.lock(session, None, found.instance_id, still=True)
    said = {"task": found.element, "to": found.to, "token": token_hash(token).hex()}
    said |= {"paper": str(paper)} if paper else {}
    if _read_today(session, found.instance_id, said):
        return False
    work.log.add("letter_read", None, **said)
    unit_of_work.note(work)
    return True


def _read_today(session: Session, instance_id: UUID, said: Mapping[str, str]) -> bool:
    event = tables.event.c
    today = datetime.combine(clock.today(), time(), clock.CHINA)
    read = event.instance_id == instance_id, event.kind == "letter_read", event.at >= today
    found = session.execute(select(event.body, event.words).where(*read))
    kept = (aside.told(row.body, row.words) for row in found)
    return any({k: v for k, v in body.items() if k in _READING} == said for body in kept)


def _named(outside: Mapping[str, str]) -> dict[str, str]:
    """Who answers: name, office, unit. Raises Invalid for what is missing."""
    who = {key: str(outside.get(key, "")).strip() for key in WHO}
    missing: dict[str, list[str]] = {key: [_("请填写。")] for key in WHO if not _is_name(who[key])}
    if missing:
        raise Invalid(missing)
    return who


def _use(session: Session, link: Usable) -> None:
    """Mark a link as used. Raises Conflict when it has been meanwhile."""
    unused = update(_invitation).where(_invitation.c.id == link.id, _invitation.c.used_at.is_(None))
    if session.execute(unused.values(used_at=clock.now())).rowcount != 1:
        raise Conflict(_("此链接已经用过。"), code="used")


def _locked(session: Session, link: Usable) -> InHand:
    """The task of a link, its instance locked.

    Raises NotFound when it has been done meanwhile, Conflict.
    """
    work = unit_of_work.lock(session, None, link.instance_id, InstanceState.RUNNING)
    task = tasks.task_row(session, link.task_id)
    held = InHand(work, task, work.process.tasks[task.element])
    if not held.waits:
        raise NotFound(SHUT)
    return held

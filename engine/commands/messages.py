"""Messages to an instance that waits for them: sent by a person, or by another instance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from engine import machine
from engine.commands import advance, answered, dates, unit_of_work
from engine.db.states import InstanceState
from engine.errors import Conflict
from engine.instance import rights
from engine.instance.rights import Case
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session
    from engine.machine import Live
    from engine.people.organisation import Actor


@dataclass(frozen=True)
class Expected:
    """A message that a locked instance waits for and that the actor may send."""

    work: UnitOfWork
    live: Live
    name: str


def send(
    session: Session, actor: Actor, instance_id: UUID, name: str, answers: Mapping[str, Any]
) -> UUID:
    """A person lets a message event happen (withdraw, ask for an extension ...).

    Raises NotFound when the instance is not theirs to see, Conflict when it does not wait for this
    message, Refused when the message is not theirs to send, Invalid for its form.
    """
    say(expect(session, actor, instance_id, name), answers)
    return instance_id


def expect(session: Session, actor: Actor, instance_id: UUID, name: str) -> Expected:
    """Lock the instance for a message of the actor. Raises NotFound, Conflict, Refused."""
    work = unit_of_work.lock(session, actor, instance_id, InstanceState.RUNNING)
    rule = work.process.messages.get(name)
    live = waiting_for(work, name)
    if rule is None or live is None or not rule.lane:
        raise Conflict(_("现在不能进行这项操作。"), code="not_waiting")
    rights.check(Case(work, "message", name))
    return Expected(work, live, name)


def say(wait: Expected, answers: Mapping[str, Any]) -> None:
    """Let it happen, with answers to its form. Raises Refused, Invalid."""
    work, demanded = wait.work, wait.work.process.tasks[wait.name]
    with work.answering():
        clean = answered.accepted(work, demanded, demanded.form, answers)
        answered.pass_gates(work, demanded, clean)
        deliver(work, wait.live, wait.name, clean)


def deliver(work: UnitOfWork, live: Live, name: str, answers: dict[str, Any]) -> None:
    """Let a message happen with these answers as a fact."""
    rule = work.process.messages.get(name)
    said: dict[str, Any] = {"state": rule.state} if rule and rule.state else {}
    if said:
        work.row["closing"] = InstanceState(said["state"])
    if rule:
        work.say(name, answers)
    else:
        work.facts[name] = answers
    digest = unit_of_work.record_answers(work, name, answers) if rule else None
    if task := work.process.tasks.get(name):
        said |= dates.noted(work, task, answers)
    body = work.log.add("message_sent", work.actor, message=name, answers=digest, **said)
    step = work.drive(machine.fire(work.process.spec, work.position, live.ref))
    advance.advance(work, step, body, live.ref)


def waiting_for(work: UnitOfWork, name: str) -> Live | None:
    """The element that waits for this message; None where none does."""
    messages = (live for live in unit_of_work.live(work) if live.kind == "message")
    return next((live for live in messages if live.text == name), None)


def receive(
    session: Session, instance_id: UUID, name: str, answers: dict[str, Any], happened: str = ""
) -> bool:
    """A message from another instance, on the day on which `happened` what it comes from; False
    when this one does not wait for it (any more), and nothing is written.
    """
    work = unit_of_work.lock(session, None, instance_id)
    live = waiting_for(work, name)
    if work.row["state"] != InstanceState.RUNNING or live is None:
        return False
    if happened and work.process.dated:
        work.stand_on(date.fromisoformat(happened))
    deliver(work, live, name, answers)
    return True

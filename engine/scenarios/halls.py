"""What a story does in meetings and at the ballot box, from outside and in confidential matters."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import ballots as sealing
from engine.commands import (
    ballots,
    confidence,
    edge,
    envelopes,
    meetings,
    outside,
    teller_keys,
    tellers,
)
from engine.db import tables
from engine.errors import NotFound
from engine.people import organisation
from engine.queries import instance as matters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.scenarios.scene import Scene
    from engine.scenarios.story import Step

_poll = tables.poll.c
PASSPHRASE = "故事里的监票人"


def _do(scene: Scene, actor: Actor, work: Callable[[Session], Any]) -> Any:
    return edge.carry_out(scene.hall, actor, work)


def _members(scene: Scene, step: Step) -> list[UUID]:
    return [UUID(str(m)) for m in scene.meant(step.given).get("members", [])]


# --- meetings ---------------------------------------------------------------------------------------------------------
def _open_meeting(scene: Scene, actor: Actor, step: Step) -> None:
    key = scene.meeting(step.task)
    _do(scene, actor, lambda s: meetings.open_meeting(s, actor, key))


def _arrive(scene: Scene, actor: Actor, step: Step) -> None:
    key = scene.meeting(step.task)
    code = scene.session.execute(
        select(tables.meeting.c.code).where(tables.meeting.c.id == key)
    ).scalar_one()
    said = str(step.given.get("code", code))
    _do(scene, actor, lambda s: meetings.arrive(s, actor, key, said))


def _leave(scene: Scene, actor: Actor, step: Step) -> None:
    key = scene.meeting(step.task)
    _do(scene, actor, lambda s: meetings.leave(s, actor, key))


def _seat(scene: Scene, actor: Actor, step: Step) -> None:
    key, members, came = (
        scene.meeting(step.task),
        _members(scene, step),
        bool(step.given.get("came", True)),
    )
    _do(scene, actor, lambda s: meetings.seat(s, actor, key, members, came))


# --- ballots ----------------------------------------------------------------------------------------------------------
def is_secret(scene: Scene, poll_id: UUID) -> bool:
    """Are the ballots of this poll sealed?"""
    return bool(scene.session.execute(select(_poll.secret).where(_poll.id == poll_id)).scalar_one())


def _state(scene: Scene, poll_id: UUID) -> Any:
    return scene.session.execute(select(tables.poll).where(_poll.id == poll_id)).one()


def cast(scene: Scene, actor: Actor, poll_id: UUID, given: Mapping[str, Any]) -> None:
    """Seal a ballot as the voter's browser does. The tellers take their keys before the first one, if no step tells of it."""
    poll = _state(scene, poll_id)
    for teller in poll.tellers if poll.state == "called" else ():
        _take_key(scene, organisation.actor(scene.session, teller), poll_id)
    poll = _state(scene, poll_id)
    chosen = given.get("choices", [given["choice"]] if given.get("choice") else [])
    slip = envelopes.slip(poll)
    public = base64.b64decode(poll.public_key or "") or bytes(
        32
    )  # without a key the poll is not open, and says so
    sealed = sealing.seal(
        str(poll_id), [str(c) for c in chosen], os.urandom(16), public, sealing.size_for(slip)
    )
    _do(scene, actor, lambda s: ballots.cast(s, actor, poll_id, sealed))
    edge.carry_out(scene.hall, None, lambda s: ballots.close_when_all_voted(s, poll_id))


def _take_key(scene: Scene, teller: Actor, poll_id: UUID) -> None:
    _do(scene, teller, lambda s: teller_keys.take(s, teller, poll_id, f"{PASSPHRASE} {teller.id}"))


def _sign(scene: Scene, teller: Actor, poll_id: UUID) -> None:
    _do(scene, teller, lambda s: tellers.sign(s, teller, poll_id))


def _count(scene: Scene, actor: Actor, step: Step) -> None:
    """A teller does what comes next: takes the key; opens the box with the others; signs the numbers that are there.

    Who joined before the box was open signs with the one who opens it: they sit at one table.
    """
    key = scene.poll(step.task)
    poll = _state(scene, key)
    if poll.state == "called":
        _take_key(scene, actor, key)
        return
    if poll.secret and not poll.rule.get("opened"):
        _do(scene, actor, lambda s: teller_keys.join(s, actor, key, f"{PASSPHRASE} {actor.id}"))
        scene.joined.append((key, actor.id))
        if not _state(scene, key).rule.get("opened"):
            return
    waiting = [teller for poll_id, teller in scene.joined if poll_id == key] or [actor.id]
    scene.joined = [pair for pair in scene.joined if pair[0] != key]
    for teller in waiting:
        _sign(scene, organisation.actor(scene.session, teller), key)


def _give_paper(scene: Scene, actor: Actor, step: Step) -> None:
    key, members = scene.poll(step.task), _members(scene, step)
    _do(scene, actor, lambda s: tellers.give_paper(s, actor, key, members))


def _paper(scene: Scene, actor: Actor, step: Step) -> None:
    key, given = scene.poll(step.task), scene.meant(step.given)
    _do(scene, actor, lambda s: tellers.enter_paper(s, actor, key, given))


def _void_poll(scene: Scene, actor: Actor, step: Step) -> None:
    key, reason = scene.poll(step.task), str(step.given.get("reason", ""))
    _do(scene, actor, lambda s: tellers.void(s, actor, key, reason))


# --- from outside, and in confidence ----------------------------------------------------------------------------------
def _answer_link(scene: Scene, actor: Actor, step: Step) -> None:
    """The one who has the task sends the link; whom it was sent to answers by it."""
    key, given = scene.task(step.task), dict(scene.meant(step.given))
    who = given.pop("outside", {})
    token = _do(
        scene, actor, lambda s: outside.invite(s, actor, key, str(who.get("unit", "外单位")))
    )
    edge.carry_out(scene.hall, None, lambda s: outside.answer(s, token, given, who))


def _let_in(scene: Scene, actor: Actor, step: Step) -> None:
    key, given = scene.instance(), scene.meant(step.given)
    _do(
        scene,
        actor,
        lambda s: confidence.let_in(
            s, actor, key, UUID(str(given["member"])), str(given.get("reason", ""))
        ),
    )


def _look(scene: Scene, actor: Actor, step: Step) -> None:
    """Read the matter; with `task`, what was said there must be readable too."""
    key = scene.instance()
    found = matters.file(scene.session, actor, key)
    if step.task and step.task not in found.facts:
        raise NotFound(f"看不到 {step.task} 里说的话。")
    _do(scene, actor, lambda s: confidence.note_reading(s, actor, key))


ACTS: dict[str, Callable[[Scene, Actor, Step], None]] = {
    "open_meeting": _open_meeting,
    "arrive": _arrive,
    "leave": _leave,
    "seat": _seat,
    "count": _count,
    "give_paper": _give_paper,
    "paper": _paper,
    "void_poll": _void_poll,
    "answer_link": _answer_link,
    "let_in": _let_in,
    "look": _look,
}

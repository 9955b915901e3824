"""What a story does in meetings and at the ballot box, from outside and in confidential matters."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any
from typing import cast as cast_to
from uuid import UUID

from sqlalchemy import select

from engine import ballots as sealing
from engine.commands import (
    ballots,
    confidence,
    envelopes,
    meetings,
    outside,
    signing,
    teller_changes,
    teller_keys,
    tellers,
    voiding,
)
from engine.db import tables
from engine.db.states import PollState
from engine.errors import NotFound
from engine.messages import _
from engine.people import organisation
from engine.queries import instance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.db import rows
    from engine.people.organisation import Actor
    from engine.scenarios.progress import Progress
    from engine.scenarios.steps import Step

_poll = tables.poll.c
PASSPHRASE = "故事里的监票人"


def _members(progress: Progress, step: Step) -> list[UUID]:
    return [UUID(str(m)) for m in progress.meant(step.given).get("members", [])]


# --- meetings -------------------------------------------------------------------------------------
def _open_meeting(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.meeting(step.task)
    progress.carry_out(actor, lambda s: meetings.open_meeting(s, actor, key))


def _arrive(progress: Progress, actor: Actor, step: Step) -> None:
    key, meeting = progress.meeting(step.task), tables.meeting.c
    shown = progress.session.execute(select(meeting.code).where(meeting.id == key)).scalar_one()
    code = str(step.given.get("code", shown))
    progress.carry_out(actor, lambda s: meetings.arrive(s, actor, key, code))


def _leave(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.meeting(step.task)
    progress.carry_out(actor, lambda s: meetings.leave(s, actor, key))


def _seat(progress: Progress, actor: Actor, step: Step) -> None:
    key, members = progress.meeting(step.task), _members(progress, step)
    came = bool(step.given.get("came", True))
    progress.carry_out(actor, lambda s: meetings.seat(s, actor, key, members, came))


# --- ballots --------------------------------------------------------------------------------------
def is_secret(progress: Progress, poll_id: UUID) -> bool:
    """Are the ballots of this poll sealed?"""
    return _row(progress, poll_id).secret


def _row(progress: Progress, poll_id: UUID) -> rows.Poll:
    query = select(tables.poll).where(_poll.id == poll_id)
    found: Any = progress.session.execute(query).one()
    return cast_to("rows.Poll", found)


def cast(progress: Progress, actor: Actor, poll_id: UUID, given: Mapping[str, Any]) -> None:
    """Seal a ballot as the voter's browser does. The tellers take their keys before the first one,
    if no step tells of it.
    """
    poll = _row(progress, poll_id)
    for teller in poll.tellers if poll.state == PollState.CALLED else ():
        _take_key(progress, organisation.actor(progress.session, teller), poll_id)
    sealed = _sealed(_row(progress, poll_id), given)
    progress.carry_out(actor, lambda s: ballots.cast(s, actor, poll_id, sealed))
    progress.carry_out(None, lambda s: ballots.close_when_all_voted(s, poll_id))


def _sealed(poll: rows.Poll, given: Mapping[str, Any]) -> bytes:
    """The envelope with what was chosen. Without a key the poll is not open, and says so."""
    chosen = given.get("choices", [given["choice"]] if given.get("choice") else [])
    public = base64.b64decode(poll.public_key or "") or bytes(32)
    size = sealing.size_for(envelopes.slip(poll))
    choices = [str(choice) for choice in chosen]
    return sealing.seal(str(poll.id), choices, os.urandom(16), public, size)


def _take_key(progress: Progress, teller: Actor, poll_id: UUID) -> None:
    progress.carry_out(
        teller, lambda s: teller_keys.take(s, teller, poll_id, f"{PASSPHRASE} {teller.id}")
    )


def _sign(progress: Progress, teller: Actor, poll_id: UUID) -> None:
    progress.carry_out(teller, lambda s: signing.sign(s, teller, poll_id))


def _count(progress: Progress, actor: Actor, step: Step) -> None:
    """A teller does what comes next: takes the key; opens the box with the others; signs the
    numbers that are there.

    Who joined before the box was open signs with the one who opens it: they sit at one table.
    """
    key = progress.poll(step.task)
    poll = _row(progress, key)
    if poll.state == PollState.CALLED:
        _take_key(progress, actor, key)
        return
    if poll.secret and not poll.rule.get("opened"):
        _join(progress, actor, key)
        if not _row(progress, key).rule.get("opened"):
            return
    waiting = [teller for poll_id, teller in progress.joined if poll_id == key] or [actor.id]
    progress.joined = [pair for pair in progress.joined if pair[0] != key]
    for teller in waiting:
        _sign(progress, organisation.actor(progress.session, teller), key)


def _join(progress: Progress, actor: Actor, poll_id: UUID) -> None:
    passphrase = f"{PASSPHRASE} {actor.id}"
    progress.carry_out(actor, lambda s: teller_keys.join(s, actor, poll_id, passphrase))
    if (poll_id, actor.id) not in progress.joined:
        progress.joined.append((poll_id, actor.id))


def _give_paper(progress: Progress, actor: Actor, step: Step) -> None:
    key, members = progress.poll(step.task), _members(progress, step)
    progress.carry_out(actor, lambda s: tellers.give_paper(s, actor, key, members))


def _paper(progress: Progress, actor: Actor, step: Step) -> None:
    key, given = progress.poll(step.task), progress.meant(step.given)
    progress.carry_out(actor, lambda s: tellers.enter_paper(s, actor, key, given))


def _dissent(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.poll(step.task)
    progress.carry_out(actor, lambda s: signing.dissent(s, actor, key, step.reason))


def _declare(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.poll(step.task)
    progress.carry_out(actor, lambda s: signing.declare(s, actor, key))


def _resign(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.poll(step.task)
    progress.carry_out(actor, lambda s: teller_changes.resign(s, actor, key, step.reason))


def _replace(progress: Progress, actor: Actor, step: Step) -> None:
    """With `teller`, who leaves, and `successor`."""
    key, given = progress.poll(step.task), progress.meant(step.given)
    teller, successor = UUID(str(given["teller"])), UUID(str(given["successor"]))
    change = teller_changes.Change(teller, successor, step.reason)
    progress.carry_out(actor, lambda s: teller_changes.replace(s, actor, key, change))


def _key(progress: Progress, actor: Actor, step: Step) -> None:
    """One who took a teller's place makes a key; who was replaced hands their part over."""
    key = progress.poll(step.task)
    if actor.id in _row(progress, key).tellers:
        _take_key(progress, actor, key)
        return
    passphrase = f"{PASSPHRASE} {actor.id}"
    progress.carry_out(actor, lambda s: teller_keys.give_up(s, actor, key, passphrase))


def _void_poll(progress: Progress, actor: Actor, step: Step) -> None:
    key = progress.poll(step.task)
    progress.carry_out(actor, lambda s: voiding.void(s, actor, key, step.reason))


# --- from outside, and in confidence --------------------------------------------------------------
def _answer_link(progress: Progress, actor: Actor, step: Step) -> None:
    """The one who has the task sends the link; whom it was sent to answers by it."""
    key, given = progress.task(step.task), progress.answered(step.task, step.given)
    who = given.pop("outside", {})
    unit = str(who.get("unit", "外单位"))
    token = progress.carry_out(actor, lambda s: outside.invite(s, actor, key, unit))
    progress.carry_out(None, lambda s: outside.answer(s, token, given, who))


def _let_in(progress: Progress, actor: Actor, step: Step) -> None:
    key, member = progress.instance(), UUID(str(progress.meant(step.given)["member"]))
    progress.carry_out(actor, lambda s: confidence.let_in(s, actor, key, member, step.reason))


def _look(progress: Progress, actor: Actor, step: Step) -> None:
    """Read the instance; with `task`, what was said there must be readable too."""
    key = progress.instance()
    found = instance.file(progress.session, actor, key)
    if step.task and step.task not in found.facts:
        raise NotFound(_("看不到 {task} 里说的话。", task=step.task))
    progress.carry_out(actor, lambda s: confidence.note_reading(s, actor, key))


ACTIONS: dict[str, Callable[[Progress, Actor, Step], None]] = {
    "open_meeting": _open_meeting,
    "arrive": _arrive,
    "leave": _leave,
    "seat": _seat,
    "count": _count,
    "give_paper": _give_paper,
    "paper": _paper,
    "dissent": _dissent,
    "declare": _declare,
    "resign_teller": _resign,
    "replace_teller": _replace,
    "key": _key,
    "void_poll": _void_poll,
    "answer_link": _answer_link,
    "let_in": _let_in,
    "look": _look,
}

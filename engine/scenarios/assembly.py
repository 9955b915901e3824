"""What a story does in meetings and at the ballot box, from outside and in confidential matters."""

from __future__ import annotations

import base64
import os
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any
from typing import cast as cast_to
from uuid import UUID

from sqlalchemy import select

from engine import ballots as sealing
from engine import clock
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
from engine.instance.view import dotted
from engine.messages import _
from engine.people import organisation
from engine.queries import instance
from engine.scenarios.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.db import rows
    from engine.people.organisation import Actor
    from engine.scenarios.steps import Step

_poll = tables.poll.c
PASSPHRASE = "故事里的监票人"


def plainly(
    command: Callable[..., Any],
    found: Callable[[Progress, str], UUID],
    more: Callable[[Progress, Step], tuple[Any, ...]] = lambda _progress, _step: (),
) -> Callable[[Progress, Actor, Step], None]:
    """An action that is one command on what the step's `task` names, with `more` behind its id."""

    def act(progress: Progress, actor: Actor, step: Step) -> None:
        key, given = found(progress, step.task), more(progress, step)
        progress.carry_out(actor, lambda s: command(s, actor, key, *given))

    return act


def of_instance(progress: Progress, _task: str) -> UUID:
    """The instance in which the story is."""
    return progress.instance()


def reason(_progress: Progress, step: Step) -> tuple[str]:
    """What the step gives as its reason."""
    return (step.reason,)


def _members(progress: Progress, step: Step) -> tuple[list[UUID]]:
    return ([UUID(str(m)) for m in progress.meant(step.given).get("members", [])],)


def _seated(progress: Progress, step: Step) -> tuple[list[UUID], bool]:
    return (*_members(progress, step), bool(step.given.get("came", True)))


def _given(progress: Progress, step: Step) -> tuple[Mapping[str, Any]]:
    return (progress.meant(step.given),)


def _member(progress: Progress, step: Step) -> tuple[UUID, str]:
    return UUID(str(progress.meant(step.given)["member"])), step.reason


def _let_in(progress: Progress, actor: Actor, step: Step) -> None:
    """Who, why and until which day; a story that names none means the day itself."""
    key, (member, why) = progress.instance(), _member(progress, step)
    written = progress.meant(step.given).get("until")
    until = date.fromisoformat(written) if written else clock.today()
    progress.carry_out(actor, lambda s: confidence.let_in(s, actor, key, member, why, until=until))


# --- meetings -------------------------------------------------------------------------------------
def _arrive(progress: Progress, actor: Actor, step: Step) -> None:
    key, meeting = progress.meeting(step.task), tables.meeting.c
    shown = progress.session.execute(select(meeting.code).where(meeting.id == key)).scalar_one()
    code = str(step.given.get("code", shown))
    progress.carry_out(actor, lambda s: meetings.arrive(s, actor, key, code))


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
        passphrase = f"{PASSPHRASE} {actor.id}"
        progress.carry_out(actor, lambda s: teller_keys.join(s, actor, key, passphrase))
        if (key, actor.id) not in progress.joined:
            progress.joined.append((key, actor.id))
        if not _row(progress, key).rule.get("opened"):
            return
    waiting = [teller for poll_id, teller in progress.joined if poll_id == key] or [actor.id]
    progress.joined = [pair for pair in progress.joined if pair[0] != key]
    for member_id in waiting:
        teller = organisation.actor(progress.session, member_id)
        progress.carry_out(teller, partial(signing.sign, actor=teller, poll_id=key))


def _change(progress: Progress, step: Step) -> tuple[teller_changes.Change]:
    """`teller`, who leaves, and `successor`."""
    given = progress.meant(step.given)
    teller, successor = UUID(str(given["teller"])), UUID(str(given["successor"]))
    return (teller_changes.Change(teller, successor, step.reason),)


def _key(progress: Progress, actor: Actor, step: Step) -> None:
    """One who took a teller's place makes a key; who was replaced hands their part over."""
    key = progress.poll(step.task)
    if actor.id in _row(progress, key).tellers:
        _take_key(progress, actor, key)
        return
    passphrase = f"{PASSPHRASE} {actor.id}"
    progress.carry_out(actor, lambda s: teller_keys.give_up(s, actor, key, passphrase))


# --- from outside, and in confidence --------------------------------------------------------------
def _answer_link(progress: Progress, actor: Actor, step: Step) -> None:
    """The one who has the task sends the link; whom it was sent to answers by it."""
    key, given = progress.task(step.task), progress.answered(step.task, step.given)
    who = given.pop("outside", {})
    unit = str(who.get("unit", "外单位"))
    token = progress.carry_out(actor, lambda s: outside.invite(s, actor, key, unit))
    progress.carry_out(None, lambda s: outside.answer(s, token, given, who))


def _look(progress: Progress, actor: Actor, step: Step) -> None:
    """Read the instance; with `task`, what was said there (or in one field of it, dotted), or the
    paper of that kind, must be readable too.
    """
    key = progress.instance()
    found = instance.file(progress.session, actor, key)
    paper = found.process.documents.get(step.task)
    titles = {each.title for each in found.papers}
    read = paper.title.zh in titles if paper else dotted(found.facts, step.task) is not None
    if step.task and not read:
        raise NotFound(_("看不到 {task} 里说的话。", task=step.task))
    progress.carry_out(actor, lambda s: confidence.note_reading(s, actor, key))


ACTIONS: dict[str, Callable[[Progress, Actor, Step], None]] = {
    "open_meeting": plainly(meetings.open_meeting, Progress.meeting),
    "arrive": _arrive,
    "leave": plainly(meetings.leave, Progress.meeting),
    "seat": plainly(meetings.seat, Progress.meeting, _seated),
    "count": _count,
    "give_paper": plainly(tellers.give_paper, Progress.poll, _members),
    "paper": plainly(tellers.enter_paper, Progress.poll, _given),
    "dissent": plainly(signing.dissent, Progress.poll, reason),
    "declare": plainly(signing.declare, Progress.poll),
    "resign_teller": plainly(teller_changes.resign, Progress.poll, reason),
    "replace_teller": plainly(teller_changes.replace, Progress.poll, _change),
    "key": _key,
    "void_poll": plainly(voiding.void, Progress.poll, reason),
    "answer_link": _answer_link,
    "let_in": _let_in,
    "let_out": plainly(confidence.let_out, of_instance, _member),
    "look": _look,
}

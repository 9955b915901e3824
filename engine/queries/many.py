"""What one act may do to many instances of a process beside the tasks of whoever acts: the messages
that holders of a post send, as the version in force knows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import NotFound
from engine.instance.choices import choices
from engine.queries import grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import MessageRule
    from engine.forms import Form
    from engine.people.organisation import Actor


@dataclass(frozen=True)
class Sending:
    """A message that may go to many; `offers` of its form, see queries/tasks.py."""

    name: str
    title: str
    asks: str
    form: Form | None
    offers: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)


def offered(
    session: Session, actor: Actor, process_id: str, lang: str = "zh"
) -> tuple[Sending, ...]:
    """The messages that this person's posts send. Raises NotFound as `grid.grid`."""
    process = grid.process_for(session, actor, process_id)
    return tuple(
        _told(rule, lang) for rule in process.messages.values() if _may(process, rule, actor)
    )


def sending(
    session: Session, actor: Actor, process_id: str, name: str, lang: str = "zh"
) -> Sending:
    """One of them, with what its form offers. Raises NotFound for one that is not offered."""
    known = {each.name: each for each in offered(session, actor, process_id, lang)}
    if name not in known:
        raise NotFound
    found = known[name]
    offer = choices(session, actor.union_id, actor=actor)
    asked = found.form.asked if found.form else ()
    offers = {each.key: offer(each.source) for each in asked if each.source}
    return Sending(found.name, found.title, found.asks, found.form, offers)


def _may(process: Process, rule: MessageRule, actor: Actor) -> bool:
    """Does a post of this person send it, and does its form ask the same of every matter?"""
    lane = process.lanes.get(rule.lane)
    if lane is None or lane.post not in {held.kind for held in actor.posts}:
        return False
    asked = rule.form.asked if rule.form else ()
    return not any(each.source.startswith(("people:", "members:")) for each in asked)


def _told(rule: MessageRule, lang: str) -> Sending:
    return Sending(rule.name, rule.title.in_(lang), rule.asks.in_(lang), rule.form)

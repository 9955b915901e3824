"""Verbs for when people change: end-term, user hand-over | join | replace | move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import _
from webui.cli.installation import database
from webui.cli.terminal import OK, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.settings import Settings


def _done(
    given: argparse.Namespace, settings: Settings, do: Callable[[Session, Actor], object]
) -> object:
    """Do it as the person of --as, in one transaction."""
    from engine import db
    from engine.people import organisation
    from engine.queries import operator

    with db.transaction(database(settings)) as session:
        actor = organisation.actor(session, operator.member_named(session, given.actor))
        return do(session, actor)


def _member(session: Session, username: str) -> UUID:
    from engine.queries import operator

    return operator.member_named(session, username)


def hand_over(given: argparse.Namespace, settings: Settings) -> int:
    """Give somebody's open tasks to another member."""
    from engine.commands import succession

    def do(session: Session, actor: Actor) -> int:
        old, new = (_member(session, name) for name in (given.username, given.to))
        return succession.hand_over(session, actor, old, new, given.reason)

    say(_("已移交 {n} 项", n=_done(given, settings, do)))
    return OK


def join(given: argparse.Namespace, settings: Settings) -> int:
    """Join one person's two accounts."""
    from engine.commands import succession

    def do(session: Session, actor: Actor) -> None:
        twin, kept = (_member(session, name) for name in (given.username, given.into))
        succession.join(session, actor, twin, kept, given.reason)

    _done(given, settings, do)
    say(_("已并入 {who}", who=given.into))
    return OK


def replace(given: argparse.Namespace, settings: Settings) -> int:
    """Let another member hold a post for the rest of its term."""
    from engine.commands import succession

    def do(session: Session, actor: Actor) -> None:
        new = _member(session, given.to)
        succession.replace(session, actor, given.post, new, on=given.on, why=given.reason)

    _done(given, settings, do)
    say(_("{who} 自 {day} 起接任", who=given.to, day=given.on))
    return OK


def move(given: argparse.Namespace, settings: Settings) -> int:
    """Let a post be held in another unit."""
    from engine.commands import succession
    from engine.queries import operator

    def do(session: Session, actor: Actor) -> None:
        unit = operator.unit_coded(session, given.unit)
        succession.move(session, actor, given.post, unit, on=given.on, why=given.reason)

    _done(given, settings, do)
    say(_("自 {day} 起在 {unit} 任职", day=given.on, unit=given.unit))
    return OK


def end_term(given: argparse.Namespace, settings: Settings) -> int:
    """End a term of office for all who hold it by category."""
    from engine.commands import succession

    def do(session: Session, actor: Actor) -> int:
        return succession.end_term(session, actor, actor.union_id, given.term, given.last)

    say(_("已终止 {n} 人的任期", n=_done(given, settings, do)))
    return OK

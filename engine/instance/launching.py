"""By which post, in which union and by which version somebody launches a process: what a launch
page offers and what a launch does are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.definitions.store import in_force, process_of
from engine.errors import Invalid, NotFound, Refused
from engine.messages import _
from engine.people import access
from engine.people.organisation import Held

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.store import InForce
    from engine.people.organisation import Actor


@dataclass(frozen=True)
class Opened:
    """A process as the holder of this post may launch it; `own`: by the version that the post's
    union has for itself.
    """

    process: Process
    held: Held
    own: bool


def opened(session: Session, actor: Actor) -> list[Opened]:
    """Every process that the actor may launch, each by one post, in the order of their ids."""
    known = in_force(session, _unions(actor))
    processes = sorted(known.common.keys() | {process for process, _union in known.own})
    ways = (_way(session, actor, known, process) for process in processes)
    return [way for way in ways if way is not None]


def check(session: Session, actor: Actor, process_id: str) -> Opened:
    """How the actor launches this process. Raises NotFound when it is in force nowhere that they
    belong to, Refused when none of their posts opens it.
    """
    known = in_force(session, _unions(actor), process_id)
    if not known.common and not known.own:
        raise NotFound
    way = _way(session, actor, known, process_id)
    if way is None:
        raise Refused(_("只有规定职务的人员可以发起此流程。"), verb="launch")
    return way


def entered(session: Session, actor: Actor, process_id: str, owner: Actor) -> Opened:
    """How the actor enters this process for somebody who may launch it themselves. Raises NotFound
    for somebody of another union, and where the process lets nobody enter for others; Refused for
    who may not; Invalid when that somebody may not launch it, or is the actor.
    """
    may_enter(session, actor, process_id)
    if owner.union_id != actor.union_id:
        raise NotFound
    if owner.id == actor.id:
        raise Invalid({"owner": [_("本人的请自己提出。")]})
    try:
        return check(session, owner, process_id)
    except Refused:
        wrong = _("{name}没有规定的职务，不能作为提出人。", name=owner.name)
        raise Invalid({"owner": [wrong]}) from None


def enters(session: Session, actor: Actor, process_id: str) -> bool:
    """Does the actor enter this process for others?"""
    try:
        may_enter(session, actor, process_id)
    except (NotFound, Refused):
        return False
    return True


def may_enter(session: Session, actor: Actor, process_id: str) -> Process:
    """The process as the actor's union has it, in which they enter for others. Raises as
    `entered`.
    """
    version = in_force(session, [actor.union_id], process_id).of(process_id, actor.union_id)
    process = process_of(session, access.must_see(version))
    if process.entry is None:
        raise NotFound
    mine = {post.kind for post in actor.posts if post.union_id == actor.union_id}
    if not mine & set(process.entry.posts):
        raise Refused(verb="launch")
    return process


def _unions(actor: Actor) -> list[UUID]:
    held = (post.union_id for post in actor.posts if post.union_id)
    return list(dict.fromkeys([actor.union_id, *held]))


def _way(session: Session, actor: Actor, known: InForce, process_id: str) -> Opened | None:
    """The first post that opens the process, as its union has it; being a member comes last."""
    member = Held(access.ANYBODY, actor.unit_id, actor.union_id)
    for held in (*actor.posts, member):
        version = known.of(process_id, held.union_id)
        if version is None or held.union_id is None:
            continue
        process = process_of(session, version)
        if held.kind in process.launch:
            return Opened(process, held, (process_id, held.union_id) in known.own)
    return None

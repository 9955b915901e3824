"""Where the choices of a form come from when they are people, units or instances of this union."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import or_, select

from engine import clock
from engine.db import tables
from engine.instance.view import dotted
from engine.people import access, organisation
from engine.people.ordering import on_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.db import Session
    from engine.instance.context import Context
    from engine.people.organisation import Actor

MOST = 500  # choices offered at once
EVERYBODY = 5000  # members of a large union


def of_instance(context: Context) -> Callable[[str], list[tuple[str, str]]]:
    """The same for a form of this instance: there "people:<dotted fact>" are the members whom a
    fact names, as official lists stand.
    """
    row = context.row
    offer = choices(context.session, row["union_id"], row["id"], context.actor)

    def offer_here(source: str) -> list[tuple[str, str]]:
        what, _, path = source.partition(":")
        return _people(context, path) if what == "people" else offer(source)

    return offer_here


def _people(context: Context, path: str) -> list[tuple[str, str]]:
    named = [str(key) for key in dotted(context.facts, path) or ()]
    ordered = organisation.in_order(context.session, named, context.name_order)
    listed = [UUID(key) for key in ordered]
    member = tables.member.c
    found = context.session.execute(select(member.id, member.name).where(member.id.in_(listed)))
    labels = dict(_told_apart(context.session, {r.id: r.name for r in found}))
    return [(str(key), labels[str(key)]) for key in listed if str(key) in labels]


def choices(
    session: Session, union_id: UUID, without: UUID | None = None, actor: Actor | None = None
) -> Callable[[str], list[tuple[str, str]]]:
    """A function from a source ("units:<kind>", "members:<post>", "members:" for all,
    "instances:<process>") to pairs.

    A pair is (id, label).

    `without` is the instance that asks: it cannot choose itself. Confidential instances are offered
    only to an actor who may know of them.
    """

    def offer(source: str) -> list[tuple[str, str]]:
        what, _, key = source.partition(":")
        if what == "units":
            return _units(session, union_id, key)
        if what == "members":
            return _members(session, union_id, key)
        if what == "instances":
            return [
                pair
                for pair in _instances(session, union_id, key, actor)
                if pair[0] != str(without)
            ]
        return []

    return offer


def _units(session: Session, union_id: UUID, kind: str) -> list[tuple[str, str]]:
    unit = tables.unit.c
    query = (
        select(unit.id, unit.name)
        .where(unit.union_id == union_id, unit.active)
        .order_by(unit.name)
        .limit(MOST)
    )
    if kind:
        query = query.where(unit.kind == ("department" if kind == "handling" else kind))
    return [(str(r.id), r.name) for r in session.execute(query)]


def _members(session: Session, union_id: UUID, post: str) -> list[tuple[str, str]]:
    if not post:
        member = tables.member.c
        everybody = select(member.id, member.name).where(member.union_id == union_id, member.active)
        named = {
            r.id: r.name for r in session.execute(everybody.order_by(member.id).limit(EVERYBODY))
        }
    else:
        named = organisation.names(
            session, organisation.in_union(session, post, union_id, clock.today())
        )
    return on_screen(sorted(_told_apart(session, named)), lambda pair: named[UUID(pair[0])])


def _told_apart(session: Session, named: Mapping[UUID, str]) -> list[tuple[str, str]]:
    """People of the same name with their unit behind it."""
    often = {name for name, n in Counter(named.values()).items() if n > 1}
    member, unit = tables.member.c, tables.unit.c
    same = [key for key, name in named.items() if name in often]
    where = (
        select(member.id, unit.name)
        .join(tables.unit, unit.id == member.unit_id)
        .where(member.id.in_(same))
    )
    units = {r.id: r.name for r in session.execute(where)} if same else {}
    return [
        (str(key), f"{name}（{units[key]}）" if key in units else name)
        for key, name in named.items()
    ]


def _instances(
    session: Session, union_id: UUID, process_id: str, actor: Actor | None
) -> list[tuple[str, str]]:
    instance = tables.instance.c
    known = (
        ~instance.confidential
        if actor is None
        else or_(~instance.confidential, access.visible(actor))
    )
    query = (
        select(instance.id, instance.number, instance.title)
        .where(
            instance.union_id == union_id,
            instance.process_id == process_id,
            instance.state == "running",
            known,
        )
        .order_by(instance.id.desc())
        .limit(MOST)
    )
    return [(str(r.id), f"{r.number} {r.title}") for r in session.execute(query)]

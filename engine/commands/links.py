"""Links between instances: merged （并案）, begun by one another, sent a message.

What another one may know stands here.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import clock, legacy
from engine.commands import instances, unit_of_work
from engine.commands.registry import action
from engine.db import queue, tables
from engine.errors import EngineError, Invalid, NotFound, ProcessFault, Refused
from engine.history.erased import ERASED_MARK
from engine.messages import _
from engine.people import organisation

if TYPE_CHECKING:
    from sqlalchemy import Row

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session

Args = dict[str, Any]


@action
def merge_into(work: UnitOfWork, args: Args) -> None:
    """`target` (an expression giving an instance): this instance is merged into that one; the
    origin lasts for ever.
    """
    target = UUID(str(work.value(args["target"])))
    found = _in_union(work, target)
    if found is None:
        raise ProcessFault(_("并案的对象不存在。"), element="merge_into")
    number = found.number
    _store(work, target, "merged_into")
    work.facts["merged_into"] = {"id": str(target), "number": number}
    work.log.add("instance_merged", work.actor, into=str(target), number=number)
    known = {**_own(work, "origin"), "origin": str(work.row["id"])}
    queue.defer(work.session, "note_origin", instance_id=str(target), **known)


@action
def notify_merged(work: UnitOfWork, args: Args) -> None:
    """Send `message` to every instance merged into this one, with `facts`
    (names) along.
    """
    link, message = tables.link.c, args.get("message", legacy.REPLY)
    merged = link.to_id == work.row["id"], link.kind == "merged_into"
    origins = work.pending.unflushed.execute(select(link.from_id).where(*merged)).scalars().all()
    along = {name: work.facts.get(name) for name in args.get("facts", [])}
    along["lead"] = _own(work, "id")
    for origin in origins:
        _deliver(work, origin, message, along)


@action
def begin(work: UnitOfWork, args: Args) -> None:
    """`process`, `kind`, `starter`, `with`: start an instance of another process and link it to
    this one, both ways.

    A starter who may not launch it, and answers that its form refuses, are faults of this process.
    """
    kind = args["kind"]
    try:
        other = _launch(work, args)
    except (Refused, NotFound, Invalid, ValueError) as fault:
        why = fault.message if isinstance(fault, EngineError) else str(fault)
        failed = _("不能发起关联的事项：{why}", why=why)
        raise ProcessFault(failed, file="process.toml", element=args["process"]) from fault
    number = _link(work, other, kind)
    work.facts[kind] = {"matter": str(other), "number": number}
    work.log.add("matter_begun", work.actor, link=kind, **_named(other, number))


def _launch(work: UnitOfWork, args: Args) -> UUID:
    """Start the instance that `begin` names. Raises Refused, NotFound, Invalid, ValueError."""
    starter = UUID(str(work.value(args["starter"])))
    answers = {key: work.value(expression) for key, expression in args.get("with", {}).items()}
    actor = organisation.actor(work.session, starter)
    origin = {**_own(work, "id"), "kind": args["kind"]}
    return instances.launch(work.session, actor, args["process"], answers, origin)


@action
def link(work: UnitOfWork, args: Args) -> None:
    """`matter` (an expression giving an instance), `kind`: link this instance to that one, on
    record in both.
    """
    other, kind = UUID(str(work.value(args["matter"]))), args["kind"]
    number = _link(work, other, kind)
    work.log.add("matter_linked", work.actor, link=kind, **_named(other, number))
    known = {"kind": kind, **_own(work, "origin")}
    queue.defer(work.session, "note_link", instance_id=str(other), **known)


@action
def tell(work: UnitOfWork, args: Args) -> None:
    """`matter`, `message`, `with`: let a message event of another instance happen, with these
    answers.
    """
    other, message = UUID(str(work.value(args["matter"]))), args["message"]
    answers = {
        key: _plain(work.value(expression)) for key, expression in args.get("with", {}).items()
    }
    answers["origin"] = _own(work, "id")
    number = _link(work, other, message)
    work.log.add("matter_told", work.actor, message=message, **_named(other, number))
    _deliver(work, other, message, answers)


def _deliver(work: UnitOfWork, to: UUID, message: str, answers: dict[str, Any]) -> None:
    """Let a message event of another instance happen, by a job, when this one has been saved, on
    the day on which that happened from which it comes.
    """
    told: dict[str, Any] = {"instance_id": str(to), "message": message, "answers": answers}
    told["source"] = str(work.row["id"])
    if work.happened is not None:
        told["happened"] = work.today.isoformat()
    queue.defer(work.session, "deliver", **told)


def _plain(value: object) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _own(work: UnitOfWork, key: str) -> dict[str, Any]:
    """What another instance may know of this one: its id under `key` and its number; nothing when
    it is confidential.
    """
    if work.row["confidential"]:
        return {key: "", "number": ""}
    return {key: str(work.row["id"]), "number": work.row["number"]}


def _named(other: UUID, number: str) -> dict[str, str]:
    """How the history names another instance; not at all when it is confidential, for others here
    may not know of it.
    """
    return {"matter": str(other), "number": number} if number else {}


def _link(work: UnitOfWork, other: UUID, kind: str) -> str:
    """The number of another instance of this union, now linked to this one; "" of a confidential
    one. Raises ProcessFault.
    """
    found = _in_union(work, other)
    if found is None:
        raise ProcessFault(_("关联的事项不存在。"), file="process.toml", element=kind)
    _store(work, other, kind)
    return "" if found.confidential else str(found.number)


def _in_union(work: UnitOfWork, other: UUID) -> Row[Any, Any] | None:
    """Number and confidentiality of another instance of this union; None when there is none."""
    instance = tables.instance.c
    in_union = instance.id == other, instance.union_id == work.row["union_id"]
    query = select(instance.number, instance.confidential).where(*in_union)
    return None if other == work.row["id"] else work.session.execute(query).first()


def _store(work: UnitOfWork, other: UUID, kind: str) -> None:
    """Link this instance to another one, once for each kind."""
    link = {"from_id": work.row["id"], "to_id": other, "kind": kind, "at": clock.now()}
    work.session.execute(upsert(tables.link).values(**link).on_conflict_do_nothing())


# --- what the other instance notes, by a job ------------------------------------------------------
def note_origin(session: Session, instance_id: UUID, origin: UUID, number: str) -> bool:
    """Put a merged instance on record in its lead: an event and the fact `origins`.

    False when it stands there already.

    It holds in every state of the lead, for a merger may be recorded after the lead has ended.
    """
    work = unit_of_work.lock(session, None, instance_id)
    known = list(work.facts.get("origins", []))
    if any(entry["id"] == str(origin) for entry in known):
        return False
    if ERASED_MARK not in work.facts:
        work.facts["origins"] = [*known, {"id": str(origin), "number": number}]
    work.log.add("origin_merged", None, origin=str(origin), number=number)
    unit_of_work.save(work)
    return True


def note_link(
    session: Session, instance_id: UUID, origin: UUID | None, number: str, kind: str
) -> bool:
    """Put on record that another instance was linked to this one; a confidential one is not named
    (no origin).
    """
    work = unit_of_work.lock(session, None, instance_id)
    known = {"matter": str(origin), "number": number} if origin else {}
    work.log.add("matter_linked", None, link=kind, back=True, **known)
    unit_of_work.save(work)
    return True

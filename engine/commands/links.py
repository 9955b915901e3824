"""Links between instances: merged （并案）, begun by one another, told a message. What another one may know stands here."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from engine import clock
from engine.commands import instances, unit_of_work
from engine.commands.registry import action
from engine.db import queue, tables
from engine.errors import Invalid, NotFound, ProcessFault, Refused
from engine.people import organisation

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session

Args = dict[str, Any]


@action
def merge_into(work: UnitOfWork, args: Args) -> None:
    """`target` (an expression giving an instance): this instance is merged into that one; the origin lasts for ever."""
    target = UUID(str(work.value(args["target"])))
    known = work.session.execute(
        select(tables.instance.c.number).where(
            tables.instance.c.id == target, tables.instance.c.union_id == work.row["union_id"]
        )
    ).scalar()
    if known is None or target == work.row["id"]:
        raise ProcessFault("并案的对象不存在。", element="merge_into")
    work.session.execute(
        upsert(tables.link)
        .values(from_id=work.row["id"], to_id=target, kind="merged_into", at=clock.now())
        .on_conflict_do_nothing()
    )
    work.facts["merged_into"] = {"id": str(target), "number": known}
    work.log.add("instance_merged", work.actor, into=str(target), number=known)
    queue.defer(
        work.session,
        "note_origin",
        instance_id=str(target),
        **(_own(work, "origin") | {"origin": str(work.row["id"])}),
    )


@action
def notify_merged(work: UnitOfWork, args: Args) -> None:
    """Send `message` (default lead_replied) to every instance merged into this one, with `facts` (names) along."""
    link = tables.link.c
    merged = link.to_id == work.row["id"], link.kind == "merged_into"
    origins = work.apart.execute(select(link.from_id).where(*merged)).scalars().all()
    along = {name: work.facts.get(name) for name in args.get("facts", [])}
    along["lead"] = _own(work, "id")
    for origin in origins:
        queue.defer(
            work.session,
            "deliver",
            instance_id=str(origin),
            message=args.get("message", "lead_replied"),
            answers=along,
        )


@action
def begin(work: UnitOfWork, args: Args) -> None:
    """`process`, `kind`, `starter`, `with`: start a matter of another process and link it to this one, both ways.

    A starter who may not launch it, and answers that its form refuses, are faults of this process.
    """
    starter = work.value(args["starter"])
    answers = {key: work.value(expression) for key, expression in args.get("with", {}).items()}
    try:
        actor = organisation.actor(work.session, UUID(str(starter)))
        origin = {**_own(work, "id"), "kind": args["kind"]}
        matter = instances.launch(work.session, actor, args["process"], answers, origin)
    except (Refused, NotFound, Invalid, ValueError) as fault:
        raise ProcessFault(
            f"不能发起关联的事项：{fault}", file="process.toml", element=args["process"]
        ) from fault
    number = _link(work, matter, args["kind"])
    work.facts[args["kind"]] = {"matter": str(matter), "number": number}
    work.log.add("matter_begun", work.actor, link=args["kind"], **_said(matter, number))


@action
def link(work: UnitOfWork, args: Args) -> None:
    """`matter` (an expression giving an instance), `kind`: link this matter to that one, on record in both."""
    matter = UUID(str(work.value(args["matter"])))
    number = _link(work, matter, args["kind"])
    work.log.add("matter_linked", work.actor, link=args["kind"], **_said(matter, number))
    queue.defer(
        work.session,
        "note_link",
        instance_id=str(matter),
        kind=args["kind"],
        **_own(work, "origin"),
    )


@action
def tell(work: UnitOfWork, args: Args) -> None:
    """`matter`, `message`, `with`: let a message event of another matter happen, with these answers."""
    matter = UUID(str(work.value(args["matter"])))
    answers = {
        key: _plain(work.value(expression)) for key, expression in args.get("with", {}).items()
    }
    answers["origin"] = _own(work, "id")
    number = _link(work, matter, args["message"])
    work.log.add("matter_told", work.actor, message=args["message"], **_said(matter, number))
    queue.defer(
        work.session, "deliver", instance_id=str(matter), message=args["message"], answers=answers
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _own(work: UnitOfWork, key: str) -> dict[str, Any]:
    """What another matter may know of this one: its id under `key` and its number; nothing when it is confidential."""
    if work.row["confidential"]:
        return {key: "", "number": ""}
    return {key: str(work.row["id"]), "number": work.row["number"]}


def _said(matter: UUID, number: str) -> dict[str, str]:
    """What the history says of another matter; nothing that names a confidential one, which others here may not know of."""
    return {"matter": str(matter), "number": number} if number else {}


def _link(work: UnitOfWork, matter: UUID, kind: str) -> str:
    """The number of another matter of this union, now linked to this one; "" of a confidential one. Raises ProcessFault."""
    instance = tables.instance.c
    found = work.session.execute(
        select(instance.number, instance.confidential).where(
            instance.id == matter, instance.union_id == work.row["union_id"]
        )
    ).first()
    if found is None or matter == work.row["id"]:
        raise ProcessFault("关联的事项不存在。", file="process.toml", element=kind)
    work.session.execute(
        upsert(tables.link)
        .values(from_id=work.row["id"], to_id=matter, kind=kind, at=clock.now())
        .on_conflict_do_nothing()
    )
    return "" if found.confidential else str(found.number)


# --- what the other instance notes, by a job -------------------------------------------------------------------------
def note_origin(session: Session, instance_id: UUID, origin: UUID, number: str) -> bool:
    """Put a merged instance on record in its lead: an event and the fact `origins`. False when it stands there already.

    It holds in every state of the lead, for a merger may be recorded after the lead has ended.
    """
    work = unit_of_work.lock(session, None, instance_id)
    known = list(work.facts.get("origins", []))
    if any(entry["id"] == str(origin) for entry in known):
        return False
    work.facts["origins"] = [*known, {"id": str(origin), "number": number}]
    work.log.add("origin_merged", None, origin=str(origin), number=number)
    unit_of_work.save(work)
    return True


def note_link(
    session: Session, instance_id: UUID, origin: UUID | None, number: str, kind: str
) -> bool:
    """Put on record that another matter was linked to this one; a confidential one is not named (no origin)."""
    work = unit_of_work.lock(session, None, instance_id)
    known = {"matter": str(origin), "number": number} if origin else {}
    work.log.add("matter_linked", None, link=kind, back=True, **known)
    unit_of_work.save(work)
    return True

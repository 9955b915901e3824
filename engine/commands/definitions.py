"""Propose, approve and publish versions of process definitions. A version is immutable; two people put it in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from engine import clock, definitions, settings
from engine.db import tables
from engine.definitions import check
from engine.definitions.folder import frozen
from engine.errors import Conflict, Invalid, Refused
from engine.history import event_log
from engine.instance.union_law import rulebook
from engine.people import access, posts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.people.organisation import Actor

_definition = tables.definition


def _store(
    session: Session, files: Mapping[str, str], state: str, author: Actor | None, note: str
) -> str:
    process = definitions.load(files)
    column = _definition.c
    known = session.execute(select(column.state).where(column.hash == process.hash)).scalar()
    if known is not None:
        return process.hash
    number = session.execute(
        select(func.coalesce(func.max(column.number), 0) + 1).where(column.process_id == process.id)
    ).scalar_one()
    session.execute(
        insert(_definition).values(
            hash=process.hash,
            process_id=process.id,
            number=number,
            state=state,
            title=process.title.zh,
            title_en=process.title.en,
            files=frozen(files),
            note=note,
            author_id=author.id if author else None,
            created_at=clock.now(),
            decided_at=clock.now() if state == "published" else None,
        )
    )
    return process.hash


def publish_shipped(session: Session, files: Mapping[str, str]) -> str:
    """Put a definition that came with the product (or that the operator gives on the command line) in force; gives its hash."""
    digest = _store(session, files, "published", None, "随产品发布")
    column = _definition.c
    row = session.execute(
        select(column.state, column.process_id).where(column.hash == digest)
    ).one()
    if row.state in ("proposed", "refused"):
        session.execute(
            update(_definition)
            .where(column.hash == digest)
            .values(state="published", decided_at=clock.now())
        )
    event_log.note(
        session,
        event_log.INSTALLATION,
        "definition_published",
        None,
        process=row.process_id,
        version=digest,
    )
    return digest


def propose(session: Session, actor: Actor, files: Mapping[str, str], note: str) -> str:
    """Hand in a definition for approval; gives its hash. Raises Refused, Invalid with every fault, Conflict when known."""
    access.check(actor, "propose_definition", None)
    files = whole(files)
    wrong = check.faults(files, rulebook(), set(posts.kinds().posts))
    if wrong:
        raise Invalid({"files": [str(fault) for fault in wrong]})
    process = definitions.load(files)
    if loosened := list(_loosened(process)):
        raise Invalid({"files": loosened})
    column = _definition.c
    known = session.execute(select(column.state).where(column.hash == process.hash)).scalar()
    if known is not None:
        raise Conflict("这个版本已经登记过，内容没有变化。", code="same")
    digest = _store(session, files, "proposed", actor, note[:500])
    event_log.note(
        session,
        event_log.INSTALLATION,
        "definition_proposed",
        actor,
        process=process.id,
        version=digest,
    )
    return digest


def _loosened(process: Process) -> Iterator[str]:
    """What a version must not drop of the process as it is shipped: guards that rest on binding rules, and confidentiality.

    Only the operator, on the command line, may put such a version in force.
    """
    folder = settings.load().processes / process.id
    if not (folder / "process.toml").is_file():
        return
    shipped = definitions.load(definitions.read(folder))
    if shipped.confidentiality == "named" != process.confidentiality:
        yield "process.toml：本流程涉及个人，密级必须是 named，不能放宽。"
    for guard in shipped.guards:
        binding = guard.basis in rulebook().ids and any(
            rule.binding for rule in rulebook().get(guard.basis)
        )
        if binding and not any(
            guard.at <= own.at and guard.holds == own.holds for own in process.guards
        ):
            yield f"process.toml：前提“{guard.text.zh}”以 {guard.basis} 为依据，不能删去或放宽，请保留这一段 [[guards]]。"


def whole(files: Mapping[str, str]) -> dict[str, str]:
    """The files handed in, with what this installation's processes have in common and they name."""
    return definitions.completed(files, settings.load().processes)


def decide(session: Session, actor: Actor, digest: str, approve: bool) -> str:
    """Approve or refuse a proposed version; whoever proposed it may not. Raises NotFound, Refused, Conflict."""
    access.check(actor, "approve_definition", None)
    column = _definition.c
    row = access.must_see(
        session.execute(select(_definition).where(column.hash == digest).with_for_update()).first()
    )
    if row.state != "proposed":
        raise Conflict("这个版本已有结论。", code="decided")
    if row.author_id == actor.id:
        raise Refused("提出人与批准人不能是同一人。", code="separated", verb="approve_definition")
    state = "published" if approve else "refused"
    session.execute(
        update(_definition)
        .where(column.hash == digest)
        .values(state=state, approver_id=actor.id, decided_at=clock.now())
    )
    event_log.note(
        session,
        event_log.INSTALLATION,
        f"definition_{state}",
        actor,
        process=row.process_id,
        version=digest,
    )
    return digest


def parse_upload(files: Mapping[str, bytes]) -> dict[str, str]:
    """Uploaded files as texts. Raises Invalid when one is no UTF-8 or lies outside the folder."""
    texts: dict[str, str] = {}
    for name, data in files.items():
        if name.startswith("/") or ".." in name.split("/") or len(name) > 200:
            raise Invalid({"files": [f"文件名不允许：{name[:80]}"]})
        try:
            texts[name] = data.decode("utf-8")
        except UnicodeDecodeError:
            raise Invalid({"files": [f"{name} 不是 UTF-8 编码。"]}) from None
    return texts

"""Propose, approve and publish versions of process definitions.

A version is immutable; two people put it in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from engine import clock, definitions, settings
from engine.db import tables
from engine.db.states import DefinitionState
from engine.definitions.folder import frozen
from engine.definitions.store import SHIPPED
from engine.documents import trial
from engine.errors import Conflict, Invalid
from engine.history import event_log
from engine.instance.union_law import rulebook
from engine.messages import _
from engine.people import access, posts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.process import Guard
    from engine.people.organisation import Actor

_definition = tables.definition
MAX_NOTE = 500


def _store(
    session: Session,
    files: Mapping[str, str],
    state: DefinitionState,
    *,
    author: Actor | None = None,
    note: str,
) -> str:
    process, column, now = definitions.load(files), _definition.c, clock.now()
    if _is_known(session, process.hash):
        return process.hash
    next_ = func.coalesce(func.max(column.number), 0) + 1
    numbered = select(next_).where(column.process_id == process.id)
    version = {
        "hash": process.hash,
        "process_id": process.id,
        "number": session.execute(numbered).scalar_one(),
        "state": state,
        "title": process.title.zh,
        "title_en": process.title.en,
        "files": frozen(files),
        "note": note,
        "author_id": author.id if author else None,
        "created_at": now,
        "decided_at": now if state == DefinitionState.PUBLISHED else None,
    }
    session.execute(insert(_definition).values(**version))
    return process.hash


def _is_known(session: Session, digest: str) -> bool:
    column = _definition.c
    return session.execute(select(column.hash).where(column.hash == digest)).first() is not None


def publish_shipped(session: Session, files: Mapping[str, str]) -> str:
    """Put a definition that came with the product (or that the operator gives on the command line)
    in force; gives its hash.
    """
    digest = _store(session, files, DefinitionState.PUBLISHED, note=str(SHIPPED))
    column = _definition.c
    found = select(column.state, column.process_id).where(column.hash == digest)
    row = session.execute(found).one()
    if row.state in (DefinitionState.PROPOSED, DefinitionState.REFUSED):
        _decided(session, digest, state=DefinitionState.PUBLISHED)
    _note(session, "definition_published", None, process=row.process_id, version=digest)
    return digest


def _decided(session: Session, digest: str, **values: Any) -> None:
    """Write the decision about a proposed version."""
    decision = update(_definition).where(_definition.c.hash == digest)
    session.execute(decision.values(decided_at=clock.now(), **values))


def _note(session: Session, kind: str, actor: Actor | None, **details: str) -> None:
    event_log.note(session, event_log.INSTALLATION, kind, actor, **details)


def propose(session: Session, actor: Actor, files: Mapping[str, str], note: str) -> str:
    """Hand in a definition for approval; gives its hash.

    Raises Refused, Invalid with every fault, Conflict when known.
    """
    access.check(actor, "propose_definition", None)
    files = whole(files)
    wrong = trial.faults(files, rulebook(), set(posts.kinds().posts))
    if wrong:
        raise Invalid({"files": [str(fault) for fault in wrong]})
    process = definitions.load(files)
    if loosened := list(_loosened(process)):
        raise Invalid({"files": loosened})
    if _is_known(session, process.hash):
        raise Conflict(_("这个版本已经登记过，内容没有变化。"), code="same")
    proposed = DefinitionState.PROPOSED
    digest = _store(session, files, proposed, author=actor, note=note[:MAX_NOTE])
    _note(session, "definition_proposed", actor, process=process.id, version=digest)
    return digest


def _loosened(process: Process) -> Iterator[str]:
    """What a version must not drop of the process as it is shipped: guards that rest on binding
    rules, and confidentiality.

    Only the operator, on the command line, may put such a version in force.
    """
    folder = settings.load().processes / process.id
    if not (folder / "process.toml").is_file():
        return
    shipped = definitions.load(definitions.read(folder))
    if shipped.confidentiality == "named" != process.confidentiality:
        yield _("process.toml：本流程涉及个人，密级必须是 named，不能放宽。")
    for guard in shipped.guards:
        if _is_binding(guard) and not _still_held(guard, process):
            yield _(
                "process.toml：前提“{text}”以 {basis} 为依据，不能删去或放宽，请保留这一段 [[guards]]。",
                text=guard.text,
                basis=guard.basis,
            )


def _is_binding(guard: Guard) -> bool:
    """Does the guard rest on a rule that nobody may change?"""
    law = rulebook()
    return guard.basis in law.ids and any(rule.binding for rule in law.get(guard.basis))


def _still_held(guard: Guard, process: Process) -> bool:
    """Has the process this guard, at these elements at least?"""
    return any(guard.at <= own.at and guard.holds == own.holds for own in process.guards)


def whole(files: Mapping[str, str]) -> dict[str, str]:
    """The files handed in, with what this installation's processes have in common and they name."""
    return definitions.completed(files, settings.load().processes)


def decide(session: Session, actor: Actor, digest: str, approve: bool) -> str:
    """Approve or refuse a proposed version; whoever proposed it may not.

    Raises NotFound, Refused, Conflict.
    """
    access.check(actor, "approve_definition", None)
    query = select(_definition).where(_definition.c.hash == digest).with_for_update()
    row = access.must_see(session.execute(query).first())
    if row.state != DefinitionState.PROPOSED:
        raise Conflict(_("这个版本已有结论。"), code="decided")
    access.check_bars(actor, "approve_definition", access.Subject(author_id=row.author_id))
    state = DefinitionState.PUBLISHED if approve else DefinitionState.REFUSED
    _decided(session, digest, state=state, approver_id=actor.id)
    _note(session, f"definition_{state}", actor, process=row.process_id, version=digest)
    return digest


def parse_upload(files: Mapping[str, bytes]) -> dict[str, str]:
    """Uploaded files as texts. Raises Invalid when one is no UTF-8 or lies outside the folder."""
    texts: dict[str, str] = {}
    for name, data in files.items():
        if name.startswith("/") or ".." in name.split("/") or len(name) > 200:
            raise Invalid({"files": [_("文件名不允许：{name}", name=name[:80])]})
        try:
            texts[name] = data.decode("utf-8")
        except UnicodeDecodeError:
            raise Invalid({"files": [_("{name} 不是 UTF-8 编码。", name=name)]}) from None
    return texts

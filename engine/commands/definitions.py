"""Propose, approve and publish versions of process definitions.

A version is immutable; two people put it in force.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, insert, select, update

from engine import clock, definitions, settings
from engine.commands import behind, proposals, rehearsals, separation
from engine.commands.people import words
from engine.db import tables
from engine.db.states import DefinitionState
from engine.definitions import check
from engine.definitions.folder import frozen, unfrozen
from engine.definitions.store import SHIPPED, in_force
from engine.documents import trial
from engine.errors import Conflict, Invalid
from engine.history import event_log
from engine.instance.loosening import below_shipped
from engine.instance.union_law import rulebook
from engine.instance.verbs import lendable
from engine.messages import _
from engine.people import access, posts
from engine.people.organisation import INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.definitions.check import Fault
    from engine.people.organisation import Actor

_definition = tables.definition
MAX_NOTE = 500
AGAIN = "definition"  # the kind of proposal that puts an earlier version in force again


def _store(
    session: Session,
    files: Mapping[str, str],
    state: DefinitionState,
    *,
    author: Actor | None = None,
    note: str,
) -> str:
    process, column, now = definitions.load(files), _definition.c, clock.now()
    if known(session, process.hash):
        return process.hash
    next_ = func.coalesce(func.max(column.number), 0) + 1
    numbered = select(next_).where(column.process_id == process.id)
    version = {
        "hash": process.hash,
        "process_id": process.id,
        "number": session.execute(numbered).scalar_one(),
        "rank": _next_rank(session, process.id),
        "state": state,
        "title": process.title.zh,
        "title_en": process.title.en,
        "files": frozen(files),
        "batch": process.batch,
        "lent": lendable(process),
        "beside": unfrozen(files),
        "note": note,
        "author_id": author.id if author else None,
        "created_at": now,
        "decided_at": now if state == DefinitionState.PUBLISHED else None,
    }
    session.execute(insert(_definition).values(**version))
    return process.hash


def _next_rank(session: Session, process_id: str) -> int:
    """Above every rank that a version of this process has had."""
    next_ = func.coalesce(func.max(_definition.c.rank), 0) + 1
    ranked = select(next_).where(_definition.c.process_id == process_id)
    rank: int = session.execute(ranked).scalar_one()
    return rank


def known(session: Session, digest: str) -> DefinitionState | None:
    """The state of a version; None when nobody has handed in these files."""
    column = _definition.c
    found = session.execute(select(column.state).where(column.hash == digest)).scalar()
    return None if found is None else DefinitionState(found)


def store_own(session: Session, files: Mapping[str, str]) -> str:
    """Keep the files of a version that a union has for itself, unless they are known; gives their
    hash. Whose they are stands beside: see engine/commands/own_versions.py.
    """
    return _store(session, {**frozen(files)}, DefinitionState.OWN, note="")


def _take_up(session: Session, files: Mapping[str, str], **values: Any) -> int:
    """What only unions had becomes a version of the installation, above all others; gives its
    rank.
    """
    process = definitions.load(files)
    rank = _next_rank(session, process.id)
    taken = {"rank": rank, "beside": unfrozen(files), "created_at": clock.now(), **values}
    this = update(_definition).where(_definition.c.hash == process.hash)
    session.execute(this.values(**taken))
    return rank


def publish_shipped(session: Session, files: Mapping[str, str]) -> str:
    """Put a definition that came with the product (or that the operator gives on the command line)
    in force; gives its hash.
    """
    published, rank = DefinitionState.PUBLISHED, None
    digest = _store(session, files, published, note=str(SHIPPED))
    column = _definition.c
    found = select(column.state, column.process_id).where(column.hash == digest)
    row = session.execute(found).one()
    if row.state == DefinitionState.OWN:
        rank = _take_up(session, files, state=published, note=str(SHIPPED), decided_at=clock.now())
    elif row.state in (DefinitionState.PROPOSED, DefinitionState.REFUSED):
        _decided(session, digest, state=published)
    _note(session, "definition_published", None, process=row.process_id, version=digest, rank=rank)
    behind.tell(session, row.process_id)
    return digest


def _decided(session: Session, digest: str, **values: Any) -> None:
    """Write the decision about a proposed version."""
    decision = update(_definition).where(_definition.c.hash == digest)
    session.execute(decision.values(decided_at=clock.now(), **values))


def _note(session: Session, kind: str, actor: Actor | None, **details: str | int | None) -> None:
    event_log.note(session, event_log.INSTALLATION, kind, actor, **details)


def propose(session: Session, actor: Actor, files: Mapping[str, str], note: str) -> str:
    """Hand in a definition for approval; gives its hash.

    Raises Refused, Invalid with every fault, Conflict when known.
    """
    access.unions(actor, "propose_definition")  # in one's own union: a proposal changes nothing
    files = accepted(files, others(session))
    process = definitions.load(files)
    if looser := below_shipped(process):
        raise Invalid({"files": [*looser]})
    about = {"process": process.id, "version": process.hash}
    state = known(session, process.hash)
    if state == DefinitionState.OWN:
        waits = {"state": DefinitionState.PROPOSED, "author_id": actor.id, "note": note[:MAX_NOTE]}
        rank = _take_up(session, files, **waits)
        _note(session, "definition_proposed", actor, rank=rank, **about)
    elif state is not None:
        _replace_stories(session, actor, process.hash, files)
        _note(session, "definition_stories_replaced", actor, **about)
    else:
        proposed = DefinitionState.PROPOSED
        _store(session, files, proposed, author=actor, note=note[:MAX_NOTE])
        _note(session, "definition_proposed", actor, **about)
    rehearsals.call(session, process.hash)
    return process.hash


def accepted(
    files: Mapping[str, str], others: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, str]:
    """The files handed in, whole. Raises Invalid with every fault."""
    if wrong := faults(files, others):
        raise Invalid({"files": [fault.line for fault in wrong]})
    return whole(files)


def _replace_stories(session: Session, actor: Actor, digest: str, files: Mapping[str, str]) -> None:
    """Whoever proposed a version that waits may hand in other stories to it. Raises Conflict for
    any other version that is known.
    """
    row, beside = _version(session, digest), unfrozen(files)
    waits = row.state == DefinitionState.PROPOSED and row.author_id == actor.id
    if not waits or row.beside == beside:
        raise Conflict(_("这个版本已经登记过，内容没有变化。"), code="same")
    this = update(_definition).where(_definition.c.hash == digest)
    session.execute(this.values(beside=beside))


def whole(files: Mapping[str, str]) -> dict[str, str]:
    """The files handed in, with what this installation's processes have in common and they name."""
    return definitions.completed(files, settings.load().processes)


def others(session: Session, union_id: UUID | None = None) -> dict[str, dict[str, Any]]:
    """What process.toml says of every process in force, by id, for all or as this union has them: a
    new version must get along with them.
    """
    known = in_force(session, [union_id] if union_id else ())
    hashes = [known.of(process, union_id) for process in known.common]
    column = _definition.c
    query = select(column.process_id, column.files["process.toml"].astext)
    rows = session.execute(query.where(column.hash.in_(hashes))).tuples()
    return {process_id: tomllib.loads(text) for process_id, text in rows}


def faults(
    files: Mapping[str, str], others: Mapping[str, Mapping[str, Any]] = check.NO_OTHERS
) -> list[Fault]:
    """What is wrong with the files handed in, by whichever door, beside the `others` in force."""
    return trial.faults(whole(files), rulebook(), set(posts.kinds().posts), others=others)


def decide(session: Session, actor: Actor, digest: str, approve: bool) -> str:
    """Approve or refuse a proposed version, which all unions then get; another than who proposed
    it.

    Raises NotFound, Refused, Conflict (decided, or its stories have not all gone as told).
    """
    access.check(actor, "approve_definition", INSTALLATION)
    row = _version(session, digest)
    if row.state != DefinitionState.PROPOSED:
        raise Conflict(_("这个版本已有结论。"), code="decided")
    separation.check(session, actor, "approve_definition", INSTALLATION, row.author_id)
    if approve:
        rehearsals.must_hold(session, row.hash, row.beside)
    state = DefinitionState.PUBLISHED if approve else DefinitionState.REFUSED
    _decided(session, digest, state=state, approver_id=actor.id)
    _note(session, f"definition_{state}", actor, process=row.process_id, version=digest)
    if approve:
        behind.tell(session, row.process_id)
    return digest


def propose_again(session: Session, actor: Actor, digest: str, note: str) -> UUID:
    """Propose that an earlier version be in force again; gives the proposal's id.

    Raises NotFound, Refused, Invalid, Conflict (it is in force, was never, or waits already).
    """
    access.unions(actor, "propose_definition")
    row = _version(session, digest)
    _must_be_earlier(session, row)
    note = words.line("note", note, MAX_NOTE, 2)
    key = proposals.hand_in(session, actor, proposals.Draft(AGAIN, INSTALLATION, digest, note=note))
    about = {"process": row.process_id, "version": digest}
    _note(session, "definition_again_proposed", actor, proposal=str(key), note=note, **about)
    return key


def _version(session: Session, digest: str) -> rows.Definition:
    this = _definition.c.hash == digest, _definition.c.state != DefinitionState.OWN
    query = select(_definition).where(*this).with_for_update()
    return access.must_see(cast("rows.Definition | None", session.execute(query).first()))


def _must_be_earlier(session: Session, row: rows.Definition) -> None:
    column = _definition.c
    newest = select(func.max(column.rank)).where(
        column.process_id == row.process_id, column.state == DefinitionState.PUBLISHED
    )
    if row.state != DefinitionState.PUBLISHED:
        raise Conflict(_("这个版本没有施行过。"), code="never")
    if session.execute(newest).scalar() == row.rank:
        raise Conflict(_("这个版本正在施行。"), code="same")


def decide_again(session: Session, actor: Actor, row: rows.Proposal, approve: bool) -> None:
    """Put the earlier version of a proposal in force again, or leave it. Raises Refused,
    Conflict.
    """
    access.check(actor, "approve_definition", INSTALLATION)
    proposals.must_be_second(session, actor, row, "approve_definition")
    version = _version(session, row.subject)
    about = {"process": version.process_id, "version": version.hash, "proposal": str(row.id)}
    if approve:
        _must_be_earlier(session, version)
        rank = _next_rank(session, version.process_id)
        this = update(_definition).where(_definition.c.hash == version.hash)
        session.execute(this.values(rank=rank))
        event_log.note(session, INSTALLATION, "definition_again", actor, rank=rank, **about)
        behind.tell(session, version.process_id)
    else:
        _note(session, "definition_again_refused", actor, **about)


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

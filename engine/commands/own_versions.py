"""A union's own version of a process: in force for matters launched in that union, while all
others keep the common one.

Two independent people put it in force, the first of that union, the second of that union or of the
installation; two let the union go back to the common version. Matters under way keep theirs. What
is looser than the common version takes the installation's approval; what is looser than the
process as shipped is refused, as for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from uuid import UUID

from sqlalchemy import insert, select, update

from engine import clock, definitions
from engine.commands import definitions as versions
from engine.commands import proposals, rehearsals, separation
from engine.commands.people import words
from engine.db import tables
from engine.db.states import OwnVersionState
from engine.definitions.folder import unfrozen
from engine.definitions.store import in_force, process_of
from engine.errors import Conflict, Invalid, Refused
from engine.history import event_log
from engine.instance.loosening import below_common, below_shipped
from engine.messages import _
from engine.people import access
from engine.people.organisation import INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session, rows
    from engine.definitions import Process
    from engine.people.organisation import Actor

_own = tables.own_version.c
END = "own_end"  # the kind of proposal by which a union goes back to the common version
BY_UNION, BY_INSTALLATION = "approve_own_version", "approve_definition"


def propose(
    session: Session, actor: Actor, union_id: UUID, files: Mapping[str, str], note: str
) -> UUID:
    """Hand in a version for one union; gives its id. The same files again, by the same person,
    replace its stories.

    Raises NotFound for another's union, Refused, Invalid with every fault or loosening, Conflict
    (nothing is in force for all; it is what is in force; somebody else proposed it).
    """
    access.check_own(actor, "propose_definition", union_id)
    files = versions.accepted(files, versions.others(session, union_id))
    process = definitions.load(files)
    common = _common(session, process.id)
    _must_not_sink(process, common)
    _must_differ(session, process, union_id, common)
    waiting = _same(session, process.hash, union_id, OwnVersionState.PROPOSED)
    if waiting is not None:
        _replace_stories(session, actor, waiting, files)
        key = waiting.id
    else:
        versions.store_own(session, files)
        key = _insert(
            session, actor, _Draft(union_id, process, common.hash, note[: versions.MAX_NOTE]), files
        )
    rehearsals.call(session, str(key))
    return key


def _common(session: Session, process_id: str) -> Process:
    """The version in force for all. Raises Conflict when there is none."""
    version = in_force(session, process_id=process_id).common.get(process_id)
    if version is None:
        why = _("这个流程还没有通用版本，请先由全系统施行。")
        raise Conflict(why, code="no_common")
    return process_of(session, version)


def _must_not_sink(process: Process, common: Process) -> None:
    """Raise Invalid when the version loosens what is shipped, other than the common one does."""
    already = {*below_shipped(common)}
    if deeper := [each for each in below_shipped(process) if each not in already]:
        raise Invalid({"files": [*deeper]})


def _must_differ(session: Session, process: Process, union_id: UUID, common: Process) -> None:
    if process.hash == in_force(session, [union_id], process.id).of(process.id, union_id):
        raise Conflict(_("这个版本正在施行。"), code="same")
    if process.hash == common.hash:
        why = _("这就是通用版本；要改用通用版本，请提议停用本单位的版本。")
        raise Conflict(why, code="common")


def _same(
    session: Session, version: str, union_id: UUID, state: OwnVersionState
) -> rows.OwnVersion | None:
    query = select(tables.own_version).where(
        _own.version == version, _own.union_id == union_id, _own.state == state
    )
    return cast("rows.OwnVersion | None", session.execute(query.with_for_update()).first())


@dataclass(frozen=True)
class _Draft:
    """A version to be: of which union, which process, based on which version, and why."""

    union_id: UUID
    process: Process
    based_on: str
    note: str


def _insert(session: Session, actor: Actor, draft: _Draft, files: Mapping[str, str]) -> UUID:
    key = tables.new_id()
    session.execute(
        insert(tables.own_version).values(
            id=key,
            union_id=draft.union_id,
            process_id=draft.process.id,
            version=draft.process.hash,
            based_on=draft.based_on,
            state=OwnVersionState.PROPOSED,
            beside=unfrozen(files),
            note=draft.note,
            author_id=actor.id,
            created_at=clock.now(),
        )
    )
    about = {"own": str(key), "process": draft.process.id, "version": draft.process.hash}
    told = {"based_on": draft.based_on, "note": draft.note}
    event_log.note(session, draft.union_id, "own_version_proposed", actor, **about, **told)
    return key


def _replace_stories(
    session: Session, actor: Actor, row: rows.OwnVersion, files: Mapping[str, str]
) -> None:
    """Whoever proposed a version that waits may hand in other stories to it. Raises Conflict."""
    beside = unfrozen(files)
    if row.author_id != actor.id or row.beside == beside:
        raise Conflict(_("这个版本已经登记过，内容没有变化。"), code="same")
    session.execute(update(tables.own_version).where(_own.id == row.id).values(beside=beside))
    _note(session, "own_version_stories_replaced", actor, row)


def _note(
    session: Session, kind: str, actor: Actor | None, row: rows.OwnVersion, **more: str
) -> None:
    about = {"own": str(row.id), "process": row.process_id, "version": row.version}
    event_log.note(session, row.union_id, kind, actor, **about, **more)


# --- the second person ---------------------------------------------------------------------------
def approving(actor: Actor, union_id: UUID) -> str | None:
    """The verb by which the actor decides on an own version of this union: the union's, or the
    installation's; None: by none.
    """
    if access.may(actor, BY_INSTALLATION, INSTALLATION):
        return BY_INSTALLATION
    return BY_UNION if access.may(actor, BY_UNION, union_id) else None


def decide(session: Session, actor: Actor, own_id: UUID, approve: bool) -> str:
    """Approve or refuse a proposed version, which its union then gets; gives its hash.

    Raises NotFound (also another union's), Refused, Conflict (decided, or its stories have not all
    gone as told).
    """
    row = _take(session, actor, own_id)
    verb = _second(session, actor, row.union_id, row.author_id)
    if row.state != OwnVersionState.PROPOSED:
        raise Conflict(_("这个版本已有结论。"), code="decided")
    if approve:
        _must_still_do(session, row)
        if verb != BY_INSTALLATION and below_common(session, row.version):
            raise Refused(
                _("这个版本放宽了通用版本的要求，须由全系统管理人员批准。"),
                code="looser",
                verb=verb,
            )
        _put_in_force(session, actor, row, verb)
    else:
        _note(session, "own_version_refused", actor, row)
        _decided(session, actor, row, OwnVersionState.REFUSED)
    return row.version


def _must_still_do(session: Session, row: rows.OwnVersion) -> None:
    """Raise Conflict or Invalid when it cannot come in force, as things are on this day."""
    process, common = process_of(session, row.version), _common(session, row.process_id)
    rehearsals.must_hold(session, str(row.id), row.beside)
    _must_not_sink(process, common)
    _must_differ(session, process, row.union_id, common)


def _take(session: Session, actor: Actor, own_id: UUID) -> rows.OwnVersion:
    """The row, locked. Raises NotFound, also for another union's, and for what waits or was refused
    in the actor's own when that is not theirs to handle.
    """
    query = select(tables.own_version).where(_own.id == own_id).with_for_update()
    row = access.must_see(cast("rows.OwnVersion | None", session.execute(query).first()))
    known = row.state in (OwnVersionState.IN_FORCE, OwnVersionState.ENDED)
    near = access.is_own_union(actor, row.union_id) if known else False
    handles = access.may(actor, "propose_definition", row.union_id) or actor.runs_installation
    return access.must_see(row if near or handles else None)


def _second(session: Session, actor: Actor, union_id: UUID, proposer_id: UUID | None) -> str:
    """The verb by which this actor decides on what that member proposed. Raises Refused."""
    verb = approving(actor, union_id) or BY_UNION
    if verb == BY_UNION:
        access.check(actor, BY_UNION, union_id)
    scope = INSTALLATION if verb == BY_INSTALLATION else union_id
    separation.check(session, actor, verb, scope, proposer_id)
    return verb


def _put_in_force(session: Session, actor: Actor, row: rows.OwnVersion, verb: str) -> None:
    """It takes the place of what the union had. The event comes first: it locks the union's chain,
    so that of two approvals at once the later one sees the earlier.
    """
    by = "installation" if verb == BY_INSTALLATION else "union"
    _note(session, "own_version_in_force", actor, row, by=by)
    before = update(tables.own_version).where(
        _own.union_id == row.union_id,
        _own.process_id == row.process_id,
        _own.state == OwnVersionState.IN_FORCE,
    )
    session.execute(before.values(state=OwnVersionState.ENDED, ended_at=clock.now()))
    _decided(session, actor, row, OwnVersionState.IN_FORCE)


def _decided(session: Session, actor: Actor, row: rows.OwnVersion, state: OwnVersionState) -> None:
    decision = update(tables.own_version).where(_own.id == row.id)
    session.execute(decision.values(state=state, approver_id=actor.id, decided_at=clock.now()))


# --- back to the common version ------------------------------------------------------------------
def propose_end(session: Session, actor: Actor, own_id: UUID, note: str) -> UUID:
    """Propose that a union go back to the common version, by a post of that union or of the
    installation; gives the proposal's id.

    Raises NotFound, Refused, Invalid, Conflict (it is not in force, or this waits already).
    """
    row = _take(session, actor, own_id)
    if not access.may(actor, BY_INSTALLATION, INSTALLATION):
        access.check(actor, "propose_definition", row.union_id)
    _must_be_in_force(row)
    note = words.line("note", note, versions.MAX_NOTE, 2)
    draft = proposals.Draft(END, row.union_id, str(row.id), note=note)
    key = proposals.hand_in(session, actor, draft)
    _note(session, "own_version_end_proposed", actor, row, proposal=str(key), note=note)
    return key


def _must_be_in_force(row: rows.OwnVersion) -> None:
    if row.state != OwnVersionState.IN_FORCE:
        raise Conflict(_("这个版本没有在施行。"), code="not_in_force")


def decide_end(session: Session, actor: Actor, row: rows.Proposal, approve: bool) -> None:
    """End the own version of a proposal, or leave it. Raises NotFound, Refused, Conflict."""
    own = _take(session, actor, UUID(row.subject))
    _second(session, actor, own.union_id, row.proposer_id)
    if not approve:
        _note(session, "own_version_end_refused", actor, own, proposal=str(row.id))
        return
    _must_be_in_force(own)
    _note(session, "own_version_ended", actor, own, proposal=str(row.id))
    ended = update(tables.own_version).where(_own.id == own.id)
    session.execute(ended.values(state=OwnVersionState.ENDED, ended_at=clock.now()))

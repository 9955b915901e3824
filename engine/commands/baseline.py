"""The baseline of an upgrade: one event for each matter, and for each union, whose events tell less
than today's, and one for the installation that two people confirm.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine.commands import unit_of_work
from engine.db import canonical, tables
from engine.errors import HistoryBroken
from engine.history import event_log, kinds, verification
from engine.history.verification import baseline, registry

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session

ROWS = 200  # rows of the registry in one event
_event, _unit = tables.event.c, tables.unit.c


def write(session: Session) -> tuple[int, int]:
    """Tell what older events do not tell; gives the numbers of matters and of unions. (0, 0) when
    there is nothing to tell.

    HistoryBroken: what can be compared without a baseline does not hold.
    """
    matters = _older_matters(session)
    unions = registry.early(session, "unit_created", "registry_baselined")
    if not matters and not unions:
        return 0, 0
    if broken := verification.first_false(session):
        place = {"chain": str(broken.chain_id), "seq": broken.seq}
        raise HistoryBroken(broken.why, code="no_baseline", **place)
    for key in matters:
        _matter(session, key)
    for union in unions:
        _registry(session, union)
    counts = {"matters": len(matters), "unions": len(unions)}
    event_log.note(session, event_log.INSTALLATION, "history_baselined", None, **counts)
    return len(matters), len(unions)


# --- matters --------------------------------------------------------------------------------------
def _older_matters(session: Session) -> list[UUID]:
    told = select(_event.instance_id).where(
        _event.kind == "matter_baselined", _event.body.contains(f'"tells":{kinds.TELLS}')
    )
    begun = select(_event.instance_id).where(
        _event.kind == "instance_launched",
        ~_event.body.contains(f'"tells":{kinds.TELLS}'),
        _event.instance_id.not_in(told),
    )
    return list(session.execute(begun.order_by(_event.instance_id)).scalars())


def _matter(session: Session, key: UUID) -> None:
    work = unit_of_work.lock(session, None, key)
    row = session.execute(select(tables.instance).where(tables.instance.c.id == key)).one()
    beside = {
        name: _rows(session, name, key) for name in ("task", "timer", "poll", "share", "guest")
    }
    beside |= {"link": _links(session, key), "hidden": _hidden(session)}
    said: dict[str, Any] = {"tells": kinds.TELLS, "standing": baseline.told(row, beside)}
    if work.row["salt"] is not None:  # nothing is left of an erased matter
        pairs = sorted(work.facts.items())
        said["facts"] = {name: canonical.salted({name: v}, work.salt) for name, v in pairs}
        said["remarks"] = _remarks(session, work)
    said["tellers"] = _tellers(session, key)
    work.log.add("matter_baselined", None, **said)
    unit_of_work.note(work)


def _rows(session: Session, name: str, key: UUID) -> list[Any]:
    table = tables.metadata.tables[name]
    return list(session.execute(select(table).where(table.c.instance_id == key)))


def _links(session: Session, key: UUID) -> list[Any]:
    return list(session.execute(select(tables.link).where(tables.link.c.from_id == key)))


def _hidden(session: Session) -> list[Any]:
    shut = select(tables.instance.c.id).where(tables.instance.c.confidential)
    return list(session.execute(shut).scalars())


def _remarks(session: Session, work: UnitOfWork) -> dict[str, dict[str, str]]:
    """The digest of each comment on a roll, by poll and member."""
    roll, poll = tables.roll.c, tables.poll.c
    query = (
        select(roll.poll_id, roll.member_id, roll.comment)
        .join(tables.poll, poll.id == roll.poll_id)
        .where(poll.instance_id == work.row["id"], roll.comment != "")
    )
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in session.execute(query):
        digest = canonical.salted({"remark": row.comment}, work.salt)
        found[str(row.poll_id)][str(row.member_id)] = digest
    return found


def _tellers(session: Session, key: UUID) -> dict[str, dict[str, str | None]]:
    """When each teller signed, or None, by poll and member."""
    teller, poll = tables.teller.c, tables.poll.c
    query = (
        select(tables.teller)
        .join(tables.poll, poll.id == teller.poll_id)
        .where(poll.instance_id == key)
    )
    found: dict[str, dict[str, str | None]] = defaultdict(dict)
    for row in session.execute(query):
        signed = row.signed_at.isoformat() if row.signed_at else None
        found[str(row.poll_id)][str(row.member_id)] = signed
    return found


# --- units, people, posts -------------------------------------------------------------------------
def _registry(session: Session, union: UUID) -> None:
    """All its units, members and posts, some in each event."""
    member, post = tables.member.c, tables.post.c
    own = select(_unit.id).where(_unit.union_id == union)
    queries = {
        "unit": select(tables.unit).where(_unit.union_id == union).order_by(_unit.id),
        "member": select(tables.member).where(member.union_id == union).order_by(member.id),
        "post": select(tables.post).where(post.unit_id.in_(own)).order_by(post.id),
    }
    for name, query in queries.items():
        found = session.execute(query).all()
        for at in range(0, len(found), ROWS):
            some = found[at : at + ROWS]
            rows = {str(row.id): registry.plain_columns(name, row) for row in some}
            told = {"tells": registry.TELLS, "table": name, "rows": rows}
            event_log.note(session, union, "registry_baselined", None, **told)

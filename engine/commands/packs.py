"""An evidence pack, asked for in a page and made by a worker: it outlasts a request, and is kept
for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, null, select, text, update

from engine import clock, settings
from engine.commands import evidence, reads
from engine.db import queue, tables
from engine.db.progress import Progress
from engine.errors import Conflict, Invalid, NotFound
from engine.instance import packs
from engine.instance.context import COLUMNS, context_from, context_of
from engine.messages import _, stored
from engine.people import access, organisation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Engine

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session, rows
    from engine.history.signing import Signer
    from engine.messages import Message
    from engine.people.organisation import Actor

MOST = 5  # packs that one person may be waiting for
MANY = 50  # matters of one file of packs
MEGABYTE = 1_000_000
MOST_BYTES = 500 * MEGABYTE  # of one pack: a value of the database holds no more than twice that
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('pack'), hashtext(:key))")
_pack, _operation = tables.pack.c, tables.operation.c


# --- whoever asks ---------------------------------------------------------------------------------
def ask(session: Session, actor: Actor, instance_id: UUID) -> UUID:
    """Let a worker make the evidence pack of an instance; gives the id of the pack. One that holds
    all that has happened until now, or will, serves for whoever may read it.

    Raises NotFound, Refused, Conflict (a vote runs; too many are being made), Invalid (no room is
    left to keep another one).
    """
    work = evidence.exportable(session, actor, instance_id)
    found = session.execute(_same(work).limit(1)).first()
    key: UUID = _new(session, actor, work) if found is None else found.id
    if found is None or found.ended_at is None:  # its job may have been given up: asked for anew
        queue.defer(session, "pack", once=f"pack:{key}", pack=str(key))
    return key


def _same(work: UnitOfWork) -> Any:
    """The newest pack with the same contents as one begun now: not yet begun, or with the last
    event as its last.
    """
    sound = _pack.ended_at.is_(None) | _pack.refused.is_(None)
    last = _pack.seq.is_(None) | (_pack.seq == work.row["seq"])
    same = select(_pack.id, _pack.ended_at).where(
        packs.readable(work), _pack.closed == packs.closed(work), sound, last
    )
    return same.order_by(_pack.id.desc())


def _new(session: Session, actor: Actor, work: UnitOfWork) -> UUID:
    member = select(tables.member.c.id).where(tables.member.c.id == actor.id)
    session.execute(
        member.with_for_update(key_share=True)
    )  # two requests of one person are counted in turn
    making = _own(actor.id, _pack.ended_at.is_(None))
    if session.execute(select(func.count()).where(making)).scalar_one() >= MOST:
        many = _("您已有 {most} 份证据包正在准备，请等其中一份准备好。", most=MOST)
        raise Conflict(many, code="quota")
    check_room(session, actor, work.row["id"])
    now = clock.now()
    made = {"id": tables.new_id(), "instance_id": work.row["id"], "member_id": actor.id}
    said = {"closed": packs.closed(work), "asked_at": now, "told_at": now}
    session.execute(insert(tables.pack).values(**made, **said))
    return made["id"]


def _own(member_id: UUID, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition on `pack` that it was made for this person, and is kept."""
    return and_(_pack.member_id == member_id, packs.kept(), *more)


def _full() -> Message:
    return _(
        "您的证据包已存满 {most} MB；每份保留 {days} 天后自动删除，请届时再准备。",
        most=settings.load().packs_megabytes,
        days=packs.KEPT.days,
    )


def fetch(session: Session, actor: Actor, instance_id: UUID, key: UUID) -> bytes:
    """The ZIP. That somebody other than who asked took it is put on record, as a reading of the
    history.

    Raises NotFound (not theirs to see or read, not ready, its time over), Refused.
    """
    seen = select(*COLUMNS).where(tables.instance.c.id == instance_id, access.visible(actor))
    values = access.must_see(session.execute(seen).first())
    context = context_from(session, actor, tuple(values))
    wanted = select(_pack.member_id, _pack.data).where(packs.readable(context), _pack.id == key)
    row = session.execute(wanted).first()
    if row is None or row.data is None:
        raise NotFound
    if row.member_id != actor.id:
        reads.read_history(session, actor, instance_id)
    return bytes(row.data)


# --- of many, as one file -------------------------------------------------------------------------
def of_many(session: Session, actor: Actor, ids: Sequence[UUID]) -> tuple[rows.Selected, ...]:
    """Those of these matters that this person may export, with number, title and whether they are
    confidential; others are passed over. Raises Conflict for too many.
    """
    if len(ids) > MANY:
        raise Conflict(_("一次最多准备 {most} 件的证据包，请分几次。", most=MANY), code="too_many")
    instance = tables.instance.c
    shown = [instance[name] for name in ("id", "number", "title", "confidential")]
    unions = access.desk_unions(actor, *access.SEEING)
    mine = instance.id.in_(ids), instance.union_id.in_(unions), access.visible(actor)
    return tuple(session.execute(select(*shown).where(*mine).order_by(instance.number)))


def closed_of(session: Session, actor: Actor, instance_id: UUID) -> list[str]:
    """The rooms and fields of a matter that this person may not enter."""
    return packs.closed(context_of(session, actor, instance_id))


def are_open(session: Session, actor: Actor, told: Mapping[str, Sequence[str]]) -> bool:
    """May this person export all of these matters, none of them confidential by now, and enter
    every room of which their packs tell? `told`: by matter, of which rooms its pack tells nothing.
    """
    found = of_many(session, actor, [UUID(key) for key in told])
    if len(found) < len(told) or any(row.confidential for row in found):
        return False
    return all(set(closed_of(session, actor, row.id)) <= set(told[str(row.id)]) for row in found)


def check_room(session: Session, actor: Actor, instance_id: UUID | None = None) -> None:
    """Raises Invalid when this person has no room left for one more pack, of an instance or of
    many.
    """
    if room(session, actor.id, instance_id) <= 0:
        raise Invalid(_full(), code="quota")


def room(session: Session, member_id: UUID, instance_id: UUID | None = None) -> int:
    """The bytes that are left to a person, beside packs and files of many; a new pack of an
    instance takes the place of their old ones of it.
    """
    others = [_pack.instance_id != instance_id] if instance_id else []
    one = select(func.coalesce(func.sum(_pack.size), 0)).where(_own(member_id, *others))
    volumes = _operation.member_id == member_id, _operation.kind == "packs"
    many = select(func.coalesce(func.sum(func.length(_operation.data)), 0)).where(*volumes)
    taken = sum(int(session.execute(each).scalar_one()) for each in (one, many))
    return settings.load().packs_megabytes * MEGABYTE - taken


# --- whoever makes it -----------------------------------------------------------------------------
@dataclass(frozen=True)
class Begun:
    """What is to be packed, in whose name, and signed by whom."""

    actor: Actor
    instance_id: UUID
    signer: Signer


def alone(session: Session, key: UUID) -> bool:
    """Does nobody else make this pack? Nobody begins until this transaction ends."""
    return bool(session.execute(_ALONE, {"key": str(key)}).scalar())


def begin(session: Session, key: UUID, signer: Callable[[Session], Signer]) -> Begun | None:
    """Put the export on record, sealed, in the name of whoever asked; None when the pack is made,
    or gone. What a worker that died put on record still counts when nothing has happened since.

    Raises as `evidence.record_export`, and Conflict without a key to sign with.
    """
    instance = tables.instance.c
    wanted = select(_pack.member_id, _pack.instance_id, _pack.seq, instance.seq.label("head"))
    query = wanted.join(tables.instance, instance.id == _pack.instance_id).where(_pack.id == key)
    row = session.execute(query.where(_pack.ended_at.is_(None))).first()
    if row is None:
        return None
    actor, signs = organisation.actor(session, row.member_id), signer(session)
    seq = row.seq
    if seq is None or seq != row.head:
        seq = evidence.record_export(session, actor, row.instance_id, signs)
    _keep(session, key, seq=seq, begun_at=clock.now(), done=0, total=0, refused=null())
    return Begun(actor, row.instance_id, signs)


def store(session: Session, key: UUID, data: bytes) -> None:
    """Keep what was made, in place of what the same person had of the same instance. What is gone,
    as its instance was erased meanwhile, is not kept.
    """
    wanted = select(_pack.member_id, _pack.instance_id).where(_pack.id == key)
    row = session.execute(wanted.with_for_update()).first()
    if row is None:
        return
    if len(data) > MOST_BYTES:
        refuse(session, key, _too_large(len(data)))
    elif len(data) > room(session, row.member_id, row.instance_id):
        refuse(session, key, _full())
    else:
        old = [_pack.instance_id == row.instance_id, _pack.member_id == row.member_id]
        session.execute(delete(tables.pack).where(*old, _pack.ended_at.is_not(None)))
        _keep(session, key, data=data, size=len(data), ended_at=clock.now(), done=_pack.total)


def _too_large(size: int) -> Message:
    return _(
        "证据包有 {size} MB，超过可保存的 {most} MB；请由接口直接导出。",
        size=size // MEGABYTE,
        most=MOST_BYTES // MEGABYTE,
    )


def refuse(session: Session, key: UUID, why: Message | str) -> None:
    """There is no pack, and why."""
    _keep(session, key, refused=stored(why), ended_at=clock.now())


def put_off(session: Session, key: UUID, why: Message | str) -> None:
    """There is no pack yet, and why; it is tried again."""
    _keep(session, key, refused=stored(why))


def _keep(session: Session, key: UUID, **values: Any) -> None:
    changed = update(tables.pack).where(_pack.id == key)
    session.execute(changed.values(told_at=clock.now(), **values))


def progress(engine: Engine, key: UUID) -> Progress:
    """Notes how many papers and files are in."""
    return Progress(engine, lambda s, done, total: _keep(s, key, done=done, total=total))


def tidy(session: Session) -> None:
    """Remove the packs whose time is over, and those that nobody has worked on for as long."""
    long_ago = clock.now() - packs.KEPT
    ended, given_up = _pack.ended_at < long_ago, _pack.told_at < long_ago
    session.execute(delete(tables.pack).where(ended | given_up))

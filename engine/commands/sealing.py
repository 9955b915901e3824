"""Sealing as an act of this process: never on a database that does not go on from the log beside
the key, and every key is introduced in the history before it signs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import clock
from engine.db import tables
from engine.errors import Conflict, EngineError, NotFound
from engine.history import event_log, kept, keys, merkle, resumed, seals, signing
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.history.kept import Log
    from engine.history.keys import SigningKey
    from engine.history.signing import Signer
    from engine.people.organisation import Actor

_event = tables.event.c


def seal(session: Session, signer: Signer) -> int:
    """Put the new events under a signed checkpoint; gives their number, 0 also when another sealer
    is at work.

    HistoryBroken: the database does not go on from the last line of the log.
    """
    if signer.log is not None:
        signer.log.check(session)
    _introduce(session, signer.key)
    return seals.seal(session, signer.key)


def late(session: Session) -> list[tuple[UUID, EngineError]]:
    """The instances with an event, not sealed yet, that is more than two minutes earlier than the
    newest checkpoint: an incident of each. Those of other chains are found by verification.
    """
    point = seals.latest(session)
    if point is None:
        return []
    instance = tables.instance.c
    rows = session.execute(
        select(_event.instance_id, func.min(_event.seq).label("seq"))
        .join(tables.instance, instance.id == _event.instance_id)
        .where(_event.leaf_no.is_(None), _event.at < point.at - seals.LATE)
        .group_by(_event.instance_id)
        .order_by(_event.instance_id)
    )
    return [(row.instance_id, _earlier(row.seq, point.size)) for row in rows]


def _earlier(seq: int, size: int) -> EngineError:
    return EngineError(
        _(
            "第 {seq} 条记录的时刻早于已签名的检查点 {size} 两分钟以上，请核对时钟。",
            seq=seq,
            size=size,
        ),
        code="clock_back",
    )


def _introduce(session: Session, key: SigningKey) -> None:
    """The list of public keys with their days stands in the history itself."""
    noted = select(_event.body).where(
        _event.instance_id == event_log.INSTALLATION, _event.kind == "key_introduced"
    )
    known = {json.loads(body)["key"] for body in session.execute(noted).scalars()}
    if key.key_id not in known:
        _note_key(session, key)


NEXT = "signing.key.next"


def rotate(session: Session, old: Signer, new: SigningKey) -> None:
    """Seal what is there by the old key, and introduce the new one by its signature; from now on
    only the new one signs. HistoryBroken.
    """
    while seal(session, old) == seals.BATCH:
        pass
    at = clock.now().replace(microsecond=0)
    signature = old.key.sign(keys.handover_text(new.public, at, old.key.key_id))
    details = {"before": old.key.key_id, "signature": signature.hex()}
    _note_key(session, new, **details)


def replace_lost(session: Session, log: Log, new: SigningKey, by: str, why: str) -> None:
    """Introduce a new key where the one that the database names is lost; it is a repair, which
    waits for two people. Conflict: the database names no key.
    """
    named = signing.key_of(session)
    if named is None:
        raise Conflict(_("数据库还没有签名密钥，没有丢失可言。"), code="no_key")
    _note_key(session, new, before=named, lost=why)
    resume(session, log, "repaired", by, why=why)


def _note_key(session: Session, key: SigningKey, **details: str) -> None:
    told = {"key": key.key_id, "public": key.public.hex(), **details}
    event_log.note(session, event_log.INSTALLATION, "key_introduced", None, **told)


def resume(session: Session, log: Log, kind: str, by: str, **words: str) -> None:
    """Put on record that the history goes on from what the database holds now: after a backup was
    restored, or after a repair. It waits for two people (`confirm`).

    kind: "restored" (words: source, the moment of the backup) or "repaired" (words: why).
    """
    point = seals.latest(session)
    size, root = (point.size, point.root) if point else (0, merkle.EMPTY_ROOT)
    details: dict[str, Any] = {"size": size, "root": root.hex(), "by": by, **words}
    event = "database_restored" if kind == "restored" else "history_repaired"
    event_log.note(session, event_log.INSTALLATION, event, None, **details)
    at = clock.now().replace(microsecond=0)
    log.resume(kept.Line(kind, size, root, at, words=(("by", by), *words.items())))


def confirm(session: Session, actor: Actor, seq: int) -> None:
    """Stand in for a restoration or a repair, by its number in the installation's history.

    Raises Refused, NotFound, Conflict: it is too late, or this person has confirmed it already.
    """
    access.check(actor, "witness", event_log.INSTALLATION)
    found = resumed.newest(session)
    if found is None or found.seq != seq:
        raise NotFound
    if str(actor.id) in found.people:
        raise Conflict(_("您已经确认过，须由另一人再确认。"), code="same_person")
    if clock.now() > found.until:
        raise Conflict(_("已过确认的期限，须运行 yixing repair 重新记录。"), code="too_late")
    event_log.note(session, event_log.INSTALLATION, "resumption_confirmed", actor, resumption=seq)

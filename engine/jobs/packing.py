"""Making an evidence pack for whoever asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from engine import db
from engine.commands import packs
from engine.commands.evidence import record_export
from engine.commands.operating import Came, end
from engine.commands.packs import Begun
from engine.db.progress import told
from engine.errors import Conflict, EngineError, NotFound, Refused, Unavailable
from engine.history import signing
from engine.messages import _, stored
from engine.queries import evidence
from engine.queries.evidence.volume import Volume

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.commands.operating import Asked
    from engine.db.progress import Progress
    from engine.messages import Language
    from engine.settings import Settings

# somebody is at work on the instance, or something happened after the export: tried again, and
# so it is for a host without the signing key, for another host's worker may have it
PASSING = {"conflict", "not_exported", "not_sealed", "no_key"}


def pack(engine: Engine, settings: Settings, english: Language, pack: str) -> None:
    """Make a pack and keep it, or why there is none. Made already, gone, or in the hands of
    another worker: nothing. Raises what passes, for the job to be tried again.
    """
    key = UUID(pack)
    with db.transaction(engine) as held:
        if packs.alone(held, key):
            _make(engine, settings, english, key)


def _make(engine: Engine, settings: Settings, english: Language, key: UUID) -> None:
    try:
        begun = db.again(
            engine, lambda s: packs.begin(s, key, lambda t: signing.signer(t, settings))
        )
        if begun is None:
            return
        data = _packed(engine, begun, english, packs.progress(engine, key))
        with db.transaction(engine) as session:
            packs.store(session, key, data)
    except Unavailable:
        raise
    except EngineError as fault:
        passing = isinstance(fault, Conflict) and fault.code in PASSING
        with db.transaction(engine) as session:
            (packs.put_off if passing else packs.refuse)(session, key, fault.message)
        if passing:
            raise


def pack_many(engine: Engine, settings: Settings, english: Language, asked: Asked) -> None:
    """Pack each of these matters, as one by itself is packed, into one ZIP. What cannot be packed
    is left out and told; confidential ones are, for no key of theirs protects what is kept here.
    """
    ids = [UUID(key) for key in asked.given["matters"]]
    with db.transaction(engine) as session:
        found = packs.of_many(session, asked.actor, ids)
        signer = signing.signer(session, settings)
        most = min(packs.MOST_BYTES, packs.room(session, asked.actor.id))
    volume, left, closed = Volume(), [], {}
    for row in told(found, asked.tell):
        try:
            if row.confidential:
                raise Refused(_("保密事项的证据包请逐件准备。"))
            with db.transaction(engine) as session:
                shut = packs.closed_of(session, asked.actor, row.id)
            data = _fresh(engine, Begun(asked.actor, row.id, signer), english)
            if volume.size + len(data) > most:
                raise Conflict(_("合起来太大，这一件请另外准备。"), code="quota")
            closed[str(row.id)] = shut
            volume.add(row.id, row.number, row.title, data)
        except Unavailable:
            raise
        except EngineError as fault:
            left.append({"number": row.number or row.title, "why": stored(fault.message)})
    if not volume.matters:
        raise NotFound(_("所选各件都没有准备成证据包。"))
    data = volume.close()
    came = {"packs": len(closed), "size": len(data), "closed": closed, "left": left}
    with db.transaction(engine) as session:
        end(session, asked, Came(came, data))


def _fresh(engine: Engine, begun: Begun, english: Language) -> bytes:
    """The pack of an instance as it is now, its export on record."""
    exported = begun.actor, begun.instance_id, begun.signer
    db.again(engine, lambda session: record_export(session, *exported))
    return _packed(engine, begun, english, None)


def _packed(engine: Engine, begun: Begun, english: Language, progress: Progress | None) -> bytes:
    """The pack, of one moment: what happens to the instance meanwhile waits for nothing here."""
    with db.transaction(engine) as session:
        session.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        key = begun.signer.key
        return evidence.pack(
            session, begun.actor, begun.instance_id, key, english=english, progress=progress
        )

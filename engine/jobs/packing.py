"""Making an evidence pack for whoever asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from engine import db
from engine.commands import packs
from engine.errors import Conflict, EngineError, Unavailable
from engine.history import signing
from engine.queries import evidence

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.commands.packs import Begun
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


def _packed(engine: Engine, begun: Begun, english: Language, progress: Progress) -> bytes:
    """The pack, of one moment: what happens to the instance meanwhile waits for nothing here."""
    with db.transaction(engine) as session:
        session.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        key = begun.signer.key
        return evidence.pack(
            session, begun.actor, begun.instance_id, key, english=english, progress=progress
        )

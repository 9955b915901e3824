"""Whose key signs here: that of the setting or of the file, and never one made beside the one
that the database names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.db import tables
from engine.errors import Conflict
from engine.history import keyring, keys
from engine.history.kept import Log
from engine.messages import Message, _

if TYPE_CHECKING:
    from engine.db import Session
    from engine.settings import Settings

_checkpoint = tables.checkpoint.c


@dataclass(frozen=True)
class Signer:
    """The signing key of this process and the log beside it; without a log (in tests) nothing is
    compared.
    """

    key: keys.SigningKey
    log: Log | None = None


@dataclass(frozen=True)
class Signing:
    """Who signs in this process. `signer` is None when it does not seal; then `why` says so."""

    signer: Signer | None
    why: Message | None = None


def signing(session: Session, settings: Settings, *, make: bool = True) -> Signing:
    """The signer of this process. The key is made only for a database that names
    none, and not without `make`.

    EngineError: a key that cannot be read, or can be read by others.
    """
    folder, named = settings.home / "keys", key_of(session)
    key = here(settings)
    if key is None and named is not None:
        return Signing(None, _without(named))
    if key is None:
        if not make:
            return Signing(None)
        key = keys.load_or_create(folder)
    if named is not None and not _may_sign(session, key.key_id, named):
        return Signing(None, _without(named))
    return Signing(Signer(key, Log(folder)))


def introduced_next(session: Session, key_id: str) -> bool:
    """Was this key introduced already, by a rotation that was broken off before its file was in
    place?
    """
    return any(each.key_id == key_id for each in keyring.introduced(session))


def _may_sign(session: Session, key_id: str, named: str) -> bool:
    """Is it the key that signed last and nobody replaced, or the one that took its place?"""
    if key_id == named:
        return not keyring.is_retired(session, key_id)
    return keyring.follows(session, key_id, named)


def here(settings: Settings) -> keys.SigningKey | None:
    """The key of the setting, else of the file; None when there is neither. EngineError: it cannot
    be read, or can be read by others.
    """
    if settings.signing_key:
        return keys.from_pem(settings.signing_key.encode(), "YIXING_SIGNING_KEY")
    file = settings.home / "keys" / keys.FILE_NAME
    return keys.load(file) if file.exists() else None


def _without(named: str) -> Message:
    return _(
        "数据库由密钥 {key_id} 签名，本机没有这把密钥：照常办理，但不封存，也不能出具证据包。",
        key_id=named,
    )


def key_of(session: Session) -> str | None:
    """The id of the key that signed the newest checkpoint; None: nothing was sealed yet."""
    newest = select(_checkpoint.key_id).order_by(_checkpoint.size.desc()).limit(1)
    return session.execute(newest).scalar()


def signer(session: Session, settings: Settings) -> Signer:
    """The signer of this process. Conflict: it has no key that this database knows."""
    found = signing(session, settings)
    if found.signer is None:
        assert found.why is not None
        raise Conflict(found.why, code="no_key")
    return found.signer

"""The secret by which cookies are signed, the same on every host of an installation.

It lies encrypted in the database; the key to it comes by YIXING_SHARED_KEY or from the file
keys/shared.key, never from the database. What a host read there it keeps as keys/cookies, so that
nobody is logged out while the database is away. A host without the key makes none beside the one
that the database names: it signs its own cookies, which other hosts do not know, and says so. Where
YIXING_SECRET_KEY is set, that is the secret, and nothing of this is needed.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError

from engine import db
from engine.db import tables
from engine.errors import EngineError
from engine.messages import Message, _

if TYPE_CHECKING:
    from pathlib import Path

    from engine.db import Engine, Session
    from engine.settings import Settings

COPY, KEY = "cookies", "shared.key"
NAME = "cookies"
_PERSON = b"yixing/shared/1"
_sealed = tables.shared_secret.c


@dataclass(frozen=True)
class Shared:
    """The secret of this host's cookies; `why` other hosts do not know it, None when they do."""

    secret: str
    why: Message | None = None


def at_start(engine: Engine, settings: Settings) -> Shared:
    """The secret of cookies for a process that begins. While the database is away, or not yet
    migrated, the one of before.
    """
    if settings.secret_key:
        return Shared(settings.secret_key)
    try:
        with db.transaction(engine) as session:
            return cookies(session, settings)
    except (DBAPIError, EngineError) as fault:
        return Shared(_own(settings), _("数据库不可用：{fault}", fault=str(fault).splitlines()[0]))


def cookies(session: Session, settings: Settings) -> Shared:
    """The secret of cookies: that of the database, which the first host puts there."""
    if settings.secret_key:
        return Shared(settings.secret_key)
    sealed, own = _read(session), _own(settings)
    key = _key(settings, make=sealed is None)
    if sealed is None and key is not None:
        new = {"name": NAME, "sealed": bytes(SecretBox(key).encrypt(own.encode()))}
        session.execute(upsert(tables.shared_secret).values(new).on_conflict_do_nothing())
        sealed = _read(session)  # another host may have been faster
    secret = _opened(sealed, key)
    if secret is None:
        return Shared(own, _without())
    if secret != own:
        _write(settings.home / "keys" / COPY, secret, anew=True)
    return Shared(secret)


def fault(session: Session, settings: Settings) -> Message | None:
    """Why the cookies of this host are not those of the others; None: they are, or nothing is
    shared yet. Nothing is changed.
    """
    sealed = None if settings.secret_key else _read(session)
    if sealed is None or _opened(sealed, _key(settings, make=False)) is not None:
        return None
    return _without()


def _without() -> Message:
    return _(
        "数据库里的登录密钥由另一台主机加密，本机没有打开它的密钥，各主机的登录互不相认：请把那台主机的 keys/shared.key 复制到本机的 keys 目录，或设 YIXING_SHARED_KEY，再重新启动"
    )


def _read(session: Session) -> bytes | None:
    found = session.execute(select(_sealed.sealed).where(_sealed.name == NAME)).scalar()
    return bytes(found) if found is not None else None


def _opened(sealed: bytes | None, key: bytes | None) -> str | None:
    if sealed is None or key is None:
        return None
    try:
        return SecretBox(key).decrypt(sealed).decode()
    except CryptoError:
        return None


def _key(settings: Settings, *, make: bool) -> bytes | None:
    """The key of the shared secrets, 32 bytes; None when there is none here."""
    file = settings.home / "keys" / KEY
    if not settings.shared_key and make:
        _write(file, secrets.token_hex(32))
    text = settings.shared_key
    if not text:
        with suppress(FileNotFoundError):
            text = file.read_text().strip()
    return blake2b(text.encode(), digest_size=32, person=_PERSON).digest() if text else None


def _own(settings: Settings) -> str:
    """The secret as this host last knew it, made at need."""
    file = settings.home / "keys" / COPY
    _write(file, secrets.token_hex(32))
    return file.read_text()


def _write(file: Path, content: str, *, anew: bool = False) -> None:
    """Write the whole file for the owner's eyes, then give it its name: whoever reads finds all of
    it; what is there stays, but `anew`.
    """
    if file.exists() and not anew:
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        new.write(content)
    if anew:
        draft.replace(file)
        return
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()

"""Bytes of uploaded files, kept once by their hash. Those of a confidential matter are sealed, each
to a key of its own that lies in no database (shred.py) and is destroyed when nothing needs it.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import partial
from typing import TYPE_CHECKING

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from engine import db
from engine.db import shred, tables
from engine.errors import Conflict, HistoryBroken
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from engine.db import Engine, Session
    from engine.db.shred import Shred

_blob, _attachment, _instance = tables.blob.c, tables.attachment.c, tables.instance.c
_spent = tables.spent_key.c
# what is not sealed and should be, or is and should not, of files that a matter takes now; what a
# matter that is open to more people holds as well stays as it is
_AMISS = text(
    "SELECT b.sha256, b.data, b.key, i.confidential FROM blob b JOIN attachment a ON a.sha256 = b.sha256 "
    "JOIN instance i ON i.id = a.instance_id WHERE a.id = ANY(:ids) AND (b.key IS NULL) = i.confidential "
    "AND NOT EXISTS (SELECT 1 FROM attachment o JOIN instance j ON j.id = o.instance_id "
    "WHERE i.confidential AND o.sha256 = b.sha256 AND NOT j.confidential) FOR UPDATE OF b"
)


def keep(session: Session, data: bytes, *, sealed: bool = False) -> str:
    """Store bytes by their SHA-256 (hex), once, and sealed if that is wanted."""
    digest = hashlib.sha256(data).hexdigest()
    if session.execute(select(_blob.size).where(_blob.sha256 == digest)).first():
        return digest
    stored = _sealed(session, data) if sealed else {"data": data}
    new = insert(tables.blob).values(sha256=digest, size=len(data), **stored)
    if not session.execute(new.on_conflict_do_nothing()).rowcount and sealed:
        shred.of(session).destroy(str(stored["key"]))  # another was faster
    return digest


def read(session: Session, digest: str) -> bytes | None:
    """The bytes; None when they were erased. Raises as `opened`."""
    found = session.execute(select(_blob.data, _blob.key).where(_blob.sha256 == digest)).first()
    return opened(session, bytes(found.data), found.key) if found else None


def opened(session: Session, data: bytes, key: str | None) -> bytes:
    """Bytes as they were uploaded. Raises Conflict where their key is not on this host,
    HistoryBroken for what was altered.
    """
    if key is None:
        return data
    secret = shred.of(session).find(key)
    if secret is None:
        raise Conflict(_("此附件已加密保存，本机没有打开它的密钥。"), code="key_elsewhere")
    try:
        return bytes(SecretBox(secret).decrypt(data))
    except CryptoError as fault:
        raise HistoryBroken(_("附件内容与上传时不符。")) from fault


def settle(session: Session, files: Collection[UUID]) -> None:
    """Seal the files that a confidential matter has taken, and open those that another one has.
    Raises as `opened`.
    """
    for row in session.execute(_AMISS, {"ids": list(files)}).all():
        plain = opened(session, bytes(row.data), row.key)
        stored = _sealed(session, plain) if row.confidential else {"data": plain, "key": None}
        session.execute(update(tables.blob).where(_blob.sha256 == row.sha256).values(**stored))
        _spend(session, [row.key])


def drop(session: Session, digests: Iterable[str]) -> None:
    """Remove the bytes that no attachment names any more, and destroy their keys."""
    unused = ~select(_attachment.id).where(_attachment.sha256 == _blob.sha256).exists()
    gone = delete(tables.blob).where(_blob.sha256.in_(set(digests)), unused)
    _spend(session, session.execute(gone.returning(_blob.key)).scalars().all())


def forget_spent_keys(session: Session) -> int:
    """Destroy the keys lying here of files that were removed, by whichever host; gives their
    number.
    """
    here = shred.of(session)
    names = here.names()
    return _destroy(session, here, names) if names else 0


def missing(session: Session) -> int:
    """Of how many files the key is not here."""
    keys = set(session.execute(select(_blob.key).where(_blob.key.is_not(None))).scalars())
    return len(keys - set(shred.of(session).names())) if keys else 0


def _sealed(session: Session, data: bytes) -> dict[str, object]:
    """Columns of a blob whose key is on the disk, under a name that says nothing."""
    secret, name = random(SecretBox.KEY_SIZE), secrets.token_hex(32)
    shred.of(session).keep(name, secret)
    return {"data": bytes(SecretBox(secret).encrypt(data)), "key": name}


def _spend(session: Session, keys: Iterable[str | None]) -> None:
    """Destroy keys as soon as this is committed; other hosts find their names."""
    names = [name for name in keys if name]
    for name in names:
        session.execute(insert(tables.spent_key).values(name=name).on_conflict_do_nothing())
    if names:
        db.after_commit(session, partial(_once_spent, session.engine, shred.of(session), names))


def _once_spent(engine: Engine, here: Shred, names: list[str]) -> None:
    """Ask whether it was committed: a trial within the transaction was taken back."""
    with engine.begin() as session:
        _destroy(session, here, names)


def _destroy(session: Session, here: Shred, names: list[str]) -> int:
    """Destroy those of these keys that are spent; gives their number."""
    spent = session.execute(select(_spent.name).where(_spent.name.in_(names))).scalars().all()
    for name in spent:
        here.destroy(name)
    return len(spent)

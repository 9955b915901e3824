"""Files that people add: kept once by hash, under random ids; the given name is only text."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from engine import clock, forms
from engine.db import tables
from engine.errors import Invalid

if TYPE_CHECKING:
    from engine.db import Session
    from engine.people.organisation import Actor

MAX_BYTES = 50 * 1024 * 1024
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "txt": "text/plain",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ofd": "application/ofd",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def keep(session: Session, data: bytes) -> str:
    """Store bytes by their SHA-256 (hex), once."""
    digest = hashlib.sha256(data).hexdigest()
    session.execute(
        insert(tables.blob)
        .values(sha256=digest, size=len(data), data=data)
        .on_conflict_do_nothing()
    )
    return digest


def add(session: Session, actor: Actor, name: str, data: bytes) -> UUID:
    """Keep an uploaded file until a form names it. Raises Invalid for an empty, too large or unknown kind of file."""
    plain = forms.search_key(name).replace("/", " ").replace("\\", " ").strip()
    ending = plain.rpartition(".")[2]
    if ending not in MEDIA_TYPES:
        raise Invalid({"file": [f"只能上传 {'、'.join(sorted(MEDIA_TYPES))} 文件。"]})
    if not data:
        raise Invalid({"file": ["文件是空的。"]})
    if len(data) > MAX_BYTES:
        raise Invalid({"file": ["文件超过 50 MB。"]})
    key = tables.new_id()
    shown = "".join(c for c in name if c.isprintable())[-120:]
    session.execute(
        insert(tables.attachment).values(
            id=key,
            member_id=actor.id,
            name=shown,
            media_type=MEDIA_TYPES[ending],
            sha256=keep(session, data),
            size=len(data),
            at=clock.now(),
        )
    )
    return key


def adopt(
    session: Session,
    actor: Actor | None,
    instance_id: UUID,
    form: forms.Form,
    clean: dict[str, Any],
) -> None:
    """Make the files that the answers name part of the instance. Raises Invalid for one that is not the actor's."""
    attachment = tables.attachment.c
    for field in form.fields:
        given = clean.get(field.key) if field.kind == "filepicker" else None
        if not given:
            continue
        try:
            ids = {UUID(str(g)) for g in given}
        except ValueError:
            raise Invalid({field.key: ["附件编号不对。"]}) from None
        known = session.execute(
            select(attachment.id, attachment.name, attachment.sha256).where(
                attachment.id.in_(ids),
                (attachment.instance_id == instance_id)
                | (
                    attachment.instance_id.is_(None)
                    & (attachment.member_id == (actor.id if actor else None))
                ),
            )
        ).all()
        if len(known) != len(ids):
            raise Invalid({field.key: ["附件已不存在，请重新上传。"]})
        session.execute(
            update(tables.attachment).where(attachment.id.in_(ids)).values(instance_id=instance_id)
        )
        clean[field.key] = [{"id": str(k.id), "name": k.name, "sha256": k.sha256} for k in known]

"""Files that people add: kept once by hash, under random ids; the given name is only text."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from engine import clock, forms, settings
from engine.db import tables
from engine.errors import Invalid
from engine.messages import Listed, _

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

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
    """Keep an uploaded file until a form names it.

    Raises Invalid for an empty, too large or unknown kind of file, and for more than one person
    may have waiting.
    """
    media_type = _media_type(name)
    if not data:
        raise Invalid({"file": [_("文件是空的。")]})
    if len(data) > MAX_BYTES:
        raise Invalid({"file": [_("文件超过 50 MB。")]})
    _must_have_room(session, actor, len(data))
    key = tables.new_id()
    file = {
        "id": key,
        "member_id": actor.id,
        "name": "".join(c for c in name if c.isprintable())[-120:],
        "media_type": media_type,
        "sha256": keep(session, data),
        "size": len(data),
        "at": clock.now(),
    }
    session.execute(insert(tables.attachment).values(**file))
    return key


def _must_have_room(session: Session, actor: Actor, size: int) -> None:
    """Raise Invalid where the files that this person uploaded and no form took come to too much."""
    file, most = tables.attachment.c, settings.load().uploads_megabytes
    waiting = file.member_id == actor.id, file.instance_id.is_(None)
    used = session.execute(select(func.coalesce(func.sum(file.size), 0)).where(*waiting))
    if used.scalar_one() + size > most * 1_000_000:
        why = _("您上传后还没有用到的文件已满 {most} MB；请先提交，或过几天再传。", most=most)
        raise Invalid({"file": [why]})


def _media_type(name: str) -> str:
    """By the ending of a file's name. Raises Invalid."""
    plain = forms.search_key(name).replace("/", " ").replace("\\", " ").strip()
    ending = plain.rpartition(".")[2]
    if ending not in MEDIA_TYPES:
        kinds = Listed(sorted(MEDIA_TYPES), "、")
        raise Invalid({"file": [_("只能上传 {kinds} 文件。", kinds=kinds)]})
    return MEDIA_TYPES[ending]


def adopt(
    session: Session,
    actor: Actor | None,
    instance_id: UUID,
    form: forms.Form,
    clean: dict[str, Any],
) -> None:
    """Make the files that the answers name part of the instance.

    Raises Invalid for one that is not the actor's.
    """
    filled = [field for field in form.fields if field.kind == "filepicker" and clean.get(field.key)]
    if not filled:
        return
    attachment = tables.attachment.c
    uploaded = attachment.member_id == (actor.id if actor else None)
    usable = or_(
        attachment.instance_id == instance_id, and_(attachment.instance_id.is_(None), uploaded)
    )
    for field in filled:
        ids = _ids(field.key, clean[field.key])
        clean[field.key] = _named(session, ids, usable)
        if len(clean[field.key]) != len(ids):
            raise Invalid({field.key: [_("附件已不存在，请重新上传。")]})
        adopted = update(tables.attachment).where(attachment.id.in_(ids))
        session.execute(adopted.values(instance_id=instance_id))


def _named(session: Session, ids: set[UUID], usable: ColumnElement[bool]) -> list[dict[str, str]]:
    """The files as answers name them: those of these ids that may be used."""
    file = tables.attachment.c
    query = select(file.id, file.name, file.sha256).where(file.id.in_(ids), usable)
    found = session.execute(query)
    return [{"id": str(row.id), "name": row.name, "sha256": row.sha256} for row in found]


def _ids(key: str, given: list[Any]) -> set[UUID]:
    """The ids of the files in an answer. Raises Invalid."""
    try:
        return {UUID(str(each)) for each in given}
    except ValueError:
        raise Invalid({key: [_("附件编号不对。")]}) from None

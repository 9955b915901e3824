"""Files that people add: kept once by hash, under random ids; the given name is only text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, func, insert, or_, select, update

from engine import clock, forms, settings
from engine.db import blobs, tables
from engine.definitions.store import in_force, process_of
from engine.errors import Invalid
from engine.messages import Listed, _

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from engine.db import Session
    from engine.people.organisation import Actor

MAX_BYTES = 50 * 1024 * 1024
_LAUNCH = re.compile(r"launch:([a-z][a-z0-9_]*)$")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
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


def add(session: Session, actor: Actor, name: str, data: bytes, about: str = "") -> UUID:
    """Keep an uploaded file until a form names it, sealed if what it is `about`, "launch:<process>"
    or a text with the id of a task or matter, is confidential.

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
        "sha256": blobs.keep(session, data, sealed=_is_confidential(session, actor, about)),
        "size": len(data),
        "at": clock.now(),
    }
    session.execute(insert(tables.attachment).values(**file))
    return key


def _is_confidential(session: Session, actor: Actor, about: str) -> bool:
    """Is this about a confidential matter, or one that will be? What is wrong is about nothing."""
    instance, task = tables.instance.c, tables.task.c
    if found := _LAUNCH.match(about):
        process, union = found.group(1), actor.union_id
        version = in_force(session, [union], process).of(process, union)
        return version is not None and process_of(session, version).confidentiality == "named"
    ids = _ID.findall(about)
    of_task = select(task.instance_id).where(task.id.in_(ids))
    shut = instance.confidential & (instance.id.in_(ids) | instance.id.in_(of_task))
    return bool(ids) and session.execute(select(instance.id).where(shut)).first() is not None


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
        blobs.settle(session, ids)


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

"""Files: upload what a form will name, fetch attachments and issued documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from marshmallow import Schema, fields

from engine.commands import attachments
from engine.documents import docx, pdf
from webui.api import strict
from webui.api.edge import Binary, Routes, multipart

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

routes = Routes("files", "Attachments and issued documents.")
ROOM = 64 * 1024  # for what a multipart body holds besides the file


class Uploaded(Schema):
    """A kept file; a filepicker of a form takes its id."""

    id = fields.UUID(required=True)
    name = fields.String()
    size = fields.Integer()


def _file() -> dict[str, Any]:
    given = strict.uploaded({"about"}, attachments.MAX_BYTES + ROOM)
    file = request.files["file"]
    data = file.stream.read(attachments.MAX_BYTES + 1)
    return {"name": file.filename or "", "data": data, "about": given.get("about", "")[:200]}


_ABOUT = {
    "type": "string",
    "description": "launch:<process>, task:<id> or matter:<id>; sealed at once if confidential.",
}


@routes.act(
    "/files",
    Uploaded,
    status=201,
    at="/files/{id}",
    read=_file,
    sent=multipart(optional={"about": _ABOUT}),
)
def upload(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Keep a file, at most 50 MB, until an answer names it."""
    key = attachments.add(session, actor, given["name"], given["data"], given["about"])
    return {"id": key, "name": given["name"], "size": len(given["data"])}


@routes.look("/files/<uuid:attachment_id>", None, media_type="application/octet-stream")
def get_file(session: Session, actor: Actor, attachment_id: UUID) -> Binary:
    """An attachment of an instance that I may see, or my own upload."""
    name, media_type, data = pdf.attachment(session, actor, attachment_id)
    return Binary(media_type, data, name)


@routes.look("/documents/<uuid:document_id>", None, media_type="application/pdf")
def get_document(session: Session, actor: Actor, document_id: UUID) -> Binary:
    """An issued document as PDF, the same bytes each time."""
    name, data = pdf.pdf(session, actor, document_id)
    return Binary("application/pdf", data, name)


@routes.look("/documents/<uuid:document_id>/docx", None, media_type=docx.MEDIA_TYPE)
def get_document_docx(session: Session, actor: Actor, document_id: UUID) -> Binary:
    """An issued document as DOCX, to be edited in an office program."""
    name, data = docx.docx(session, actor, document_id)
    return Binary(docx.MEDIA_TYPE, data, name)

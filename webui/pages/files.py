"""Files: one upload at a time into the engine's keeping, and out again, to be saved or looked at,
so that no browser runs what somebody uploaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, Response, jsonify, request, session
from flask_babel import gettext as _

from engine.commands import attachments
from engine.documents import docx, sheets
from engine.documents import pdf as printing
from engine.errors import Invalid
from webui.http.session import carry_out, look, me, needs_login
from webui.http.sheets import named

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("files", __name__)
LINES = 1000  # of a table that is put into a form
ROOM = 64 * 1024  # for what a multipart body holds besides the file
SHUT = "sandbox; default-src 'none'; frame-ancestors 'none'"
PICTURE = (
    "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
)
# without a sandbox, in which browsers show no PDF
PDF = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
STARTS = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@blueprint.url_value_preprocessor
def _allow_large(endpoint: str | None, _values: object) -> None:
    """Let an upload, and only it, be large. This runs before the CSRF check, which already
    reads the body.
    """
    largest = {"files.upload": attachments.MAX_BYTES, "files.lines": sheets.MAX_BYTES}
    if endpoint in largest and session.get("key"):
        request.max_content_length = largest[endpoint] + ROOM


@blueprint.post("/files/lines")
@needs_login
def lines() -> Answer:
    """The cells of a table that is put into a form; nothing of it is kept: {"lines"}."""
    name, data = _one_file(sheets.MAX_BYTES)
    return jsonify(lines=sheets.lines(name, data, LINES))


def _one_file(most: int) -> tuple[str, bytes]:
    """The name and the bytes of the file that was sent. Raises Invalid for none or several."""
    sent = request.files.getlist("file")
    if len(sent) != 1 or not sent[0].filename:
        raise Invalid({"file": [_("请选择一个文件。")]})
    return sent[0].filename, sent[0].stream.read(most + 1)


@blueprint.post("/files")
@needs_login
def upload() -> tuple[Answer, int]:
    """Keep one file until a form names it: {"id", "name", "size"}."""
    name, data = _one_file(attachments.MAX_BYTES)
    about = request.form.get("about", "")[:200]
    key = carry_out(lambda s: attachments.add(s, me(), name, data, about))
    return jsonify(id=str(key), name=name, size=len(data)), 201


@blueprint.get("/files/<uuid:attachment_id>")
@needs_login
def attachment(attachment_id: UUID) -> Response:
    """An uploaded file, always to be saved."""
    name, media_type, data = look(lambda s: printing.attachment(s, me(), attachment_id))
    return to_save(name, data, media_type)


@blueprint.get("/files/<uuid:attachment_id>/view")
@needs_login
def view(attachment_id: UUID) -> Response:
    """An uploaded PDF or picture, to be looked at in the browser; what is neither, whatever its
    name says, is to be saved.
    """
    name, media_type, data = look(lambda s: printing.attachment(s, me(), attachment_id))
    found = viewable(data)
    if not found:
        return to_save(name, data, media_type)
    policy = PDF if found == "application/pdf" else PICTURE
    return _sent(data, found, f"inline; {named(name)}", policy)


def viewable(data: bytes) -> str:
    """As what a browser may show a file, by how its bytes begin: the media type of a PDF or a
    picture that runs no script; "" for all else, HTML and SVG too.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in STARTS if data.startswith(start)), "")


@blueprint.get("/documents/<uuid:document_id>")
@needs_login
def document(document_id: UUID) -> Response:
    """An issued document as PDF, to be read in the browser, or with ?format=docx to be edited
    in an office program.
    """
    if request.args.get("format") == "docx":
        name, data = look(lambda s: docx.docx(s, me(), document_id))
        return to_save(name, data, docx.MEDIA_TYPE)
    return pdf(*look(lambda s: printing.pdf(s, me(), document_id)))


def pdf(name: str, data: bytes) -> Response:
    """A PDF that the browser shows."""
    return _sent(data, "application/pdf", f"inline; {named(name)}", PDF)


def plain(text: bytes) -> Response:
    """A text that a page shows."""
    return _sent(text, "text/plain; charset=utf-8", "inline", SHUT)


def to_save(name: str, data: bytes, media_type: str) -> Response:
    """A file that the browser saves."""
    return _sent(data, media_type, f"attachment; {named(name)}", SHUT)


def _sent(data: bytes, media_type: str, disposition: str, policy: str) -> Response:
    headers = {
        "Content-Disposition": disposition,
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(data, headers=headers, content_type=media_type)

"""Units, people and posts from and to tables: nothing is written before a preview was
confirmed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from marshmallow import Schema, fields

from engine import clock
from engine.commands import imports
from engine.commands import operations as asking
from engine.queries import imports as reading
from engine.queries import operations
from webui.api import schemas, strict
from webui.api.edge import Binary, Later, Routes, multipart
from webui.api.operations import ONE, OperationShape
from webui.api.schemas import Id, Moment
from webui.http.words import lang, said

if TYPE_CHECKING:
    from uuid import UUID

    from engine.commands.imports import Batch, Report
    from engine.db import Session
    from engine.people.organisation import Actor
    from engine.queries.imports import Import


routes = Routes("imports", "Units, people and posts from and to .xlsx.")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROOM = 64 * 1024  # for what a multipart body holds besides the file
MAX_SHEET = 10_000_000


class ImportLine(Schema):
    number = fields.Integer()
    values = fields.Dict(keys=fields.String(), values=fields.String())
    level = schemas.Choice("ok", "warning", "error")
    messages = fields.List(schemas.Said())
    does = fields.String()
    reads = fields.List(
        schemas.Said(), metadata={"description": "What was read as something else than is written."}
    )
    choices = fields.List(
        fields.List(schemas.Said()),
        metadata={"description": "Answers (value, label) to what it asks; give one as `same_as`."},
    )


class RemarkShape(Schema):
    """What was found on several rows, said once."""

    level = schemas.Choice("ok", "warning", "error", "read")
    text = schemas.Said()
    count = fields.Integer()
    rows = fields.List(fields.Integer())


class TotalShape(Schema):
    """A unit: how many it had in the term before, and has in the file."""

    unit = fields.String()
    before = fields.Integer()
    now = fields.Integer()


class ImportShape(Schema):
    """An import with what was found on each row; nothing is written before it is confirmed."""

    id = fields.UUID(required=True)
    kind = fields.String()
    file = fields.String()
    state = fields.String()
    at = Moment()
    by = fields.String()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    notes = fields.List(schemas.Said())
    rows = fields.List(fields.Nested(ImportLine))
    remarks = fields.List(fields.Nested(RemarkShape))
    totals = fields.List(fields.Nested(TotalShape))
    undoable = fields.Boolean()


class Previewed(Schema):
    """What a preview found; its rows are at /imports/<id>."""

    id = fields.UUID(required=True)
    kind = fields.String()
    file = fields.String()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    notes = fields.List(schemas.Said())


class Imported(Schema):
    batch_id = fields.UUID(required=True)
    kind = fields.String()
    created = fields.Integer()
    changed = fields.Integer()
    skipped = fields.Integer()
    waiting = fields.Integer(
        metadata={"description": "Of the created: posts that wait for a second person."}
    )
    left = fields.UUID(
        allow_none=True, metadata={"description": "The import of the rows that were not taken."}
    )


class CorrectedRow(schemas.Sent):
    """Columns of a row, by key; and `same_as`, which answers whom it means."""

    values = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class Undone(Schema):
    state = fields.String()


class WhichImports(schemas.Asked):
    union = Id(load_default=None)
    state = schemas.Choice("previewed", "done", "undone", load_default=None)


ImportPage = schemas.page("ImportPage", ImportShape)


def _sheet() -> dict[str, Any]:
    given = strict.uploaded({"kind"}, MAX_SHEET + ROOM)
    file = request.files["file"]
    return {
        "kind": given.get("kind", ""),
        "name": file.filename or "",
        "data": file.stream.read(MAX_SHEET + 1),
    }


@routes.act(
    "/imports",
    Previewed,
    status=201,
    at="/imports/{id}",
    read=_sheet,
    later=OperationShape,
    sent=multipart(kind={"type": "string", "enum": sorted(imports.KINDS)}),
)
def preview_import(session: Session, actor: Actor, given: dict[str, Any]) -> Batch | Later:
    """Read a file and check every row; nothing but the preview is kept. A long one is read by a
    worker.
    """
    if asking.is_long(given["data"]):
        what = given["kind"], given["name"], given["data"]
        return _later(session, actor, asking.ask_preview(session, actor, *what))
    return imports.preview(session, actor, given["kind"], given["name"], given["data"])


def _later(session: Session, actor: Actor, key: UUID) -> Later:
    return Later(operations.one(session, actor, key), OperationShape, ONE)


@routes.look("/imports", ImportPage, query=WhichImports)
def list_imports(session: Session, actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """The last fifty imports of a union, newest first, without their rows."""
    found = reading.imports(session, actor, given["union"] or actor.union_id, state=given["state"])
    return {"items": found, "next": None}


@routes.look("/imports/<uuid:batch_id>", ImportShape)
def get_import(session: Session, actor: Actor, batch_id: UUID) -> Import:
    """One import with its rows."""
    return reading.one_import(session, actor, batch_id)


@routes.act("/imports/<uuid:batch_id>/rows/<int:number>", ImportShape, body=CorrectedRow)
def correct_row(
    session: Session, actor: Actor, given: dict[str, Any], batch_id: UUID, number: int
) -> Import:
    """Write a row anew, or answer what it asks; all rows are looked at again."""
    imports.correct(session, actor, batch_id, number, given["values"])
    return reading.one_import(session, actor, batch_id)


@routes.act("/imports/<uuid:batch_id>/confirm", Imported, later=OperationShape)
def confirm_import(session: Session, actor: Actor, batch_id: UUID) -> Report | Later:
    """Write all rows of an import, or none; many are written by a worker."""
    return _confirmed(session, actor, batch_id, good_only=False)


@routes.act("/imports/<uuid:batch_id>/confirm-good", Imported, later=OperationShape)
def confirm_good_rows(session: Session, actor: Actor, batch_id: UUID) -> Report | Later:
    """Write the rows without errors; the others become an import of their own, `left`. Many are
    written by a worker.
    """
    return _confirmed(session, actor, batch_id, good_only=True)


def _confirmed(
    session: Session, actor: Actor, batch_id: UUID, *, good_only: bool
) -> Report | Later:
    key = asking.ask_confirmation(session, actor, batch_id, good_only=good_only)
    if key is not None:
        return _later(session, actor, key)
    return imports.confirm(session, actor, batch_id, good_only=good_only)


@routes.act("/imports/<uuid:batch_id>/undo", Undone)
def undo_import(session: Session, actor: Actor, batch_id: UUID) -> dict[str, str]:
    """Take an import back while nobody has acted on it, for seven days."""
    imports.undo(session, actor, batch_id)
    return {"state": "undone"}


@routes.look("/imports/templates/<kind>", None, media_type=XLSX)
def import_template(_session: Session, _actor: Actor, kind: str) -> Binary:
    """The .xlsx to be filled in."""
    return Binary(XLSX, imports.template(kind, said), f"{kind}.xlsx")


@routes.act("/exports/<kind>", media_type=XLSX, keyed=False, later=OperationShape)
def export_people(session: Session, actor: Actor, kind: str) -> Binary | Later:
    """What is registered, in the shape of the imports; a long table is written by a worker. Every
    export is put on record, so there is no key.
    """
    name = f"{kind}-{clock.today()}.xlsx"
    key = asking.ask_export(session, actor, kind, name, lang())
    if key is not None:
        return _later(session, actor, key)
    return Binary(XLSX, imports.export(session, actor, kind, said), name)

"""Tables in and out: choose a file, look at every row, say yes; what is registered as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext

from engine import clock
from engine.commands import imports, operations
from engine.commands.imports import columns
from engine.errors import Conflict, Invalid
from engine.people import access
from engine.queries import imports as reading
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang, said
from webui.pages.administrator.people.desk import MAX_SHEET, Faults, blueprint, field

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

MANY = 5  # rows with one remark: from here on it is said once, above
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


def kinds() -> dict[str, str]:
    """What can be imported, in the order in which it has to be."""
    return {kind: said(title) for kind, title in imports.kinds().items()}


@blueprint.route("/people/import", methods=["GET", "POST"])
@needs_login
def import_() -> str | tuple[str, int] | Answer:
    """Choose what to import, take a template, send a file."""
    union = union_into()
    if request.method != "POST":
        return _import_page(union)
    sent, kind = request.files.get("file"), field("kind")
    try:
        if kind not in imports.kinds():
            raise Invalid({"kind": [_("请选择导入的内容。")]})
        if sent is None or not sent.filename:
            raise Invalid({"file": [_("请选择一个文件。")]})
        name, data = sent.filename, sent.stream.read(MAX_SHEET + 1)
        if operations.is_long(data):
            key = carry_out(lambda s: operations.ask_preview(s, me(), kind, name, data))
            return redirect(url_for("operations.one", operation_id=key), 303)
        batch = carry_out(lambda s: imports.preview(s, me(), kind, name, data))
    except Invalid as fault:
        return _import_page(union, fault.fields), 422
    except Conflict as fault:
        return _import_page(union, {"file": [fault.message]}), fault.status
    return redirect(url_for("people.preview", batch_id=batch.id))


def union_into() -> UUID:
    """A union into which this person may import. Raises Refused."""
    own = (me().union_id, *(p.union_id for p in me().posts if p.union_id))
    found = next((u for u in own if access.may(me(), "import_people", u)), None)
    access.check(me(), "import_people", found or me().union_id)
    return found or me().union_id


def _import_page(union: UUID, faults: Faults | None = None) -> str:
    past = look(lambda s: reading.imports(s, me(), union, state=None))
    return render_template(
        "people/import.html",
        kinds=kinds(),
        past=past,
        union=union,
        faults=faults or {},
        kind=request.values.get("kind", ""),
    )


@blueprint.get("/people/import/<any(units, people, posts, delegates):kind>.xlsx")
@needs_login
def template(kind: str) -> Response:
    """The table to be filled in."""
    union_into()
    return _sheet(imports.template(kind, said), f"yixing-{kind}-template.xlsx")


def _sheet(data: bytes, name: str) -> Response:
    return Response(
        data, content_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@blueprint.get("/people/import/<uuid:batch_id>")
@needs_login
def preview(batch_id: UUID) -> str:
    """Every row of a file with what would be done and what is wrong; nothing is written yet."""
    return _preview_page(batch_id)


def _preview_page(batch_id: UUID, fault: str = "") -> str:
    batch = look(lambda s: reading.one_import(s, me(), batch_id))
    level = request.args.get("level", "")
    if level not in ("error", "warning", "ok"):
        level = ""
    rows = [r for r in batch.rows if not level or r.level == level]
    shape = [(column.key, said(column.title)) for column in columns.of(batch.kind)]
    return render_template(
        "people/preview.html",
        batch=batch,
        rows=rows[:1000],
        more=len(rows) > 1000,
        columns=shape,
        level=level,
        kinds=kinds(),
        fault=fault,
        many=MANY,
    )


@blueprint.post("/people/import/<uuid:batch_id>/confirm")
@needs_login
def confirm(batch_id: UUID) -> tuple[str, int] | Answer:
    """Write all rows, or none; or, when asked so, the good ones only."""
    good_only = field("good_only") == "1"
    try:
        ask = operations.ask_confirmation
        key = carry_out(lambda s: ask(s, me(), batch_id, good_only=good_only))
        if key is not None:
            return redirect(url_for("operations.one", operation_id=key), 303)
        done = carry_out(lambda s: imports.confirm(s, me(), batch_id, good_only=good_only))
    except Conflict as fault:
        return _preview_page(batch_id, fault.message), 409
    counts = {"new": done.created, "changed": done.changed, "skipped": done.skipped}
    flash(_("已导入：新增 %(new)s，更改 %(changed)s，跳过 %(skipped)s。", **counts))
    if done.waiting:
        flash(_("其中 %(n)s 个职务能看到保密事项，待第二人确认才生效。", n=done.waiting))
    if done.left is not None:
        flash(_("下面是没有导入的行，请在这里改好。"))
        return redirect(url_for("people.preview", batch_id=done.left))
    return redirect(url_for("people.import_"))


@blueprint.post("/people/import/<uuid:batch_id>/rows/<int:number>")
@needs_login
def correct(batch_id: UUID, number: int) -> tuple[str, int] | Answer:
    """Write one row anew, or say whom it means."""
    keys = [key for key in request.form if key.startswith("v.")]
    values = {key[2:]: request.form[key] for key in keys}
    try:
        carry_out(lambda s: imports.correct(s, me(), batch_id, number, values))
    except (Conflict, Invalid) as fault:
        return _preview_page(batch_id, fault.message), fault.status
    level = request.args.get("level") or None
    return redirect(url_for("people.preview", batch_id=batch_id, level=level) + f"#row-{number}")


@blueprint.post("/people/import/<uuid:batch_id>/undo")
@needs_login
def undo(batch_id: UUID) -> tuple[str, int] | Answer:
    """Take an import back while nobody has acted on it."""
    try:
        carry_out(lambda s: imports.undo(s, me(), batch_id))
    except Conflict as fault:
        return _preview_page(batch_id, fault.message), 409
    flash(_("已撤销这次导入。"))
    return redirect(url_for("people.import_"))


@blueprint.post("/people/export/<any(units, people, posts, delegates):kind>")
@needs_login
def export(kind: str) -> Answer:
    """What is registered, as a table in the shape of the import; it goes on record."""
    name = f"yixing-{kind}-{clock.today().isoformat()}.xlsx"
    try:
        key = carry_out(lambda s: operations.ask_export(s, me(), kind, name, lang()))
    except Conflict as fault:
        flash(said(fault.message), "error")
        return redirect(url_for("people.import_"), 303)
    if key is not None:
        return redirect(url_for("operations.one", operation_id=key), 303)
    return _sheet(carry_out(lambda s: imports.export(s, me(), kind, said)), name)

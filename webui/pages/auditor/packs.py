"""The evidence pack of a case: asked for, made by a worker, fetched while it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, flash, redirect, render_template, request, url_for

from engine.commands import operations
from engine.commands import packs as asking
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.people import access
from engine.queries import packs
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import said
from webui.pages.auditor.audit import FILTERS, found
from webui.pages.auditor.desk import blueprint

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response as Answer


@blueprint.post("/audit/packs")
@needs_login
def packs_of_found() -> Answer:
    """Let a worker make the packs of all that was found, as one file."""
    if not access.desk_unions(me(), *access.SEEING):
        raise Refused(verb="see_desk")
    wanted = {k: request.form.get(k, "").strip() for k in FILTERS}
    try:
        ids = [row.id for row in look(lambda s: found(s, wanted, asking.MANY + 1))]
        key = carry_out(lambda s: operations.ask_packs(s, me(), ids))
    except (Conflict, Invalid, NotFound) as fault:
        flash(said(fault.message), "error")
        asked: dict[str, Any] = {key: value for key, value in wanted.items() if value}
        return redirect(url_for("audit.index", **asked), 303)
    return redirect(url_for("operations.one", operation_id=key), 303)


@blueprint.post("/audit/<uuid:instance_id>/pack")
@needs_login
def pack(instance_id: UUID) -> Answer:
    """Let a worker make the evidence pack; the page says how far it is."""
    try:
        carry_out(lambda s: asking.ask(s, me(), instance_id))
    except (Conflict, Invalid) as fault:
        flash(said(fault.message), "error")
    return redirect(url_for("audit.instance", instance_id=instance_id, _anchor="pack"))


@blueprint.get("/audit/<uuid:instance_id>/pack")
@needs_login
def pack_progress(instance_id: UUID) -> str:
    """How far the newest pack is, or where it can be fetched, as a piece of the page."""
    found = look(lambda s: packs.newest(s, me(), instance_id))
    return render_template("audit/pack.html", pack=found, instance_id=instance_id)


@blueprint.get("/audit/<uuid:instance_id>/packs/<uuid:pack_id>.zip")
@needs_login
def pack_file(instance_id: UUID, pack_id: UUID) -> Response:
    """A pack that was made, as a ZIP that anybody can verify without this product."""
    data = carry_out(lambda s: asking.fetch(s, me(), instance_id, pack_id))
    answer = Response(data, content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="yixing-{instance_id}.zip"'
    return answer

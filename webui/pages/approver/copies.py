"""Sending a matter to others for information (抄送), and what was sent to me."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import confidence
from engine.commands.verbs import copying
from engine.errors import Conflict, Invalid, Refused
from engine.queries import copies as reading
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("copies", __name__)


@blueprint.get("/copies")
@needs_login
def index() -> str:
    """What was sent to me, unread first."""
    found = look(lambda s: reading.received(s, me()))
    return render_template("verbs/copies.html", copies=found)


@blueprint.get("/matters/<uuid:instance_id>/copies")
@needs_login
def form(instance_id: UUID) -> str:
    """Who has got a matter and who has read it, and whom to send it to."""
    return _page(instance_id)


def _page(instance_id: UUID, errors: object = None, fault: str = "") -> str:
    words, chosen = request.form.get("words", "")[:100], _chosen()
    asked = reading.Asked(_place(), words, tuple(chosen))
    page = look(lambda s: reading.page(s, me(), instance_id, asked, lang()))
    if page.confidential:
        carry_out(lambda s: confidence.note_reading(s, me(), instance_id))
    return render_template(
        "verbs/copy.html",
        page=page,
        errors=errors or {},
        fault=fault,
        text=request.form.get("text", ""),
        words=words,
        chosen=chosen,
    )


def _chosen() -> list[UUID]:
    """Whom the form has ticked."""
    return [each for each in map(uuid, request.form.getlist("to")) if each][: copying.MOST + 1]


def _place() -> str:
    return (request.values.get("element") or "").replace("\0", "")[:100]


@blueprint.post("/matters/<uuid:instance_id>/copies")
@needs_login
def send(instance_id: UUID) -> tuple[str, int] | str | Answer:
    """Send it; or with `find` look for more people, nothing being sent."""
    if "find" in request.form:
        return _page(instance_id)
    element, text = _place(), request.form.get("text", "")
    try:
        sent = carry_out(
            lambda s: copying.send(s, me(), instance_id, _chosen(), text, element=element)
        )
    except Invalid as fault:
        return _page(instance_id, fault.fields, _("请按提示修改。")), 422
    except (Conflict, Refused) as fault:
        if fault.code == Refused.code:
            raise
        return _page(instance_id, fault=fault.message), fault.status
    flash(_("已抄送 %(n)s 人。谁看过，这里看得到。", n=len(sent)))
    return redirect(url_for("copies.form", instance_id=instance_id, element=element or None))


@blueprint.post("/copies/<uuid:copy_id>/withdraw")
@needs_login
def withdraw(copy_id: UUID) -> Answer:
    """Take back what I sent, while it was not read."""
    try:
        key = carry_out(lambda s: copying.withdraw(s, me(), copy_id))
        flash(_("已收回，对方不再看得到。"))
    except Conflict as fault:
        flash(in_language(fault.message, lang()), "error")
        key = look(lambda s: reading.sent_by_me(s, me(), copy_id))
    return redirect(url_for("copies.form", instance_id=key))

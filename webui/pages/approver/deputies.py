"""Who acts for me while I am away, and for whom I act."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands.people import deputies as naming
from engine.errors import Conflict, Invalid
from engine.queries import deputies as reading
from webui.http import fields
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang
from webui.pages.approver import verbs

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.db import Session

blueprint = Blueprint("deputies", __name__)


@blueprint.get("/me/deputies")
@needs_login
def index() -> str:
    """Those of today, to come and over; the form for one more."""
    return _page()


def _page(errors: object = None) -> str:
    return render_template(
        "auth/deputies.html",
        page=look(lambda s: reading.deputies(s, me(), lang())),
        errors=errors or {},
        typed=request.form,
        ticked=request.form.getlist("processes"),
    )


@blueprint.post("/me/deputies")
@needs_login
def name() -> tuple[str, int] | Answer:
    """Name one."""
    try:
        carry_out(_name)
    except Invalid as fault:
        return _page(fault.fields), fault.status
    flash(_("已指定代理人，记录在案。"))
    return redirect(url_for("deputies.index"))


def _name(session: Session) -> UUID:
    days = {key: _day(key) for key in ("from_on", "to_on")}
    missing = {key: [_("请填写日期。")] for key, value in days.items() if value is None}
    if missing:
        raise Invalid(missing)
    more: dict[str, Any] = {**days, "processes": request.form.getlist("processes")}
    return naming.name(
        session, me(), verbs.chosen("to"), due_only="due_only" in request.form, **more
    )


def _day(key: str) -> date | None:
    try:
        return fields.day(request.form.get(key, "").strip())
    except ValueError:
        return None


@blueprint.post("/me/deputies/<uuid:deputy_id>/end")
@needs_login
def end(deputy_id: UUID) -> Answer:
    """End it before its last day."""
    try:
        carry_out(lambda s: naming.end(s, me(), deputy_id))
        flash(_("代理已终止。"))
    except Conflict as fault:
        flash(in_language(fault.message, lang()), "error")
    return redirect(url_for("deputies.index"))

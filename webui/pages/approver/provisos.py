"""Conditions on which somebody agreed (附条件同意): reporting that one is carried out, and saying
that it is so or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import provisos
from engine.errors import Conflict, Invalid, Refused
from engine.queries import provisos as reading
from webui.http import fields
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session

blueprint = Blueprint("provisos", __name__)
ONE = "/matters/<uuid:instance_id>/conditions/<uuid:decision>/<int:no>"


@blueprint.get(ONE)
@needs_login
def condition(instance_id: UUID, decision: UUID, no: int) -> str:
    """One condition, what was said of it, and what I may say."""
    return _page(instance_id, decision, no)


def _page(
    instance_id: UUID, decision: UUID, no: int, errors: object = None, fault: str = ""
) -> str:
    page = look(lambda s: reading.page(s, me(), instance_id, (decision, no), lang()))
    return render_template(
        "verbs/condition.html",
        page=page,
        c=page.condition,
        form=provisos.REPORT,
        errors=errors or {},
        fault=fault,
        values=fields.answers(provisos.REPORT, request.form),
        text=request.form.get("text", ""),
    )


@blueprint.post(f"{ONE}/<any(report, met, unmet):what>")
@needs_login
def say(instance_id: UUID, decision: UUID, no: int, what: str) -> tuple[str, int] | Answer:
    """Report it, or say that it is met or not."""
    try:
        carry_out(lambda s: _say(s, instance_id, decision, no, what))
    except Invalid as fault:
        return _page(instance_id, decision, no, fault.fields, _("请按提示修改。")), 422
    except (Conflict, Refused) as fault:
        if fault.code == Refused.code:
            raise
        return _page(instance_id, decision, no, fault=fault.message), fault.status
    flash(_("已报告，等提出条件的人确认。") if what == "report" else _("已记录。"))
    return redirect(url_for("matters.matter", instance_id=instance_id))


def _say(session: Session, instance_id: UUID, decision: UUID, no: int, what: str) -> UUID:
    if what == "report":
        given = fields.answers(provisos.REPORT, request.form)
        return provisos.report(session, me(), instance_id, (decision, no), given)
    text = request.form.get("text", "")
    return provisos.judge(session, me(), instance_id, (decision, no), met=what == "met", text=text)

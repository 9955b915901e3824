"""Asking somebody beside the decision of a task (委派, 加签), and answering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import confidence
from engine.commands.verbs import asking
from engine.definitions.verbs import ASKING
from engine.errors import Conflict, Invalid, Refused
from engine.queries import asks as reading
from webui.http import fields
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang
from webui.pages.approver import verbs

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.db import Session

blueprint = Blueprint("asks", __name__)


@blueprint.get("/tasks/<uuid:task_id>/ask")
@needs_login
def ask(task_id: UUID) -> str:
    """Whom to ask about a task, and for what."""
    return _ask_page(task_id)


def _ask_page(task_id: UUID, errors: object = None, fault: str = "") -> str:
    page = look(lambda s: reading.asking(s, me(), task_id, lang()))
    allowed = [what for what in ASKING if not page.why[what]]
    what = request.values.get("what", "")
    return render_template(
        "verbs/ask.html",
        page=page,
        allowed=allowed,
        what=what if what in allowed else (allowed[0] if allowed else ""),
        errors=errors or {},
        fault=fault,
        text=request.form.get("text", ""),
        chosen=request.form.get("to", ""),
        after="after" in request.form,
    )


@blueprint.post("/tasks/<uuid:task_id>/ask")
@needs_login
def do_ask(task_id: UUID) -> tuple[str, int] | Answer:
    """Ask."""
    try:
        carry_out(lambda s: _ask(s, task_id))
    except Invalid as fault:
        return _ask_page(task_id, fault.fields, _("请按提示修改。")), 422
    except (Conflict, Refused) as fault:
        if fault.code in (Refused.code, "claimed", "done", "cancelled", "suspended", "stale"):
            raise
        return _ask_page(task_id, fault=fault.message), fault.status
    flash(_("已发给对方。答复以后，这里和待办里都会显示。"))
    return redirect(url_for("inbox.task", task_id=task_id))


def _ask(session: Session, task_id: UUID) -> UUID:
    form = request.form
    what = form.get("what", "") if form.get("what") in ASKING else ASKING[0]
    to, text, after = verbs.chosen("to"), form.get("text", ""), "after" in form
    more: dict[str, Any] = {"to": to, "text": text, "after": after, "revision": verbs.revision()}
    return asking.ask(session, me(), task_id, what, **more)


@blueprint.get("/asks/<uuid:ask_id>")
@needs_login
def asked(ask_id: UUID) -> str:
    """What I was asked, with the matter, and the form for an answer."""
    return _asked_page(ask_id)


def _asked_page(ask_id: UUID, errors: object = None, fault: str = "") -> str:
    from webui.pages.approver.inbox import looked_at

    page = look(lambda s: reading.page(s, me(), ask_id, lang()))
    if page.confidential:
        carry_out(lambda s: confidence.note_reading(s, me(), page.instance_id))
    return render_template(
        "verbs/asked.html",
        page=page,
        shown=page.matter.seen(me(), looked_at(page.instance_id)),
        errors=errors or {},
        fault=fault,
        values=fields.answers(page.form, request.form),
        text=request.form.get("text", ""),
        view=request.form.get("view", ""),
    )


@blueprint.post("/asks/<uuid:ask_id>/<any(answer, decline, withdraw, adopt):what>")
@needs_login
def do(ask_id: UUID, what: str) -> tuple[str, int] | Answer:
    """Answer, or decline to; take back what I asked; take over what was prepared."""
    try:
        key = carry_out(lambda s: _do(s, ask_id, what))
    except Invalid as fault:
        return _asked_page(ask_id, fault.fields, _("请按提示修改。")), 422
    except (Conflict, Refused) as fault:
        if fault.code == Refused.code or what in ("withdraw", "adopt"):
            raise
        return _asked_page(ask_id, fault=fault.message), fault.status
    flash(_DONE[what]())
    if what == "adopt":
        return redirect(url_for("inbox.task", task_id=key))
    return redirect(url_for("inbox.index"))


_DONE = {
    "answer": lambda: _("已答复。"),
    "decline": lambda: _("已告知对方您不能答复。"),
    "withdraw": lambda: _("已收回。"),
    "adopt": lambda: _("已填入拟办内容，请核对后再办。"),
}


def _do(session: Session, ask_id: UUID, what: str) -> UUID:
    form = request.form
    if what == "withdraw":
        return asking.withdraw(session, me(), ask_id)
    if what == "adopt":
        return asking.adopt(session, me(), ask_id)
    if what == "decline":
        return asking.decline(session, me(), ask_id, form.get("text", ""))
    page = reading.page(session, me(), ask_id, lang())
    given: dict[str, Any] = {"text": form.get("text", ""), "view": form.get("view", "")}
    given["answers"] = fields.answers(page.form, form)
    return asking.answer(session, me(), ask_id, given)

"""The verbs beside a decision: handing a task over or back, comments on a matter."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import confidence
from engine.commands.verbs import comments, handing, returning, stepping_aside
from engine.errors import Conflict, Invalid, Refused
from engine.queries import beside as reading
from engine.queries import comments as said
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.db import Session

blueprint = Blueprint("verbs", __name__)
_NOBODY = UUID(int=0)


@blueprint.get("/tasks/<uuid:task_id>/hand")
@needs_login
def hand(task_id: UUID) -> str:
    """To whom a task may be handed over, or given back."""
    return _hand_page(task_id)


def _hand_page(task_id: UUID, tried: str = "", errors: object = None, fault: str = "") -> str:
    page = look(lambda s: reading.handing(s, me(), task_id, lang()))
    return render_template(
        "verbs/hand.html",
        page=page,
        tried=tried,
        errors=errors or {},
        fault=fault,
        reason=request.form.get("reason", ""),
        chosen=request.form.get("to", ""),
    )


@blueprint.post("/tasks/<uuid:task_id>/hand/<any(over, back):what>")
@needs_login
def do_hand(task_id: UUID, what: str) -> tuple[str, int] | Answer:
    """Hand it over, or give it back."""
    try:
        carry_out(lambda s: _hand(s, task_id, what))
    except Invalid as fault:
        return _hand_page(task_id, what, fault.fields, _("请按提示修改。")), 422
    except Refused as fault:
        if fault.code == Refused.code:
            raise
        return _hand_page(task_id, what, fault=fault.message), fault.status
    flash(_("已转办。对方可以交还给您。") if what == "over" else _("已交还。"))
    return redirect(url_for("inbox.index"))


def _hand(session: Session, task_id: UUID, what: str) -> None:
    reason = request.form.get("reason", "")
    if what == "back":
        handing.give_back(session, me(), task_id, reason)
        return
    handing.hand_over(session, me(), task_id, chosen("to"), reason, revision=revision())


@blueprint.get("/tasks/<uuid:task_id>/send-back")
@needs_login
def send_back(task_id: UUID) -> str:
    """To which earlier step a task may be sent back."""
    return _send_back_page(task_id)


def _send_back_page(task_id: UUID, errors: object = None, fault: str = "") -> str:
    page = look(lambda s: reading.sending_back(s, me(), task_id, lang()))
    return render_template(
        "verbs/send_back.html",
        page=page,
        errors=errors or {},
        fault=fault,
        reason=request.form.get("reason", ""),
        chosen=request.form.get("to", ""),
        straight=request.form.get("how") == "straight",
    )


@blueprint.post("/tasks/<uuid:task_id>/send-back")
@needs_login
def do_send_back(task_id: UUID) -> tuple[str, int] | Answer:
    """Send it back, with a reason."""
    try:
        carry_out(lambda s: _send_back(s, task_id))
    except Invalid as fault:
        return _send_back_page(task_id, fault.fields, _("请按提示修改。")), 422
    except (Conflict, Refused) as fault:
        if fault.code in (Refused.code, "claimed", "done", "cancelled", "suspended", "stale"):
            raise
        return _send_back_page(task_id, fault=fault.message), fault.status
    flash(_("已退回。"))
    return redirect(url_for("inbox.index"))


def _send_back(session: Session, task_id: UUID) -> None:
    form = request.form
    to, straight = form.get("to", ""), form.get("how") == "straight"
    known = revision()
    returning.send_back(
        session, me(), task_id, to, form.get("reason", ""), straight=straight, revision=known
    )


@blueprint.post("/tasks/<uuid:task_id>/recall")
@needs_login
def recall(task_id: UUID) -> Answer:
    """Take back what I have done, while nobody else has opened what came next."""
    try:
        key = carry_out(lambda s: returning.take_back(s, me(), task_id))
    except Conflict as fault:
        flash(in_language(fault.message, lang()), "error")
        return redirect(url_for("inbox.task", task_id=task_id))
    flash(_("已拿回，您填写的内容存为草稿。"))
    return redirect(url_for("matters.matter", instance_id=key))


@blueprint.get("/tasks/<uuid:task_id>/aside")
@needs_login
def aside(task_id: UUID) -> str:
    """Who does the task if I step aside."""
    return _aside_page(task_id)


def _aside_page(task_id: UUID, errors: object = None, fault: str = "") -> str:
    page = look(lambda s: reading.stepping_aside(s, me(), task_id, lang()))
    return render_template(
        "verbs/aside.html",
        page=page,
        errors=errors or {},
        fault=fault,
        reason=request.form.get("reason", ""),
    )


@blueprint.post("/tasks/<uuid:task_id>/aside")
@needs_login
def do_aside(task_id: UUID) -> tuple[str, int] | Answer:
    """Step aside, and say why."""
    reason = request.form.get("reason", "")
    try:
        carry_out(lambda s: stepping_aside.step_aside(s, me(), task_id, reason))
    except Invalid as fault:
        return _aside_page(task_id, fault.fields, _("请按提示修改。")), 422
    except (Conflict, Refused) as fault:
        if fault.code not in ("nobody", "verb"):
            raise
        return _aside_page(task_id, fault=fault.message), fault.status
    flash(_("已回避，记录在案。"))
    return redirect(url_for("inbox.index"))


@blueprint.post("/matters/<uuid:instance_id>/step-back")
@needs_login
def step_back(instance_id: UUID) -> Answer:
    """Take it back that I stepped aside, while nobody else has taken over."""
    try:
        carry_out(lambda s: stepping_aside.step_back(s, me(), instance_id))
        flash(_("已收回回避。"))
    except Conflict as fault:
        flash(in_language(fault.message, lang()), "error")
    return redirect(url_for("matters.matter", instance_id=instance_id))


def revision() -> int | None:
    """That of the task as the page had it; None where it says none."""
    sent = request.form.get("revision", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None


def chosen(name: str) -> UUID:
    """The person chosen in a list; nobody where none is."""
    try:
        return UUID(request.form.get(name, ""))
    except ValueError:
        return _NOBODY


@blueprint.get("/matters/<uuid:instance_id>/comments")
@needs_login
def discuss(instance_id: UUID) -> str:
    """The comments on a matter, with a form for one more; those that name me are read now."""
    return _comments_page(instance_id)


def _comments_page(instance_id: UUID, errors: object = None, fault: str = "") -> str:
    element = (request.values.get("element") or "").replace("\0", "")[:100]
    page = look(lambda s: said.page(s, me(), instance_id, element, lang()))
    read(instance_id, page.comments)
    if page.confidential:
        carry_out(lambda s: confidence.note_reading(s, me(), instance_id))
    return render_template(
        "verbs/comments.html",
        page=page,
        errors=errors or {},
        fault=fault,
        text=request.form.get("text", ""),
        named=request.form.getlist("mention"),
    )


def read(instance_id: UUID, shown: tuple[said.Comment, ...]) -> None:
    """Note that the comments shown have been read, where one names this person."""
    if any(comment.news for comment in shown):
        carry_out(lambda s: comments.note_reading(s, me(), instance_id))


@blueprint.post("/matters/<uuid:instance_id>/comments")
@needs_login
def comment(instance_id: UUID) -> tuple[str, int] | Answer:
    """Write one."""
    element = (request.form.get("element") or "").replace("\0", "")[:100]
    text = request.form.get("text", "")
    try:
        mentions = [each for each in map(uuid, request.form.getlist("mention")) if each]
        carry_out(lambda s: comments.make(s, me(), instance_id, text, mentions, element=element))
    except Invalid as fault:
        return _comments_page(instance_id, fault.fields, _("请按提示修改。")), 422
    except (Conflict, Refused) as fault:
        if fault.code == Refused.code:
            raise
        return _comments_page(instance_id, fault=fault.message), fault.status
    flash(_("评论已发出。"))
    return redirect(url_for("verbs.discuss", instance_id=instance_id, element=element or None))


@blueprint.post("/comments/<uuid:comment_id>/withdraw")
@needs_login
def withdraw(comment_id: UUID) -> Answer:
    """Take back what I remarked."""
    key = carry_out(lambda s: comments.withdraw(s, me(), comment_id))
    flash(_("评论已收回。"))
    return redirect(url_for("verbs.discuss", instance_id=key))

"""Entering for others: one matter from paper with its scan, or many from a table with a preview."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer

from engine.commands import entries, late, operations
from engine.commands.entries import Row
from engine.commands.instances import Entered
from engine.errors import Conflict, EngineError, Invalid, Unavailable
from engine.instance import launching
from engine.queries.launchable import offers
from webui.http import fields
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang, said
from webui.pages.secretary.launch import SENT_TWICE, new_key, once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session
    from engine.definitions import Process

blueprint = Blueprint("entries", __name__)
MAX_SHEET = 10_000_000
KEPT = 7200  # seconds for which a preview can be confirmed


@blueprint.get("/launch/<process_id>/entry")
@needs_login
def form(process_id: str) -> str:
    """The form of a matter that somebody handed in on paper."""
    return _form(process_id, {})


@blueprint.post("/launch/<process_id>/entry")
@needs_login
def enter(process_id: str) -> str | tuple[str, int] | Answer:
    """Enter it, once for each form that was handed out."""
    process = look(lambda s: launching.may_enter(s, me(), process_id))
    given, owner = fields.answers(process.launch_form, request.form), request.form.get("owner", "")
    try:
        key = uuid(owner)
        if key is None:
            raise Invalid({"owner": [_("请选择提出人。")]})
        location = once({**given, "for": owner}, lambda s: _enter(s, process_id, key, given))
    except late.Tried as tried:
        return _form(process_id, given, tried=tried)
    except Invalid as fault:
        if SENT_TWICE in fault.fields:
            again = _("这张表已经提交过，而内容又有改动。确要另外发起一件，请再次提交。")
            return _form(process_id, given, fault=again), 409
        return _form(process_id, given, fault.fields, fault=_("请按提示修改。")), fault.status
    flash(_("已登记。"))
    return redirect(location, 303)


def _enter(session: Session, process_id: str, owner: UUID, given: dict[str, Any]) -> str:
    seen = request.form.get("seen", "")
    key = late.enter(session, me(), process_id, owner, Entered(given), seen=seen)
    return url_for("matters.matter", instance_id=key)


def _form(
    process_id: str,
    values: object,
    errors: object = None,
    *,
    fault: str = "",
    tried: late.Tried | None = None,
) -> str:
    def read(session: Session) -> tuple[Process, list[tuple[str, str]], Any]:
        process = launching.may_enter(session, me(), process_id)
        people = entries.owners(session, me(), process)
        return process, people, offers(session, me().union_id, process.launch_form, me())

    process, people, offered = look(read)
    return render_template(
        "launch/entry.html",
        process=process,
        people=people,
        offers=offered,
        values=values,
        errors=errors or {},
        fault=fault,
        tried=tried,
        owner=request.form.get("owner", ""),
        once=new_key(),
    )


# --- many, from a table ---------------------------------------------------------------------------
@blueprint.get("/launch/<process_id>/table")
@needs_login
def choose(process_id: str) -> str:
    """Choose a file; or what a worker found in one."""
    trial = uuid(request.args.get("trial", ""))
    if trial is None:
        return _table(process_id)
    rows = look(lambda s: operations.tried(s, me(), process_id, trial))
    return _table(process_id, rows, trial=trial)


@blueprint.post("/launch/<process_id>/table")
@needs_login
def preview(process_id: str) -> str | tuple[str, int] | Answer:
    """Say of each row what it would become; nothing is entered."""
    look(lambda s: launching.may_enter(s, me(), process_id))
    sent = request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise Invalid({"file": [_("请选择一个文件。")]})
        data = sent.stream.read(MAX_SHEET + 1)
        name = sent.filename
        if operations.is_long(data):
            key = carry_out(lambda s: operations.ask_trial(s, me(), process_id, name, data))
            return redirect(url_for("operations.one", operation_id=key), 303)
        rows = entries.preview(carry_out, me(), process_id, name, data)
    except (Conflict, Invalid) as fault:
        return _table(process_id, fault=said(fault.message)), fault.status
    return _table(process_id, rows)


@blueprint.post("/launch/<process_id>/table/confirm")
@needs_login
def confirm(process_id: str) -> str | tuple[str, int] | Answer:
    """Enter the rows of a preview that had no errors, each in its own transaction and once; what
    fails stays and says why.
    """
    look(lambda s: launching.may_enter(s, me(), process_id))
    trial = uuid(request.form.get("trial", ""))
    if trial is not None:
        return _ask(process_id, trial)
    try:
        token = request.form.get("rows", "")
        told = _signer(process_id).loads(token, max_age=KEPT)
    except BadData:
        return _table(process_id, fault=_("预览已过期，请重新选择文件。")), 409
    rows = [Row(**{**each, "owner": UUID(each["owner"])}) for each in told]
    failed = []
    for row in rows:
        try:
            carry_out(partial(entries.enter, actor=me(), process_id=process_id, row=row))
        except Unavailable:
            raise
        except EngineError as fault:
            failed.append(replace(row, errors=(fault.message,)))
    flash(_("已登记 %(n)s 件。", n=len(rows) - len(failed)))
    if failed:
        return _table(process_id, failed), 409
    return redirect(url_for("grid.table", process_id=process_id, state="running"), 303)


def _ask(process_id: str, trial: UUID) -> tuple[str, int] | Answer:
    """Let a worker enter what it found good."""
    try:
        key = carry_out(lambda s: operations.ask_entry(s, me(), trial))
    except Conflict as fault:
        return _table(process_id, fault=said(fault.message)), fault.status
    return redirect(url_for("operations.one", operation_id=key), 303)


def _table(
    process_id: str,
    rows: Sequence[Row] | None = None,
    fault: str = "",
    *,
    trial: UUID | None = None,
) -> str:
    process = look(lambda s: launching.may_enter(s, me(), process_id))
    good = [row for row in rows or () if not row.errors]
    kept = [{**asdict(row), "owner": str(row.owner), "errors": ()} for row in good]
    return render_template(
        "launch/table.html",
        process=process,
        headers=entries.headers(process, said),
        rows=rows,
        good=len(good),
        kept=_signer(process_id).dumps(kept) if good and trial is None else "",
        trial=trial,
        why={row.number: [in_language(each, lang()) for each in row.errors] for row in rows or ()},
        fault=fault,
    )


def _signer(process_id: str) -> URLSafeTimedSerializer:
    """What was looked at is what is entered: signed for this person and this process."""
    secret = current_app.config["SECRET_KEY"]
    return URLSafeTimedSerializer(secret, salt=f"entries:{process_id}:{me().id}")

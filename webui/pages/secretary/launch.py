"""The desk of whoever starts something: which processes are open to me, the form with its draft,
and the start itself.
"""

from __future__ import annotations

import json
import logging
import secrets
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import drafts, edge, late, several
from engine.errors import Conflict, Invalid, NotFound, ProcessFault
from engine.queries import instances as matters
from engine.queries import plans
from engine.queries.launchable import launchable, offers, opening
from webui.http import fields
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang, said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Response

    from engine.db import Session
    from engine.queries.launchable import Launchable

blueprint = Blueprint("launch", __name__)
log = logging.getLogger("yixing.web")
Page = tuple[str, int]


@blueprint.get("/launch")
@needs_login
def index() -> str:
    """The processes that I may start, and what I have begun to write."""
    return render_template(
        "launch/index.html", processes=look(lambda s: launchable(s, me(), lang()))
    )


@blueprint.get("/launch/<process_id>")
@needs_login
def form(process_id: str) -> str:
    """The form of one process, filled with my draft."""
    found = look(lambda s: opening(s, me(), process_id, lang()))
    return _page(found, found.draft)


@blueprint.post("/launch/<process_id>")
@needs_login
def start(process_id: str) -> Page | Response:
    """Start it, once for each form that was handed out."""
    found = look(lambda s: opening(s, me(), process_id, lang()))
    given = fields.answers(found.process.launch_form, request.form)
    try:
        location = once(given, lambda s: _start(s, process_id, given))
    except late.Tried as tried:
        return _page(found, given, tried=tried), 200
    except Invalid as fault:
        if SENT_TWICE in fault.fields:
            again = _("这张表已经提交过，而内容又有改动。确要另外发起一件，请再次提交。")
            return _page(found, given, fault=again), 409
        return _page(found, given, fault.fields, _("请按提示修改。")), fault.status
    except (Conflict, ProcessFault) as fault:
        if isinstance(fault, ProcessFault):
            log.error(
                "launch of %s: %s %s", process_id, fault.message, fault.details, exc_info=fault
            )
        return _page(
            found, given, fault=_("没有发起成功：%(why)s", why=said(fault.message))
        ), fault.status
    flash(_("已发起。"))
    return redirect(location, 303)


def _start(session: Session, process_id: str, given: dict[str, Any]) -> str:
    key = late.launch(session, me(), process_id, given, request.form.get("seen", ""))
    drafts.drop(session, me(), f"launch:{process_id}")
    return url_for("matters.matter", instance_id=key)


def _page(
    found: Launchable,
    given: Mapping[str, Any],
    errors: object = None,
    fault: str = "",
    tried: late.Tried | None = None,
) -> str:
    return render_template(
        "launch/form.html",
        found=found,
        values=given,
        errors=errors or {},
        fault=fault,
        tried=tried,
        once=new_key(),
        plan=look(lambda s: plans.preview(s, me(), found.process.id, given, lang()))
        if found.process.plan
        else None,
        subject=found.subject_field if found.process.confidentiality != "named" else "",
    )


@blueprint.get("/launch/<process_id>/several")
@needs_login
def several_form(process_id: str) -> str:
    """The form of several that belong together: what is said once, then a row for each."""
    return _several(process_id, {})


@blueprint.post("/launch/<process_id>/several")
@needs_login
def start_several(process_id: str) -> str | Page | Response:
    """Start them, all or none, once for each form that was handed out."""
    found = look(lambda s: opening(s, me(), process_id, lang()))
    given = fields.answers(several.form_of(found.process), request.form)
    rows = given.pop(several.ROWS, [])
    try:
        location = once(
            {**given, several.ROWS: rows}, lambda s: _start_several(s, process_id, given, rows)
        )
    except Invalid as fault:
        again = SENT_TWICE in fault.fields
        why = _("这张表已经提交过，而内容又有改动。确要另外发起，请再次提交。")
        told = why if again else _("请按提示修改，一件也没有发起。")
        errors = {} if again else fault.fields
        page = _several(process_id, {**given, several.ROWS: rows}, errors, told)
        return page, 409 if again else fault.status
    flash(_("已发起 %(n)s 件。", n=len(rows)))
    return redirect(location, 303)


def _start_several(
    session: Session, process_id: str, given: dict[str, Any], rows: list[dict[str, str]]
) -> str:
    made = several.launch(session, me(), process_id, given, rows)
    return url_for("matters.matter", instance_id=made[0])


def _several(
    process_id: str, given: Mapping[str, Any], errors: object = None, fault: str = ""
) -> str:
    def read(session: Session) -> tuple[Launchable, Any, Any]:
        found = opening(session, me(), process_id, lang())
        form = several.form_of(found.process)
        return found, form, offers(session, found.union_id, form, me())

    found, form, offered = look(read)
    return render_template(
        "launch/several.html",
        found=found,
        form=form,
        offers=offered,
        values=given,
        errors=errors or {},
        fault=fault,
        once=new_key(),
    )


@blueprint.post("/launch/<process_id>/discard")
@needs_login
def discard(process_id: str) -> Response:
    """Throw my draft away."""
    if not process_id.isidentifier():
        raise NotFound
    carry_out(lambda s: drafts.drop(s, me(), f"launch:{process_id}"))
    flash(_("草稿已删除。"))
    return redirect(url_for("launch.index"), 303)


@blueprint.post("/launch/<process_id>/plan")
@needs_login
def plan(process_id: str) -> str:
    """What is counted back from the day being written, as a piece of the page."""
    found = look(lambda s: opening(s, me(), process_id, lang()))
    given = fields.answers(found.process.launch_form, request.form)
    planned = look(lambda s: plans.preview(s, me(), process_id, given, lang()))
    return render_template("launch/plan.html", plan=planned)


@blueprint.get("/launch/<process_id>/alike")
@needs_login
def alike(process_id: str) -> str:
    """Matters with a title much like the one being typed, as a piece of a page."""
    title = request.args.get("title", "").replace("\0", "")[:200]

    def search(session: Session) -> tuple[matters.Row, ...]:
        found = opening(session, me(), process_id, lang())
        if found.process.confidentiality == "named":  # even a title may say too much
            return ()
        return matters.alike(session, me(), process_id, title, lang=lang())

    return render_template("launch/alike.html", rows=look(search))


# --- a form is carried out once ------------------------------------------------------------------

SENT_TWICE = "Idempotency-Key"


def new_key() -> str:
    """What a form carries so that a double tap does one thing."""
    return secrets.token_urlsafe(18)


def once(given: dict[str, Any], work: Callable[[Session], str]) -> str:
    """Do `work` once for the key in the form; gives the address that it (or the first time) ended
    at.

    Raises Invalid with SENT_TWICE among its fields when the key comes again with other answers.
    """
    key = request.form.get("once", "")
    said = json.dumps(given, sort_keys=True, ensure_ascii=False, default=str)
    digest = edge.request_hash("POST", request.path, said.encode("utf-8", "surrogatepass"))
    reply = carry_out(
        lambda s: edge.once(s, me(), key, digest, lambda: edge.Reply(303, "", work(s)))
    )
    return reply.location

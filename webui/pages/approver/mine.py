"""What I did, and the views of the inbox that I keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import phrases, views
from engine.errors import Invalid
from engine.queries import done as finished
from engine.queries import phrases as kept
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang, said
from webui.pages.approver import walking

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("mine", __name__)


@blueprint.get("/done")
@needs_login
def done() -> str:
    """What I did, newest first, with search."""
    words, after = (request.args.get(key) or None for key in ("words", "after"))
    items, more = look(
        lambda s: finished.done(s, me(), words=words, after=after, limit=60, lang=lang())
    )
    return render_template("inbox/done.html", items=items, more=more, words=words)


@blueprint.post("/views")
@needs_login
def save_view() -> Answer:
    """Keep the filter in the address under a name."""
    wanted = walking.wanted()
    try:
        carry_out(lambda s: views.save(s, me(), request.form.get("name", ""), wanted))
    except Invalid as fault:
        flash(said(fault.message))
    return redirect(url_for("inbox.index", **wanted))


@blueprint.post("/views/drop")
@needs_login
def drop_view() -> Answer:
    """Forget a view."""
    carry_out(lambda s: views.drop(s, me(), request.form.get("name", "")))
    flash(_("视图已删除。"))
    return redirect(url_for("inbox.index"))


@blueprint.get("/phrases")
@needs_login
def list_phrases() -> Response:
    """What I write often, for the fields of a page."""
    return jsonify(look(lambda s: kept.phrases(s, me())))


@blueprint.post("/phrases/<any(keep, drop):what>")
@needs_login
def change_phrase(what: str) -> Response:
    """Keep a phrase or forget it; gives those that I have then."""
    act = phrases.keep if what == "keep" else phrases.drop
    carry_out(lambda s: act(s, me(), request.form.get("text", "")))
    return jsonify(look(lambda s: kept.phrases(s, me())))

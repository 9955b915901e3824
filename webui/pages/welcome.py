"""The page behind an invitation: whoever holds the slip sets a password there and is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import people
from engine.errors import EngineError, Invalid, NotFound, Refused
from webui.http.session import carry_out, enter

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("welcome", __name__)


@blueprint.get("/welcome/<token>")
def page(token: str) -> Answer:
    """Whom the invitation lets in, with the form for a password. Looking uses nothing up."""
    return _page(token, {})


def _page(token: str, faults: dict[str, list[str]], status: int = 200) -> Answer:
    address = request.remote_addr or ""
    try:
        guest = carry_out(lambda s: people.knock(s, token, address)).must()
    except (NotFound, Refused) as fault:
        return _shut(fault)
    shown = render_template("auth/welcome.html", guest=guest, token=token, faults=faults)
    return _unkept(shown, status)


def _shut(fault: EngineError) -> Answer:
    status = 429 if fault.code == "too_many_attempts" else 404
    return _unkept(render_template("auth/not_welcome.html", text=fault.message), status)


def _unkept(shown: str, status: int) -> Answer:
    reply = make_response(shown, status)
    reply.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    reply.headers["Cache-Control"] = "no-store"
    return reply


@blueprint.post("/welcome/<token>")
def come_in(token: str) -> Answer:
    """Set the password and log in; the invitation is used up."""
    chosen, address = request.form.get("password", ""), request.remote_addr or ""
    if chosen != request.form.get("again", ""):
        return _page(token, {"again": [_("两次输入的密码不同。")]}, 422)
    try:
        attempt = carry_out(lambda s: people.come_in(s, token, address, chosen))
        secret, _member = attempt.must()
    except Invalid as fault:
        return _page(token, fault.fields, fault.status)
    except (NotFound, Refused) as fault:
        return _shut(fault)
    enter(secret)
    return redirect(url_for("inbox.index"), 303)

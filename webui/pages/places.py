"""What belongs to the frame of every page: the numbers beside its places, the theme, and the page
that shows all components with their states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, url_for

from engine.queries import inbox
from webui.http.places import THEME, THEMES
from webui.http.session import inside, look, me, needs_login

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("places", __name__)
KEPT = 365 * 24 * 3600  # seconds for which a browser keeps its theme


@blueprint.get("/places/now")
@needs_login
def now() -> Response:
    """How many things wait at the places that count."""
    found = look(lambda s: inbox.inbox(s, me(), limit=1))
    return jsonify(inbox=found.must, publications=found.published)


@blueprint.post("/theme/<code>")
def theme(code: str) -> Answer:
    """Light, dark, or as the system has it, which forgets the choice."""
    answer = redirect(inside(request.form.get("next")) or url_for("inbox.index"))
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    if code in THEMES:
        answer.set_cookie(THEME, code, max_age=KEPT, secure=secure, httponly=True, samesite="Lax")
    else:
        answer.delete_cookie(THEME, secure=secure, httponly=True, samesite="Lax")
    return answer


@blueprint.get("/design")
@needs_login
def design() -> str:
    """All components with their states."""
    return render_template("design.html")

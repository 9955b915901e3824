"""What belongs to the device and not to the person: the installed app, the keys of the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Response,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from webui.http.session import inside, needs_login
from webui.http.words import lang

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("device", __name__)
KEYS = "keys"  # the cookie of a browser whose keyboard does nothing by single letters
KEPT = 365 * 24 * 3600  # seconds for which it is kept
ICONS = ((192, "any"), (512, "any"), (512, "maskable"))  # pixels a side, purpose


@blueprint.record_once
def _of_every_page(state: object) -> None:
    app: Flask = state.app  # type: ignore[attr-defined]  # BlueprintSetupState
    app.context_processor(lambda: {"keys_off": request.cookies.get(KEYS) == "off"})


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """By which a phone or a desktop installs these pages as an app."""
    icons = [
        {
            "src": url_for("static", filename=f"icons/{purpose}-{side}.png"),
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": purpose,
        }
        for side, purpose in ICONS
    ]
    answer = jsonify(
        id=url_for("inbox.index"),
        name=_("议行"),
        short_name=_("议行"),
        description=_("待办、审批与表决"),
        lang="en" if lang() == "en" else "zh-CN",
        start_url=url_for("inbox.index"),
        scope=url_for("inbox.index"),
        display="standalone",
        background_color="#fbfaf7",
        theme_color="#9d1c1f",
        icons=icons,
        shortcuts=[
            {"name": _("待办"), "url": url_for("inbox.index")},
            {"name": _("发起"), "url": url_for("launch.index")},
        ],
    )
    answer.mimetype = "application/manifest+json"
    answer.headers["Cache-Control"] = "private, max-age=3600"
    return answer


@blueprint.get("/worker.js")
def worker() -> Response:
    """The service worker: of the pages only their parts are kept on a device, never a page with
    somebody's matters; what is shown without a network is `offline`.
    """
    made = current_app.send_static_file("worker.js")
    made.direct_passthrough = False
    words = {"OFFLINE": url_for("device.offline"), "STATIC": url_for("static", filename="")}
    text = made.get_data(as_text=True)
    for name, value in words.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return Response(text, content_type="text/javascript; charset=utf-8")


@blueprint.get("/offline")
def offline() -> str:
    """What a device shows in the place of a page that it cannot fetch."""
    return render_template("offline.html")


@blueprint.post("/keys/<code>")
@needs_login
def keys(code: str) -> Answer:
    """Let single letters of the keyboard act in this browser, or "off"."""
    answer = redirect(inside(request.form.get("next")) or url_for("auth.mine"))
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    if code == "off":
        answer.set_cookie(KEYS, code, max_age=KEPT, secure=secure, httponly=True, samesite="Lax")
    else:
        answer.delete_cookie(KEYS, secure=secure, httponly=True, samesite="Lax")
    return answer

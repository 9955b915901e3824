"""Log in, log out, choose a language; in demo mode one click to be each of its people."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from engine.commands import people
from engine.errors import Invalid, NotFound, Refused
from engine.queries import people as roster
from webui.http.sentences import post_title
from webui.http.session import carry_out, enter, look, me, needs_login
from webui.http.words import LANGUAGES
from webui.pages.demo_accounts import TITLES

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("auth", __name__)


@blueprint.get("/login")
def login() -> str:
    """The login page."""
    return render_template(
        "auth/login.html",
        next=_inside(request.args.get("next")),
        demo_users=TITLES.items(),
        fault="",
    )


@blueprint.post("/login")
def do_login() -> Response | tuple[str, int]:
    """Check name and password."""
    username, target = request.form.get("username", ""), _inside(request.form.get("next"))
    try:
        secret = _enter(username, request.form.get("password", ""))
    except Refused as fault:
        page = render_template(
            "auth/login.html",
            next=target,
            demo_users=TITLES.items(),
            fault=fault.message,
            username=username,
        )
        return page, 429 if fault.code == "too_many_attempts" else 403
    enter(secret)
    return redirect(target or url_for("inbox.index"))


def _enter(username: str, password: str) -> str:
    address = request.remote_addr or ""
    attempt = carry_out(
        lambda s: people.log_in(s, username, password, address)
    )  # a failure is committed, so it counts
    return attempt.must()[0]


@blueprint.post("/login/demo/<username>")
def demo(username: str) -> Response:
    """Be one of the demo persons; only in demo mode."""
    if not current_app.config["YIXING"].demo or username not in TITLES:
        raise NotFound
    enter(carry_out(lambda s: people.log_in_demo(s, username)))
    return redirect(url_for("inbox.index"))


@blueprint.post("/logout")
def logout() -> Response:
    """End this login on the server too."""
    secret = session.get("key")
    if secret:
        carry_out(lambda s: people.log_out(s, secret))
    session.clear()
    return redirect(url_for("auth.login"))


@blueprint.post("/language/<code>")
def language(code: str) -> Response:
    """Chinese or English, kept in the cookie."""
    if code in LANGUAGES:
        session["lang"] = code
    return redirect(_inside(request.form.get("next")) or url_for("inbox.index"))


@blueprint.route("/me", methods=["GET", "POST"])
@needs_login
def mine() -> tuple[str, int]:
    """Who I am, which posts I hold, and my password."""
    said, status = "", 200
    faults: dict[str, list[str]] = {}
    if request.method == "POST":
        old, new = request.form.get("old", ""), request.form.get("new", "")
        keep = session.get("key", "")
        try:
            carry_out(lambda s: people.change_own_password(s, me(), old, new, keep=keep)).must()
            said = _("密码已更改。")
        except Invalid as fault:
            faults, status = fault.fields, fault.status
        except Refused as fault:
            faults, status = (
                {"old": [fault.message]},
                429 if fault.code == "too_many_attempts" else fault.status,
            )
    file = look(lambda s: roster.member_file(s, me(), me().id))
    return render_template(
        "auth/me.html", file=file, said=said, faults=faults, post_title=post_title
    ), status


def _inside(target: str | None) -> str:
    """A way back that stays on this site, else nothing."""
    if not target or "\\" in target or any(c in target for c in "\r\n\t"):
        return ""
    parts = urlsplit(target)
    return (
        target
        if not parts.scheme
        and not parts.netloc
        and target.startswith("/")
        and not target.startswith("//")
        else ""
    )

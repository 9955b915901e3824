"""Log in, log out, choose a language; in demo mode one click to be each of its people."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from flask import Blueprint, current_app, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from engine.commands import people
from engine.commands.people import words
from engine.errors import Conflict, Invalid, NotFound, Refused
from engine.queries import people as roster
from webui.http.sentences import post_title
from webui.http.session import carry_out, enter, inside, look, me, needs_login
from webui.http.words import LANGUAGES
from webui.pages.demo_accounts import TITLES

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("auth", __name__)
DEVICE = "device"  # the cookie of a known browser
REMEMBERED = 365 * 24 * 3600  # seconds for which it is known


@blueprint.get("/login")
def login() -> str:
    """The login page."""
    return render_template(
        "auth/login.html",
        next=inside(request.args.get("next")),
        demo_users=TITLES.items(),
        fault="",
        ended=request.args.get("ended"),
        again=request.args.get("again"),
    )


@blueprint.post("/login")
def do_login() -> Response | tuple[str, int]:
    """Check name and password."""
    username, target = request.form.get("username", ""), inside(request.form.get("next"))
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
    return _remember(username, redirect(target or url_for("inbox.index")))


def _enter(username: str, password: str) -> str:
    address, device = request.remote_addr or "", _device(username)
    attempt = carry_out(
        lambda s: people.log_in(s, username, password, address, device)
    )  # a failure is committed, so it counts
    return attempt.must()[0]


def _device(username: str) -> str:
    """What this browser was given when this name logged in on it before; strangers cannot lock
    it out.
    """
    device, _dot, seal = request.cookies.get(DEVICE, "").partition(".")
    known = seal.isascii() and hmac.compare_digest(seal, _seal(username, device))
    return device if known else ""


def _seal(username: str, device: str) -> str:
    """Proves that we gave this device for this name."""
    said = f"{DEVICE}:{words.login_name(username)}:{device}"
    key = str(current_app.secret_key).encode()
    return hmac.new(key, said.encode("utf-8", "replace"), "sha256").hexdigest()


def _remember(username: str, answer: Response) -> Response:
    """Let the browser be known for this name."""
    device = _device(username) or secrets.token_urlsafe(16)
    answer.set_cookie(
        DEVICE,
        f"{device}.{_seal(username, device)}",
        max_age=REMEMBERED,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
        path=url_for("auth.login"),
    )
    return answer


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
    return redirect(inside(request.form.get("next")) or url_for("inbox.index"))


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
            said, g.must_change = _("密码已更改。"), False
        except Invalid as fault:
            faults, status = fault.fields, fault.status
        except Refused as fault:
            faults, status = (
                {"old": [fault.message]},
                429 if fault.code == "too_many_attempts" else fault.status,
            )
    file = look(lambda s: roster.member_file(s, me(), me().id))
    return render_template(
        "auth/me.html",
        file=file,
        said=said,
        faults=faults,
        post_title=post_title,
        must_change=g.get("must_change", False),
    ), status


@blueprint.post("/me/tokens")
@needs_login
def add_token() -> tuple[str, int]:
    """A new token, shown this once."""
    name, days = request.form.get("name", ""), request.form.get("days", "")
    wanted = int(days) if days.isdigit() and len(days) < 5 else 0
    plain, faults, status = "", dict[str, list[str]](), 200
    try:
        plain = carry_out(lambda s: people.create_token(s, me(), me().id, name, wanted))
    except (Invalid, Conflict) as fault:
        faults, status = getattr(fault, "fields", {"name": [fault.message]}), fault.status
    file = look(lambda s: roster.member_file(s, me(), me().id))
    return render_template(
        "auth/me.html", file=file, plain=plain, faults=faults, post_title=post_title
    ), status


@blueprint.post("/me/tokens/<token_id>/end")
@needs_login
def end_token(token_id: str) -> Response:
    """End a token of one's own."""
    carry_out(lambda s: people.end_token(s, me(), token_id))
    return redirect(url_for("auth.mine"))

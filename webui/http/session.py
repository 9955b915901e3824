"""Who is here, and the two doors into the engine that a page uses: `look` to read, `carry_out` to change."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from flask import current_app, g, redirect, request, session, url_for

from engine import db
from engine.commands import edge, people
from engine.errors import NotFound
from engine.people import organisation

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.wrappers import Response

    from engine.db import Session
    from engine.people.organisation import Actor

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any]")


def init_app(app: Flask) -> None:
    """Load the person behind the cookie before each page."""
    app.before_request(_recognise)
    app.context_processor(lambda: {"me": g.get("actor"), "demo": app.config["YIXING"].demo})


def _recognise() -> None:
    g.actor = None
    secret = session.get("key")
    if not secret or request.endpoint in ("static", None) or request.path.startswith("/api/"):
        return
    with db.transaction(current_app.extensions["engine"]) as found:
        member_id = people.session_of(found, secret)
        if member_id is None:
            session.clear()
            return
        try:
            g.actor = organisation.actor(found, member_id)
        except NotFound:  # switched off since
            session.clear()


def enter(secret: str) -> None:
    """Put a new login into a fresh cookie, so that nobody keeps an older one."""
    language = session.get("lang")
    session.clear()
    session["key"] = secret
    session.permanent = False
    if language:
        session["lang"] = language


def me() -> Actor:
    """The person who is logged in. Raises NotFound when nobody is (pages use `needs_login`)."""
    if g.get("actor") is None:
        raise NotFound
    found: Actor = g.actor
    return found


def needs_login(view: F) -> F:
    """Send whoever is not logged in to the login page, and back afterwards."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if g.get("actor") is None:
            return to_login()
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def to_login() -> Response:
    """The way to the login page and back."""
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=back))


def look(work: Callable[[Session], T]) -> T:
    """Read in one transaction."""
    with db.transaction(current_app.extensions["engine"]) as found:
        return work(found)


def carry_out(work: Callable[[Session], T]) -> T:
    """Change in one transaction; refusals are put on record."""
    return edge.carry_out(current_app.extensions["engine"], g.get("actor"), work)


def uuid(text: str | None) -> UUID | None:
    """A UUID from a query string, or None when there is none. Raises NotFound for anything else."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None

"""Who is here, and the two doors into the engine that a page uses: `look` to read, `carry_out` to
change.

A request reads in one transaction and writes in one. The first ends before the second begins, so
that a request holds one connection at a time and never waits for itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app, g, redirect, request, session, url_for

from engine import db
from engine.commands import edge, people
from engine.db import apart
from engine.errors import LoggedOut, NotFound
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from flask import Flask
    from werkzeug.wrappers import Response

    from engine.db import Session
    from engine.people.organisation import Actor

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any]")


OWN_PAGE = "auth.mine"  # where a password is changed: until then nothing else


def init_app(app: Flask) -> None:
    """Load the person behind the cookie before each page."""
    app.before_request(_right_clock)
    app.before_request(_recognise)
    app.teardown_request(_end_reading)
    app.context_processor(_of_every_page)


def _of_every_page() -> dict[str, Any]:
    """What every page may say: who is here, and which desks they keep."""
    actor = g.get("actor")
    return {
        "me": actor,
        "demo": current_app.config["YIXING"].demo,
        "keeps": lambda *desks: bool(actor and access.desk_unions(actor, *desks)),
    }


# what is answered without the database, the page that tells of its absence included
NO_DATABASE = frozenset(
    {None, "static", "health.alive", "health.ready", "api.openapi"}
    | {"device.manifest", "device.worker", "device.offline"}
)
CLOCK_EVERY = 10  # seconds between two looks at the clock of the database


def _right_clock() -> None:
    """Nothing is answered while this clock is not the database's. Raises Unavailable."""
    if request.endpoint in NO_DATABASE:
        return
    looked = current_app.extensions.setdefault("clock", {"at": 0.0})
    if time.monotonic() - looked["at"] < CLOCK_EVERY:
        return
    look(apart.check)
    looked["at"] = time.monotonic()


def _recognise() -> None:
    g.actor = None
    secret = session.get("key")
    nobody = request.endpoint in NO_DATABASE or request.blueprint == "health"
    if not secret or nobody or request.path.startswith("/api/"):
        return
    login = look(lambda s: people.session_of(s, secret))
    if login is None:  # ended, or its owner was switched off since
        language = session.get("lang")
        session.clear()
        if language:
            session["lang"] = language
        return
    g.actor = login.actor
    g.must_change = login.must_change
    if login.stale:
        g.touch = secret


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
    """Send whoever is not logged in to the login page, and back afterwards; a script gets 401.

    Whoever has a password that another set goes nowhere before it is changed.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if g.get("actor") is None:
            return logged_out()
        if g.get("must_change") and request.endpoint != OWN_PAGE:
            return redirect(url_for(OWN_PAGE))
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def logged_out() -> Response:
    """What is answered to a request that needs a login and has none, or none any more."""
    if wants_json():
        raise LoggedOut
    return to_login()


def to_login() -> Response:
    """The way to the login page and back to the page that was being filled in."""
    if request.method == "GET":
        return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))
    return redirect(url_for("auth.login", next=came_from(), ended=1), 303)


def came_from() -> str | None:
    """The page of ours from which this request came; None when it does not say."""
    parts = urlsplit(request.referrer or "")
    return f"{parts.path}?{parts.query}".rstrip("?") if parts.path else None


def inside(target: str | None) -> str:
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


def wants_json() -> bool:
    """Programs get problem+json: whatever comes to the API, and scripts of our own pages."""
    return request.path.startswith("/api/") or request.headers.get("X-Requested-With") == "yixing"


@dataclass(frozen=True)
class _Reading:
    """The transaction in which this request reads; `frame` ends it."""

    frame: AbstractContextManager[Session]
    session: Session


def look(work: Callable[[Session], T]) -> T:
    """Read in the request's transaction for reading. An error ends it; what is read afterwards
    begins another.
    """
    reading = g.get("reading") or _begin_reading()
    try:
        return work(reading.session)
    except BaseException as fault:
        g.reading = None
        reading.frame.__exit__(type(fault), fault, fault.__traceback__)
        raise


def _begin_reading() -> _Reading:
    frame = db.transaction(current_app.extensions["engine"])
    reading = g.reading = _Reading(frame, frame.__enter__())
    return reading


def _end_reading(_fault: BaseException | None = None) -> None:
    """End the transaction for reading. That the login was used is noted last: its row stays locked
    for no time at all.
    """
    secret = g.pop("touch", None)
    if secret:
        look(lambda s: people.touch(s, secret))
    reading = g.pop("reading", None)
    if reading:
        reading.frame.__exit__(None, None, None)


def carry_out(work: Callable[[Session], T]) -> T:
    """Change in one transaction, of its own; refusals are put on record."""
    _end_reading()
    return edge.carry_out(current_app.extensions["engine"], g.get("actor"), work)


def uuid(text: str | None) -> UUID | None:
    """A UUID from a query string, or None when there is none. Raises NotFound for anything else."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None

"""The web UI: pages, REST API and command line. It enters the engine by two doors, commands and
queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from engine import db, settings
from engine.db import shared
from webui.http import delivery, proxies

if TYPE_CHECKING:
    from engine.settings import Settings

csrf = delivery.MaskedTokens()
MAX_BODY = 1024 * 1024  # uploads raise it for their own route


def create_app(given: Settings | None = None) -> Flask:
    """The application of one process. Without settings they are read from the environment."""
    own = given or settings.load()
    app, engine = Flask(__name__), db.connect_web(own)
    app.config.update(
        SECRET_KEY=shared.at_start(engine, own).secret,
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        MAX_FORM_PARTS=2000,
        SESSION_COOKIE_NAME="__Host-yixing" if own.by_https else "yixing",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=own.secure_cookies or own.by_https,
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE="zh",
        YIXING=own,
    )
    proxies.init_app(app, own)
    if own.trusted_proxies:
        hops = own.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    app.extensions["engine"] = engine
    delivery.init_app(app)
    csrf.init_app(app)

    from webui import pages
    from webui.http import errors, places, session, words

    words.init_app(app)
    session.init_app(app)
    places.init_app(app)
    errors.init_app(app)
    pages.init_app(app)
    return app

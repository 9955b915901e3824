"""One application a process, put on the database of each test: to build it takes longer than most of them.

Where a test needs two at a time, routes of its own or other settings of cookies, it builds its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import webui
from engine.commands.people.logins import open_login
from engine.db import shared
from engine.settings import ROOT, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Engine

    from tests.journeys.university import University

_built: dict[str, tuple[Flask, dict[str, Any]]] = {}  # with its configuration, by its given secret


def on(settings: Settings, engine: Engine) -> Flask:
    """The application as it stands after being built, on this database. Ends what the former test set."""
    if settings.secret_key not in _built:
        made = webui.create_app(settings)
        _built[settings.secret_key] = made, dict(made.config)
    app, config = _built[settings.secret_key]
    app.config.clear()
    app.config.update(config, YIXING=settings, SECRET_KEY=shared.at_start(engine, settings).secret)
    app.wsgi_app.said = False  # type: ignore[attr-defined]
    app.extensions["engine"] = engine
    return app


def of(town: University, url: str, home: Path) -> Flask:
    """An application for this university alone."""
    made = webui.create_app(Settings(home=home, database_url=url, processes=ROOT / "processes"))
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    made.extensions["engine"] = town.engine
    return made


def logged_in(app: Flask, town: University, who: str) -> FlaskClient:
    """The browser of somebody there, who has logged in."""
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["key"] = town.look(who, lambda s, actor: open_login(s, actor.id))
    return browser

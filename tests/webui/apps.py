"""One application a process, put on the database of each test: to build it takes longer than most of them.

Where a test needs two at a time, routes of its own or other settings of cookies, it builds its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import webui
from engine.db import shared

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Engine

    from engine.settings import Settings

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

"""Every blueprint, in one list."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

BLUEPRINTS = (
    "auth",
    "inbox",
    "polls",
    "ballots",
    "meetings",
    "matters",
    "confidence",
    "outside",
    "launch",
    "files",
    "audit",
    "people",
    "definitions",
    "rules",
    "tables",
    "health",
)


def init_app(app: Flask) -> None:
    """Register the pages and the API."""
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"webui.{name}").blueprint)
    import_module("webui.api").init_app(app)

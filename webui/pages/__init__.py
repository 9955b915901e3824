"""Every blueprint, in one list."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from webui.http import sentences, words

if TYPE_CHECKING:
    from flask import Flask

BLUEPRINTS = (
    "auth",
    "welcome",
    "places",
    "device",
    "notices",
    "approver.inbox",
    "approver.queued",
    "approver.mine",
    "approver.together",
    "approver.verbs",
    "approver.asks",
    "approver.copies",
    "approver.provisos",
    "approver.deputies",
    "approver.polls",
    "approver.ballots",
    "approver.publications",
    "secretary.meetings",
    "secretary.matters",
    "secretary.grid",
    "secretary.indicators",
    "secretary.ledger",
    "secretary.starts",
    "secretary.confidence",
    "approver.outside",
    "secretary.launch",
    "secretary.entries",
    "secretary.despatch",
    "secretary.retention",
    "files",
    "operations",
    "auditor",
    "administrator.people",
    "author.definitions",
    "administrator.rules",
    "administrator.proposals",
    "author.own_versions",
    "author.tables",
    "health",
)


def init_app(app: Flask) -> None:
    """Register the pages and the API."""
    app.jinja_env.filters["place"] = words.for_reader(sentences.place)
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"webui.pages.{name}").blueprint)
    import_module("webui.api").init_app(app)

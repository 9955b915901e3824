"""The REST API under /api/v1: for programs, with a token. Everything that a page can do, it
can.

One function per route; what a route takes and gives are marshmallow schemas, from which the
OpenAPI document is made.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from flask_smorest import Api as Smorest
from werkzeug.exceptions import MethodNotAllowed

from webui import csrf
from webui.api.edge import BASE
from webui.api.schemas import Problem

if TYPE_CHECKING:
    from flask import Flask

GROUPS = (
    "instances",
    "tasks",
    "comments",
    "notices",
    "asks",
    "copies",
    "provisos",
    "deputies",
    "meetings",
    "polls",
    "ballots",
    "paper_ballots",
    "publications",
    "definitions",
    "rules",
    "proposals",
    "tables",
    "people",
    "invitations",
    "units",
    "imports",
    "operations",
    "succession",
    "own_versions",
    "files",
    "despatch",
    "search",
    "answers",
    "grids",
    "side_by_side",
    "plans",
    "starts",
    "ledgers",
    "audit",
)
ABOUT = """
Send the token that `yixing token USERNAME` prints as `Authorization: Bearer …`. Errors are `application/problem+json`.
Lists are `{"items": […], "next": cursor}`; hand `next` back in as `after`. Calls that change something take an
`Idempotency-Key`. `Accept-Language: en` gives titles in English. What is not yours to see does not exist (404).
An act that its form dates on an earlier day is not done at once: the answer is 409 `late_entry` with what would follow
(`consequences`) and `seen`; the same request with `seen` in its body does it.
"""


class Api(Smorest):  # type: ignore[misc]
    """flask-smorest for routes and documentation; errors are answered by webui.errors alone."""

    ERROR_SCHEMA = Problem
    DEFAULT_ERROR_RESPONSE_NAME = "DEFAULT_ERROR"

    def _register_error_handlers(self) -> None:
        """None: the handlers of the application answer."""


def init_app(app: Flask) -> None:
    """Register all groups of routes and the document that describes them."""
    app.config.update(API_TITLE="Yixing", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    api = Api(
        app,
        spec_kwargs={
            "info": {
                "description": ABOUT.strip(),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "security": [{"token": []}],
            "servers": [{"url": "/"}],
        },
    )
    for name in GROUPS:
        routes = import_module(f"webui.api.{name}").routes
        api.register_blueprint(routes)
        csrf.exempt(routes)
    app.register_blueprint(_document(api))
    api.spec.path(
        rule=next(app.url_map.iter_rules("api.openapi")),
        operations={
            "get": {
                "operationId": "openapi.get",
                "summary": "This document.",
                "security": [],
                "tags": ["openapi"],
                "responses": {
                    "200": {
                        "description": "OK",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    }
                },
            }
        },
    )
    app.after_request(_allow)


def _document(api: Api) -> Blueprint:
    """The OpenAPI document, open to everybody, made when first asked for."""
    blueprint = Blueprint("api", __name__, url_prefix=BASE)
    kept: dict[str, str] = {}

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        if not kept:
            kept["text"] = json.dumps(problems(api.spec.to_dict()), ensure_ascii=False)
        return Response(kept["text"], content_type="application/json")

    return blueprint


def problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document with errors under the media type that they have."""
    for response in document["components"].get("responses", {}).values():
        content = response.get("content", {})
        if "application/json" in content:
            content["application/problem+json"] = content.pop("application/json")
    return document


def _allow(response: Response) -> Response:
    """Say which methods a path knows, as RFC 9110 asks for."""
    fault = request.routing_exception
    if (
        response.status_code == 405
        and isinstance(fault, MethodNotAllowed)
        and request.path.startswith(BASE)
    ):
        response.headers["Allow"] = ", ".join(sorted(fault.valid_methods or ()))
    return response

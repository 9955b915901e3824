"""For whoever runs the product: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify

from engine.queries import health
from webui.http.session import look

if TYPE_CHECKING:
    from flask import Response as Answer

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Answer:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> Answer:
    """The database answers and its schema is the one that this version wants."""
    found = look(health.ready)
    response = jsonify(status="ok" if not found else "not ready", faults=found)
    response.status_code = 503 if found else 200
    return response


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text."""
    return Response(look(health.metrics), content_type="text/plain; version=0.0.4; charset=utf-8")

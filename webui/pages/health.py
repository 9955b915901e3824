"""For whoever runs the product: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, jsonify

from engine.errors import EngineError
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
    """Database, schema, workers, key, clock and disk are as they must be; JSON whatever is the matter."""
    own = current_app.config["YIXING"]
    try:
        found = look(lambda session: health.ready(session, own))
    except EngineError as fault:
        found = health.unreachable(own, type(fault.__cause__ or fault).__name__)
    faults = found.faults
    response = jsonify(status="not ready" if faults else "ok", faults=faults, checks=found.checks)
    response.status_code = 503 if faults else 200
    return response


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text."""
    return Response(look(health.metrics), content_type="text/plain; version=0.0.4; charset=utf-8")

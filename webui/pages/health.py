"""For whoever runs the product: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, jsonify, request

from engine.errors import EngineError, NotFound
from engine.queries import health
from webui.http.session import look

if TYPE_CHECKING:
    from flask import Response as Answer

    from engine.settings import Settings

blueprint = Blueprint("health", __name__)
_FORWARDED = {"forwarded", "x-forwarded-for", "x-real-ip"}


@blueprint.get("/healthz")
def alive() -> Answer:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> Answer:
    """Database, schema, workers, key, clock and disk are as they must be; JSON whatever is the
    matter.
    """
    own = current_app.config["YIXING"]
    try:
        found = look(lambda session: health.ready(session, own))
    except EngineError as fault:
        found = health.unreachable(own, type(fault.__cause__ or fault).__name__)
    faults = found.faults
    status = "not ready" if faults else "ok"
    response = jsonify(status=status, faults=faults, notes=found.notes, checks=found.checks)
    response.status_code = 503 if faults else 200
    return response


def _may_watch() -> bool:
    """Does the request come from here or from a network named? What a proxy hands on comes from
    nowhere here.
    """
    own: Settings = current_app.config["YIXING"]
    handed_on = not own.trusted_proxies and _FORWARDED & set(request.headers.keys(lower=True))
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    named = any(address in network for network in own.metrics)
    return named or (address.is_loopback and not handed_on)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text; for this machine, and for the networks that YIXING_METRICS names."""
    if not _may_watch():
        raise NotFound
    return Response(look(health.metrics), content_type="text/plain; version=0.0.4; charset=utf-8")

"""Every error as a page for people and as problem+json for programs, with the same words."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from flask import (
    Response,
    current_app,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from engine.commands import late
from engine.errors import EngineError, Invalid, LoggedOut
from webui.http import delivery, proxies
from webui.http.session import came_from, to_login, wants_json
from webui.http.words import said

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("yixing.web")


def init_app(app: Flask) -> None:
    """Register the handlers and the headers that every answer carries."""
    app.register_error_handler(EngineError, engine_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(CSRFError, expired)
    app.after_request(headers)


def expired(_fault: CSRFError) -> Response:
    """A form whose login has ended, or that another login of this browser has overtaken."""
    if request.endpoint == "auth.do_login" and not session.get("key") and not wants_json():
        return redirect(url_for("auth.login", again=1), 303)  # type: ignore[return-value]
    if not session.get("key") and request.blueprint not in ("auth", "outside"):
        if wants_json():
            return engine_error(LoggedOut())
        return to_login()  # type: ignore[return-value]
    elsewhere = proxies.elsewhere()
    if elsewhere:
        words = _("本系统的网址是 %(address)s，请从那里打开后再提交。", address=elsewhere)
        return answer(400, "address", words)
    return answer(400, "csrf", _("页面已过期，请刷新后再提交。"))


def engine_error(fault: EngineError) -> Response:
    """An error of the engine; those of the process or the history are logged."""
    if fault.status >= 500:
        log.error(
            "%s %s: %s %s",
            request.method,
            request.path,
            fault.message,
            fault.details,
            exc_info=fault,
        )
    fields = fault.fields if isinstance(fault, Invalid) else None
    return answer(fault.status, fault.code, fault.message, fields, _members(fault))


def _members(fault: EngineError) -> dict[str, Any]:
    """What a problem says beyond its words (RFC 9457, extension members)."""
    if not isinstance(fault, late.Tried):
        return {}
    told = [said(words) for words in fault.consequences]
    return {"day": fault.day, "seen": fault.seen, "consequences": told}


def http_error(fault: HTTPException) -> Response:
    """What Flask itself refuses."""
    if fault.response is not None:
        return fault.get_response()  # type: ignore[return-value]
    status = fault.code or 500
    by_page = wants_json() and not request.path.startswith("/api/")  # programs have no session
    if status == 413 and by_page and not session.get("key"):
        return engine_error(
            LoggedOut()
        )  # the larger bound of uploads is for those who are logged in
    words = {
        400: _("这个请求不完整，或者格式不对。"),
        404: _("没有找到这个页面。"),
        405: _("不支持这种操作。"),
        413: _("内容过大。"),
        415: _("不接受这种格式的内容。"),
        429: _("请求过于频繁，请稍后再试。"),
    }
    other = (
        _("这个请求办不了。")
        if status < 500
        else _("系统出了意外，已经记录；没有办成的，请稍后再试。")
    )
    response = answer(status, "http", words.get(status, other))
    if isinstance(fault, MethodNotAllowed) and fault.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(fault.valid_methods))
    return response


def answer(
    status: int,
    code: str,
    text: str,
    fields: dict[str, list[str]] | None = None,
    members: dict[str, Any] | None = None,
) -> Response:
    """The error in the shape and in the language that were asked for."""
    text, fields = (
        said(text),
        {key: [said(m) for m in messages] for key, messages in (fields or {}).items()},
    )
    if wants_json():
        body: dict[str, Any] = {
            "type": f"urn:yixing:error:{code}",
            "title": text,
            "status": status,
            "detail": text,
            "code": code,
        }
        if fields:
            body["errors"] = fields
        body |= members or {}
        return Response(
            json.dumps(body, ensure_ascii=False), status, content_type="application/problem+json"
        )
    page = render_template(
        "error.html", status=status, code=code, text=text, fields=fields, back=_back()
    )
    return Response(page, status, content_type="text/html; charset=utf-8")


def _back() -> str | None:
    """The page with the form that was not taken."""
    return came_from() if request.method == "POST" and request.path != "/login" else None


HSTS = "max-age=31536000"  # a year of https only, for this host
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def headers(response: Response) -> Response:
    """Security headers; pages of a person are not kept by caches."""
    response.headers.setdefault("Content-Security-Policy", CSP)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if current_app.config["YIXING"].by_https:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    if request.endpoint == "static":
        delivery.caching(response)
    else:
        response.headers.setdefault(
            "Cache-Control",
            "no-store" if g.get("actor") or request.path.startswith("/api/") else "no-cache",
        )
    return response

"""Answers from outside: the link that a union sends, and the page behind it, which knows no login
and keeps nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flask import Blueprint, current_app, make_response, render_template, request, url_for
from flask_babel import gettext as _

from engine import clock
from engine.commands import edge, late, outside
from engine.errors import Conflict, EngineError, Invalid, NotFound, Refused
from engine.queries import outside as reading
from engine.queries import tasks
from webui import csrf
from webui.http import fields
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang
from webui.pages.files import pdf, to_save

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask import Response

    from engine.db import Session

blueprint = Blueprint("outside", __name__)
T = TypeVar("T")


# --- the sender ----------------------------------------------------------------------------------
@blueprint.post("/tasks/<uuid:task_id>/links")
@needs_login
def invite(task_id: UUID) -> tuple[str, int]:
    """Make a link for somebody outside; it is shown once, here."""
    found = look(lambda s: tasks.task(s, me(), task_id, lang()))
    to, link, faults, status = request.form.get("to", ""), "", {}, 200
    try:
        token = carry_out(lambda s: outside.invite(s, me(), task_id, to))
        link = address(token)
        found = look(lambda s: tasks.task(s, me(), task_id, lang()))
    except Invalid as fault:
        faults, status = fault.fields, fault.status
    except Conflict as fault:
        faults, status = {"to": [fault.message]}, fault.status
    page = render_template(
        "outside/link.html",
        task=found,
        to=to.strip(),
        link=link,
        faults=faults,
        until=clock.now() + outside.VALID,
    )
    return page, status


def address(token: str) -> str:
    """The whole address of a link."""
    return url_for("outside.letter", token=token, _external=True)


# --- whoever was sent it -------------------------------------------------------------------------
def _open(token: str) -> EngineError | None:
    """What keeps the link shut. Nobody is logged in here, even if the browser is."""
    return _work(lambda s: outside.knock(s, token, request.remote_addr or ""))


def _work(work: Callable[[Session], T]) -> T:
    return edge.carry_out(current_app.extensions["engine"], None, work)


def _shut(fault: EngineError) -> Response:
    status = 429 if fault.code == "too_many_attempts" else 404
    return _sealed(render_template("outside/gone.html", text=fault.message), status)


def _sealed(page: str, status: int = 200) -> Response:
    """A page that no search engine, cache or other site gets to know of."""
    reply = make_response(page, status)
    reply.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    reply.headers["Referrer-Policy"] = "no-referrer"
    reply.headers["Cache-Control"] = "no-store"
    return reply


@blueprint.get("/outside/<token>")
def letter(token: str) -> Response:
    """What the union asks, with the form. No login."""
    if fault := _open(token):
        return _shut(fault)
    _work(lambda s: outside.note_reading(s, token))
    return _letter(token, {}, {}, {})


def _letter(
    token: str,
    values: object,
    who: object,
    errors: object,
    *,
    fault: str = "",
    status: int = 200,
    tried: late.Tried | None = None,
) -> Response:
    found = look(lambda s: reading.letter(s, token, lang()))
    page = render_template(
        "outside/letter.html",
        letter=found,
        token=token,
        values=values,
        who=who,
        errors=errors,
        fault=fault,
        tried=tried,
    )
    return _sealed(page, status)


@blueprint.post("/outside/<token>")
def answer(token: str) -> Response:
    """Answer, once; the receipt is shown at once. The link itself is the secret, so there is no
    cookie to protect.
    """
    if fault := _open(token):
        return _shut(fault)
    found = look(lambda s: reading.letter(s, token, lang()))
    given, who = (
        fields.answers(found.form, request.form),
        {key: request.form.get(key, "") for key in outside.WHO},
    )

    def work(session: Session) -> reading.Receipt:
        reply = outside.take_up(session, token, who)
        done = late.answer(reply, given, request.form.get("seen", ""))
        return reading.receipt(session, done, lang())

    try:
        receipt = _work(work)
    except NotFound as shut:
        return _shut(shut)
    except late.Tried as tried:
        return _letter(token, given, who, errors={}, tried=tried)
    except Invalid as wrong:
        return _letter(
            token, given, who, errors=wrong.fields, fault=_("请按提示修改。"), status=wrong.status
        )
    except (Refused, Conflict) as wrong:
        return _letter(token, given, who, errors={}, fault=wrong.message, status=wrong.status)
    return _sealed(
        render_template("outside/receipt.html", receipt=receipt, who=who, title=found.title)
    )


csrf.exempt(answer)


@blueprint.get("/outside/<token>/documents/<uuid:document_id>")
def document(token: str, document_id: UUID) -> Response:
    """A document that goes along with the letter."""
    if fault := _open(token):
        return _shut(fault)
    try:
        reply = pdf(*look(lambda s: reading.document(s, token, document_id)))
        _work(lambda s: outside.note_reading(s, token, document_id))
    except NotFound as shut:
        return _shut(shut)
    reply.headers["X-Robots-Tag"] = "noindex"
    return reply


@blueprint.get("/outside/<token>/files/<uuid:attachment_id>")
def file(token: str, attachment_id: UUID) -> Response:
    """An uploaded file that goes along with the letter, always to be saved."""
    if fault := _open(token):
        return _shut(fault)
    try:
        name, media_type, data = look(lambda s: reading.file(s, token, attachment_id))
        _work(lambda s: outside.note_reading(s, token, attachment_id))
    except NotFound as shut:
        return _shut(shut)
    reply = to_save(name, data, media_type)
    reply.headers["X-Robots-Tag"] = "noindex"
    return reply

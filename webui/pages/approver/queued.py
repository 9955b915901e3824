"""A decision that was made without a network, and is sent when there is one again: done once by its
key, and only on what its person had before them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, request
from flask_babel import gettext as _

from engine.commands import edge, holding, late, tasks
from engine.errors import Conflict
from engine.instance import shown, stand
from webui.http import fields
from webui.http.session import carry_out, me, needs_login

if TYPE_CHECKING:
    from uuid import UUID

    from engine.db import Session

blueprint = Blueprint("queued", __name__)


@blueprint.post("/tasks/<uuid:task_id>/queued")
@needs_login
def act(task_id: UUID) -> Response:
    """Do it, or say why not: with `key`, by which it is done once, and `as_of`, what the card
    showed.
    """
    key, as_of = request.form.get("key", ""), request.form.get("as_of", "")
    body = f"{task_id}\n{as_of}\n".encode() + json.dumps(_given()).encode()
    sent = edge.request_hash(request.method, request.path, body)

    def work(session: Session) -> edge.Reply:
        return edge.once(session, me(), key, sent, lambda: _do(session, task_id, as_of))

    try:
        done = carry_out(work)
    except late.Tried:
        why = _("办理的日期早于今天，要先看由此产生的后果：请打开办理。")
        raise Conflict(why, code="late_entry") from None
    return Response(done.body, done.status, content_type="application/json")


def _given() -> dict[str, list[str]]:
    """The answers as they were sent. The token of the form is another each time."""
    return {k: v for k, v in sorted(request.form.lists()) if k.startswith("f.")}


def _do(session: Session, task_id: UUID, as_of: str) -> edge.Reply:
    held = tasks.open_task(session, me(), task_id, None)
    if shown.mark(held.work.row, held.task) != as_of:
        why = _("您决定以后，事项、内容或期限有了变化：请打开看过再办。")
        raise Conflict(why, code="changed")
    held = replace(held, saw=stand.saw(request.form.get("saw", "")))
    given = fields.answers(held.rule.form, request.form)
    until = holding.submit(held, given, "", seconds=current_app.config["YIXING"].undo)
    told = {"done": True, "until": until.isoformat() if until else None}
    return edge.Reply(200, json.dumps(told))

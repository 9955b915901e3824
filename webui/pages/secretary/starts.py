"""What the calendar starts: what it could not and why, what comes, what was."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import starts as commands
from engine.db.states import StartState
from engine.db.words import STATES
from engine.errors import Conflict, Invalid
from engine.people import access
from engine.queries import starts
from engine.queries.words import Named
from webui.http.sentences import post_title
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session

blueprint = Blueprint("starts", __name__)


@blueprint.get("/starts")
@needs_login
def index(fault: str = "", of: UUID | None = None) -> str:
    """All of the unions whose desk one keeps, with a fault of what was just said about one."""

    def read(session: Session) -> tuple[tuple[starts.Start, ...], Mapping[str, str]]:
        found = starts.starts(session, me())
        return found, Named.of(session, [str(each.union_id) for each in found]).names

    found, names = look(read)
    return render_template(
        "starts/index.html",
        found=found,
        names=names,
        several=len({each.union_id for each in found}) > 1,
        post_title=post_title,
        states=states(),
        may_drop={
            u for u in {each.union_id for each in found} if access.may(me(), "drop_start", u)
        },
        fault=fault,
        of=of,
    )


@blueprint.post("/starts/<uuid:start_id>/drop")
@needs_login
def drop(start_id: UUID) -> tuple[str, int] | Answer:
    """Say that nothing has to be started any more."""
    reason = request.form.get("reason", "")
    try:
        carry_out(lambda s: commands.drop(s, me(), start_id, reason))
    except (Invalid, Conflict) as refusal:
        wrong = refusal.fields["reason"][0] if isinstance(refusal, Invalid) else refusal.message
        return index(wrong, start_id), 422 if isinstance(refusal, Invalid) else 409
    flash(_("已写明不再由日历发起。"))
    return redirect(url_for("starts.index"), 303)


def states() -> Mapping[str, str]:
    """The states of a start in words."""
    known = {key: said(words) for key, words in STATES[StartState].items()}
    return {**known, starts.COMING: _("将发起")}

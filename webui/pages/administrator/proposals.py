"""What takes two people: the list of what waits, and the second person's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import deciding
from engine.commands import definitions as versions
from engine.errors import Invalid
from engine.queries import proposals as reading
from webui.http.session import carry_out, look, me, needs_login

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("proposals", __name__)


@blueprint.get("/proposals")
@needs_login
def index() -> str:
    """What waits for a second person."""
    return render_template("proposals/index.html", waiting=look(lambda s: reading.waiting(s, me())))


@blueprint.post("/proposals/<uuid:proposal_id>/decide")
@needs_login
def decide(proposal_id: UUID) -> Answer:
    """Approve a proposal, which carries it out, or refuse it; or take back one's own."""
    decision = request.form.get("decision")
    if decision not in ("approve", "refuse", "take_back"):
        raise Invalid({"decision": [_("请选择批准或不批准。")]})
    if decision == "take_back":
        carry_out(lambda s: deciding.take_back(s, me(), proposal_id))
        flash(_("已收回。"))
    else:
        approve = decision == "approve"
        carry_out(lambda s: deciding.decide(s, me(), proposal_id, approve))
        flash(_("已批准。") if approve else _("未批准。"))
    return redirect(url_for("proposals.index"))


@blueprint.post("/definitions/<digest>/again")
@needs_login
def again(digest: str) -> Answer:
    """Propose that an earlier version be in force again."""
    note = request.form.get("note", "")
    carry_out(lambda s: versions.propose_again(s, me(), digest, note))
    flash(_("已提出，等待另一人批准。"))
    return redirect(url_for("proposals.index"))

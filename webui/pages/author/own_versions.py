"""A union's own version of a process: the second person's decision, and the way back to the common
one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _

from engine.commands import own_versions
from engine.errors import Invalid
from webui.http.session import carry_out, me, needs_login

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("own_versions", __name__)


@blueprint.post("/own-versions/<uuid:own_id>/decide")
@needs_login
def decide(own_id: UUID) -> Answer:
    """Approve or refuse a version that was proposed for one union."""
    decision = request.form.get("decision")
    if decision not in ("approve", "refuse"):
        raise Invalid({"decision": [_("请选择批准或不批准。")]})
    approve = decision == "approve"
    digest = carry_out(lambda s: own_versions.decide(s, me(), own_id, approve))
    flash(_("已批准，本单位新发起的事项按这一版本办理。") if approve else _("未批准。"))
    return redirect(url_for("definitions.version", digest=digest))


@blueprint.post("/own-versions/<uuid:own_id>/end")
@needs_login
def end(own_id: UUID) -> Answer:
    """Propose that the union go back to the common version."""
    note = request.form.get("note", "")
    carry_out(lambda s: own_versions.propose_end(s, me(), own_id, note))
    flash(_("已提出，等待另一人批准。"))
    return redirect(url_for("proposals.index"))

"""What was published to me: the list, one publication with its form, and objecting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import objections
from engine.errors import Conflict, Invalid, Refused
from engine.queries import publications
from webui.http import fields
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("publications", __name__)


@blueprint.get("/publications")
@needs_login
def index() -> str:
    """What stands open to me, and to what I have objected."""
    found = look(lambda s: publications.publications(s, me(), lang()))
    return render_template("publications/index.html", publications=found)


@blueprint.get("/publications/<uuid:publication_id>")
@needs_login
def publication(publication_id: UUID) -> str:
    """One of them: the facts shown, the last day, and the form of an objection or its receipt."""
    return _page(publication_id, {})


def _page(
    publication_id: UUID, values: dict[str, Any], errors: object = None, fault: str = ""
) -> str:
    found = look(lambda s: publications.publication(s, me(), publication_id, lang()))
    return render_template(
        "publications/publication.html",
        publication=found,
        values=values,
        errors=errors or {},
        fault=fault,
    )


@blueprint.post("/publications/<uuid:publication_id>")
@needs_login
def make(publication_id: UUID) -> tuple[str, int] | Answer:
    """Object; then the page shows the receipt."""
    form = look(lambda s: publications.publication(s, me(), publication_id)).form
    given = fields.answers(form, request.form)
    try:
        carry_out(lambda s: objections.make(s, me(), publication_id, given))
    except Invalid as fault:
        return _page(publication_id, given, fault.fields, _("请按提示修改。")), 422
    except (Conflict, Refused) as fault:
        return _page(publication_id, given, fault=fault.message), fault.status
    flash(_("异议已提出，回执见本页。"))
    return redirect(url_for("publications.publication", publication_id=publication_id))

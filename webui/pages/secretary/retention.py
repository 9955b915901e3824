"""What is due for erasure, for those who may see the confidential matters concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from engine.queries import retention
from webui.http import sheets
from webui.http.session import look, me, needs_login
from webui.http.words import said

if TYPE_CHECKING:
    from flask import Response

blueprint = Blueprint("retention", __name__)


@blueprint.get("/retention")
@needs_login
def index() -> str | Response:
    """The ended confidential matters with the end of their time; as a page or with ?format=csv."""
    found = look(lambda s: retention.report(s, me()))
    if request.args.get("format") == "csv":
        lines = [[said(cell) for cell in line] for line in retention.lines(found)]
        return sheets.csv_file("retention.csv", lines)
    return render_template("retention/index.html", found=found, states=retention.STATES)

"""Papers that were issued: the despatch register of a union, and one paper with what was proposed about it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine import clock
from engine.commands import corrections
from engine.errors import Conflict, Invalid, NotPrintable, ProcessFault
from engine.people import access
from engine.queries import despatch
from engine.queries.words import Named
from webui.http import sheets
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import said

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("despatch", __name__)
FIRST_YEAR = 2000


@blueprint.get("/despatch")
@needs_login
def index() -> str | Response:
    """All numbers that a union has given in a year, with what became of each; as a page or with ?format=csv."""
    asked = uuid(request.args.get("union"))
    if asked is not None:
        access.check_own(me(), "see_desk", asked)
    unions = access.unions(me(), "see_desk")
    union = asked or unions[0]
    year = _year(request.args.get("year", ""))
    entries = look(lambda s: despatch.register(s, me(), union, year))
    if request.args.get("format") == "csv":
        return sheets.csv_file(f"despatch-{year}.csv", _lines(entries))
    names = look(lambda s: Named.of(s, [str(each) for each in unions]))
    return render_template(
        "despatch/index.html",
        entries=entries,
        states=despatch.STATES,
        unions=[(each, names.get(each)) for each in unions],
        union=union,
        year=year,
        years=range(clock.today().year, clock.today().year - 3, -1),
    )


def _lines(entries: tuple[despatch.Entry, ...]) -> list[list[str]]:
    return [[said(cell) for cell in line] for line in despatch.lines(entries)]


def _year(given: str) -> int:
    this = clock.today().year
    return int(given) if given.isdecimal() and FIRST_YEAR <= int(given[:4]) <= this else this


@blueprint.get("/papers/<uuid:document_id>")
@needs_login
def paper(document_id: UUID) -> str:
    """One paper: its state, what it replaces or what replaced it, what was proposed about it."""
    return page(document_id)


def page(document_id: UUID, fault: str = "", given: dict[str, str] | None = None) -> str:
    """The page of a paper, with a fault and what was filled in."""
    return render_template(
        "despatch/paper.html",
        paper=look(lambda s: despatch.paper(s, me(), document_id)),
        states=despatch.STATES,
        kinds=despatch.KINDS,
        fault=fault,
        given=given or {},
    )


@blueprint.post("/papers/<uuid:document_id>/corrections")
@needs_login
def propose(document_id: UUID) -> tuple[str, int] | Answer:
    """Propose to correct a paper, to make it void, or to print it with a repaired template."""
    given = {
        key: request.form.get(key, "").strip()
        for key in ("kind", "reason", "template", "path", "value")
    }
    changes = {given["path"]: given["value"]} if given["path"] else {}
    try:
        carry_out(
            lambda s: corrections.propose(
                s,
                me(),
                document_id,
                given["kind"],
                given["reason"],
                changes=changes,
                template=given["template"] or None,
            )
        )
    except (Invalid, Conflict, NotPrintable, ProcessFault) as refusal:
        return page(document_id, refusal.message, given), _status(refusal)
    flash(_("已提出，等待另一人批准。"))
    return redirect(url_for("despatch.paper", document_id=document_id), 303)


@blueprint.post("/corrections/<uuid:correction_id>/<any(approve, refuse):what>")
@needs_login
def decide(correction_id: UUID, what: str) -> tuple[str, int] | Answer:
    """Carry out what somebody else proposed, or refuse it."""
    about = look(lambda s: despatch.about(s, me(), correction_id))
    try:
        shown = carry_out(lambda s: corrections.decide(s, me(), correction_id, what == "approve"))
    except (Conflict, NotPrintable, ProcessFault) as refusal:
        return page(about, refusal.message), _status(refusal)
    flash(_("已批准，已记录在案。") if what == "approve" else _("未批准，已记录在案。"))
    return redirect(url_for("despatch.paper", document_id=shown), 303)


def _status(refusal: Invalid | Conflict | NotPrintable | ProcessFault) -> int:
    return 409 if isinstance(refusal, ProcessFault) else refusal.status

"""The table of a process: narrowed, sorted, kept as a view, chosen from; as a sheet to be printed
or taken away.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import many, views
from engine.commands import operations as asking
from engine.commands.registry import DESK
from engine.documents import bound, volume
from engine.errors import Conflict, Invalid
from engine.instance import launching
from engine.messages import Listed
from engine.people import access
from engine.queries import board as boards
from engine.queries import booklet as volumes
from engine.queries import grid as reading
from engine.queries import indicators, side_by_side, urgings
from engine.queries import instances as lists
from engine.queries import many as sendings
from engine.queries.many import Sending
from webui.http import fields, sheets
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import day, lang, said, state, urged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response as Answer

    from engine.commands.many import Left
    from engine.db import Session
    from engine.queries.grid import Grid, Line

blueprint = Blueprint("grid", __name__)
PLAIN = ("words", "state", "overdue", "sort")  # what the address says besides columns, "c.<key>"
SAID = "c."
SHEETS = ("xlsx", "csv", "print")


@blueprint.get("/grid")
@needs_login
def index() -> str | Answer:
    """The tables that there are; the only one at once."""
    found = look(lambda s: reading.processes(s, me(), lang()))
    if len(found) == 1:
        return redirect(url_for("grid.table", process_id=found[0][0], state="running"))
    return render_template("grid/index.html", processes=found)


@blueprint.get("/grid/<process_id>/board")
@needs_login
def board(process_id: str) -> str:
    """What runs, stage by stage with its age, and how much each has."""
    wanted, by = _wanted(), request.args.get("by", "")[:80]
    found = look(lambda s: boards.board(s, me(), process_id, _asked(wanted), by=by, lang=lang()))
    declared = look(lambda s: reading.columns(s, me(), process_id, lang()))
    titles = {reading.HANDLER: _("办理人"), **declared}
    return render_template("grid/board.html", board=found, wanted=wanted, titles=titles)


@blueprint.get("/grid/<process_id>")
@needs_login
def table(process_id: str) -> str:
    """All matters of a filter that I may see, with what of each is mine to do."""
    wanted = _wanted()
    found = look(lambda s: reading.grid(s, me(), process_id, _asked(wanted), lang()))
    return render_template(
        "grid/table.html",
        grid=found,
        heads=_heads(found),
        wanted=wanted,
        cell=_cell,
        views=look(lambda s: reading.views(s, me(), process_id)),
        states={key: state(key) for key in lists.STATES},
        office=access.is_secretary(me(), me().union_id),
        enters=look(lambda s: launching.enters(s, me(), process_id)),
        acts=_acts(process_id),
        measured=look(lambda s: indicators.measured(s, me(), process_id)),
        volume=look(lambda s: volumes.title(s, me(), process_id, lang())),
    )


def _acts(process_id: str) -> list[tuple[str, str]]:
    """What one act may do to many beside tasks: names and titles."""
    verbs = [verb for verb in many.VERBS if access.may_somewhere(me(), verb)]
    sent = look(lambda s: sendings.offered(s, me(), process_id, lang()))
    titles = [(verb, in_language(DESK[verb].title, lang())) for verb in verbs]
    return [*titles, *((each.name, each.title) for each in sent)]


def _wanted() -> dict[str, str]:
    """The filter that stands in the address."""
    named = {key for key in request.args if key in PLAIN or key.startswith(SAID)}
    return {key: value for key in sorted(named) if (value := request.args[key].strip()[:200])}


def _asked(wanted: dict[str, str]) -> reading.Wanted:
    told = {key.removeprefix(SAID): v for key, v in wanted.items() if key.startswith(SAID)}
    return reading.Wanted(
        words=wanted.get("words", "").replace("\0", ""),
        state=wanted.get("state", ""),
        overdue=bool(wanted.get("overdue")),
        said=told,
        sort=wanted.get("sort", ""),
    )


# --- what stands in it ----------------------------------------------------------------------------
def _heads(found: Grid) -> list[tuple[str, str]]:
    """The columns from left to right: keys and titles."""
    return [
        ("number", _("编号")),
        ("title", _("案由")),
        *((column.key, column.title) for column in found.columns),
        (reading.STAGE, _("环节或结果")),
        (reading.HANDLER, _("办理人")),
        (reading.URGED, _("催办")),
        ("due", _("期限")),
        ("started", _("提出")),
        ("ended", _("办结")),
    ]


def _cell(line: Line, key: str) -> str:
    """What a cell says, in words."""
    if key == reading.URGED:
        told: str = _("；").join(urged(each) for each in line.waits if each.urged)
        return told
    days = {"due": line.due_at, "started": line.row.started_at, "ended": line.row.ended_at}
    return day(days[key]) if key in days else _("、").join(line.of(key))


def _lines(found: Grid) -> list[list[str]]:
    """The table as a sheet, its head first, numbered from 1."""
    heads = _heads(found)
    rows = ([str(n), *(_cell(line, key) for key, _t in heads)] for n, line in _numbered(found))
    return [[_("序号"), *(title for _key, title in heads)], *rows]


def _numbered(found: Grid) -> enumerate[Line]:
    return enumerate(found.lines, 1)


@blueprint.post(f"/grid/<process_id>/<any({', '.join(SHEETS)}):form>")
@needs_login
def sheet(process_id: str, form: str) -> str | Answer:
    """What is chosen, else all of the filter, to be printed or taken away."""
    wanted = _asked(_wanted())
    all_ = look(lambda s: reading.grid(s, me(), process_id, wanted, lang()))
    found = reading.chosen(all_, _chosen())
    title, lines = _("%(process)s一览表", process=found.title), _lines(found)
    if form == "print":
        return render_template("grid/sheet.html", title=title, lines=lines, back=_back(process_id))
    if form == "csv":
        return sheets.csv_file(f"{process_id}.csv", lines)
    return sheets.xlsx_file(f"{process_id}.xlsx", title, lines)


def _chosen() -> list[UUID]:
    found = []
    for key in request.form.getlist("matter"):
        with suppress(ValueError):
            found.append(UUID(key))
    return found


def _back(process_id: str) -> str:
    asked: dict[str, Any] = {**_wanted()}
    return url_for("grid.table", process_id=process_id, **asked)


# --- one act on many ------------------------------------------------------------------------------
@blueprint.post("/grid/<process_id>/act/<what>")
@needs_login
def act(process_id: str, what: str) -> str | tuple[str, int] | Answer:
    """Say first to which matters it would be done and to which not, and why; then do it. What
    failed stays chosen.
    """
    kind = look(lambda s: _kind(s, process_id, what))
    ids, sent = _chosen(), "send" in request.form
    given = _given(kind)
    try:
        if sent and (key := _by_worker(process_id, kind, ids, given)):
            return redirect(url_for("operations.one", operation_id=key), 303)
        report = many.run(
            carry_out, me(), many.act(kind.name, given if sent else None), ids, trial=not sent
        )
    except Invalid as fault:
        if not sent:
            flash(said(fault.message), "error")
            return redirect(_back(process_id), 303)
        return _acting(process_id, kind, ids, values=given, fault=fault), fault.status
    if not sent:
        return _acting(process_id, kind, report.done, report.failed)
    flash(_("%(what)s：已办理 %(n)s 件。", what=kind.title, n=len(report.done)))
    if report.failed:
        left = [each.id for each in report.failed]
        return _acting(process_id, kind, left, report.failed, values=given), Conflict.status
    return redirect(_back(process_id), 303)


# --- side by side ---------------------------------------------------------------------------------
@blueprint.post("/grid/<process_id>/compare")
@needs_login
def compare(process_id: str) -> Answer:
    """On to the page with the chosen matters side by side."""
    look(lambda s: reading.must_be(s, me(), process_id))
    return redirect(url_for("grid.beside", matter=_chosen()), 303)


@blueprint.get("/compare")
@needs_login
def beside() -> str | Answer:
    """Matters of one process side by side: ?matter=… for each."""
    ids = [key for each in request.args.getlist("matter") if (key := uuid(each))]
    try:
        found = look(lambda s: side_by_side.side_by_side(s, me(), ids, lang()))
    except Invalid as fault:
        flash(said(fault.fields["matter"][0]), "error")
        return redirect(url_for("audit.index"), 303)
    return render_template("grid/beside.html", found=found)


# --- papers of many -------------------------------------------------------------------------------
@blueprint.post("/grid/<process_id>/papers")
@needs_login
def papers(process_id: str) -> str | Answer:
    """Which papers the chosen matters have; then one kind of them bound into one PDF."""
    ids, kind = _chosen(), request.form.get("kind", "")
    look(lambda s: reading.must_be(s, me(), process_id))
    if kind:
        wish = "both_sides" in request.form
        key = carry_out(
            lambda s: asking.ask_papers(s, me(), process_id, kind, ids, both_sides=wish)
        )
        return redirect(url_for("operations.one", operation_id=key), 303)
    offered = look(lambda s: bound.offered(s, me(), ids))
    if not offered:
        flash(_("所选各件还没有可以打印的文书。"), "error")
        return redirect(_back(process_id), 303)
    return render_template(
        "grid/papers.html",
        process_id=process_id,
        ids=ids,
        offered=offered,
        back=_back(process_id),
        wanted=_wanted(),
    )


def _by_worker(
    process_id: str, kind: Sending, ids: Sequence[UUID], given: dict[str, Any]
) -> UUID | None:
    """Many are left to a worker, once the first of them takes the answers; None for few. Raises
    Invalid.
    """
    if len(ids) <= asking.SMALL_ACTS:
        return None
    many.run(carry_out, me(), many.act(kind.name, given), ids[:1], trial=True)
    what = kind.name, kind.title
    return carry_out(lambda s: asking.ask_acts(s, me(), process_id, what, ids, answers=given))


@blueprint.post("/grid/<process_id>/booklet")
@needs_login
def booklet(process_id: str) -> str | Answer:
    """What a volume of the chosen matters, else of all of the filter, would hold; then have it
    made.
    """
    ids = _chosen()
    if not ids:
        all_ = look(lambda s: reading.grid(s, me(), process_id, _asked(_wanted()), lang()))
        ids = [*(line.row.id for line in all_.lines), *all_.apart]
    offer = look(lambda s: volumes.offered(s, me(), process_id, ids, lang()))
    form = request.form.get("form", "")
    if form in volume.FORMS:
        volumes.must_hold(offer)
        keys = {part.key for part in offer.parts if part.apart}
        left = sorted(keys - set(request.form.getlist("part")))
        wish = {"session": request.form.get("session", "").strip()[:80], "form": form}
        given = {**wish, "without": left}
        key = carry_out(
            lambda s: asking.ask_booklet(s, me(), process_id, offer.title, ids, wish=given)
        )
        return redirect(url_for("operations.one", operation_id=key), 303)
    return render_template(
        "grid/booklet.html",
        process_id=process_id,
        ids=ids,
        offer=offer,
        left=_grouped(offer.left),
        back=_back(process_id),
        wanted=_wanted(),
    )


def _kind(session: Session, process_id: str, what: str) -> Sending:
    """What is to be done: a verb of the desk, or a message of the process. Raises NotFound."""
    if what in many.VERBS:
        return Sending(what, in_language(DESK[what].title, lang()), "", None)
    return sendings.sending(session, me(), process_id, what, lang())


def _given(kind: Sending) -> dict[str, Any]:
    if kind.name in many.VERBS:
        return {"reason": request.form.get("reason", "")}
    return fields.answers(kind.form, request.form)


def _acting(
    process_id: str,
    kind: Sending,
    ids: Sequence[UUID],
    failed: Sequence[Left] = (),
    *,
    values: dict[str, Any] | None = None,
    fault: Invalid | None = None,
) -> str:
    return render_template(
        "grid/act.html",
        process_id=process_id,
        act=kind,
        ids=ids,
        raised=look(lambda s: urgings.coming(s, me(), ids, lang()))
        if kind.name == "remind"
        else (),
        reasons=_grouped(failed),
        back=_back(process_id),
        wanted=_wanted(),
        values=values or {},
        errors=fault.fields if fault else {},
        fault=fault.message if fault and "_" not in fault.fields else "",
    )


def _grouped(failed: Sequence[Left | volumes.Left]) -> list[tuple[str, int, str]]:
    """What fails by its reason: the reason, how many, their numbers."""
    found = []
    for why, each in groupby(sorted(failed, key=_why), _why):
        numbers = [left.number for left in each]
        found.append((why, len(numbers), in_language(Listed(numbers), lang())))
    return found


def _why(left: Left | volumes.Left) -> str:
    return in_language(left.message, lang())


# --- views ----------------------------------------------------------------------------------------
@blueprint.post("/grid/<process_id>/views")
@needs_login
def save_view(process_id: str) -> Answer:
    """Keep the filter in the address under a name, for me or for everybody of the union."""
    name, wanted, shared = request.form.get("name", ""), _wanted(), "shared" in request.form
    kept: dict[str, Any] = {"place": reading.place(process_id), "shared": shared}
    look(lambda s: reading.must_be(s, me(), process_id))
    try:
        carry_out(lambda s: views.save(s, me(), name, wanted, **kept))
    except Invalid as fault:
        flash(said(fault.message), "error")
    return redirect(_back(process_id), 303)


@blueprint.post("/grid/<process_id>/views/drop")
@needs_login
def drop_view(process_id: str) -> Answer:
    """Forget a view of mine."""
    name, place = request.form.get("name", ""), reading.place(process_id)
    carry_out(lambda s: views.drop(s, me(), name, place=place))
    flash(_("视图已删除。"))
    return redirect(url_for("grid.table", process_id=process_id), 303)

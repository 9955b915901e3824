"""The ledger of duties: a union's year as page, table and report; unions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext as _

from engine import clock
from engine.documents.docx import MEDIA_TYPE as DOCX
from engine.queries import launchable, ledger_report, ledger_words
from engine.queries import ledger as reading
from engine.queries.duty_cases import FINISHED, Light, State
from webui.http import sheets
from webui.http.session import look, me, needs_login, uuid
from webui.http.words import lang, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session
    from engine.definitions.duties import Duty
    from engine.queries.ledger import Ledger, Row, Union

blueprint = Blueprint("ledger", __name__)
FIRST_YEAR, LAST_YEAR = 1950, 2200  # of what an address may ask for
BADGES = {Light.GREEN: "yx-good", Light.AMBER: "yx-warn", Light.RED: "yx-bad", Light.GREY: ""}
TILES = (  # states that are counted together
    (State.DONE,),
    (State.OPEN, State.SOON, State.NOT_DUE),
    (State.LATE, State.OVERDUE, State.BREACHED),
    (State.UNKNOWN,),
)
WORDS: dict[str, Any] = {
    "states": ledger_words.STATES,
    "lights": ledger_words.LIGHTS,
    "came": ledger_words.CAME,
    "told_words": ledger_words.told,
    "cited": ledger_words.cited,
    "source": ledger_words.source,
    "period": ledger_words.period,
    "badges": BADGES,
    "finished": FINISHED,
}


@blueprint.get("/ledger")
@needs_login
def index() -> str | Answer:
    """The ledger of a union in a year; with ?format= as .xlsx, .csv, .pdf or .docx."""
    year, asked = _year(), uuid(request.args.get("of")) or me().union_id

    def read(session: Session) -> tuple[Ledger, list[Union], tuple[str, ...]]:
        ledger, unions = reading.ledger(session, me(), asked, year), reading.readable(session, me())
        return ledger, unions, launchable.entering_duties(session, me())

    told, unions, entering = look(read)
    if form := request.args.get("format"):
        return _file(told, form)
    return render_template(
        "ledger/index.html",
        told=told,
        unions=unions,
        entering=entering if told.union.id == me().union_id else (),
        this=clock.today().year,
        tiles=_tiles(told),
        parts=_parts(told),
        **WORDS,
    )


@blueprint.get("/ledger/unions")
@needs_login
def unions() -> str | Answer:
    """The ledgers of all unions that this person may read, side by side; with ?format= as a
    table.
    """
    year = _year()
    told = look(lambda s: reading.side_by_side(s, me(), year))
    duties = {row.duty.key: row.duty for each in told for row in each.rows if _is_kept(row)}
    if request.args.get("format") == "xlsx":
        title = _("%(year)s年度履职台账", year=year)
        return sheets.xlsx_file(f"ledger-{year}.xlsx", title, _side(told, duties))
    return render_template(
        "ledger/unions.html",
        told=told,
        year=year,
        this=clock.today().year,
        duties=duties,
        of=_of,
        chart=_chart(told),
        heads=[name for name, _n in _tiles(told[0])],
        counts=_counted,
        **WORDS,
    )


def _year() -> int:
    asked = request.args.get("year", type=int) or 0
    return asked if FIRST_YEAR <= asked <= LAST_YEAR else clock.today().year


def _file(told: Ledger, form: str) -> Answer:
    name, title = f"ledger-{told.year}", _("%(year)s年度履职台账", year=told.year)
    if form in ledger_report.MAKERS:
        made = ledger_report.report(told, form, _say, lang())
        kind = DOCX if form == "docx" else "application/pdf"
        return sheets.file(f"{name}.{form}", made, kind)
    lines = [[_say(cell) for cell in line] for line in ledger_words.lines(told)]
    if form == "csv":
        return sheets.csv_file(f"{name}.csv", lines)
    if form == "xlsx":
        return sheets.xlsx_file(f"{name}.xlsx", f"{told.union.name} {title}", lines)
    abort(404)


def _say(cell: Any) -> str:
    return said(cell)


def _is_kept(row: Row) -> bool:
    return row.standing.state != State.NOT_KEPT


def _tiles(told: Ledger) -> list[tuple[str, int]]:
    """How many rows stand how."""
    kept = sum(map(_is_kept, told.rows))
    counts = [told.count(*states) for states in TILES]
    names = (_("已履行"), _("正在办理、未到期"), _("逾期、违反"), _("没有记录"))
    rest = (_("没有发生、不适用、不列"), kept - sum(counts))
    return [*zip(names, counts, strict=True), rest, (_("未在本系统办理"), len(told.rows) - kept)]


def _parts(told: Ledger) -> list[tuple[str, list[Row]]]:
    """What is kept, what stands red first; then what is not."""
    order = (Light.RED, Light.AMBER, Light.GREEN, Light.GREY)
    kept = sorted(filter(_is_kept, told.rows), key=lambda row: order.index(row.standing.light))
    others = [row for row in told.rows if not _is_kept(row)]
    return [(_("本系统有记载的职责"), kept), (_("未在本系统办理的职责"), others)]


# --- side by side ---------------------------------------------------------------------------------
def _of(told: Ledger, duty: str) -> Row | None:
    """The row of a duty, the worst of its periods."""
    order = (Light.RED, Light.AMBER, Light.GREY, Light.GREEN)
    rows = [row for row in told.rows if row.duty.key == duty]
    return min(rows, key=lambda row: order.index(row.standing.light), default=None)


def _counted(told: Ledger) -> list[int]:
    return [n for _name, n in _tiles(told)]


def _chart(told: Sequence[Ledger]) -> dict[str, Any]:
    """What is late beside what is done, by union."""
    sets = ((_("逾期、违反"), TILES[2]), (_("已履行"), TILES[0]))
    return {
        "labels": [each.union.name for each in told],
        "share": False,
        "whole": True,
        "sets": [
            {"label": label, "tenths": [each.count(*states) * 10 for each in told]}
            for label, states in sets
        ],
    }


def _side(told: Sequence[Ledger], duties: Mapping[str, Duty]) -> list[list[str]]:
    """One line for each union: how many stand how, then each duty by itself."""
    head = [_("名称"), *(name for name, _n in _tiles(told[0])), *duties]
    return [head, *(_side_line(each, duties) for each in told)]


def _side_line(told: Ledger, duties: Iterable[str]) -> list[str]:
    rows = [_of(told, duty) for duty in duties]
    states = (said(ledger_words.STATES[row.standing.state]) if row else "" for row in rows)
    return [told.union.name, *map(str, _counted(told)), *states]

"""The indicators of a process: a period beside the one before, as a page with charts and as a
table to be taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from engine.queries import indicators as reading
from webui.http import sheets
from webui.http.session import look, me, needs_login
from webui.http.words import lang

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.wrappers import Response as Answer

    from engine.queries.indicators import Figure, Group, Measure, Period, Told

blueprint = Blueprint("indicators", __name__)


@blueprint.get("/grid/<process_id>/indicators")
@needs_login
def page(process_id: str) -> str | Answer:
    """The indicators of a period; with ?format= as .xlsx or .csv."""
    asked = request.args.get("period", "")[:40]
    told = look(lambda s: reading.indicators(s, me(), process_id, asked, lang()))
    form = request.args.get("format")
    if form == "csv":
        return sheets.csv_file(f"{process_id}-indicators.csv", _lines(told))
    if form == "xlsx":
        title = _("%(process)s指标", process=told.title)
        return sheets.xlsx_file(f"{process_id}-indicators.xlsx", title, _lines(told))
    chosen = request.args.get("measure", "")
    measure = next((m for m in told.measures if m.key == chosen), told.measures[0])
    return render_template(
        "grid/indicators.html",
        told=told,
        measure=measure,
        period=lambda period: _period(period, told),
        said=_said,
        charts={table.key: _chart(told, measure, table.groups) for table in told.tables},
    )


def _period(period: Period, told: Told) -> str:
    """Its title; of the one that has not ended since when it runs."""
    return period.title or (_("上一时期以来") if len(told.periods) > 1 else _("至今"))


def _said(measure: Measure, figure: Figure | None) -> str:
    """An exact figure as people read it, with one place; "" of nothing."""
    if figure is None or figure.value is None:
        return ""
    value = figure.value if measure.in_days else figure.value * 100
    whole, tenth = divmod(reading.tenths(value), 10)
    return f"{whole}.{tenth}" if measure.in_days else f"{whole}.{tenth}%"


def _chart(told: Told, measure: Measure, groups: Iterable[Group]) -> dict[str, Any]:
    """What the chart of a measure draws: the groups, and of each period the numbers in tenths."""
    shown = list(groups)
    both = [(told.period, [g.figures for g in shown])]
    if told.before:
        both.append((told.before, [g.before for g in shown]))
    scale = 1 if measure.in_days else 100
    return {
        "labels": [group.title for group in shown],
        "share": not measure.in_days,
        "sets": [
            {
                "label": _period(period, told),
                "tenths": [
                    None
                    if (f := said.get(measure.key)) is None or f.value is None
                    else reading.tenths(f.value * scale)
                    for said in figures
                ],
            }
            for period, figures in both
        ],
    }


def _lines(told: Told) -> list[list[str]]:
    """All figures, one in each line, the head first."""
    head = [_("分列"), _("名称"), _("件数"), _("指标"), _("本期"), _("分子"), _("分母")]
    head += [_("上期"), _("上期分子"), _("上期分母")]
    parts = [(_("全部"), told.total), *((t.title, g) for t in told.tables for g in t.groups)]
    return [head, *(_line(part, group, m) for part, group in parts for m in told.measures)]


def _line(part: str, group: Group, measure: Measure) -> list[str]:
    told = [part, group.title, str(group.count), measure.title]
    for figures in (group.figures, group.before):
        figure = figures.get(measure.key)
        told += [_said(measure, figure)]
        told += [str(figure.n), str(figure.of)] if figure else ["", ""]
    return told

"""A year in numbers, without persons; as a page or a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, render_template, request
from flask_babel import gettext as _

from engine import clock
from engine.errors import Refused
from engine.people import access
from engine.queries import statistics
from webui.http.session import look, me, needs_login, uuid
from webui.http.sheets import csv_file
from webui.http.words import lang
from webui.pages.auditor.desk import blueprint
from webui.pages.auditor.sample import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.queries.statistics import Yearly


@blueprint.get("/audit/statistics")
@needs_login
def figures() -> str | Response:
    """The matters of a union that ended in a year, by kind, outcome and days."""
    desks = access.desk_unions(me(), *access.SEEING)
    if not desks:
        raise Refused(verb="read_history")
    union = uuid(request.args.get("of")) or desks[0]
    asked = request.args.get("year", type=int) or 0
    year = asked if FIRST_YEAR <= asked <= LAST_YEAR else clock.today().year
    found = look(lambda s: statistics.yearly(s, me(), union, year, lang()))
    if request.args.get("format") == "csv":
        return csv_file(f"yixing-statistics-{year}.csv", list(_lines(found)))
    return render_template(
        "audit/statistics.html", found=found, union=union, this=clock.today().year
    )


def _lines(found: Yearly) -> Iterator[list[str]]:
    yield [_("流程"), _("类别"), _("结果"), _("件数"), _("天数（中位数）")]
    for each in found.figures:
        for group in each.groups:
            numbers = ["" if n is None else str(n) for n in (group.count, group.days)]
            yield [each.title, group.kind, group.outcome, *numbers]

"""Decision tables for everybody: which are in force, each in words, and a trial that stores
nothing.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request
from flask_babel import gettext

from engine.errors import Invalid
from engine.queries import decisions as reading
from engine.queries import rules as rulebook_of
from webui.http import fields
from webui.http.session import look, me, needs_login
from webui.http.words import lang, reader_language

if TYPE_CHECKING:
    from engine.db import Session
    from engine.queries.decisions import Outcome, Shown
    from engine.queries.rules import Line

blueprint = Blueprint("tables", __name__)
MOST = 400  # characters of an answer that are kept


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


@blueprint.app_template_global()
def policy_words(policy: str) -> str:
    """How the rows of a table are to be read."""
    return _("自上而下，取第一个符合的行") if policy == "FIRST" else _("每种情形恰好符合一行")


@blueprint.get("/rules/tables")
@needs_login
def index() -> str:
    """Every decision table in force, by its number."""
    return render_template(
        "tables/index.html", tables=look(lambda s: reading.listing(s, me(), reader_language()))
    )


@blueprint.get("/rules/tables/<table_id>")
@needs_login
def table(table_id: str) -> str:
    """One table in words, with the union's numbers of a day."""
    return _page(table_id, _day(request.args.get("on", "")))


@blueprint.post("/rules/tables/<table_id>/trial")
@needs_login
def trial(table_id: str) -> str | tuple[str, int]:
    """What a case would come to. Nothing is stored, and nothing that was entered is lost."""
    given = {
        key[2:]: text.strip()[:MOST] for key, text in request.form.items() if key.startswith("f.")
    }
    text = request.form.get("on", "").strip()
    on = _day(text)
    if text and on is None:
        return _page(
            table_id, None, given, {"on": [_("日期应写成 2026-03-01 的样子。")]}, text
        ), 422
    try:
        outcome = look(
            lambda s: reading.evaluate(s, me(), table_id, given, on=on, say=reader_language())
        )
    except Invalid as fault:
        return _page(table_id, on, given, fault.fields), 422
    return _page(table_id, on, given, outcome=outcome)


def _day(text: str) -> date | None:
    try:
        return fields.day(text)
    except ValueError:
        return None


def _page(
    table_id: str,
    on: date | None,
    given: dict[str, str] | None = None,
    faults: dict[str, list[str]] | None = None,
    day: str = "",
    outcome: Outcome | None = None,
) -> str:
    def read(session: Session) -> tuple[Shown, tuple[Line, ...]]:
        found = reading.shown(session, me(), table_id, on, reader_language())
        return found, rulebook_of.lines(session, me(), me().union_id, found.rules, lang())

    shown, rules = look(read)
    return render_template(
        "tables/table.html",
        shown=shown,
        table=shown.listed,
        rules=rules,
        given=given or {},
        faults=faults or {},
        tried=given is not None,
        day=day or shown.on.isoformat(),
        outcome=outcome,
    )

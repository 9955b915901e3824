"""The rulebook for everybody, a union's own values by two people, and the calendar that working
days rest on.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext

from engine import clock, law
from engine.commands import rules as setting
from engine.commands.imports import workbook
from engine.errors import Conflict, Invalid
from engine.instance.union_law import rulebook
from engine.messages import Message
from engine.queries import calendars, rule_changes
from engine.queries import rules as reading
from webui.http import fields
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang, said, words_of

if TYPE_CHECKING:
    from fractions import Fraction

    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("rules", __name__)
MAX_SHEET = 1024 * 1024
ROOM = 64 * 1024
MAX_ROWS = 400


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


@blueprint.app_template_global()
def subject_title(key: str) -> str:
    """What a file of the rulebook is about."""
    found = rulebook().subjects.get(key)
    return words_of(found) if found else key


@blueprint.app_template_global()
def level_title(key: str) -> str:
    """How binding a rule is."""
    return {"LAW": _("法定"), "UNI": _("本单位规定"), "DEF": _("产品默认")}.get(key, key)


@blueprint.app_template_global()
def confidence_title(key: str) -> str:
    """How sure we are of a rule's words."""
    return {
        "V": _("已核对原文"),
        "M": _("凭记忆，待核对"),
        "P": _("本单位自定或产品默认，法律未规定"),
    }.get(key, key)


@blueprint.app_template_global()
def place_title(key: str) -> str:
    """Where an entry applies."""
    found = rulebook().places.get(key)
    return words_of(found.words) if found else key


def _union() -> UUID:
    """The union whose values are shown: the one asked for, else one's own."""
    return uuid(request.values.get("union")) or me().union_id


@blueprint.url_value_preprocessor
def _allow_large(endpoint: str | None, _values: object) -> None:
    """Room for a sheet of holidays; this runs before the CSRF check, which already reads the
    body.
    """
    if endpoint == "rules.load" and session.get("key"):
        request.max_content_length = MAX_SHEET + ROOM


# --- rules ---------------------------------------------------------------------------------------
@blueprint.get("/rules")
@needs_login
def index() -> str:
    """Every rule by subject, as it holds today for one's union."""
    union, words = _union(), request.args.get("words", "").strip()[:100]
    found = look(lambda s: reading.rules(s, me(), union, words, lang()))
    waiting = look(lambda s: reading.proposals(s, me(), union, lang()))
    groups: dict[str, list[reading.Line]] = {}
    for line in found:
        groups.setdefault(line.subject, []).append(line)
    return render_template(
        "rules/index.html", groups=groups, words=words, count=len(found), waiting=waiting
    )


@blueprint.get("/rules/changes")
@needs_login
def changes() -> str | tuple[str, int]:
    """The rules of one day against those of another; without days those of a year ago."""
    union, faults, days = _union(), dict[str, list[str]](), dict[str, date]()
    today = clock.today()
    asked = {"a": request.args.get("a", ""), "b": request.args.get("b", "")}
    asked = {"a": asked["a"] or f"{today - timedelta(days=365)}", "b": asked["b"] or f"{today}"}
    for key, text in asked.items():
        try:
            days[key] = fields.day(text)
        except ValueError:
            faults[key] = [_("日期应写成 2026-03-01 的样子。")]
    found = None
    if not faults:
        a, b = days["a"], days["b"]
        found = look(lambda s: rule_changes.changes(s, me(), union, a, b, lang=lang()))
    page = render_template("rules/changes.html", found=found, union=union, faults=faults, **asked)
    return (page, 422) if faults else page


@blueprint.get("/rules/<rule_id>")
@needs_login
def rule(rule_id: str) -> str:
    """One rule: all its sources, and what the union set."""
    return _rule_page(rule_id)


def _rule_page(rule_id: str, faults: dict[str, list[str]] | None = None) -> str:
    union = _union()
    found = look(lambda s: reading.rule(s, me(), union, rule_id, lang()))
    tried = {k: request.form.get(k, "") for k in ("value", "valid_from", "valid_to", "source")}
    return render_template(
        "rules/rule.html",
        rule=found,
        line=found.line,
        faults=faults or {},
        tried=tried,
        union=union,
    )


@blueprint.post("/rules/<rule_id>/propose")
@needs_login
def propose(rule_id: str) -> tuple[str, int] | Answer:
    """Propose a value of one's own."""
    union = _union()
    try:
        carry_out(lambda s: setting.propose_setting(s, me(), union, rule_id, **_proposed(rule_id)))
    except Invalid as fault:
        return _rule_page(rule_id, fault.fields), 422
    except Conflict as fault:
        return _rule_page(rule_id, {"_": [fault.message]}), 409
    flash(_("已提出，等待另一人批准。"))
    return redirect(url_for("rules.rule", rule_id=rule_id, union=union))


def _proposed(rule_id: str) -> dict[str, Any]:
    """What the form says. Raises Invalid with all faults."""
    faults: dict[str, list[str]] = {}
    text = request.form.get("value", "").strip()
    value: int | Fraction | None = None
    if reading.is_share(rule_id):
        value = law.fraction(text)
        if value is None:
            faults["value"] = [_("请写成 2/3 这样的分数。")]
    elif text.isascii() and text.isdigit() and len(text) < 7:
        value = int(text)
    else:
        faults["value"] = [_("请填写整数。")]
    valid_from = _date("valid_from", faults, True)
    valid_to = _date("valid_to", faults, False)
    if faults or valid_from is None:
        raise Invalid(faults)
    return {
        "value": value,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "source": request.form.get("source", ""),
    }


def _date(field: str, faults: dict[str, list[str]], must: bool) -> date | None:
    text = request.form.get(field, "").strip()
    if not text and not must:
        return None
    try:
        return fields.day(text)
    except ValueError:
        faults[field] = [_("日期应写成 2026-03-01 的样子。")]
        return None


@blueprint.post("/rules/settings/<uuid:setting_id>/decide")
@needs_login
def decide(setting_id: UUID) -> Answer:
    """Approve or refuse a proposed value."""
    approve = request.form.get("decision") == "approve"
    if not approve and request.form.get("decision") != "refuse":
        raise Invalid({"decision": [_("请选择批准或不批准。")]})
    union = carry_out(lambda s: setting.decide_setting(s, me(), setting_id, approve))
    flash(_("已批准。") if approve else _("未批准。"))
    back = request.form.get("rule", "")
    return redirect(
        url_for("rules.rule", rule_id=back, union=union)
        if back
        else url_for("rules.index", union=union)
    )


# --- calendar ------------------------------------------------------------------------------------
@blueprint.get("/rules/calendar")
@needs_login
def calendar() -> str:
    """The years whose holidays are known, and the union's vacations."""
    return _calendar_page()


def _calendar_page(faults: dict[str, list[str]] | None = None, about: str = "") -> str:
    union = _union()
    found = look(lambda s: calendars.read(s, me(), union))
    return render_template(
        "rules/calendar.html",
        calendar=found,
        faults=faults or {},
        about=about,
        union=union,
        tried=request.form,
        this_year=clock.today().year,
    )


@blueprint.post("/rules/calendar")
@needs_login
def load() -> tuple[str, int] | Answer:
    """Propose a year's holiday notice from pasted rows or a sheet."""
    year = request.form.get("year", "")
    try:
        rows, source = _rows(), request.form.get("source", "")
        number = int(year) if year.isdigit() and len(year) == 4 else 0
        handed_in = carry_out(lambda s: setting.propose_notice(s, me(), number, rows, source))
    except (Invalid, Conflict) as fault:
        return _calendar_page(
            getattr(fault, "fields", {"_": [fault.message]}), "notice"
        ), fault.status
    flash(
        _(
            "已提出 %(year)s 年放假安排，等待另一人批准；会变动的期限有 %(n)s 项。",
            year=year,
            n=handed_in.deadlines,
        )
    )
    return redirect(url_for("proposals.index"))


def _rows() -> list[list[object]]:
    """(day, 休/班， name) from the sheet if one was sent, else from what was pasted. Raises
    Invalid.
    """
    sent = request.files.get("sheet")
    if sent is not None and sent.filename:
        data = sent.stream.read(MAX_SHEET + 1)
        if len(data) > MAX_SHEET:
            raise Invalid({"rows": [_("文件过大。")]})
        return (
            _sheet(sent.filename, data)
            if sent.filename.lower().endswith(".xlsx")
            else _separated(_text(data))
        )
    return _separated(request.form.get("rows", ""))


_COLUMNS = (
    workbook.Column("day", Message("日期"), required=True, also=("Date",), is_day=True),
    workbook.Column(
        "what",
        Message("休/班"),
        required=True,
        also=("Rest/work", "休班", "安排", "类型", "Kind"),
    ),
    workbook.Column("name", Message("名称"), also=("Name", "节日", "假期", "Holiday")),
)


def _sheet(name: str, data: bytes) -> list[list[object]]:
    try:
        rows, _notes = workbook.read(name, data, _COLUMNS)
    except Invalid as fault:
        wrong = [message for messages in fault.fields.values() for message in messages]
        raise Invalid({"rows": wrong}) from None
    faults = [
        _("第 %(n)s 行：%(why)s", n=row.number, why=said(why)) for row in rows for why in row.faults
    ]
    if faults:
        raise Invalid({"rows": faults})
    return [[row.values.get(column.key, "") for column in _COLUMNS] for row in rows]


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):  # what spreadsheets in China save
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid({"rows": [_("文件无法识别，请另存为 .xlsx 或 .csv。")]})


def _separated(text: str) -> list[list[object]]:
    """Rows of a table in text: commas, Chinese commas, tabs or blanks between the cells."""
    lines = [
        line for line in text.replace("\uff0c", ",").replace("\t", ",").splitlines() if line.strip()
    ]
    if len(lines) > MAX_ROWS:
        raise Invalid({"rows": [_("最多 %(n)s 行。", n=MAX_ROWS)]})
    spread = [line if "," in line else ",".join(line.split()) for line in lines]
    return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO("\n".join(spread)))]


@blueprint.post("/rules/calendar/vacations")
@needs_login
def add_vacation() -> tuple[str, int] | Answer:
    """Register a vacation."""
    union, faults = _union(), dict[str, list[str]]()
    first, last = _date("from_on", faults, True), _date("to_on", faults, True)
    try:
        if faults or first is None or last is None:
            raise Invalid(faults)
        carry_out(
            lambda s: setting.add_vacation(
                s, me(), union, name=request.form.get("name", ""), from_on=first, to_on=last
            )
        )
    except (Invalid, Conflict) as fault:
        return _calendar_page(
            getattr(fault, "fields", {"_": [fault.message]}), "vacation"
        ), fault.status
    flash(_("已登记假期。"))
    return redirect(url_for("rules.calendar", union=union))


@blueprint.post("/rules/calendar/vacations/<uuid:vacation_id>/remove")
@needs_login
def remove_vacation(vacation_id: UUID) -> Answer:
    """Take a vacation out."""
    union = carry_out(lambda s: setting.remove_vacation(s, me(), vacation_id))
    flash(_("已删除假期。"))
    return redirect(url_for("rules.calendar", union=union))

"""The roster, a member's posts and terms, the tree of units, imports with a preview of every row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext

from engine import clock
from engine.commands import imports, people
from engine.commands.imports import columns
from engine.errors import Conflict, Invalid, NotFound
from engine.people import access, posts
from engine.queries import people as reading
from webui.http.sentences import post_title
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session

blueprint = Blueprint("people", __name__)
DESKS = (access.SECRETARY, access.AUDITOR, access.ADMINISTRATOR)
MAX_SHEET = 10_000_000
ROOM = 64 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Faults = dict[str, list[str]]


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


@blueprint.url_value_preprocessor
def _allow_large(endpoint: str | None, _values: Any) -> None:
    """Room for a table; this runs before the CSRF check, which already reads the body."""
    if endpoint == "people.import_" and session.get("key"):
        request.max_content_length = MAX_SHEET + ROOM


def _union() -> UUID:
    """The union whose people are shown: the one asked for, else the first desk. Raises NotFound without any."""
    asked = uuid(request.values.get("union"))
    desks = me().unions(*DESKS)
    if asked is None and not desks:
        raise NotFound
    return asked or desks[0]


@blueprint.context_processor
def _words() -> dict[str, Any]:
    return {
        "post_title": post_title,
        "post_kinds": post_kinds,
        "owners": people.OWNERS,
        "unit_title": unit_title,
        "name_of": name_of,
    }


def post_kinds() -> list[tuple[str, str]]:
    """Every post that can be given, by key and title."""
    return [(key, post_title(key)) for key in posts.kinds().posts]


def unit_title(kind: str) -> str:
    """What a kind of unit is called."""
    found = posts.kinds().units.get(kind)
    return kind if found is None else found.title_en if lang() == "en" else found.title


# --- roster -----------------------------------------------------------------------------------------------------------
@blueprint.get("/people")
@needs_login
def index() -> str:
    """The roster of a union."""
    union = _union()
    wanted = {
        k: request.args.get(k, "").strip() for k in ("q", "unit", "post", "after", "inactive")
    }
    page, faults = reading.Page((), None), {}
    try:
        page = look(
            lambda s: reading.roster(
                s,
                me(),
                union,
                wanted["q"],
                uuid(wanted["unit"]),
                wanted["post"] or None,
                wanted["after"] or None,
                inactive=bool(wanted["inactive"]),
            )
        )
    except Invalid as fault:
        faults = fault.fields
    tree = look(lambda s: reading.unit_tree(s, me(), union))
    return render_template(
        "people/index.html",
        page=page,
        wanted=wanted,
        faults=faults,
        union=union,
        units=_flat(tree.root),
        desks=_desks(),
        root=tree.root,
        manages=access.may(me(), "manage_people", union),
        imports_=access.may(me(), "import_people", union),
    )


def _flat(node: reading.UnitNode, depth: int = 0) -> list[tuple[str, str]]:
    """(id, indented name) of a tree of units, closed ones left out."""
    if not node.active:
        return []
    below = [pair for child in node.children for pair in _flat(child, depth + 1)]
    return [(str(node.id), "\u3000" * depth + name_of(node)), *below]


def name_of(node: reading.UnitNode) -> str:
    """What a unit is called."""
    return node.name_en if lang() == "en" and node.name_en else node.name


def _desks() -> list[tuple[UUID, str]]:
    """The unions this person may look at, with their names."""
    found = []
    for union in me().unions(*DESKS):
        tree = look(lambda s, union=union: reading.unit_tree(s, me(), union))  # type: ignore[misc]
        found.append((union, name_of(tree.root)))
    return found


# --- one member -------------------------------------------------------------------------------------------------------
@blueprint.get("/people/<uuid:member_id>")
@needs_login
def member(member_id: UUID) -> str:
    """A member with all posts."""
    return _member_page(member_id)


def _member_page(member_id: UUID, about: str = "", faults: Faults | None = None) -> str:
    file = look(lambda s: reading.member_file(s, me(), member_id))
    manages = access.may(me(), "manage_people", file.union_id)
    tree = look(lambda s: reading.unit_tree(s, me(), file.union_id)) if manages else None
    return render_template(
        "people/member.html",
        file=file,
        manages=manages,
        sets=access.may(me(), "set_password", file.union_id),
        units=_flat(tree.root) if tree else [],
        about=about,
        faults=faults or {},
        tried=request.form,
        today=clock.today().isoformat(),
    )


def _on_member(
    member_id: UUID, about: str, work: Callable[[Session], object], said: str
) -> tuple[str, int] | Answer:
    """Do something to a member and come back to their page, with the faults if there are any."""
    try:
        carry_out(work)
    except (Invalid, Conflict) as fault:
        return _member_page(
            member_id, about, getattr(fault, "fields", {"_": [fault.message]})
        ), fault.status
    flash(said)
    return redirect(url_for("people.member", member_id=member_id))


def _field(name: str) -> str:
    return request.form.get(name, "").strip()


@blueprint.post("/people/<uuid:member_id>")
@needs_login
def change(member_id: UUID) -> tuple[str, int] | Answer:
    """Change a member's entry."""
    wanted: dict[str, Any] = {
        k: _field(k) for k in ("name", "phone", "email", "locale") if k in request.form
    }
    wanted["unit_id"] = uuid(_field("unit_id"))
    wanted["active"] = {"yes": True, "no": False}.get(_field("active"))
    return _on_member(
        member_id,
        "entry",
        lambda s: people.change_member(s, me(), member_id, **wanted),
        _("已保存。"),
    )


@blueprint.post("/people/<uuid:member_id>/posts")
@needs_login
def grant(member_id: UUID) -> tuple[str, int] | Answer:
    """Give a post."""

    def work(found: Session) -> object:
        first, last = _days("from_on", "to_on")
        unit = uuid(_field("unit_id"))
        if unit is None:
            raise Invalid({"unit_id": [_("请选择单位。")]})
        return people.grant_post(
            found, me(), member_id, _field("kind"), unit, first, last, _field("term")
        )

    return _on_member(member_id, "post", work, _("已登记职务。"))


def _days(first: str, last: str) -> tuple[date, date | None]:
    faults: Faults = {}
    begin, end = _day(first, faults), _day(last, faults) if _field(last) else None
    if faults or begin is None:
        raise Invalid(faults)
    return begin, end


def _day(name: str, faults: Faults) -> date | None:
    try:
        return date.fromisoformat(_field(name))
    except ValueError:
        faults[name] = [_("日期应写成 2026-03-01 的样子。")]
        return None


@blueprint.post("/people/<uuid:member_id>/posts/<uuid:post_id>/end")
@needs_login
def end(member_id: UUID, post_id: UUID) -> tuple[str, int] | Answer:
    """End a post."""

    def work(found: Session) -> None:
        last, _none = _days("on", "none")
        people.end_post(found, me(), post_id, last, _field("why"))

    return _on_member(member_id, f"end-{post_id}", work, _("已终止职务。"))


@blueprint.post("/people/<uuid:member_id>/password")
@needs_login
def password(member_id: UUID) -> tuple[str, int] | Answer:
    """Set a first or a new password; the person changes it afterwards."""
    secret = request.form.get("secret", "")
    said = _("密码已设置，此人的其他登录已全部结束。")
    return _on_member(
        member_id, "password", lambda s: people.set_password(s, me(), member_id, secret), said
    )


@blueprint.get("/people/new")
@needs_login
def new() -> str:
    """The form for a new member."""
    return _new_page()


def _new_page(faults: Faults | None = None) -> str:
    union = _union()
    access.check_own(me(), "manage_people", union)
    tree = look(lambda s: reading.unit_tree(s, me(), union))
    return render_template(
        "people/new.html",
        units=_flat(tree.root),
        faults=faults or {},
        tried=request.form,
        union=union,
    )


@blueprint.post("/people/new")
@needs_login
def create() -> tuple[str, int] | Answer:
    """Enter a member."""
    unit = uuid(_field("unit_id"))
    try:
        if unit is None:
            raise Invalid({"unit_id": [_("请选择单位。")]})
        key = carry_out(
            lambda s: people.create_member(
                s,
                me(),
                _field("username"),
                _field("name"),
                unit,
                phone=_field("phone"),
                email=_field("email"),
            )
        )
    except Invalid as fault:
        return _new_page(fault.fields), 422
    flash(_("已登记。可以接着登记职务。"))
    return redirect(url_for("people.member", member_id=key))


# --- units ------------------------------------------------------------------------------------------------------------
@blueprint.get("/people/units")
@needs_login
def units() -> str:
    """The tree of units."""
    return _units_page()


def _units_page(about: str = "", faults: Faults | None = None) -> str:
    union = _union()
    tree = look(lambda s: reading.unit_tree(s, me(), union))
    kinds = [(key, unit_title(key)) for key, kind in posts.kinds().units.items() if not kind.union]
    return render_template(
        "people/units.html",
        tree=tree,
        union=union,
        desks=_desks(),
        units=_flat(tree.root),
        kinds=kinds,
        about=about,
        faults=faults or {},
        tried=request.form,
        manages=access.may(me(), "manage_people", union),
    )


def _on_units(about: str, work: Callable[[Session], object], said: str) -> tuple[str, int] | Answer:
    try:
        carry_out(work)
    except (Invalid, Conflict) as fault:
        return _units_page(about, getattr(fault, "fields", {"_": [fault.message]})), fault.status
    flash(said)
    return redirect(url_for("people.units", union=_union()))


@blueprint.post("/people/units")
@needs_login
def add_unit() -> tuple[str, int] | Answer:
    """Enter a unit."""
    parent, words = uuid(_field("parent_id")), [_field(k) for k in ("code", "kind", "name")]

    def work(found: Session) -> object:
        return people.create_unit(found, me(), *words, parent_id=parent, name_en=_field("name_en"))

    return _on_units("new", work, _("已新增单位。"))


@blueprint.post("/people/units/<uuid:unit_id>")
@needs_login
def change_unit(unit_id: UUID) -> tuple[str, int] | Answer:
    """Change a unit, or close it."""
    wanted: dict[str, Any] = {"name": _field("name"), "name_en": _field("name_en")}
    if parent := uuid(_field("parent_id")):
        wanted["parent_id"] = parent
    if _field("active") in ("yes", "no"):
        wanted["active"] = _field("active") == "yes"
    return _on_units(
        f"unit-{unit_id}", lambda s: people.change_unit(s, me(), unit_id, **wanted), _("已保存。")
    )


# --- tables in and out ------------------------------------------------------------------------------------------------
def kinds() -> Mapping[str, str]:
    """What can be imported, in the order in which it has to be."""
    return {"units": _("单位"), "people": _("人员"), "posts": _("职务"), "delegates": _("代表")}


@blueprint.route("/people/import", methods=["GET", "POST"])
@needs_login
def import_() -> str | tuple[str, int] | Answer:
    """Choose what to import, take a template, send a file."""
    union = imports_union()
    if request.method != "POST":
        return _import_page(union)
    sent, kind = request.files.get("file"), _field("kind")
    try:
        if kind not in imports.KINDS:
            raise Invalid({"kind": [_("请选择导入的内容。")]})
        if sent is None or not sent.filename:
            raise Invalid({"file": [_("请选择一个文件。")]})
        name, data = sent.filename, sent.stream.read(MAX_SHEET + 1)
        batch = carry_out(lambda s: imports.preview(s, me(), kind, name, data))
    except Invalid as fault:
        return _import_page(union, fault.fields), 422
    return redirect(url_for("people.preview", batch_id=batch.id))


def imports_union() -> UUID:
    """A union into which this person may import. Raises Refused."""
    own = (me().union_id, *(p.union_id for p in me().posts if p.union_id))
    found = next((u for u in own if access.may(me(), "import_people", u)), None)
    access.check(me(), "import_people", found or me().union_id)
    return found or me().union_id


def _import_page(union: UUID, faults: Faults | None = None) -> str:
    past = look(lambda s: reading.imports(s, me(), union, state=None))
    return render_template(
        "people/import.html",
        kinds=kinds(),
        past=past,
        faults=faults or {},
        kind=request.values.get("kind", ""),
    )


@blueprint.get("/people/import/<any(units, people, posts, delegates):kind>.xlsx")
@needs_login
def template(kind: str) -> Response:
    """The table to be filled in."""
    imports_union()
    return _sheet(imports.template(kind), f"yixing-{kind}-template.xlsx")


def _sheet(data: bytes, name: str) -> Response:
    return Response(
        data, content_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@blueprint.get("/people/import/<uuid:batch_id>")
@needs_login
def preview(batch_id: UUID) -> str:
    """Every row of a file with what would be done and what is wrong; nothing is written yet."""
    return _preview_page(batch_id)


def _preview_page(batch_id: UUID, fault: str = "") -> str:
    batch = look(lambda s: reading.one_import(s, me(), batch_id))
    level = request.args.get("level", "")
    if level not in ("error", "warning", "ok"):
        level = ""
    rows = [r for r in batch.rows if not level or r.level == level]
    shape = [(c.key, c.title_en if lang() == "en" else c.title) for c in columns.of(batch.kind)]
    return render_template(
        "people/preview.html",
        batch=batch,
        rows=rows[:1000],
        more=len(rows) > 1000,
        columns=shape,
        level=level,
        kinds=kinds(),
        fault=fault,
    )


@blueprint.post("/people/import/<uuid:batch_id>/confirm")
@needs_login
def confirm(batch_id: UUID) -> tuple[str, int] | Answer:
    """Write all rows, or none."""
    try:
        done = carry_out(lambda s: imports.confirm(s, me(), batch_id))
    except Conflict as fault:
        return _preview_page(batch_id, fault.message), 409
    counts = {"new": done.created, "changed": done.changed, "skipped": done.skipped}
    flash(_("已导入：新增 %(new)s，更改 %(changed)s，跳过 %(skipped)s。", **counts))
    return redirect(url_for("people.import_"))


@blueprint.post("/people/export/<any(units, people, posts, delegates):kind>")
@needs_login
def export(kind: str) -> Response:
    """What is registered, as a table in the shape of the import; it goes on record."""
    data = carry_out(lambda s: imports.export(s, me(), kind))
    return _sheet(data, f"yixing-{kind}-{clock.today().isoformat()}.xlsx")

"""The tree of units: look, enter, change, close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from engine.commands import people
from engine.errors import Conflict, Invalid
from engine.people import access, posts
from webui.http.session import carry_out, me, needs_login, uuid
from webui.pages.administrator.people.desk import (
    Faults,
    blueprint,
    desks,
    faults_of,
    field,
    tree_of,
    union_shown,
    unit_choices,
    unit_title,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


@blueprint.get("/people/units")
@needs_login
def units() -> str:
    """The tree of units."""
    return _units_page()


def _units_page(about: str = "", faults: Faults | None = None) -> str:
    union = union_shown()
    tree = tree_of(union)
    kinds = [(key, unit_title(key)) for key, kind in posts.kinds().units.items() if not kind.union]
    return render_template(
        "people/units.html",
        tree=tree,
        union=union,
        desks=desks(),
        units=unit_choices(tree.root),
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
        return _units_page(about, faults_of(fault)), fault.status
    flash(said)
    return redirect(url_for("people.units", union=union_shown()))


@blueprint.post("/people/units")
@needs_login
def add_unit() -> tuple[str, int] | Answer:
    """Enter a unit."""
    parent = uuid(field("parent_id"))
    texts = {name: field(name) for name in ("code", "kind", "name", "name_en")}

    def work(found: Session) -> object:
        return people.create_unit(found, me(), **texts, parent_id=parent)

    return _on_units("new", work, _("已新增单位。"))


@blueprint.post("/people/units/<uuid:unit_id>")
@needs_login
def change_unit(unit_id: UUID) -> tuple[str, int] | Answer:
    """Change a unit, or close it."""
    wanted: dict[str, Any] = {"name": field("name"), "name_en": field("name_en")}
    if parent := uuid(field("parent_id")):
        wanted["parent_id"] = parent
    if field("active") in ("yes", "no"):
        wanted["active"] = field("active") == "yes"
    return _on_units(
        f"unit-{unit_id}", lambda s: people.change_unit(s, me(), unit_id, **wanted), _("已保存。")
    )

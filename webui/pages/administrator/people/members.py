"""The roster and a member's page: entry, posts, password."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from engine import clock
from engine.commands import people
from engine.errors import Conflict, Invalid
from engine.people import access
from engine.queries import newcomers
from engine.queries import people as reading
from engine.queries.narrowed import Wanted
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.pages.administrator.people.desk import (
    Faults,
    blueprint,
    days_sent,
    desks,
    faults_of,
    field,
    tree_of,
    union_shown,
    unit_choices,
    unit_sent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


@blueprint.get("/people")
@needs_login
def index() -> str:
    """The roster of a union."""
    return index_page()


def wanted_of(sent: Mapping[str, str]) -> Wanted:
    """Whom a list asks for. Raises NotFound for a unit that is none."""
    texts = {key: sent.get(key, "").strip() for key in ("q", "unit", "post")}
    return Wanted(
        texts["q"],
        uuid(texts["unit"]),
        texts["post"] or None,
        inactive=bool(sent.get("inactive")),
        waiting=bool(sent.get("waiting")),
    )


def index_page(faults: Faults | None = None) -> str:
    """The roster, as it was asked for, with what was wrong."""
    union, wanted = union_shown(), wanted_of(request.values)
    after, wrong = request.args.get("after", "").strip(), dict(faults or {})
    page, new = reading.Page((), None), None
    try:
        page = look(lambda s: _page(s, union, wanted, after))
        new = look(lambda s: newcomers.newcomers(s, me(), union, wanted))
    except Invalid as fault:
        wrong |= fault.fields
    tree = tree_of(union)
    return render_template(
        "people/index.html",
        page=page,
        new=new,
        wanted=wanted,
        faults=wrong,
        union=union,
        units=unit_choices(tree.root),
        desks=desks(),
        root=tree.root,
        manages=access.may(me(), "manage_people", union),
        imports_=access.may(me(), "import_people", union),
        days=_days(union),
    )


def _page(session: Session, union: UUID, wanted: Wanted, after: str) -> reading.Page:
    return reading.roster(
        session,
        me(),
        union,
        q=wanted.q,
        unit_id=wanted.unit_id,
        post=wanted.post,
        after=after or None,
        inactive=wanted.inactive,
        waiting=wanted.waiting,
    )


def _days(union: UUID) -> int:
    """For how many days an invitation is good; 0 for whoever invites nobody there."""
    if not access.may(me(), "invite", union):
        return 0
    return look(lambda s: people.days_valid(s, union))


@blueprint.get("/people/<uuid:member_id>")
@needs_login
def member(member_id: UUID) -> str:
    """A member with all posts."""
    return member_page(member_id)


def member_page(member_id: UUID, about: str = "", faults: Faults | None = None) -> str:
    """A member's page, with what was wrong in the part that it is `about`."""
    file = look(lambda s: reading.member_file(s, me(), member_id))
    manages = access.may(me(), "manage_people", file.union_id)
    tree = tree_of(file.union_id) if manages else None
    return render_template(
        "people/member.html",
        file=file,
        manages=manages,
        sets=access.may(me(), "set_password", file.union_id),
        days=_days(file.union_id),
        units=unit_choices(tree.root) if tree else [],
        about=about,
        faults=faults or {},
        tried=request.form,
        today=clock.today().isoformat(),
    )


def on_member(
    member_id: UUID, about: str, work: Callable[[Session], object], said: str
) -> tuple[str, int] | Answer:
    """Do something to a member and come back to their page, with the faults if there are any. A
    text that `work` gives is said instead.
    """
    try:
        done = carry_out(work)
    except (Invalid, Conflict) as fault:
        return member_page(member_id, about, faults_of(fault)), fault.status
    flash(done if isinstance(done, str) else said)
    return redirect(url_for("people.member", member_id=member_id))


def said_if_waits(found: Session, post_id: UUID) -> str | None:
    """What is said of a post that was entered and waits for a second person."""
    if people.waits(found, post_id):
        return _("这个职务能看到保密事项，已登记为待第二人确认，确认以前不生效。")
    return None


@blueprint.post("/people/<uuid:member_id>")
@needs_login
def change(member_id: UUID) -> tuple[str, int] | Answer:
    """Change a member's entry."""
    wanted: dict[str, Any] = {
        k: field(k) for k in ("name", "phone", "email", "locale") if k in request.form
    }
    wanted["unit_id"] = uuid(field("unit_id"))
    wanted["active"] = {"yes": True, "no": False}.get(field("active"))
    return on_member(
        member_id,
        "entry",
        lambda s: people.change_member(s, me(), member_id, **wanted),
        _("已保存。"),
    )


@blueprint.post("/people/<uuid:member_id>/posts")
@needs_login
def grant(member_id: UUID) -> tuple[str, int] | Answer:
    """Give a post."""

    def work(found: Session) -> str | None:
        first, last = days_sent("from_on", "to_on")
        post_id = people.grant_post(
            found,
            me(),
            member_id,
            field("kind"),
            unit_sent(),
            from_on=first,
            to_on=last,
            term=field("term"),
        )
        return said_if_waits(found, post_id)

    return on_member(member_id, "post", work, _("已登记职务。"))


@blueprint.post("/people/<uuid:member_id>/posts/<uuid:post_id>/end")
@needs_login
def end(member_id: UUID, post_id: UUID) -> tuple[str, int] | Answer:
    """End a post."""

    def work(found: Session) -> None:
        last, _none = days_sent("on", "none")
        people.end_post(found, me(), post_id, last, field("why"))

    return on_member(member_id, f"end-{post_id}", work, _("已终止职务。"))


@blueprint.post("/people/<uuid:member_id>/password")
@needs_login
def password(member_id: UUID) -> tuple[str, int] | Answer:
    """Set a first or a new password; the person changes it afterwards."""
    secret = request.form.get("secret", "")
    said = _("密码已设置，此人的其他登录已全部结束。")
    return on_member(
        member_id, "password", lambda s: people.set_password(s, me(), member_id, secret), said
    )


@blueprint.get("/people/new")
@needs_login
def new() -> str:
    """The form for a new member."""
    return _new_page()


def _new_page(faults: Faults | None = None) -> str:
    union = union_shown()
    access.check_own(me(), "manage_people", union)
    tree = tree_of(union)
    return render_template(
        "people/new.html",
        units=unit_choices(tree.root),
        faults=faults or {},
        tried=request.form,
        union=union,
    )


def _create(unit: UUID, texts: dict[str, str], session: Session) -> UUID:
    return people.create_member(
        session,
        me(),
        texts["username"],
        texts["name"],
        unit,
        phone=texts["phone"],
        email=texts["email"],
    )


@blueprint.post("/people/new")
@needs_login
def create() -> tuple[str, int] | Answer:
    """Enter a member."""
    texts = {name: field(name) for name in ("username", "name", "phone", "email")}
    try:
        unit = unit_sent()
        key = carry_out(partial(_create, unit, texts))
    except Invalid as fault:
        return _new_page(fault.fields), 422
    flash(_("已登记。可以接着登记职务。"))
    return redirect(url_for("people.member", member_id=key))

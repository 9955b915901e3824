"""When people change: forms on a member's page, and the end of a term on the page of imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for
from flask_babel import gettext

from engine.commands import succession
from engine.errors import Conflict, Invalid, NotFound
from engine.people import access
from engine.queries import people as reading
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import said
from webui.pages.administrator.people.desk import blueprint, days_sent, field, unit_sent
from webui.pages.administrator.people.members import on_member, said_if_waits
from webui.pages.administrator.people.tables import union_into

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


def _other(member_id: UUID) -> UUID:
    """The member of the same union whose user name was sent. Raises Invalid."""
    union = look(lambda s: reading.member_file(s, me(), member_id)).union_id
    access.check(me(), "manage_people", union)
    return look(lambda s: reading.named(s, me(), union, field("username")))


@blueprint.post("/people/<uuid:member_id>/hand-over")
@needs_login
def hand_over(member_id: UUID) -> tuple[str, int] | Answer:
    """Give the open tasks to somebody else."""

    def work(found: Session) -> None:
        succession.hand_over(found, me(), member_id, _other(member_id), field("reason"))

    return on_member(member_id, "hand-over", work, _("已移交，逐项记录在案。"))


@blueprint.post("/people/<uuid:member_id>/join")
@needs_login
def join(member_id: UUID) -> tuple[str, int] | Answer:
    """This account is one of two of one person."""

    def work(found: Session) -> None:
        succession.join(found, me(), member_id, _other(member_id), field("why"))

    return on_member(member_id, "join", work, _("已合并，本账号停用。"))


@blueprint.post("/people/<uuid:member_id>/posts/<uuid:post_id>/<any(replace, move):how>")
@needs_login
def succeed(member_id: UUID, post_id: UUID, how: str) -> tuple[str, int] | Answer:
    """Somebody else holds a post for the rest of its term, or it is held elsewhere."""

    def work(found: Session) -> str | None:
        on, _none = days_sent("on", "none")
        why = field("why")
        if how == "replace":
            new = succession.replace(found, me(), post_id, _other(member_id), on=on, why=why)
        else:
            new = succession.move(found, me(), post_id, unit_sent(), on=on, why=why)
        return said_if_waits(found, new)

    return on_member(member_id, f"{how}-{post_id}", work, _("已登记。"))


@blueprint.post("/people/terms/end")
@needs_login
def end_term() -> Answer:
    """End a term of office for all who hold it by category."""
    union = uuid(field("union")) or union_into()
    try:
        last, _none = days_sent("last", "none")
        n = carry_out(lambda s: succession.end_term(s, me(), union, field("term"), last))
        flash(_("已终止 %(n)s 人的任期。", n=n))
    except (Invalid, Conflict, NotFound) as fault:
        flash(said(fault.message), "error")
    return redirect(url_for("people.import_"))

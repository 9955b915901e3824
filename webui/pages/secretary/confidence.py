"""Confidential matters: letting somebody read one, and erasing one that has ended; what the
matter's page says of both.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _

from engine.commands import confidence, erasure
from engine.errors import Conflict, Invalid, NotFound
from engine.queries import instance as reading
from webui.http import fields
from webui.http.session import carry_out, look, me, needs_login
from webui.pages.secretary import matters

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("confidence", __name__)


@blueprint.post("/matters/<uuid:instance_id>/<any(readers, guests, erase, hold):what>")
@needs_login
def guard(instance_id: UUID, what: str) -> tuple[str, int] | Answer:
    """Let somebody read a confidential matter, take that back, or erase its contents; with a reason
    that stays on record.
    """
    look(
        lambda s: reading.must_see(s, me(), instance_id)
    )  # what is not theirs to see does not exist
    reason = request.form.get("reason", "")
    try:
        if what in ("readers", "guests"):
            member = _chosen(request.form.get("member", ""))
            _let(instance_id, member, reason, into=what == "readers")
        else:
            does = erasure.hold if what == "hold" else erasure.propose
            carry_out(lambda s: does(s, me(), instance_id, reason))
    except Invalid as fault:
        return matters.page(instance_id, fault.fields, tried=what), fault.status
    except (Conflict, NotFound) as fault:
        return matters.page(instance_id, fault=fault.message), fault.status
    flash(_done(what))
    return redirect(url_for("matters.matter", instance_id=instance_id), 303)


def _let(instance_id: UUID, member: UUID, reason: str, *, into: bool) -> None:
    """Let a member in until the day that is asked for, or out again."""
    if not into:
        carry_out(lambda s: confidence.let_out(s, me(), instance_id, member, reason))
        return
    until = _day(request.form.get("until", ""))
    carry_out(lambda s: confidence.let_in(s, me(), instance_id, member, reason, until=until))


def _day(written: str) -> date | None:
    """The day that was written; none at all, where nothing was."""
    try:
        return fields.day(written.strip()) if written.strip() else None
    except ValueError:
        raise Invalid({"until": [_("请写成 2026-03-31 这样的日期。")]}) from None


def _done(what: str) -> str:
    if what == "readers":
        return str(_("已准许查阅，已记录在案。"))
    return str(_("已收回查阅，已记录在案。") if what == "guests" else _("已提出，等待另一人批准。"))


def _chosen(member: str) -> UUID:
    try:
        return UUID(member)
    except ValueError:
        raise Invalid({"member": [_("请选择一个人。")]}) from None

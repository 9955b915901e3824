"""Inviting who has not come in yet: one person, or all without a password whom the list shows; the
slips are shown once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import render_template, request, url_for
from flask_babel import gettext

from engine.commands import people
from engine.documents import qr
from engine.errors import Conflict, Invalid
from engine.queries import newcomers
from engine.queries import people as reading
from webui.http.session import carry_out, look, me, needs_login
from webui.pages.administrator.people.desk import blueprint, faults_of, union_shown
from webui.pages.administrator.people.members import (
    index_page,
    member_page,
    on_member,
    wanted_of,
)

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


@blueprint.post("/people/invite")
@needs_login
def invite() -> tuple[str, int]:
    """Invite those whom the list shows and who have no password; with `renew` those too whose
    invitation still opens.
    """
    union, wanted = union_shown(), wanted_of(request.form)
    found = look(lambda s: newcomers.newcomers(s, me(), union, wanted))
    chosen = found.uninvited + (found.invited if request.form.get("renew") else ())
    try:
        made = carry_out(lambda s: people.invite(s, me(), union, chosen))
    except (Invalid, Conflict) as fault:
        return index_page(faults_of(fault)), fault.status
    return _slips(made, url_for("people.index", union=union, waiting=1)), 200


@blueprint.post("/people/<uuid:member_id>/invite")
@needs_login
def invite_one(member_id: UUID) -> tuple[str, int]:
    """Invite this person, anew when they were invited before."""
    file = look(lambda s: reading.member_file(s, me(), member_id))
    try:
        made = carry_out(lambda s: people.invite(s, me(), file.union_id, [member_id]))
    except Conflict as fault:
        return member_page(member_id, "invite", faults_of(fault)), fault.status
    return _slips(made, url_for("people.member", member_id=member_id)), 200


def _slips(made: people.Invited, back: str) -> str:
    """The slips to print. No other page can show their secrets again."""
    slips = [(slip, _address(slip)) for slip in made.slips]
    return render_template(
        "people/slips.html",
        made=made,
        slips=[(slip, address, qr.data_uri(address, 4)) for slip, address in slips],
        site=request.host_url.rstrip("/"),
        back=back,
    )


def _address(slip: people.Slip) -> str:
    return url_for("welcome.page", token=people.grouped(slip.secret), _external=True)


@blueprint.post("/people/<uuid:member_id>/invitation/end")
@needs_login
def end_invitation(member_id: UUID) -> tuple[str, int] | Answer:
    """End the invitation of a person, as when the slip was lost."""
    return on_member(
        member_id,
        "invite",
        lambda s: people.end_invitation(s, me(), member_id),
        _("邀请已作废。"),
    )

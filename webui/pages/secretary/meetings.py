"""Meetings: the desk of who runs one, the screen in the hall, and the page that the QR code at the
door opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import meetings
from engine.documents import qr
from engine.errors import Conflict, Refused
from engine.queries import attendance
from engine.queries import meetings as reading
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session
    from engine.queries.meetings import Meeting

blueprint = Blueprint("meetings", __name__)
ONE = "/meetings/<uuid:meeting_id>"
PAGE = 60
Page = str | tuple[str, int]


def _meeting(meeting_id: UUID) -> Meeting:
    return look(lambda s: reading.meeting(s, me(), meeting_id, lang()))


def _must_see(meeting_id: UUID) -> None:
    look(lambda s: reading.seen(s, me(), meeting_id))


def kind_words() -> dict[str, str]:
    """What the kinds of attendance are called."""
    return {
        "formal": _("正式"),
        "observer": _("列席"),
        "guest": _("特邀"),
        "struck": _("已除名"),
    }


@blueprint.get(ONE)
@needs_login
def meeting(meeting_id: UUID) -> str:
    """One meeting: its numbers and votes for everybody in it; for who runs it the door, the list,
    and what comes next.
    """
    return _page(meeting_id)


def _page(meeting_id: UUID, fault: str = "", pasted: str = "", matched: object = None) -> str:
    found = _meeting(meeting_id)
    wanted = {
        k: request.values.get(k, "").replace("\0", "")[:100] for k in ("words", "which", "after")
    }
    list_ = look(lambda s: _listed(s, meeting_id, wanted)) if found.runs else None
    return render_template(
        "meetings/meeting.html",
        meeting=found,
        people=list_,
        wanted=wanted,
        kinds=kind_words(),
        fault=fault,
        pasted=pasted,
        matched=matched,
        door=_door(found),
        elsewhere=look(lambda s: attendance.elsewhere(s, me(), meeting_id)) if found.runs else (),
    )


def _listed(session: Session, meeting_id: UUID, wanted: Mapping[str, str]) -> attendance.People:
    here = {"here": True, "away": False}.get(wanted["which"])
    return attendance.people(
        session,
        me(),
        meeting_id,
        words=wanted["words"],
        here=here,
        after=wanted["after"],
        limit=PAGE,
    )


def _door(found: Meeting) -> dict[str, str] | None:
    """The address behind the QR code at the door, and its picture."""
    if not found.code or found.state not in ("called", "open"):
        return None
    address = url_for("meetings.check_in", meeting_id=found.id, code=found.code, _external=True)
    return {"address": address, "picture": qr.data_uri(address), "code": found.code}


@blueprint.get(f"{ONE}/now")
@needs_login
def now(meeting_id: UUID) -> str:
    """The numbers and votes as they are now, as a piece of the page."""
    return render_template("meetings/now.html", meeting=_meeting(meeting_id), kinds=kind_words())


@blueprint.post(f"{ONE}/open")
@needs_login
def open_(meeting_id: UUID) -> Page | Answer:
    """Freeze the roll: the meeting begins."""
    _must_see(meeting_id)
    try:
        carry_out(lambda s: meetings.open_meeting(s, me(), meeting_id))
    except Conflict as fault:
        return _page(meeting_id, fault.message), fault.status
    flash(_("会议已开始，名册已固定。"))
    return redirect(url_for("meetings.meeting", meeting_id=meeting_id), 303)


@blueprint.post(f"{ONE}/seat")
@needs_login
def seat(meeting_id: UUID) -> Page | Answer:
    """Check people in or out by list: one tap each, or those of a pasted list at once."""
    _must_see(meeting_id)
    members = [m for m in map(uuid, request.form.getlist("member")) if m]
    came, way = (
        request.form.get("came") != "0",
        "import" if request.form.get("way") == "import" else "list",
    )
    try:
        carry_out(lambda s: meetings.seat(s, me(), meeting_id, members, came=came, way=way))
    except Conflict as fault:
        return _page(meeting_id, fault.message), fault.status
    if way == "import":
        flash(_("已登记 %(n)s 人。", n=len(members)))
    back = {k: request.form[k] for k in ("words", "which", "after") if request.form.get(k)}
    page: dict[str, Any] = {"meeting_id": meeting_id, "_anchor": "list", **back}
    return redirect(url_for("meetings.meeting", **page), 303)


@blueprint.post(f"{ONE}/match")
@needs_login
def match(meeting_id: UUID) -> Page:
    """What a pasted list means on the roll, before anybody is checked in by it."""
    pasted = request.form.get("names", "").replace("\0", "")
    _must_see(meeting_id)
    matched = look(lambda s: attendance.matched(s, me(), meeting_id, pasted))
    return _page(meeting_id, pasted=pasted, matched=matched)


# --- the hall ------------------------------------------------------------------------------------
def _screen(template: str, meeting_id: UUID) -> str:
    """With the code at the door, if it is shown by who runs the meeting."""
    found = _meeting(meeting_id)
    return render_template(template, meeting=found, door=_door(found))


@blueprint.get(f"{ONE}/hall")
@needs_login
def hall(meeting_id: UUID) -> str:
    """The screen for the projector; it brings itself up to date."""
    return _screen("meetings/hall.html", meeting_id)


@blueprint.get(f"{ONE}/hall/now")
@needs_login
def hall_now(meeting_id: UUID) -> str:
    """What is on the screen now, as a piece of the page."""
    return _screen("meetings/screen.html", meeting_id)


# --- at the door ---------------------------------------------------------------------------------
@blueprint.get(f"{ONE}/check-in")
@needs_login
def check_in(meeting_id: UUID) -> str:
    """The page that the QR code opens: one tap, then the votes that wait for me."""
    return _door_page(meeting_id, request.args.get("code", ""))


def _door_page(meeting_id: UUID, code: str, fault: str = "") -> str:
    return render_template(
        "meetings/check_in.html",
        meeting=_meeting(meeting_id),
        code=code[:100],
        fault=fault,
        kinds=kind_words(),
    )


@blueprint.post(f"{ONE}/<any('check-in', leave):what>")
@needs_login
def arrive(meeting_id: UUID, what: str) -> Page | Answer:
    """I am here; I leave."""
    code = request.form.get("code", "").strip()
    try:
        if what == "leave":
            carry_out(lambda s: meetings.leave(s, me(), meeting_id))
        else:
            carry_out(lambda s: meetings.arrive(s, me(), meeting_id, code))
    except Refused as fault:
        if fault.code != "wrong_code":
            raise
        return _door_page(meeting_id, code, fault.message), fault.status
    except Conflict as fault:
        return _door_page(meeting_id, code, fault.message), fault.status
    flash(_("已登记离场。") if what == "leave" else _("已签到。"))
    return redirect(url_for("meetings.check_in", meeting_id=meeting_id, code=code or None), 303)

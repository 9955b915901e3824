"""How I want to be told of what waits for me, what was sent to me, and the links in it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from engine import clock
from engine.commands import notices
from engine.errors import Invalid, NotFound
from engine.people import wishes
from engine.queries import agenda
from engine.queries import notices as reading
from engine.settings import CHANNELS
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("notices", __name__)


def channel_words() -> dict[str, str]:
    """What the channels are called."""
    return {
        "email": _("电子邮件"),
        "wecom": _("企业微信"),
        "dingtalk": _("钉钉"),
        "feishu": _("飞书"),
    }


@blueprint.get("/me/notices")
@needs_login
def index() -> str:
    """My wishes, and the newest messages to me."""
    return _page({})


def _page(faults: dict[str, list[str]], address: str = "") -> str:
    kept, account = look(lambda s: reading.wished(s, me()))
    chosen = CHANNELS if kept.channels is None else kept.channels
    return render_template(
        "auth/notices.html",
        wanted=kept,
        ticked=request.form.getlist("channels") if faults else chosen,
        account=account,
        there=current_app.config["YIXING"].channels,
        channels=channel_words(),
        sent=look(lambda s: reading.sent(s, me().id)),
        faults=faults,
        address=address,
        feed=look(lambda s: agenda.has_feed(s, me())),
        typed=request.form,
    )


@blueprint.post("/me/notices")
@needs_login
def wish() -> Answer | tuple[str, int]:
    """Keep how I want to be told."""
    there = current_app.config["YIXING"].channels
    unknown = [each for each in CHANNELS if each not in there]
    kept, _account = look(lambda s: reading.wished(s, me()))
    # of a channel that is not there now, what was said before stays
    before = CHANNELS if kept.channels is None else kept.channels
    chosen = [*request.form.getlist("channels"), *(each for each in unknown if each in before)]
    given = {key: request.form.get(key, "") for key in (*wishes.TIMES, "singly")}
    try:
        carry_out(lambda s: notices.wish(s, me(), {**given, "channels": chosen}))
    except Invalid as fault:
        return _page(fault.fields), fault.status
    flash(_("通知设置已保存。"))
    return redirect(url_for("notices.index"))


@blueprint.post("/me/notices/<uuid:sending_id>/again")
@needs_login
def again(sending_id: UUID) -> Answer:
    """Let a message that was given up be tried once more."""
    carry_out(lambda s: notices.again(s, me(), sending_id))
    flash(_("已重新排队发送。"))
    return redirect(url_for("notices.index"))


@blueprint.get("/notices/<uuid:sending_id>")
@needs_login
def opened(sending_id: UUID) -> Answer:
    """The link in a message: on to what it is about; that its person came is noted."""
    what, key = carry_out(lambda s: notices.read(s, me(), sending_id))
    return redirect(_address(what, key))


def _address(what: str, key: UUID | None) -> str:
    """Where a task, poll, meeting, copy or deputy is opened; the inbox for anything else."""
    if what == "task":
        return url_for("inbox.task", task_id=key)
    if what == "poll":
        return url_for("inbox.poll", poll_id=key)
    if what == "meeting":
        return url_for("meetings.meeting", meeting_id=key)
    lists = {"copy": "copies.index", "deputy": "deputies.index"}
    return url_for(lists.get(what, "inbox.index"))


@blueprint.post("/me/calendar")
@needs_login
def feed() -> str:
    """A new address of my calendar, shown this once; the one before it ends."""
    secret = carry_out(lambda s: notices.feed(s, me()))
    base = current_app.config["YIXING"].address
    way = url_for("notices.calendar", secret=secret, _external=not base)
    return _page({}, f"{base}{way}")


@blueprint.post("/me/calendar/end")
@needs_login
def end_feed() -> Answer:
    """End the address of my calendar."""
    carry_out(lambda s: notices.end_feed(s, me()))
    flash(_("日历地址已停用。"))
    return redirect(url_for("notices.index"))


@blueprint.get("/calendar/<secret>.ics")
def calendar(secret: str) -> Response:
    """The calendar of whoever has this address. Raises NotFound for one that has ended."""
    owner = carry_out(lambda s: agenda.of(s, notices.note_feed(s, secret)))
    if owner is None:
        raise NotFound
    entries = look(lambda s: agenda.agenda(s, owner, owner.locale))
    answer = Response(_written(entries, owner.locale), content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _written(entries: tuple[agenda.Entry, ...], language: str) -> bytes:
    from icalendar import Calendar, Event

    made, base = Calendar(), current_app.config["YIXING"].address
    made.add("prodid", "-//Yixing//Yixing//ZH")
    made.add("version", "2.0")
    made.add("x-wr-calname", in_language(_("议行待办"), language))
    for each in entries:
        event = Event()
        event.add("uid", f"{each.key}@yixing")
        event.add("dtstamp", clock.now())
        event.add("dtstart", each.at)
        if each.end:
            event.add("dtend", each.end)
        event.add("summary", in_language(each.summary, language))
        if each.what and base:
            event.add("url", base + _address(each.what, UUID(each.thing)))
        event.add("transp", "TRANSPARENT")
        made.add_component(event)
    return bytes(made.to_ical())

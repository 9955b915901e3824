"""How I want to be told of what waits for me, what was sent to me, and the links in it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import notices
from engine.errors import Invalid
from engine.people import wishes
from engine.queries import notices as reading
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


def _page(faults: dict[str, list[str]]) -> str:
    kept, account = look(lambda s: reading.wished(s, me()))
    chosen = wishes.CHANNELS if kept.channels is None else kept.channels
    return render_template(
        "auth/notices.html",
        wanted=kept,
        ticked=request.form.getlist("channels") if faults else chosen,
        account=account,
        there=current_app.config["YIXING"].channels,
        channels=channel_words(),
        sent=look(lambda s: reading.sent(s, me().id)),
        faults=faults,
        typed=request.form,
    )


@blueprint.post("/me/notices")
@needs_login
def wish() -> Answer | tuple[str, int]:
    """Keep how I want to be told."""
    there = current_app.config["YIXING"].channels
    unknown = [each for each in wishes.CHANNELS if each not in there]
    kept, _account = look(lambda s: reading.wished(s, me()))
    # of a channel that is not there now, what was said before stays
    before = wishes.CHANNELS if kept.channels is None else kept.channels
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
    if what == "task":
        return redirect(url_for("inbox.task", task_id=key))
    if what == "poll":
        return redirect(url_for("inbox.poll", poll_id=key))
    if what == "meeting":
        return redirect(url_for("meetings.meeting", meeting_id=key))
    return redirect(url_for("inbox.index"))

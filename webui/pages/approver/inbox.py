"""The approver's desk: one inbox over everything, the task page, and answering a poll."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from engine.commands import confidence, drafts, polls, tasks
from engine.errors import Conflict, Invalid, Refused
from engine.queries import ballots, certificates, meetings
from engine.queries import inbox as waiting
from engine.queries import polls as asked
from engine.queries import tasks as reading
from webui.http import fields
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("inbox", __name__)


@blueprint.get("/")
@needs_login
def index() -> str:
    """What waits for me, soonest due first."""
    wanted: dict[str, Any] = {
        k: request.args.get(k) or None for k in ("bucket", "process", "words", "after")
    }
    found = look(lambda s: waiting.inbox(s, me(), lang=lang(), **wanted))
    sessions = look(lambda s: meetings.awaiting(s, me(), lang()))
    return render_template(
        "inbox/index.html",
        inbox=found,
        wanted=wanted,
        buckets=bucket_words(),
        meetings=sessions,
        todo=teller_words(),
    )


def bucket_words() -> dict[str, str]:
    """What the due buckets are called."""
    return {
        "overdue": _("超期"),
        "today": _("今天"),
        "week": _("一周内"),
        "later": _("以后"),
        "undated": _("无期限"),
    }


def teller_words() -> dict[str, str]:
    """What a teller does next."""
    return {"take_key": _("领取密钥"), "open_box": _("开启选票"), "sign": _("计票签字")}


@blueprint.get("/tasks/<uuid:task_id>")
@needs_login
def task(task_id: UUID) -> str | Answer:
    """One task: what is asked, what was said, until when, what comes next, and the form."""
    found = look(lambda s: reading.task(s, me(), task_id, lang()))
    if found.confidential:
        carry_out(lambda s: confidence.note_reading(s, me(), found.instance_id))
    return _task_page(found, dict(found.draft))


def _task_page(
    found: reading.Task, values: dict[str, Any], errors: Any = None, fault: str = ""
) -> str:
    held = look(lambda s: meetings.of_task(s, me(), found.id))
    return render_template(
        "inbox/task.html", task=found, values=values, errors=errors or {}, fault=fault, meeting=held
    )


@blueprint.post("/tasks/<uuid:task_id>")
@needs_login
def complete(task_id: UUID) -> tuple[str, int] | Answer:
    """Finish a task and go on to the next one."""
    found = look(lambda s: reading.task(s, me(), task_id, lang()))
    given = fields.answers(found.form, request.form)
    revision = request.form.get("revision", "")
    try:
        carry_out(
            lambda s: _complete(s, task_id, given, int(revision) if revision.isdigit() else None)
        )
    except Invalid as fault:
        return _task_page(found, given, fault.fields, _("请按提示修改。")), 422
    except Refused as fault:
        if fault.code == Refused.code:
            raise
        return _task_page(found, given, fault=fault.message), fault.status
    except Conflict as fault:
        found = look(lambda s: reading.task(s, me(), task_id, lang()))
        if (
            found.state == "open"
        ):  # it may come back, and the page may have been faster than its own draft
            with suppress(Invalid):
                carry_out(lambda s: drafts.save(s, me(), f"task:{task_id}", given))
        return _task_page(found, given, fault=fault.message), 409
    return _onward(task_id, _("已办理：%(title)s", title=f"{found.title} · {found.subject}"))


def _complete(session: Any, task_id: UUID, given: dict[str, Any], revision: int | None) -> None:
    tasks.complete(session, me(), task_id, given, revision)
    drafts.drop(session, me(), f"task:{task_id}")


def _onward(done: UUID, said: str) -> Answer:
    """To the next thing to do, or to an empty inbox, with a word on what was done."""
    flash(said)
    following = look(lambda s: waiting.following(s, me(), done))
    if following is None or request.form.get("then") == "inbox":
        return redirect(url_for("inbox.index"))
    if following.what == "poll":
        return redirect(url_for("inbox.poll", poll_id=following.id))
    return redirect(url_for("inbox.task", task_id=following.id))


@blueprint.post("/tasks/<uuid:task_id>/<any(claim, release):what>")
@needs_login
def hold(task_id: UUID, what: str) -> Answer:
    """Take a task of my seat for myself, or give it back."""
    act = tasks.claim if what == "claim" else tasks.release
    carry_out(lambda s: act(s, me(), task_id))
    flash(_("已签收，由您办理。") if what == "claim" else _("已退回，同岗位的人都可以办理。"))
    return redirect(url_for("inbox.task", task_id=task_id))


@blueprint.post("/drafts/<path:key>")
@needs_login
def draft(key: str) -> Response:
    """Keep what is being written; sent by the page itself every few seconds."""
    sent = request.get_json(silent=True)
    carry_out(lambda s: drafts.save(s, me(), key, sent if isinstance(sent, dict) else {}))
    return jsonify(saved=True)


@blueprint.get("/polls/<uuid:poll_id>")
@needs_login
def poll(poll_id: UUID) -> str:
    """A question put to a roll: my answer, how it stands, by which rule."""
    return poll_page(poll_id)


def poll_page(poll_id: UUID, fault: str = "", comment: str = "", typed: Any = None) -> str:
    """The page of a poll, with what went wrong and what had been typed (a form)."""
    found = look(lambda s: asked.poll(s, me(), poll_id, lang()))
    box = look(lambda s: ballots.box(s, me(), poll_id))
    about = _about(found.instance_id)
    counted = certificates.choices(found) if found.state == "closed" else ()
    return render_template(
        "inbox/poll.html",
        poll=found,
        box=box,
        about=about,
        fault=fault,
        comment=comment,
        typed=typed or MultiDict(),
        counted=counted,
    )


def _about(instance_id: UUID) -> Any:
    from engine.queries import instances

    return look(lambda s: instances.file(s, me(), instance_id, lang()))


@blueprint.post("/polls/<uuid:poll_id>/<any(answer, withdraw, close):what>")
@needs_login
def respond(poll_id: UUID, what: str) -> tuple[str, int] | Answer:
    """Answer, take the answer back, or close before the window ends."""
    choice, comment = request.form.get("choice", ""), request.form.get("comment", "")
    try:
        if what == "answer":
            chosen = _ballot() if "ballot" in request.form else None
            carry_out(lambda s: polls.respond(s, me(), poll_id, choice, comment, chosen))
        elif what == "withdraw":
            carry_out(lambda s: polls.take_back(s, me(), poll_id))
        else:
            carry_out(lambda s: polls.close(s, me(), poll_id))
    except (Invalid, Conflict, Refused) as fault:
        if fault.code == Refused.code:
            raise
        return poll_page(poll_id, fault.message, comment, request.form), fault.status
    after = look(lambda s: asked.poll(s, me(), poll_id))
    held = after.meeting_id
    if (
        what == "answer" and held is not None
    ):  # the next vote of the meeting comes up on the page of the check-in
        flash(_("已投票。"))
        return redirect(url_for("meetings.check_in", meeting_id=held))
    if what == "answer":
        may = after.state == "open" and after.rule.get("withdrawal") and not after.in_order
        return _onward(poll_id, _("已作答。截止前可以撤回。") if may else _("已作答。"))
    flash(_("已撤回，可以重新作答。") if what == "withdraw" else _("已截止。"))
    return redirect(url_for("inbox.poll", poll_id=poll_id))


def _ballot() -> list[str]:
    """Whom the ballot of an election chooses. Choosing nobody has to be said."""
    chosen, nobody = request.form.getlist("choices"), "abstain" in request.form
    if chosen and nobody:
        raise Invalid({"choices": [_("选了候选人，就不能同时弃权。")]})
    if not chosen and not nobody:
        raise Invalid({"choices": [_("请选择候选人；一个也不选的，请勾选“弃权”。")]})
    return chosen

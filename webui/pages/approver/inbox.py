"""The approver's desk: one inbox over everything, the task page, and answering a poll."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import (
    Blueprint,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from engine.commands import confidence, drafts, holding, late, polls, seen, tasks
from engine.commands.verbs import openings
from engine.errors import Conflict, Invalid, NotPrintable, Refused
from engine.instance import stand
from engine.queries import (
    ballots,
    despatch,
    not_yet,
    onward,
    poll_summary,
    progress,
    under_way,
    vacancies,
)
from engine.queries import desk as desks
from engine.queries import inbox as waiting
from engine.queries import polls as asked
from engine.queries import tasks as reading
from webui.http import fields
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang, said
from webui.pages.approver import verbs, walking
from webui.pages.approver.words import act_words, flag_words, part_words, teller_words
from webui.pages.files import pdf, plain

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Response
    from werkzeug.wrappers import Response as Answer

    from engine.commands.unit_of_work import UnitOfWork
    from engine.db import Session

blueprint = Blueprint("inbox", __name__)
blueprint.add_app_template_global(walking.wanted, "walked")
ROWS = 60  # of the list on one page


@blueprint.get("/")
@needs_login
def index() -> str:
    """What waits for me, in the order in which a person works."""
    wanted = walking.wanted()
    found = look(
        lambda s: waiting.inbox(
            s,
            me(),
            after=request.args.get("after") or None,
            limit=ROWS,
            by_part=True,
            lang=lang(),
            **wanted,
        )
    )
    now_ = _under_way()
    shown = {act.id for meeting in now_ for act in meeting.acts}
    items = [item for item in found.items if item.id not in shown]
    later = look(lambda s: not_yet.not_yet(s, me(), items))
    ready = [item for item in items if item.id not in later]
    sections = [(part, list(rows)) for part, rows in groupby(ready, lambda item: item.part)]
    if later:
        sections.append(("not_yet", [item for item in items if item.id in later]))
    return render_template(
        "inbox/index.html",
        inbox=found,
        sections=sections,
        from_day=later,
        moved=Counter(item.part for item in items if item.id in later),
        wanted=wanted,
        parts=part_words(),
        flags=flag_words(),
        processes={item.process_id: item.process_title for item in found.items},
        under_way=now_,
        **_in_words(),
        corrected=look(lambda s: despatch.told(s, me())),
        desk=None if request.args else look(lambda s: desks.desk(s, me(), lang())),
        vacant=look(lambda s: vacancies.vacancies(s, me(), lang())),
        todo=teller_words(),
    )


def _under_way(beside: UUID | None = None) -> tuple[under_way.UnderWay, ...]:
    """The meetings under way. On the page of a poll, `beside`: only those with another act."""
    found = look(lambda s: under_way.under_way(s, me(), lang()))
    if beside is None:
        return found
    others = (replace(m, acts=tuple(a for a in m.acts if a.id != beside)) for m in found)
    return tuple(meeting for meeting in others if meeting.acts)


@blueprint.get("/now")
@needs_login
def now() -> tuple[str, int, dict[str, str]]:
    """The meetings under way, as a piece of the inbox or of the page of a poll; asked more often
    while there is one.
    """
    found = _under_way(uuid(request.args.get("beside")))
    piece = render_template("inbox/now.html", under_way=found, **_in_words())
    return piece, 200, {"X-Every": "8" if found else "30"}


def _in_words() -> dict[str, Any]:
    """What the piece about meetings needs: what its buttons say, and where they lead."""
    return {"acts": act_words(), "address": act_address}


@blueprint.get("/tasks/<uuid:task_id>")
@needs_login
def task(task_id: UUID) -> str | Answer:
    """One task: what is asked, what was said, until when, what comes next, and the form."""
    found = look(lambda s: reading.task(s, me(), task_id, lang()))
    if found.confidential:
        carry_out(lambda s: confidence.note_reading(s, me(), found.instance_id))
    if found.actionable:
        carry_out(lambda s: openings.note(s, me(), task_id, recorded=found.recorded))
    verbs.read(found.instance_id, found.comments)
    return _task_page(found, dict(found.draft))


def _task_page(
    found: reading.Task,
    values: dict[str, Any],
    errors: object = None,
    fault: str = "",
    tried: late.Tried | None = None,
) -> str:
    """The page of a task; that this person looks at the matter is noted."""
    return render_template(
        "inbox/task.html",
        task=found,
        shown=found.matter.seen(me(), looked_at(found.instance_id)),
        values=values,
        errors=errors or {},
        fault=fault,
        tried=tried,
        steps=walking.steps(found.id),
    )


def looked_at(instance_id: UUID) -> datetime:
    """Note that this person looks at a matter; gives the moment since which changes are news."""
    return carry_out(lambda s: seen.note(s, me(), instance_id))


@blueprint.get("/tasks/<uuid:task_id>/paper")
@needs_login
def paper(task_id: UUID) -> Response:
    """A paper that this task will issue, as a draft: a PDF, or with ?as=text its text, or why there
    is none yet.
    """
    kind, choice = request.args.get("kind", "")[:100], request.args.get("choice", "")[:100]
    text = request.args.get("as") == "text"
    try:
        made = look(lambda s: reading.draft_paper(s, me(), task_id, kind, choice, as_text=text))
    except NotPrintable as fault:
        if not text:
            raise
        made = said(fault.message).encode()
    return plain(made) if text else pdf(_("草稿") + ".pdf", made)


@blueprint.post("/tasks/<uuid:task_id>")
@needs_login
def complete(task_id: UUID) -> tuple[str, int] | Answer:
    """Finish a task and go on to the next one; of what happened on an earlier day, show first what
    follows from it.
    """
    try:
        what_was_done, address = carry_out(lambda s: _complete(s, task_id))
    except late.Tried as tried:
        return _task_again(task_id, tried=tried), 200
    except Invalid as fault:
        return _task_again(task_id, _("请按提示修改。"), fault.fields), 422
    except Refused as fault:
        if fault.code == Refused.code:
            raise
        return _task_again(task_id, fault.message), fault.status
    except Conflict as fault:
        return _overtaken(task_id, fault.message), 409
    flash(*what_was_done)
    return redirect(address)


def _complete(session: Session, task_id: UUID) -> tuple[tuple[Any, str], str]:
    """What was done and how it is said, and the address of what comes next."""
    revision = request.form.get("revision", "")
    held = tasks.open_task(session, me(), task_id, int(revision) if revision.isdigit() else None)
    held = replace(held, saw=stand.saw(request.form.get("saw", "")))
    given, seen = fields.answers(held.rule.form, request.form), request.form.get("seen", "")
    seconds = current_app.config["YIXING"].undo
    until = holding.submit(held, given, seen, seconds=seconds)
    title = f"{held.rule.title.in_(lang())} · {held.work.title}"
    address = _in_the_hall(session, held.work) or _next(session, task_id)
    if until is None:
        return (_("已办理：%(title)s", title=title), "message"), address
    return ({"task_id": str(task_id), "title": title, "until": until.isoformat()}, "held"), address


def _in_the_hall(session: Session, work: UnitOfWork) -> str | None:
    """The address of what comes next in the meeting of this matter, where one is under way."""
    if not any(rule.meeting for rule in work.process.tasks.values()):
        return None
    act = under_way.next_in(session, me(), work.row["id"])
    return act_address(act) if act else None


def act_address(act: under_way.Act, meeting_id: UUID | None = None) -> str:
    """Where one does what comes next: at the door of the meeting, in a task, or in a poll."""
    if act.what == "check_in":
        return url_for("meetings.check_in", meeting_id=meeting_id)
    if act.what == "task":
        return url_for("inbox.task", task_id=act.id)
    return url_for("inbox.poll", poll_id=act.id)


def _task_again(
    task_id: UUID, fault: str = "", errors: object = None, tried: late.Tried | None = None
) -> str:
    """The task with what was filled in, and why it was not accepted or what would follow."""
    found = look(lambda s: reading.task(s, me(), task_id, lang()))
    return _task_page(found, fields.answers(found.form, request.form), errors, fault, tried)


def _overtaken(task_id: UUID, fault: str) -> str:
    """The same when somebody was faster. What was filled in becomes the draft of a task that is
    still open: it may come back, and the page may have been faster than its own draft.
    """
    found = look(lambda s: reading.task(s, me(), task_id, lang()))
    given = fields.answers(found.form, request.form)
    if found.state == "open":
        with suppress(Invalid):
            carry_out(lambda s: drafts.save(s, me(), f"task:{task_id}", given))
    return _task_page(found, given, fault=fault)


def _next(session: Session, done: UUID) -> str:
    """The address of the next thing to do: in the list that is walked through, else whatever
    follows, or of an empty inbox.
    """
    if request.form.get("then") == "inbox":
        return url_for("inbox.index")
    if address := walking.after(session, done):
        return address
    following = onward.following(session, me(), done)
    return walking.address(following) if following else url_for("inbox.index")


@blueprint.post("/tasks/<uuid:task_id>/<any(claim, release):what>")
@needs_login
def hold(task_id: UUID, what: str) -> Answer:
    """Take a task of my seat for myself, or give it back."""
    act = tasks.claim if what == "claim" else tasks.release
    carry_out(lambda s: act(s, me(), task_id))
    flash(_("已认领，由您办理。") if what == "claim" else _("已放回，同岗位的人都可以办理。"))
    return redirect(url_for("inbox.task", task_id=task_id))


@blueprint.post("/tasks/<uuid:task_id>/<any(undo, seen):what>")
@needs_login
def undo(task_id: UUID, what: str) -> Answer:
    """Take an act back while it is held; or note that one has read why it could not be done."""
    if what == "seen":
        carry_out(lambda s: holding.dismiss(s, me(), task_id))
        return redirect(url_for("inbox.index"))
    try:
        carry_out(lambda s: holding.withdraw(s, me(), task_id))
        flash(_("已撤回，您填写的内容还在。"))
    except Conflict as fault:
        flash(in_language(fault.message, lang()), "error")
    return redirect(url_for("inbox.task", task_id=task_id))


@blueprint.post("/drafts/<path:key>")
@needs_login
def draft(key: str) -> Response:
    """Keep what is being written; sent by the page itself every few seconds."""
    sent, known = request.get_json(silent=True), request.args.get("revision", "")
    if not isinstance(sent, dict):
        raise Invalid(_("草稿应是一个对象。"))
    revision = int(known) if known.isascii() and known.isdigit() and len(known) < 10 else None
    kept = carry_out(lambda s: drafts.save(s, me(), key, sent, revision))
    return jsonify(saved=True, revision=kept)


@blueprint.get("/polls/<uuid:poll_id>")
@needs_login
def poll(poll_id: UUID) -> str:
    """A question put to a roll: my answer, how it stands, by which rule."""
    return poll_page(poll_id)


def poll_page(poll_id: UUID, fault: str = "", comment: str = "", typed: object = None) -> str:
    """The page of a poll, with what went wrong and what had been typed (a form)."""
    page = look(lambda s: asked.page(s, me(), poll_id, lang()))
    poll = page.poll
    box = look(lambda s: ballots.box(s, me(), poll_id)) if poll.question.secret else None
    return render_template(
        "inbox/poll.html",
        page=page,
        poll=poll,
        shown=page.matter.seen(me(), looked_at(poll.instance_id)),
        box=box,
        fault=fault,
        comment=comment,
        typed=typed or MultiDict(),
        counted=poll_summary.choices(poll) if poll.state == "closed" else (),
        mark=progress.of(poll, box).mark,
        under_way=_under_way(poll_id) if poll.meeting_id else (),
        steps=walking.steps(poll_id),
        **_in_words(),
    )


@blueprint.get("/polls/<uuid:poll_id>/now")
@needs_login
def poll_now(poll_id: UUID) -> Response:
    """How far a poll is, for a page that lies open."""
    found = look(lambda s: progress.progress(s, me(), poll_id))
    return jsonify(mark=found.mark, voted=found.voted)


@blueprint.post("/polls/<uuid:poll_id>/<any(answer, withdraw, close):what>")
@needs_login
def respond(poll_id: UUID, what: str) -> tuple[str, int] | Answer:
    """Answer, take the answer back, or close before the window ends."""
    comment = request.form.get("comment", "")
    act = {"answer": _answer, "withdraw": _take_back, "close": _close}[what]
    try:
        what_was_done, address = carry_out(lambda s: act(s, poll_id))
    except (Invalid, Conflict, Refused) as fault:
        if fault.code == Refused.code:
            raise
        return poll_page(poll_id, fault.message, comment, request.form), fault.status
    flash(what_was_done)
    return redirect(address)


def _answer(session: Session, poll_id: UUID) -> tuple[str, str]:
    """Answer; then on to the next vote of the meeting, on the page of the check-in, or to whatever
    waits.
    """
    chosen = _ballot() if "ballot" in request.form else None
    choice, comment = request.form.get("choice", ""), request.form.get("comment", "")
    polls.respond(session, me(), poll_id, choice, comment, choices=chosen)
    after = asked.standing(session, poll_id)
    if after.meeting_id is not None:
        on = walking.after(session, poll_id)
        return _("已投票。"), on or url_for("meetings.check_in", meeting_id=after.meeting_id)
    done = _("已作答。截止前可以撤回。") if after.revocable else _("已作答。")
    return done, _next(session, poll_id)


def _take_back(session: Session, poll_id: UUID) -> tuple[str, str]:
    polls.take_back(session, me(), poll_id)
    return _("已撤回，可以重新作答。"), url_for("inbox.poll", poll_id=poll_id)


def _close(session: Session, poll_id: UUID) -> tuple[str, str]:
    polls.close(session, me(), poll_id)
    return _("已截止。"), url_for("inbox.poll", poll_id=poll_id)


def _ballot() -> list[str]:
    """Whom the ballot of an election chooses. Choosing nobody has to be said."""
    chosen, nobody = request.form.getlist("choices"), "abstain" in request.form
    if chosen and nobody:
        raise Invalid({"choices": [_("选了候选人，就不能同时弃权。")]})
    if not chosen and not nobody:
        raise Invalid({"choices": [_("请选择候选人；一个也不选的，请勾选“弃权”。")]})
    return chosen

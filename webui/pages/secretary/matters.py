"""My matters: what I started and where it stands; one matter with everything that a person in it
may see and do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import confidence, incidents, late, messages, seen
from engine.commands.registry import DESK, DeskVerb
from engine.commands.verbs import copying
from engine.definitions.verbs import COPY
from engine.errors import Conflict, Invalid
from engine.instance.choices import of_instance
from engine.queries import (
    background,
    deadlines,
    diagrams,
    meeting_list,
    standing,
    urgings,
    vacancies,
)
from engine.queries import confidence as secrecy
from engine.queries import instance as reading
from engine.queries import instances as lists
from webui.http import fields
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang, state
from webui.pages.secretary.launch import SENT_TWICE, new_key, once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session
    from engine.instance.context import Context
    from engine.queries.poll_summary import Summary

blueprint = Blueprint("matters", __name__)
Page = tuple[str, int]


@blueprint.get("/matters")
@needs_login
def index() -> str:
    """What I started, or what others started and I take part in, newest first, and whom each waits
    for.
    """
    wanted = {
        k: request.args.get(k, "").replace("\0", "") or None for k in ("state", "words", "after")
    }
    part = "1" if request.args.get("part") else None

    filters = lists.Wanted(
        state=wanted["state"], words=wanted["words"], mine=not part, others=bool(part)
    )

    def read(session: Session) -> tuple[lists.Page, Any]:
        page = lists.instances(session, me(), filters, after=wanted["after"], lang=lang())
        return page, standing.standing(session, [row.id for row in page.items], lang())

    page, where = look(read)
    states = {key: state(key) for key in lists.STATES}
    return render_template(
        "matters/index.html", page=page, where=where, wanted=wanted, part=part, states=states
    )


@dataclass(frozen=True)
class View:
    """A matter as its page shows it. `waits`: what it waits for besides open tasks; `due` and
    `polls` by task id.
    """

    file: reading.File
    open: tuple[reading.Open, ...]
    past: tuple[reading.Open, ...]
    waits: tuple[str, ...]
    due: Mapping[UUID, deadlines.Deadline | None]
    polls: Mapping[UUID, Summary]
    course: standing.Course
    live: tuple[str, ...]
    sealed: tuple[str, ...]  # steps in which something was confided to those before this reader
    guarded: secrecy.Guarded | None  # of a confidential matter
    meetings: Mapping[UUID, meeting_list.Brief]  # by task id
    vacant: Mapping[UUID, vacancies.Vacancy]  # open tasks that nobody can do
    urgings: urgings.Urgings | None  # for whoever urges, and while something open was urged


def _view(session: Session, instance_id: UUID) -> View:
    file = reading.file(session, me(), instance_id, lang())
    opened = tuple(t for t in file.tasks if t.state == "open")
    elements = file.process.diagram.elements
    live = tuple(e for e in file.live if e in elements and elements[e].type != "boundaryEvent")
    held = _held(session, file)
    return View(
        file=file,
        open=opened,
        past=tuple(t for t in file.tasks if t.state != "open"),
        waits=_waits(file, live),
        due={t.id: _deadline(file.context, t) for t in opened},
        polls={poll.task_id: poll for poll in file.polls},
        course=standing.course(file.context),
        live=live,
        sealed=background.sealed(file.context, lang()),
        guarded=secrecy.guarded(session, me(), instance_id) if file.confidential else None,
        meetings={m.task_id: m for m in reversed(held)},
        vacant={v.task_id: v for v in vacancies.vacancies(session, me(), lang(), instance_id)},
        urgings=_urgings(file, opened),
    )


def _urgings(file: reading.File, opened: Sequence[reading.Open]) -> urgings.Urgings | None:
    urged = any((task.due or {}).get("urged") for task in file.tasks)
    if not urged and not _offered(DESK["remind"], file):
        return None
    return urgings.of_matter(file.context, opened, lang(), urged=urged)


def _held(session: Session, file: reading.File) -> tuple[meeting_list.Brief, ...]:
    """The meetings of a matter, newest first; nobody is asked where its process holds none."""
    if not any(rule.meeting for rule in file.process.tasks.values()):
        return ()
    instance_id = file.row.id
    return meeting_list.meetings(session, me(), instance_id=instance_id, limit=200, lang=lang())[0]


def _waits(file: reading.File, live: Sequence[str]) -> tuple[str, ...]:
    """The events that an instance waits for, by their titles."""
    elements = file.process.diagram.elements
    events = (e for e in live if elements[e].type == "intermediateCatchEvent")
    return tuple(file.process.title_of(e, lang()) for e in events)


def _deadline(context: Context, task: reading.Open) -> deadlines.Deadline | None:
    return deadlines.deadline(context.law, context.decisive_on, task.due_at, task.due, lang=lang())


@blueprint.get("/matters/<uuid:instance_id>")
@needs_login
def matter(instance_id: UUID) -> str:
    """One matter: where it stands, who has it, the path so far, what was said, and what I may
    do.
    """
    view = look(lambda s: _view(s, instance_id))
    if view.file.confidential:
        carry_out(lambda s: confidence.note_reading(s, me(), instance_id))
    if any(copy.new for copy in view.file.copies):
        carry_out(lambda s: copying.note_reading(s, me(), instance_id))
    return _shown(view)


def page(instance_id: UUID, errors: object = None, fault: str = "", tried: str = "") -> str:
    """The page of a matter, with what went wrong."""
    return _shown(look(lambda s: _view(s, instance_id)), errors, fault, tried)


def _shown(view: View, errors: object = None, fault: str = "", tried: str = "") -> str:
    instance_id = view.file.row.id
    since = carry_out(lambda s: seen.note(s, me(), instance_id))
    return render_template(
        "matters/matter.html",
        view=view,
        file=view.file,
        row=view.file.row,
        shown=view.file.matter.seen(me(), since),
        errors=errors or {},
        fault=fault,
        tried=tried,
        reason=request.form.get("reason", ""),
        chosen=request.form.get("member", ""),
        until=request.form.get("until", ""),
        copies_go=any(COPY in rule.verbs for rule in view.file.process.tasks.values()),
        verbs=[verb for verb in DESK.values() if _offered(verb, view.file)],
    )


def _offered(verb: DeskVerb, file: reading.File) -> bool:
    """May I do this with a matter as it stands? In a confidential one whoever acts in it by a post
    urges.
    """
    urges = file.rights.acts and verb.name == "remind"
    return file.row.state in verb.states and (file.rights.desk or urges)


@blueprint.get("/matters/<uuid:instance_id>/diagram.bpmn")
@needs_login
def diagram(instance_id: UUID) -> Response:
    """The diagram of this matter's version, in words of the page's language."""
    drawn = look(lambda s: diagrams.of_instance(s, me(), instance_id, lang()))
    return Response(drawn, content_type="application/xml; charset=utf-8")


@blueprint.get("/matters/<uuid:instance_id>/send/<name>")
@needs_login
def message(instance_id: UUID, name: str) -> str | Page:
    """The form of a message that I may send now."""
    return _message(instance_id, name, {})


@blueprint.post("/matters/<uuid:instance_id>/send/<name>")
@needs_login
def send(instance_id: UUID, name: str) -> str | Page | Answer:
    """Send it: withdraw, ask for more time, or whatever the process foresees."""
    process = look(lambda s: reading.read(s, me(), instance_id)).process
    rule = process.messages.get(name)
    given = fields.answers(rule.form, request.form) if rule else {}
    try:
        once(given, lambda s: _send(s, instance_id, name, given))
    except late.Tried as tried:
        return _message(instance_id, name, given, tried=tried)
    except Invalid as fault:
        if SENT_TWICE in fault.fields:
            return _message(
                instance_id,
                name,
                given,
                fault=_("这张表已经提交过，而内容又有改动。确要再提交一次，请再按一次。"),
            )
        return _message(instance_id, name, given, fault.fields, _("请按提示修改。"))
    except Conflict as fault:
        return page(instance_id, fault=fault.message), fault.status
    flash(_("已提交：%(what)s", what=rule.title.in_(lang()) if rule else name))
    return redirect(url_for("matters.matter", instance_id=instance_id), 303)


def _send(session: Session, instance_id: UUID, name: str, given: Mapping[str, Any]) -> str:
    waits = messages.expect(session, me(), instance_id, name)
    return str(late.send(waits, given, request.form.get("seen", "")))


def _message(
    instance_id: UUID,
    name: str,
    values: object,
    errors: object = None,
    fault: str = "",
    *,
    tried: late.Tried | None = None,
) -> str | Page:
    """The form, or the matter with a word on why there is none."""

    def read(session: Session) -> tuple[Any, Any, Any]:
        found = reading.file(session, me(), instance_id, lang())
        able = next((a for a in found.able if a.name == name), None)
        sources, offer = able.form.sources if able and able.form else {}, of_instance(found.context)
        return found, able, {key: offer(source) for key, source in sources.items()}

    found, able, choices = look(read)
    if able is None:
        return page(instance_id, fault=_("现在不能进行这项操作。")), 409
    form = render_template(
        "matters/message.html",
        row=found.row,
        able=able,
        offers=choices,
        values=values,
        errors=errors or {},
        fault=fault,
        tried=tried,
        once=new_key(),
    )
    return form, 422 if fault else 200


@blueprint.post(f"/matters/<uuid:instance_id>/<any({', '.join(DESK)}):what>")
@needs_login
def desk(instance_id: UUID, what: str) -> Page | Answer:
    """A verb of the secretary's desk: urge, stop, let go on, end for good."""
    verb = DESK[what]
    reason = (request.form.get("reason", ""),) if verb.reasoned else ()
    look(lambda s: reading.must_see(s, me(), instance_id))  # what is not theirs does not exist
    try:
        carry_out(lambda s: verb.command(s, me(), instance_id, *reason))
    except Invalid as fault:
        return page(instance_id, fault.fields, tried=what), fault.status
    except Conflict as fault:
        return page(instance_id, fault=fault.message), fault.status
    flash(in_language(verb.done, lang()))
    return redirect(url_for("matters.matter", instance_id=instance_id), 303)


@blueprint.post("/matters/<uuid:instance_id>/incidents/<uuid:incident_id>/retry")
@needs_login
def retry(instance_id: UUID, incident_id: UUID) -> Page | Answer:
    """Try again what broke."""
    look(lambda s: reading.must_see(s, me(), instance_id))
    try:
        carry_out(lambda s: incidents.retry(s, me(), incident_id))
    except Conflict as fault:
        return page(instance_id, fault=fault.message), fault.status
    flash(_("已重新安排，稍后再看结果。"))
    return redirect(url_for("matters.matter", instance_id=instance_id), 303)

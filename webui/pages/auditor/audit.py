"""The auditor's desk: find a case, read the answer before the log, take the evidence away."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import Response, render_template, request
from flask_babel import gettext as _

from engine import clock
from engine.commands import reads
from engine.errors import Invalid, Refused
from engine.instance import rights
from engine.instance.choices import choices
from engine.instance.rights import Case
from engine.people import access
from engine.queries import checkpoints, claims, history, packs, standing
from engine.queries import definitions as processes
from engine.queries import instance as reading
from engine.queries import instances as lists
from engine.queries.telling import Teller
from engine.queries.words import Named
from webui.http import fields
from webui.http.sentences import Sentence, tell
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import day, lang, last_day, state
from webui.pages.auditor.desk import blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from engine.db import Session
    from engine.instance.context import Context
    from engine.queries.history import Happened

FILTERS = (
    *("words", "process", "state", "unit", "since", "until", "overdue", "stage", "waits", "after"),
)
LOG_FILTERS = ("who", "since", "until", "refused")
PAGE, LOG, LINES, SHEET = 50, 100, 500, 10_000
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)


# --- find ----------------------------------------------------------------------------------------
@blueprint.get("/audit")
@needs_login
def index() -> str | Response:
    """Search all matters of the unions whose desk this person holds."""
    desks = access.desk_unions(me(), *access.SEEING)
    if not desks:
        raise Refused(verb="see_desk")
    wanted = {k: request.args.get(k, "").strip() for k in FILTERS}
    page, faults = lists.Page((), None), {}
    try:
        page = look(lambda s: _search(s, wanted))
    except Invalid as fault:
        faults = fault.fields
    if request.args.get("format") == "csv" and not faults:
        return look(lambda s: _csv(s, found(s, wanted)))
    waits = look(lambda s: standing.standing(s, [r.id for r in page.items], lang()))
    offers = look(lambda s: _offers(s, desks))
    states = {key: state(key) for key in lists.STATES}
    filtered = any(wanted[k] for k in FILTERS if k not in ("words", "after"))
    return render_template(
        "audit/index.html",
        page=page,
        waits=waits,
        wanted=wanted,
        faults=faults,
        states=states,
        filtered=filtered,
        **offers,
    )


def found(session: Session, wanted: Mapping[str, str], most: int = SHEET) -> list[lists.Row]:
    """Every row, page by page, until there are `most`: as far as a spreadsheet goes."""
    rows: list[lists.Row] = []
    after: str | None = ""
    while after is not None and len(rows) < most:
        page = _search(session, {**wanted, "after": after})
        rows += page.items
        after = page.next
    return rows


def _search(session: Session, wanted: Mapping[str, str]) -> lists.Page:
    filters = lists.Wanted(
        words=wanted["words"] or None,
        process=wanted["process"] or None,
        state=wanted["state"] or None,
        unit_id=uuid(wanted["unit"]),
        since=_day("since", wanted),
        until=_day("until", wanted),
        overdue=bool(wanted["overdue"]),
        stage=wanted["stage"] or None,
        waits=wanted["waits"] or None,
    )
    after = wanted["after"] or None
    return lists.instances(session, me(), filters, after=after, limit=PAGE, lang=lang())


def _day(field: str, wanted: Mapping[str, str]) -> date | None:
    try:
        return fields.day(wanted[field]) if wanted[field] else None
    except ValueError:
        raise Invalid({field: [_("日期应写成 2026-03-01 的样子。")]}) from None


def _offers(session: Session, desks: Sequence[UUID]) -> dict[str, Any]:
    """What the filters offer: processes and the units of these unions."""
    listed = processes.listing(session, me(), lang())
    units = [pair for union in desks for pair in choices(session, union)("units:any")]
    return {"processes": [(p.process_id, p.title) for p in listed], "units": units}


def _csv(session: Session, rows: Sequence[lists.Row]) -> Response:
    """A table that a spreadsheet opens; no cell can act as a formula."""
    waits = standing.standing(session, [r.id for r in rows], lang())
    text = io.StringIO()
    writer = csv.writer(text)
    head = [
        _("编号"),
        _("案由"),
        _("流程"),
        _("状态"),
        _("环节或结果"),
        _("提出人"),
        _("单位"),
        _("发起"),
        _("办结"),
    ]
    writer.writerow([*head, _("等待"), _("期限")])
    for r in rows:
        where = r.outcome_title or _("、").join(r.stage)
        line = [r.number, r.title, r.process_title, state(r.state), where, r.starter, r.unit]
        open_ = waits.get(r.id, ())
        due = next((s.due_at for s in open_ if s.due_at), None)
        more = (
            day(r.started_at),
            day(r.ended_at),
            _("、").join(s.who for s in open_ if s.who),
            last_day(due),
        )
        writer.writerow([_inert(cell) for cell in (*line, *more)])
    if len(rows) >= SHEET:
        writer.writerow([_("只列出最近的 %(n)s 件，更早的请用筛选分次下载。", n=len(rows))])
    name = f"yixing-{clock.today().isoformat()}.csv"
    return Response(
        "\ufeff" + text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


# --- one case ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Line:
    """An event on the page: its sentence, the canonical body that was hashed, and which checkpoint
    covers it.
    """

    event: Happened
    said: Sentence
    raw: str
    witnessed: bool


@dataclass(frozen=True)
class View:
    """A case for the auditor. `covered` and `witnessed`: how many of its events are under a
    checkpoint, and a witnessed one. `exports`: whoever looks may have its evidence packed. `whose`:
    it goes by a version of its "union", or by the "common" one.
    """

    file: reading.File
    answers: tuple[claims.Answer, ...]
    votes: tuple[claims.Vote, ...]
    proof: history.Proof
    standing: tuple[standing.Standing, ...]
    lines: tuple[Line, ...]
    more: int | None
    people: tuple[str, ...]  # who acted in it, in the order in which they came
    covered: int
    witnessed: int
    refused: tuple[Line, ...]
    incidents: int
    passed: str
    live: str
    exports: bool
    pack: packs.Pack | None
    whose: str


@blueprint.get("/audit/<uuid:instance_id>")
@needs_login
def instance(instance_id: UUID) -> str:
    """One case: the answer in words, the timeline, the path, the documents, the polls, the
    proof.
    """
    view = carry_out(lambda s: _recorded(s, instance_id))
    file = view.file
    sees = access.is_own_union(me(), file.union_id) or me().runs_installation
    return render_template(
        "audit/instance.html",
        view=view,
        file=file,
        row=file.row,
        proof=view.proof,
        sees_version=sees or view.whose != "union",
    )


def _recorded(session: Session, instance_id: UUID) -> View:
    """The case; that it was read goes on record first, and so stands in what is shown."""
    reads.read_history(session, me(), instance_id)
    return _view(session, instance_id)


def _view(session: Session, instance_id: UUID) -> View:
    context = reading.read(session, me(), instance_id)
    record = history.record(context)
    file = reading.file_of(context, lang(), mentions=mentions(record.bodies))
    proof = history.proven(context, record)
    events, passed = _events(file, record)
    answers, votes = _answers(context, file, record) if events else ((), ())
    lines = lines_of(events, Teller(file.process, file.names.names), proof.witnessed_size)
    after, who = request.args.get("after", 0, type=int), request.args.get("who", "")
    later = (line for line in lines if line.event.seq > after)
    found = tuple(line for line in later if who in ("", line.event.actor))
    shown = found[:LINES]
    elements = file.process.diagram.elements
    exports = rights.may(Case(context, "export"))
    live = [e for e in file.live if e in elements and elements[e].type != "boundaryEvent"]
    return View(
        file=file,
        answers=answers,
        votes=votes,
        proof=proof,
        standing=_standing(file),
        lines=shown,
        more=shown[-1].event.seq if len(found) > LINES else None,
        people=tuple(dict.fromkeys(line.event.actor for line in lines if line.event.actor)),
        covered=sum(_under(e, proof.checkpoint_size) for e in events),
        witnessed=sum(_under(e, proof.witnessed_size) for e in events),
        refused=tuple(line for line in lines if line.said.mark == "refused"),
        incidents=sum(e.kind == "incident_noted" for e in events),
        passed=json.dumps(passed),
        live=json.dumps(live),
        exports=exports,
        pack=packs.newest_of(file.context) if exports else None,
        whose=_whose(record.bodies),
    )


def _whose(bodies: Sequence[Mapping[str, Any]]) -> str:
    """Whose version a matter goes by, as its launch tells it."""
    launches = (b for b in bodies if b.get("kind") == "instance_launched")
    return str(next(launches, {}).get("whose", "common"))


def _standing(file: reading.File) -> tuple[standing.Standing, ...]:
    """The open tasks, soonest due first."""
    opened = [task for task in file.tasks if task.state == "open"]
    opened.sort(key=lambda task: (task.due_at is None, task.due_at or task.opened_at, task.id))
    return tuple(
        standing.Standing(t.title, who=t.person or t.who, since=t.opened_at, due_at=t.due_at)
        for t in opened
    )


def _events(
    file: reading.File, record: history.Record
) -> tuple[tuple[Happened, ...], tuple[str, ...]]:
    """All events, and the elements passed. Nothing where a body was altered so that it cannot even
    be read: the proof, which does not read bodies, names that line.
    """
    try:
        events = history.happened(file.context, record, file.silent)
        return events, history.passed(file.context, record)
    except UNREADABLE:
        return (), ()


def _answers(
    context: Context, file: reading.File, record: history.Record
) -> tuple[tuple[claims.Answer, ...], tuple[claims.Vote, ...]]:
    """What the process has to show, and what its votes came to; nothing of bodies that were
    altered.
    """
    try:
        told = tuple(b for b in record.bodies if b.get("poll") not in file.silent)
        return claims.answers(context, record.bodies), claims.votes(file.process, told)
    except UNREADABLE:
        return (), ()


def mentions(bodies: Sequence[Mapping[str, Any]]) -> object:
    """Where ids stand that these events mention: anywhere, and in seats."""
    opened = [o for b in bodies if isinstance(b.get("opened"), list) for o in b["opened"]]
    parts = [part for part in (*bodies, *opened) if isinstance(part, dict)]
    seats = [str(part.get("seat") or "").partition("@")[2] for part in parts]
    return [[dict(b) for b in bodies], seats]


def _under(event: Happened, size: int) -> bool:
    return event.leaf_no is not None and event.leaf_no < size


def _teller(session: Session, bodies: Sequence[Mapping[str, Any]]) -> Teller:
    """Knows the name behind every id that these events, which belong to no case, mention."""
    return Teller(None, Named.of(session, mentions(bodies), me()).names)


def lines_of(events: Sequence[Happened], teller: Teller, witnessed: int) -> tuple[Line, ...]:
    return tuple(Line(e, _said(teller, e), _raw(e.body), _under(e, witnessed)) for e in events)


def _said(teller: Teller, event: Happened) -> Sentence:
    try:
        return tell(teller, event)
    except UNREADABLE:  # altered: what belongs to this kind of event is not there
        return Sentence(_("这一条的内容读不懂。"), "incident")


def _raw(body: Mapping[str, Any]) -> str:
    """The body as it was hashed."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# --- what belongs to no case ---------------------------------------------------------------------
@blueprint.get("/audit/log")
@needs_login
def log() -> str:
    """What happened in a union, or in the whole installation, besides its cases; newest first."""
    desks = access.desk_unions(me(), *access.SEEING)
    if not desks:
        raise Refused(verb="read_history")
    whole = request.args.get("of") == "installation"
    union = None if whole else uuid(request.args.get("of")) or desks[0]
    wanted = {k: request.args.get(k, "").strip() for k in LOG_FILTERS}
    which, faults = history.Which(), {}
    try:
        which = _which(wanted)
    except Invalid as fault:
        faults = fault.fields

    def read(session: Session) -> tuple[tuple[Line, ...], Mapping[str, str]]:
        if union is None:
            events = checkpoints.installation_log(session, me(), which, LOG)
        else:
            events = history.union_log(session, me(), union, which, LOG)
        told = lines_of(events, _teller(session, [e.body for e in events]), 0)
        return told, Named.of(session, [str(d) for d in desks], me()).names

    lines, names = look(read)
    more = lines[-1].event.seq if len(lines) == LOG and lines[-1].event.seq > 1 else None
    shown = {"lines": lines, "union": union, "desks": desks, "names": names, "more": more}
    return render_template("audit/log.html", wanted=wanted, faults=faults, **shown)


def _which(wanted: Mapping[str, str]) -> history.Which:
    """Raises Invalid."""
    return history.Which(
        who=wanted["who"],
        since=_day("since", wanted),
        until=_day("until", wanted),
        refused=bool(wanted["refused"]),
        before=request.args.get("before", type=int),
    )

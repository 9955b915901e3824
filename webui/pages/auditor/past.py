"""A matter looked at from within: as it stood at an event, its gates, and who was in its halls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import notes as noting
from engine.commands import reads
from engine.errors import Invalid
from engine.instance import polling
from engine.queries import as_of, gates, history, notes, opinions, present
from engine.queries import instance as reading
from engine.queries import presence as ledgers
from engine.queries.as_of import Same
from engine.queries.telling import Teller
from engine.queries.words import Named
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang
from webui.pages.auditor.audit import Line, lines_of, mentions
from webui.pages.auditor.desk import blueprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from werkzeug.wrappers import Response

    from engine.db import Session
    from engine.instance.context import Context

T = TypeVar("T")


@dataclass(frozen=True)
class Read:
    """A matter whose history was read, which went on record first."""

    context: Context
    record: history.Record
    names: Named

    @property
    def title(self) -> Mapping[str, Any]:
        """What the head of each page says."""
        row = self.context.row
        return {"id": row["id"], "number": row["number"], "title": row["title"]}


def read(session: Session, instance_id: UUID) -> Read:
    """Raises NotFound, Refused."""
    reads.read_history(session, me(), instance_id)
    context = reading.read(session, me(), instance_id)
    record = history.record(context)
    named = [context.row["facts"], mentions(record.bodies)]
    return Read(context, record, Named.of(session, named, me()))


def _told(work: Callable[[Session], T]) -> T:
    """What is made from the events of a matter. Raises Conflict of one that was altered."""

    def tried(session: Session) -> T:
        with as_of.readable():
            return work(session)

    return carry_out(tried)


# --- as it stood ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Moment:
    """What the page of a moment shows. `acts`: what people did, of which one may be `act`, whose
    page this is; `lines`: the events around.
    """

    head: Mapping[str, Any]
    then: as_of.Then
    last: int
    line: Line
    acts: tuple[as_of.Acted, ...]
    act: as_of.Acted | None
    shown: tuple[present.Shown, ...]
    opinions: tuple[opinions.Opinion, ...]
    posts: tuple[as_of.Post, ...]
    titles: Mapping[str, str]


@blueprint.get("/audit/<uuid:instance_id>/then")
@needs_login
def then(instance_id: UUID) -> str:
    """The matter as it stood after an event: what whoever acted next had before them, by whom the
    posts were held, and whether that is what was shown to them.
    """
    asked = request.args.get("seq", type=int)
    return render_template(
        "audit/then.html", m=_told(lambda s: _moment(s, instance_id, asked)), same=verdicts()
    )


def verdicts() -> Mapping[Same, tuple[str, str]]:
    """Whether it is what was shown, as a word and a sentence."""
    return {
        Same.YES: (_("相符"), _("与当时显示的一致：页面据以生成的内容，摘要相同。")),
        Same.NO: (_("不符"), _("与当时显示的不一致：摘要不同。请核对当时的页面和数据。")),
        Same.UNKEPT: (_("没有摘要"), _("当时没有留下摘要：经接口、批量或较早的版本办理。")),
        Same.UNKNOWN: (_("不能核对"), _("有的内容后来改写，原文没有留存，不能核对。")),
    }


def _moment(session: Session, instance_id: UUID, asked: int | None) -> Moment:
    found = read(session, instance_id)
    past = as_of.Past(found.context, found.record.bodies)
    acts = past.acts()
    seq = asked if asked is not None else acts[-1].saw if acts else past.last
    stood = past.then(seq)
    act = next((each for each in acts if each.saw == seq), None)
    matter = present.matter(stood.context, stood.parts, found.names, lang())
    events = history.happened(found.context, found.record, _silent(found.context))
    line = lines_of(events[seq - 1 : seq], Teller(found.context.process, found.names.names), 0)[0]
    who = past.body(act.seq)["actor"]["id"] if act else None
    title = found.context.process.title_of
    return Moment(
        head=found.title,
        then=stood,
        last=past.last,
        line=line,
        acts=acts,
        act=act,
        shown=matter.seen(me(), stood.at),
        opinions=opinions.opinions(stood.context, stood.parts, found.names, lang()),
        posts=as_of.held(session, UUID(who), stood.day) if who else (),
        titles={each.element: title(each.element, lang()) for each in acts}
        | {name: title(name, lang()) for name in stood.lost},
    )


def _silent(context: Context) -> frozenset[str]:
    return polling.running_votes(context.session, context.row["id"])


# --- its gates ------------------------------------------------------------------------------------
@blueprint.get("/audit/<uuid:instance_id>/gates")
@needs_login
def gate(instance_id: UUID) -> str:
    """Each gate of a matter: the law, what it looked at, when it opened, who tried before."""

    def passed(session: Session) -> tuple[Mapping[str, Any], Sequence[gates.Passed]]:
        found = read(session, instance_id)
        past = as_of.Past(found.context, found.record.bodies)
        return found.title, gates.gates(past, found.names, lang())

    head, found = _told(passed)
    return render_template("audit/gates.html", head=head, gates=found)


# --- its halls ------------------------------------------------------------------------------------
@blueprint.get("/audit/<uuid:instance_id>/presence")
@needs_login
def presence(instance_id: UUID) -> str:
    """Who was in the hall when, beside the votes."""

    def there(session: Session) -> tuple[Mapping[str, Any], Sequence[ledgers.Hall]]:
        found = read(session, instance_id)
        return found.title, ledgers.halls(found.context, found.record.bodies)

    head, found = _told(there)
    drawn = [(hall, ledgers.curve(hall)) for hall in found]
    return render_template("audit/presence.html", head=head, halls=drawn)


# --- notes on it ----------------------------------------------------------------------------------
@blueprint.get("/audit/<uuid:instance_id>/notes")
@needs_login
def noted(instance_id: UUID) -> str:
    """What its auditors noted on its events, and the form for one more."""
    return _notes_page(instance_id)


def _notes_page(instance_id: UUID, faults: Mapping[str, Any] | None = None) -> str:
    def found(session: Session) -> tuple[Mapping[str, Any], Sequence[notes.Note]]:
        row = reading.read(session, me(), instance_id).row
        head = {"id": row["id"], "number": row["number"], "title": row["title"], "last": row["seq"]}
        return head, notes.of_matter(session, me(), instance_id)

    head, listed = look(found)
    tried = {key: request.values.get(key, "") for key in ("seq", "text")}
    return render_template(
        "audit/notes.html", head=head, notes=listed, faults=faults or {}, tried=tried
    )


@blueprint.post("/audit/<uuid:instance_id>/notes")
@needs_login
def annotate(instance_id: UUID) -> tuple[str, int] | Response:
    """Note something on an event; it stands on record and cannot be taken back."""
    seq, text = request.form.get("seq", ""), request.form.get("text", "")
    number = int(seq) if seq.isascii() and seq.isdigit() and len(seq) < 10 else 0
    try:
        carry_out(lambda s: noting.note(s, me(), instance_id, number, text))
    except Invalid as fault:
        return _notes_page(instance_id, fault.fields), 422
    flash(_("批注已记入历史。"))
    return redirect(url_for("audit.noted", instance_id=instance_id))

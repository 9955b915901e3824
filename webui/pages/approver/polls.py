"""Polls beyond the answer itself: the tellers' table, declaring a vote void, the certificate and
its check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import pads, signing, teller_changes, tellers, voiding
from engine.documents import docx
from engine.errors import Conflict, Invalid, Refused
from engine.queries import ballot_papers, certificates, poll_rows, poll_summary, write_ins
from webui.http.messages import language
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang
from webui.pages.approver.inbox import poll_page
from webui.pages.files import pdf, to_save

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask import Response
    from werkzeug.wrappers import Response as Answer

    from engine.db import Session

blueprint = Blueprint("polls", __name__)
ONE = "/polls/<uuid:poll_id>"
Page = tuple[str, int]


def _done(poll_id: UUID, work: Callable[[Session], Any], said: str) -> Page | Answer:
    """Carry it out and say so; what is refused for a reason of the poll is told on its page with
    what was typed.
    """
    look(lambda s: poll_rows.must_see(s, me(), poll_id))
    try:
        carry_out(work)
    except (Invalid, Conflict, Refused) as fault:
        if fault.code == Refused.code:
            raise
        return poll_page(poll_id, fault.message, typed=request.form), fault.status
    flash(said)
    return redirect(url_for("inbox.poll", poll_id=poll_id), 303)


@blueprint.post(f"{ONE}/paper/give")
@needs_login
def give_paper(poll_id: UUID) -> Page | Answer:
    """A teller hands out paper ballots by name."""
    members = [m for m in map(uuid, request.form.getlist("member")) if m]

    def work(session: Session) -> None:
        if not members:
            raise Invalid({"members": [_("请选择领票人。")]})
        tellers.give_paper(session, me(), poll_id, members)

    return _done(poll_id, work, _("已登记 %(n)s 人领取纸质票。", n=len(members)))


@blueprint.post(f"{ONE}/pads")
@needs_login
def print_pad(poll_id: UUID) -> Page | Answer:
    """A teller, or who presides, notes a pad of numbered ballots that is printed."""
    ballots = _whole(request.form.get("ballots", "")) or 0
    return _done(
        poll_id,
        lambda s: pads.print_pad(s, me(), poll_id, ballots),
        _("已登记印制，可以打印。"),
    )


@blueprint.post(f"{ONE}/pads/back")
@needs_login
def take_back(poll_id: UUID) -> Page | Answer:
    """A teller, or who presides, notes which numbers were taken back unused."""
    given = request.form
    first, last = (_whole(given.get(name, "")) or 0 for name in ("back_first", "back_last"))
    reason = given.get("back_reason", "")
    return _done(
        poll_id,
        lambda s: pads.take_back(s, me(), poll_id, (first, last), reason),
        _("已登记收回，这些选票不能再发。"),
    )


@blueprint.get(f"{ONE}/papers/<what>.<form>")
@needs_login
def paper(poll_id: UUID, what: str, form: str) -> Response:
    """The ballots of a pad, or the tally sheet, as PDF or DOCX."""
    first, last = (request.args.get(name, type=int) for name in ("first", "last"))
    wanted = ballot_papers.Asked(what, form, first or 1, last or 0)
    name, data = look(lambda s: ballot_papers.paper(s, me(), poll_id, wanted))
    return pdf(name, data) if form == "pdf" else to_save(name, data, docx.MEDIA_TYPE)


@blueprint.post(f"{ONE}/paper")
@needs_login
def enter_paper(poll_id: UUID) -> Page | Answer:
    """A teller enters what the paper ballots say."""
    counts = {
        k.removeprefix("n."): _whole(v) for k, v in request.form.items() if k.startswith("n.")
    }
    given = {
        "returned": _whole(request.form.get("returned", "")),
        "invalid": _whole(request.form.get("invalid", "")),
    }

    def work(session: Session) -> None:
        named = {**counts, **_written_in(session, poll_id)}
        tellers.enter_paper(session, me(), poll_id, {**given, "counts": named})

    return _done(poll_id, work, _("纸质票数已录入。"))


def _written_in(session: Session, poll_id: UUID) -> dict[str, int | None]:
    """The votes of those who were written in: a line has a person of the list and a number. Raises
    Invalid.
    """
    lines = [
        (v.strip(), request.form.get(f"v.{k.removeprefix('w.')}", ""))
        for k, v in request.form.items()
        if k.startswith("w.") and v.strip()
    ]
    known = {e.label: str(e.id) for e in write_ins.eligible(session, poll_id)} if lines else {}
    found: dict[str, int | None] = {}
    for label, votes in lines:
        if known.get(label) is None or known[label] in found:
            message = _(
                "“%(who)s”不在可以另选的名单里，或者填了两行；请从名单里选，一人一行。", who=label
            )
            raise Invalid({"counts": [message]})
        found[known[label]] = _whole(votes)
    return found


def _whole(text: str) -> int | None:
    """A whole number; nothing typed is none. What is no number stays what it is, and the command
    says so.
    """
    plain = text.strip()
    return (
        int(plain)
        if plain.isascii() and plain.isdigit() and len(plain) < 8
        else None
        if plain
        else 0
    )


@blueprint.post(f"{ONE}/sign")
@needs_login
def sign(poll_id: UUID) -> Page | Answer:
    """A teller signs the count."""
    return _done(poll_id, lambda s: signing.sign(s, me(), poll_id), _("已签字。"))


@blueprint.post(f"{ONE}/dissent")
@needs_login
def dissent(poll_id: UUID) -> Page | Answer:
    """A teller says why they do not sign the count."""
    reason = request.form.get("dissent", "")
    return _done(
        poll_id, lambda s: signing.dissent(s, me(), poll_id, reason), _("不同意见已记录。")
    )


@blueprint.post(f"{ONE}/declare")
@needs_login
def declare(poll_id: UUID) -> Page | Answer:
    """Who presides declares the result."""
    return _done(poll_id, lambda s: signing.declare(s, me(), poll_id), _("结果已宣布。"))


@blueprint.post(f"{ONE}/tellers/leave")
@needs_login
def resign(poll_id: UUID) -> Page | Answer:
    """A teller asks to be replaced."""
    reason = request.form.get("leave", "")
    return _done(
        poll_id,
        lambda s: teller_changes.resign(s, me(), poll_id, reason),
        _("已请主持人更换监票人。"),
    )


@blueprint.post(f"{ONE}/tellers/replace")
@needs_login
def replace_teller(poll_id: UUID) -> Page | Answer:
    """Who presides puts somebody in a teller's place."""
    teller, successor = uuid(request.form.get("teller")), uuid(request.form.get("successor"))
    reason = request.form.get("left", "")

    def work(session: Session) -> None:
        if teller is None or successor is None:
            raise Invalid({"successor": [_("请选择接替的监票人。")]})
        change = teller_changes.Change(teller, successor, reason)
        teller_changes.replace(session, me(), poll_id, change)

    return _done(poll_id, work, _("监票人已更换。"))


@blueprint.post(f"{ONE}/void")
@needs_login
def void(poll_id: UUID) -> Page | Answer:
    """Declare the poll void with a reason, or confirm what another declared."""
    reason = request.form.get("reason", "")
    instance_id = look(lambda s: poll_rows.must_see(s, me(), poll_id))
    done = _done(
        poll_id,
        lambda s: voiding.void(s, me(), poll_id, reason),
        _("已宣布无效；须两方共同宣布的，等另一方确认。"),
    )
    if isinstance(done, tuple):
        return done
    return redirect(url_for("matters.matter", instance_id=instance_id), 303)


@blueprint.get(f"{ONE}/certificate.pdf")
@needs_login
def certificate(poll_id: UUID) -> Response:
    """The result as a paper, for everybody who sees the matter."""
    address = url_for("polls.verify", poll_id=poll_id, _external=True) + "?hash={hash}"
    name, data = look(
        lambda s: certificates.certificate(s, me(), poll_id, address, language(lang()))
    )
    return pdf(name, data)


@blueprint.get(f"{ONE}/verify")
@needs_login
def verify(poll_id: UUID) -> str:
    """Is the hash of a certificate the one on record?"""
    seal = request.args.get("hash", "").replace("\0", "")[:200]
    found, poll = look(lambda s: certificates.verified(s, me(), poll_id, seal, lang()))
    return render_template(
        "meetings/verify.html",
        poll=poll,
        found=found,
        seal=seal,
        counted=poll_summary.choices(poll),
    )

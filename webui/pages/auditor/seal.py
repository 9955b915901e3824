"""The seal of the whole history: checkpoints, who outside holds them, witnesses, verification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine.commands import reads, sealing, witnesses
from engine.commands import verifications as asking
from engine.errors import Conflict, Invalid, NotFound
from engine.queries import checkpoints, verifications
from engine.queries import instance as reading
from webui.http import evidence
from webui.http.session import carry_out, look, me, needs_login
from webui.pages.auditor.desk import blueprint

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.db import Session
    from engine.history.event_log import Break
    from engine.queries.checkpoints import Seal
    from engine.queries.verifications import Verification

MOST_KEPT = 200_000  # bytes of what somebody kept outside


@blueprint.get("/audit/seal")
@needs_login
def seal() -> str:
    """The signed checkpoints, and who outside holds them."""
    return _seal_page()


@blueprint.get("/audit/seal/verification")
@needs_login
def verification() -> str:
    """How far the newest verification is, or what it found, as a piece of the page."""
    asked, where = look(_newest)
    return render_template("audit/verification.html", asked=asked, where=where)


def _newest(session: Session) -> tuple[Verification | None, str]:
    """The newest verification, and the case of a false line that it found."""
    asked = verifications.newest(session, me())
    broken = asked.verdict.broken if asked and asked.verdict else None
    return asked, _place(session, broken) if broken else ""


def _seal_page(fault: str = "") -> str:
    before = request.args.get("before", type=int)

    def read(session: Session) -> tuple[Seal, Verification | None, str]:
        return checkpoints.checkpoints(session, me(), before), *_newest(session)

    found, asked, where = look(read)
    public = look(evidence.public_here)
    return render_template(
        "audit/seal.html",
        seal=found,
        public=public.hex() if public else "",
        asked=asked,
        where=where,
        fault=fault,
        uncompared=checkpoints.uncompared(),
    )


@blueprint.post("/audit/seal/<int:size>/witness")
@needs_login
def witness(size: int) -> tuple[str, int] | Answer:
    """Note who was given a checkpoint."""
    who = request.form.get("who", "")
    try:
        carry_out(lambda s: reads.witness(s, me(), size, who))
    except (Invalid, Conflict) as fault:
        return _seal_page(fault=fault.message), fault.status
    flash(_("已登记：检查点 %(size)s 由%(who)s保存。", size=size, who=who.strip()))
    return redirect(url_for("audit.seal"))


def _kept_outside() -> str:
    """What somebody kept outside, pasted or uploaded."""
    file = request.files.get("file")
    uploaded = file.read(MOST_KEPT).decode("utf-8", "replace") if file else ""
    return f"{request.form.get('kept', '')}\n{uploaded}"


@blueprint.post("/audit/seal/countersigned")
@needs_login
def countersigned() -> tuple[str, int] | Answer:
    """Keep a countersignature that came back."""
    try:
        size = carry_out(lambda s: witnesses.accept(s, me(), _kept_outside()))
    except (Invalid, Conflict) as fault:
        return _seal_page(fault=fault.message), fault.status
    flash(_("检查点 %(size)s 的会签已核对并保存。", size=size))
    return redirect(url_for("audit.seal"))


@blueprint.post("/audit/seal/witnesses")
@needs_login
def propose_witness() -> tuple[str, int] | Answer:
    """Propose a witness, which another one registers."""
    name, public = request.form.get("name", ""), request.form.get("public", "")
    try:
        carry_out(lambda s: witnesses.propose(s, me(), name, public))
    except (Invalid, Conflict) as fault:
        return _seal_page(fault=fault.message), fault.status
    flash(_("已提出，须由另一人在“等待第二人”批准。"))
    return redirect(url_for("audit.seal"))


@blueprint.post("/audit/seal/witnesses/<key_id>/end")
@needs_login
def end_witness(key_id: str) -> Answer:
    """A witness is one no more."""
    carry_out(lambda s: witnesses.end(s, me(), key_id))
    flash(_("已注销证人。"))
    return redirect(url_for("audit.seal"))


@blueprint.post("/audit/seal/countersign")
@needs_login
def countersign() -> tuple[str, int] | Response:
    """As a witness of another installation, give back what is to be sent to it."""
    try:
        note = carry_out(
            lambda s: witnesses.countersign(s, me(), evidence.signer_here, _kept_outside())
        )
    except (Invalid, Conflict) as fault:
        return _seal_page(fault=fault.message), fault.status
    return _download(note, "countersignature.txt")


@blueprint.get("/audit/seal/<int:size>/checkpoint.txt")
@needs_login
def checkpoint_file(size: int) -> Response:
    """A checkpoint to be sent outside."""
    text = look(lambda s: checkpoints.outgoing(s, me(), size))
    return _download(text, f"checkpoint-{size}.txt")


def _download(text: str, name: str) -> Response:
    answer = Response(text, content_type="text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


@blueprint.post("/audit/seal/resumed/<int:seq>")
@needs_login
def confirm(seq: int) -> tuple[str, int] | Answer:
    """Stand in for a restoration or a repair."""
    try:
        carry_out(lambda s: sealing.confirm(s, me(), seq))
    except Conflict as fault:
        return _seal_page(fault=fault.message), fault.status
    flash(_("已确认。"))
    return redirect(url_for("audit.seal"))


@blueprint.post("/audit/seal/verify")
@needs_login
def verify() -> Answer:
    """Let a worker check the whole history; the page says how far it is."""
    carry_out(lambda s: asking.ask(s, me()))
    return redirect(url_for("audit.seal"))


@blueprint.post("/audit/seal/kept")
@needs_login
def check_kept() -> tuple[str, int] | Answer:
    """Hold the whole history to what somebody kept outside, pasted or uploaded."""
    kept = _kept_outside()
    try:
        verdict = carry_out(
            lambda s: reads.verify(s, me(), evidence.public_here(s), evidence.log_here(), kept)
        )
    except (Invalid, Conflict) as fault:
        return _seal_page(fault=fault.message), fault.status
    if verdict.fault:
        return _seal_page(fault=verdict.fault), 409
    flash(_("外部留存的 %(n)s 份检查点与本记录相符。", n=kept.count("yixing/")))
    return redirect(url_for("audit.seal"))


def _place(session: Session, broken: Break) -> str:
    """The case of a false line, by number when it is this person's to see."""
    try:
        return reading.must_see(session, me(), broken.chain_id)
    except NotFound:
        return str(broken.chain_id)

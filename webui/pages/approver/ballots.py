"""Secret ballots on the poll page: sealed envelopes from the voter's browser, the tellers' keys,
and "核对选票".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from engine import ballots as sealed
from engine.commands import ballots, teller_keys
from engine.errors import Conflict, Invalid, Refused
from engine.queries import ballots as reading
from engine.queries import polls as asked
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang
from webui.pages.approver.inbox import poll_page

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("ballots", __name__)
SHOWN = {"wrong_passphrase", "too_many_attempts"}  # refusals that a teller may mend on the page


@blueprint.post("/polls/<uuid:poll_id>/ballot")
@needs_login
def cast(poll_id: UUID) -> Response:
    """Put in the envelope that the browser sealed; the reply is the receipt. There is no form that
    does the same.
    """
    sent = request.get_json(silent=True)
    text = sent.get("envelope") if isinstance(sent, dict) and set(sent) == {"envelope"} else None
    if not isinstance(text, str):
        raise Invalid({"envelope": [_("选票须在浏览器里封好后投出。")]})
    receipt = carry_out(lambda s: ballots.cast(s, me(), poll_id, sealed.from_text(text)))
    carry_out(lambda s: ballots.close_when_all_voted(s, poll_id))
    return jsonify(receipt=receipt)


@blueprint.post("/polls/<uuid:poll_id>/key")
@needs_login
def take(poll_id: UUID) -> tuple[str, int] | Answer:
    """A teller takes a key part."""
    passphrase = request.form.get("passphrase", "")
    try:
        if passphrase != request.form.get("again", ""):
            raise Invalid({"passphrase": [_("两次输入的口令不同。")]})
        carry_out(lambda s: teller_keys.take(s, me(), poll_id, passphrase))
    except (Invalid, Conflict) as fault:
        return poll_page(poll_id, fault.message), fault.status
    flash(_("密钥已领取。请记住口令，开箱时要用。"))
    return redirect(url_for("inbox.poll", poll_id=poll_id))


@blueprint.post("/polls/<uuid:poll_id>/join")
@needs_login
def join(poll_id: UUID) -> tuple[str, int] | Answer:
    """A teller joins the key part; the last one needed opens the ballots."""
    try:
        carry_out(lambda s: teller_keys.join(s, me(), poll_id, request.form.get("passphrase", "")))
    except (Conflict, Refused) as fault:
        if isinstance(fault, Refused) and fault.code not in SHOWN:
            raise
        return poll_page(poll_id, fault.message), fault.status
    flash(_("口令正确。"))
    return redirect(url_for("inbox.poll", poll_id=poll_id))


@blueprint.post("/polls/<uuid:poll_id>/key/give")
@needs_login
def give_up(poll_id: UUID) -> tuple[str, int] | Answer:
    """A teller who was replaced hands the key part to who took their place."""
    passphrase = request.form.get("passphrase", "")
    try:
        carry_out(lambda s: teller_keys.give_up(s, me(), poll_id, passphrase))
    except (Conflict, Refused) as fault:
        if isinstance(fault, Refused) and fault.code not in SHOWN:
            raise
        return poll_page(poll_id, fault.message), fault.status
    flash(_("密钥份额已交给接替的监票人。"))
    return redirect(url_for("inbox.poll", poll_id=poll_id))


@blueprint.get("/polls/<uuid:poll_id>/check")
@needs_login
def check(poll_id: UUID) -> str:
    """Receipts and ballots in public, and every check. What a voter looks up stays in the
    browser.
    """
    poll = look(lambda s: asked.poll(s, me(), poll_id, lang()))
    box = look(lambda s: reading.must_be_secret(reading.box(s, me(), poll_id)))
    published = look(lambda s: reading.published(s, me(), poll_id))
    report = look(lambda s: reading.checked(s, me(), poll_id))
    return render_template(
        "ballots/check.html",
        poll=poll,
        box=box,
        published=published,
        report=report,
        words=check_words(),
    )


def check_words() -> dict[str, str]:
    """What the checks are called."""
    return {
        "board": _("公布的回执与历史记录的散列相符，没有重复"),
        "voters": _("回执数等于投票人数，不超过名册人数"),
        "urn": _("公布的选票与历史记录的散列相符，没有重复"),
        "sum": _("有效票与无效票之和等于回执数"),
        "tally": _("逐张重新计票，与公布的票数相同"),
    }

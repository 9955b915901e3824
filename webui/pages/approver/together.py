"""One act over several tasks of a kind: choosing them, one form for all, and what came of it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

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

from engine.commands import drafts, together
from engine.errors import Conflict, Invalid, NotFound
from engine.messages import Listed
from engine.queries import together as reading
from webui.http import fields
from webui.http.messages import in_language
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import lang
from webui.pages.approver.words import flag_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Response
    from werkzeug.wrappers import Response as Answer

    from engine.commands.together import Batch, Failed, Foreseen, Report
    from engine.queries.together import Together

blueprint = Blueprint("together", __name__)


@blueprint.get("/together/<of>")
@needs_login
def form(of: str) -> str | Answer:
    """The tasks of a kind, and the form for all of them; what an earlier try left stays ticked."""
    page = look(lambda s: reading.read(s, me(), of, lang()))
    if page is None:
        return redirect(url_for("inbox.index"))
    begun = page.begun
    values = begun.get("answers", {})
    return _page(page, begun.get("batch") or str(uuid4()), values, begun.get("own", {}))


def _page(
    page: Together,
    batch: str,
    values: dict[str, Any],
    own: dict[str, Any],
    failed: Sequence[Failed] = (),
    *,
    fault: str = "",
    foreseen: Foreseen | None = None,
) -> str:
    return render_template(
        "inbox/together.html",
        page=page,
        batch=batch,
        values=values,
        own=own,
        why={each.id: each.message for each in failed},
        flags=flag_words(),
        fault=fault,
        foreseen=foreseen,
        skipped=_reasons(foreseen.failed) if foreseen else {},
    )


def _reasons(failed: Sequence[Failed]) -> Mapping[str, int]:
    """How many stay as they are, by the reason."""
    return Counter(map(_why, failed))


@blueprint.post("/together/<of>/chosen")
@needs_login
def chosen(of: str) -> Answer:
    """Begin with the tasks that were chosen in a list; none of them is done yet."""
    matters = [UUID(key) for key in request.form.getlist("matter") if _is_uuid(key)]
    tasks = [str(key) for key in look(lambda s: reading.of_matters(s, me(), of, matters))]
    if not tasks:
        flash(_("所选各件没有可以一并办理的这一环节。"), "error")
        return redirect(url_for("inbox.index"), 303)
    kept = {"batch": str(uuid4()), "tasks": tasks, "began": [], "answers": {}, "own": {}}
    carry_out(lambda s: drafts.keep(s, me(), f"together:{of}", kept))
    return redirect(url_for("together.form", of=of), 303)


def _is_uuid(key: str) -> bool:
    with suppress(ValueError):
        return bool(UUID(key))
    return False


def _previewed(page: Together, batch: Batch, kept: dict[str, Any]) -> str:
    """The page with what would be done; what would not is ticked no more, and says why."""
    foreseen = together.foresee(carry_out, me(), batch)
    ready = {str(key) for key in foreseen.ready}
    kept = {**kept, "tasks": [key for key in kept["tasks"] if key in ready]}
    carry_out(lambda s: drafts.keep(s, me(), f"together:{page.of}", kept))
    return _again(page, kept, foreseen.failed, foreseen=foreseen)


@blueprint.post("/together/<of>")
@needs_login
def act(of: str) -> str | tuple[str, int] | Answer:
    """Do what is ticked, one after another; what fails stays ticked and says why. Or say only what
    would be done.
    """
    page = look(lambda s: reading.read(s, me(), of, lang()))
    if page is None:  # the same request again, after it had done all
        return redirect(url_for("inbox.index"))
    batch, own = _sent(page)
    kept = {
        "batch": str(batch.id),
        "tasks": [str(chosen.id) for chosen in batch.chosen],
        "began": _began(page, batch),
        "answers": dict(batch.answers),
        "own": own,
    }
    key = f"together:{of}"
    if "preview" in request.form:
        return _previewed(page, batch, {**kept, "began": page.begun.get("began", [])})
    try:
        carry_out(lambda s: together.check(s, me(), batch))
        carry_out(lambda s: drafts.keep(s, me(), key, kept))
        report = together.run(carry_out, me(), batch)
    except (Conflict, Invalid) as fault:
        return _again(page, kept, fault=fault.message), fault.status
    _say(page, batch, report)
    if not report.failed:
        carry_out(lambda s: drafts.drop(s, me(), key))
        return redirect(url_for("inbox.index"))
    kept["tasks"] = [str(each.id) for each in report.failed]
    carry_out(lambda s: drafts.keep(s, me(), key, kept))
    return _again(page, kept, report.failed), 409


def _say(page: Together, batch: Batch, report: Report) -> None:
    """What is done, and what may still be taken back."""
    if at_once := len(report.done) - len(report.held):
        flash(_("已一并办理 %(n)s 件。", n=at_once))
    if report.held_until:
        until = report.held_until.isoformat()
        held = {"batch": str(batch.id), "title": page.title, "n": len(report.held), "until": until}
        flash(held, "held")  # type: ignore[arg-type]


@blueprint.post("/together/undo/<uuid:batch_id>")
@needs_login
def undo(batch_id: UUID) -> Answer:
    """Take back what of a batch still waits; what was carried out meanwhile is told by number."""
    taken = together.take_back(carry_out, me(), batch_id)
    if taken.tasks:
        flash(_("已撤回 %(n)s 件，您填写的内容还在。", n=len(taken.tasks)))
    for why, failed in groupby(sorted(taken.failed, key=_why), _why):
        numbers = in_language(Listed([each.number for each in failed]), lang())
        flash(_("%(numbers)s：%(why)s", numbers=numbers, why=why), "error")
    return redirect(url_for("inbox.index"))


def _why(failed: Failed) -> str:
    return in_language(failed.message, lang())


def _again(
    page: Together,
    kept: dict[str, Any],
    failed: Sequence[Failed] = (),
    *,
    fault: str = "",
    foreseen: Foreseen | None = None,
) -> str:
    """The page as it stands now, with what was chosen and written."""
    chosen = [UUID(key) for key in kept["tasks"]]
    now = look(lambda s: reading.read(s, me(), page.of, lang(), chosen)) or replace(page, items=())
    return _page(
        now,
        kept["batch"],
        kept["answers"],
        kept["own"],
        failed,
        fault=fault,
        foreseen=foreseen,
    )


def _sent(page: Together) -> tuple[Batch, dict[str, Any]]:
    """The batch that the form says, and the answers of its own that each task got."""
    chosen, own = [], {}
    for sent in request.form.getlist("task"):
        key, _mark, revision = sent.partition("~")
        with suppress(ValueError):
            given = _own(page, UUID(key))
            chosen.append(
                together.Chosen(UUID(key), int(revision) if revision.isdigit() else None, given)
            )
            own[key] = given
    try:
        number = UUID(request.form.get("batch", ""))
    except ValueError:
        raise NotFound from None
    answers = fields.answers(page.shared, request.form)
    config = current_app.config["YIXING"]
    hold = config.undo_most if config.undo else 0
    return together.Batch(number, tuple(chosen), answers, hold), own


def _own(page: Together, key: UUID) -> dict[str, Any]:
    """What was said of one task by itself: fields `<task>.f.<key>`."""
    start = f"{key}."
    sent = [
        (name[len(start) :], value)
        for name, value in request.form.items(multi=True)
        if name.startswith(start)
    ]
    return fields.answers(page.each, MultiDict(sent))


def _began(page: Together, batch: Batch) -> list[str]:
    """The tasks with which the batch began, when it goes on now."""
    before = page.begun.get("began", []) if page.begun.get("batch") == str(batch.id) else []
    return sorted({*before, *(str(chosen.id) for chosen in batch.chosen)})


@blueprint.get("/together/<of>/now")
@needs_login
def now(of: str) -> Response:
    """How far an act that is under way has come."""
    done, all_ = look(lambda s: reading.progress(s, me(), of))
    return jsonify(done=done, all=all_)

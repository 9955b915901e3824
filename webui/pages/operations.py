"""What a worker does for whoever is here: how far it is, what came of it, the file it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, redirect, render_template, url_for
from flask_babel import gettext as _

from engine.commands import imports
from engine.commands import operations as asking
from engine.messages import restored
from engine.queries import operations
from webui.http import sheets
from webui.http.session import carry_out, look, me, needs_login
from webui.http.words import for_reader, said

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from flask.blueprints import BlueprintSetupState
    from flask.typing import ResponseReturnValue

    from engine.queries.operations import Operation

blueprint = Blueprint("operations", __name__)


@blueprint.record
def _filters(state: BlueprintSetupState) -> None:
    state.app.jinja_env.filters["kept"] = for_reader(lambda each: said(restored(each)))


@blueprint.get("/operations")
@needs_login
def index() -> str:
    """The last that I asked for."""
    found = look(lambda s: operations.mine(s, me()))
    listed = [(it, _title(it), it.given.get("file", ""), _states()[it.state]) for it in found]
    return render_template("operations/index.html", listed=listed, days=operations.KEPT_DAYS)


@blueprint.get("/operations/<uuid:operation_id>")
@needs_login
def one(operation_id: UUID) -> str:
    """One of mine, with what came of it."""
    return render_template("operations/one.html", **_shown(operation_id))


@blueprint.get("/operations/<uuid:operation_id>/now")
@needs_login
def now(operation_id: UUID) -> str:
    """How far it is, as a piece of the page."""
    return render_template("operations/now.html", **_shown(operation_id))


@blueprint.get("/operations/<uuid:operation_id>/file")
@needs_login
def file(operation_id: UUID) -> Response:
    """The table or the papers that came out."""
    name, data = look(lambda s: asking.fetch(s, me(), operation_id))
    reply = sheets.file("", data, sheets.media_type(name))
    reply.headers["Content-Disposition"] = f"attachment; {sheets.named(name)}"
    return reply


@blueprint.post("/operations/<uuid:operation_id>/cancel")
@needs_login
def cancel(operation_id: UUID) -> ResponseReturnValue:
    """End it before its time."""
    carry_out(lambda s: asking.cancel(s, me(), operation_id))
    return redirect(url_for("operations.one", operation_id=operation_id), 303)


def _shown(key: UUID) -> dict[str, Any]:
    it = look(lambda s: operations.one(s, me(), key))
    onward, words = _onward(it)
    told = {
        "it": it,
        "title": _title(it),
        "about": it.given.get("file", ""),
        "lines": _lines(it),
        "left": _left(it),
    }
    return {**told, "onward": onward, "onward_words": words, "back": _back(it)}


def _states() -> dict[str, str]:
    return {
        "waiting": _("排队中"),
        "running": _("办理中"),
        "stalled": _("没有进展"),
        "ready": _("已办完"),
        "refused": _("没有办成"),
        "cancelled": _("已取消"),
    }


def _title(it: Operation) -> str:
    given, kind = it.given, said(imports.kinds().get(it.given.get("kind", ""), ""))
    titles: dict[str, str] = {
        "import_preview": _("核对导入的%(kind)s", kind=kind),
        "import_confirmation": _("导入"),
        "export": _("导出%(kind)s", kind=kind),
        "papers": _("打印《%(title)s》", title=it.given.get("title", "")),
        "acts": _("%(what)s %(n)s 件", what=given.get("title"), n=len(given.get("matters", ()))),
        "packs": _("%(n)s 件的证据包", n=len(given.get("matters", ()))),
        "booklet": _("编印《%(title)s》", title=it.given.get("title", "")),
        "entry_trial": _("从表格登记：核对"),
        "entry": _("从表格登记"),
    }
    return titles[it.kind]


def _lines(it: Operation) -> list[str]:
    """What came of it, in words."""
    came = it.result
    if not came:
        return []
    if it.kind == "import_preview":
        counts = came["counts"]
        rows, wrong = counts["rows"], counts["error"]
        return [_("共 %(rows)s 行，%(wrong)s 行有错误；还没有写入。", rows=rows, wrong=wrong)]
    if it.kind == "import_confirmation":
        counts = {"new": came["created"], "changed": came["changed"], "skipped": came["skipped"]}
        done = [_("已导入：新增 %(new)s，更改 %(changed)s，跳过 %(skipped)s。", **counts)]
        waits = _("其中 %(n)s 个职务能看到保密事项，待第二人确认才生效。", n=came["waiting"])
        return [*done, *([waits] if came["waiting"] else [])]
    if it.kind == "export":
        return [_("共 %(n)s 行。", n=came["rows"])]
    if it.kind == "papers":
        return [_("共 %(papers)s 份，%(pages)s 页。", papers=came["papers"], pages=came["pages"])]
    if it.kind == "acts":
        return [_("已办理 %(n)s 件。", n=came["acted"])]
    if it.kind == "packs":
        return [_("共 %(n)s 份，各自可以校验；附有清单。", n=came["packs"])]
    if it.kind == "booklet":
        return [_held(came)]
    if it.kind == "entry_trial":
        good = sum(not row["errors"] for row in came["rows"])
        bad = len(came["rows"]) - good
        return [_("%(good)s 件可以登记，%(bad)s 件有错误；还没有登记。", good=good, bad=bad)]
    return [_("已登记 %(n)s 件。", n=came["entered"])]


def _held(came: Mapping[str, Any]) -> str:
    """What a volume holds, as far as anybody knows."""
    told = _("编入 %(n)s 件", n=came["entries"])
    under = _("，列在其他件下面的 %(n)s 件", n=came["under"]) if came["under"] else ""
    pages = _("，共 %(n)s 页", n=came["pages"]) if came["pages"] else ""
    return "".join((told, under, pages, _("。")))


def _onward(it: Operation) -> tuple[str, str]:
    """Where to go from what came of it, and in which words."""
    came = it.result
    if not came:
        return "", ""
    if it.kind == "import_preview":
        return url_for("people.preview", batch_id=came["batch"]), _("逐行查看")
    if it.kind == "import_confirmation":
        if came["left"]:
            return url_for("people.preview", batch_id=came["left"]), _("改没有导入的行")
        return url_for("people.preview", batch_id=came["batch_id"]), _("查看这次导入")
    if it.kind == "entry_trial":
        return url_for("entries.choose", process_id=came["process"], trial=it.id), _("逐行查看")
    if it.kind == "entry":
        return url_for("grid.table", process_id=came["process"], state="running"), _("查看一览表")
    return "", ""


def _left(it: Operation) -> list[tuple[str, int, str]]:
    """Why something was left out or not done, how much, and its numbers."""
    why: dict[str, list[str]] = {}
    left = {"papers": "left", "booklet": "left", "packs": "left", "acts": "failed"}.get(it.kind, "")
    for each in it.result.get(left, ()):
        why.setdefault(said(restored(each["why"])), []).append(each["number"])
    return [(each, len(numbers), _("、").join(numbers)) for each, numbers in why.items()]


def _back(it: Operation) -> str:
    if it.kind == "packs":
        return url_for("audit.index")
    if it.kind in ("papers", "booklet", "acts"):
        return url_for("grid.table", process_id=it.given["process"], state="running")
    if "process" in it.given:
        return url_for("entries.choose", process_id=it.given["process"])
    if "batch" in it.given and it.state == "refused":
        return url_for("people.preview", batch_id=it.given["batch"])
    return url_for("people.import_")

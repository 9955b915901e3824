"""What the union decided, readable: processes, their versions in words and tables, differences,
proposals of new versions.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from flask import (
    Blueprint,
    Response,
    flash,
    get_template_attribute,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from markupsafe import Markup

from engine.commands import definitions as deciding
from engine.commands import own_versions as own
from engine.definitions.check.draft import MAX_FILES
from engine.definitions.folder import MAX_BYTES as MAX_FOLDER
from engine.errors import Conflict, Invalid, ProcessFault
from engine.instance.loosening import below_common
from engine.people import access, organisation
from engine.people.organisation import INSTALLATION
from engine.queries import definitions as reading
from engine.queries import diagrams, differences, heat
from engine.queries import own_versions as looking
from engine.queries import rules as rulebook_of
from webui.http.sentences import post_title
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.words import lang, tenant

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response as Answer

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.check import Fault
    from engine.messages import Message

blueprint = Blueprint("definitions", __name__)
MAX_ZIP = 2 * 1024 * 1024
ROOM = 64 * 1024


@blueprint.url_value_preprocessor
def _allow_large(endpoint: str | None, _values: object) -> None:
    """A folder may be larger than other forms; this runs before the CSRF check, which already reads
    the body.
    """
    if endpoint == "definitions.propose" and session.get("key"):
        request.max_content_length = MAX_ZIP + ROOM


@blueprint.get("/definitions")
@needs_login
def index() -> str:
    """Every process with the version in force, and what waits for approval."""
    found = look(lambda s: reading.listing(s, me(), lang()))
    return render_template("definitions/index.html", processes=found, may_propose=_may_propose())


def _may_propose() -> bool:
    return access.may_somewhere(me(), "propose_definition")


@blueprint.get("/definitions/process/<process_id>")
@needs_login
def process(process_id: str) -> str:
    """The versions of a process."""
    found = look(lambda s: reading.versions(s, me(), process_id, lang()))
    return render_template("definitions/process.html", versions=found, title=found[0].title)


@blueprint.get("/definitions/<digest>")
@needs_login
def version(digest: str) -> str:
    """One version with everything that runs."""

    def read(found: Session) -> tuple[reading.Full, Any, Any]:
        full = reading.full(found, me(), digest, lang())
        looser = _looser(found, full)
        ids = rulebook_of.named_in(full.process.files)
        return full, rulebook_of.lines(found, me(), me().union_id, ids, lang()), looser

    full, rules, looser = look(read)
    spots = look(lambda s: heat.heat(s, me(), full.process, lang()))
    return render_template(
        "definitions/version.html",
        spots=spots,
        full=full,
        version=full.version,
        process=full.process,
        rules=rules,
        forms=_previews(full),
        lane_words=_lane_words(full.process),
        looser=looser,
        runs_installation=me().runs_installation,
        may_propose=_may_propose(),
        may_decide=access.may(me(), "approve_definition", INSTALLATION),
    )


def _looser(found: Session, full: reading.Full) -> list[Message]:
    """What the version loosens of the common one, for whoever decides on it for a union."""
    decides = any(own.decides for own in full.version.own)
    return below_common(found, full.version.hash) if decides else []


def _previews(full: reading.Full) -> list[tuple[str, Markup]]:
    """Each form as people will see it, in the order of the process, with ids of its own."""
    draw = get_template_attribute("macros/form.html", "draw")
    found = []
    for key, rule in full.process.tasks.items():
        if rule.form is not None:
            following = {k: w.in_(lang()) for k, w in (rule.next or {}).items()}
            drawn = str(draw(rule.form, {}, {}, {}, following, rule.outcomes))
            found.append(
                (
                    rule.title.in_(lang()),
                    Markup(drawn.replace('"f-', f'"p-{key}-').replace('"f.', f'"p.{key}.')),
                )
            )
    return found


def _lane_words(process: Process) -> list[str]:
    """Whom each lane means, in words."""
    found = []
    for lane in process.lanes.values():
        if lane.person:
            found.append(_("“%(fact)s”一项所指的人", fact=lane.person))
        elif lane.of_union:
            found.append(_("本%(tenant)s的%(post)s", tenant=tenant(), post=post_title(lane.post)))
        else:
            found.append(
                _("“%(fact)s”一项所指单位的%(post)s", fact=lane.unit, post=post_title(lane.post))
            )
    return found


@blueprint.get("/definitions/<digest>/diagram.bpmn")
@needs_login
def diagram(digest: str) -> Response:
    """The diagram of a version, in words of the page's language."""
    drawn = look(lambda s: diagrams.drawn(reading.full(s, me(), digest, lang()).process, lang()))
    return Response(drawn, content_type="application/xml; charset=utf-8")


@blueprint.get("/definitions/<digest>/folder.zip")
@needs_login
def folder(digest: str) -> Response:
    """The files of a version, stories and notes among them, to copy and change."""
    version, files = look(
        lambda s: (reading.one(s, me(), digest), reading.whole_folder(s, me(), digest))
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(f"{version.process_id}/{name}", text)
    name = f"{version.process_id}-{version.number}.zip"
    return Response(
        data.getvalue(),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.get("/definitions/<old>/diff/<new>")
@needs_login
def diff(old: str, new: str) -> str:
    """What changed between two versions: in words first, then file by file."""
    found = look(lambda s: differences.difference(s, me(), old, new, lang()))
    return render_template("definitions/diff.html", found=found)


# --- new versions --------------------------------------------------------------------------------
@blueprint.get("/definitions/propose")
@needs_login
def proposing() -> str:
    """The page to hand in a changed folder."""
    access.unions(me(), "propose_definition")
    return _propose_page()


def _propose_page(fault: str = "", faults: list[Fault] | None = None, note: str = "") -> str:
    unions = [u for u in access.unions(me(), "propose_definition") if u != INSTALLATION]
    return render_template(
        "definitions/propose.html",
        fault=fault,
        faults=faults or [],
        note=note,
        most=MAX_ZIP // 1024,
        unions=look(lambda s: organisation.unit_names(s, unions)),
        union=request.form.get("union", ""),
    )


@blueprint.post("/definitions/propose")
@needs_login
def propose() -> tuple[str, int] | Answer:
    """Check an uploaded folder for every fault at once; without faults hand it in for approval."""
    access.unions(me(), "propose_definition")
    note, sent = request.form.get("note", "").strip(), request.files.get("folder")
    try:
        data = sent.stream.read(MAX_ZIP + 1) if sent else b""
        files = deciding.parse_upload(unzipped(data))
        union = _for_union()
        faults = deciding.faults(files, look(lambda s: deciding.others(s, union)))
        if faults:
            return _propose_page(
                _("发现 %(n)s 处问题，没有提交。", n=len(faults)), faults, note
            ), 422
        if not note:
            return _propose_page(_("请写明改了什么、为什么改。"), None, note), 422
        digest = carry_out(lambda s: _handed_in(s, union, files, note))
    except (Invalid, Conflict, ProcessFault) as fault:
        status = 422 if isinstance(fault, ProcessFault) else fault.status
        return _propose_page(fault.message, None, note), status
    flash(_("已提交，正在演练故事；演完并与所写相符，另一人才能批准。"))
    return redirect(url_for("definitions.version", digest=digest))


def _for_union() -> UUID | None:
    """The union that the version is to be for; None: for all. Raises NotFound, Refused."""
    text = request.form.get("union", "")
    if not text:
        return None
    union = uuid(text)
    access.check_own(me(), "propose_definition", union)
    return union


def _handed_in(found: Session, union: UUID | None, files: dict[str, str], note: str) -> str:
    """Hand in a version for all or for one union; gives its hash."""
    if union is None:
        return deciding.propose(found, me(), files, note)
    return looking.one(found, me(), own.propose(found, me(), union, files, note)).version


def unzipped(data: bytes) -> dict[str, bytes]:
    """The files of a zipped folder, without the folder's own name. Raises Invalid; nothing is ever
    written to disk.
    """
    if not data:
        raise Invalid({"folder": [_("请选择一个 .zip 文件。")]})
    if len(data) > MAX_ZIP:
        raise Invalid({"folder": [_("压缩文件超过 %(n)s KB。", n=MAX_ZIP // 1024)]})
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [i for i in archive.infolist() if not i.is_dir() and not _litter(i.filename)]
            _refuse_bombs(entries)
            return _without_root({i.filename: _read(archive, i) for i in entries})
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
    ):
        raise Invalid({"folder": [_("这不是完好的 .zip 文件，或带有密码。")]}) from None


def _litter(name: str) -> bool:
    """What systems add by themselves: hidden files, resource forks."""
    return any(
        (part.startswith(".") and part not in ("..", ".")) or part == "__MACOSX"
        for part in name.split("/")
    )


def _refuse_bombs(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_FILES:
        raise Invalid({"folder": [_("文件太多，最多 %(n)s 个。", n=MAX_FILES)]})
    if sum(i.file_size for i in entries) > MAX_FOLDER:
        raise Invalid({"folder": [_("解压后超过 %(n)s MB。", n=MAX_FOLDER // 1_000_000)]})
    if any(i.external_attr >> 28 == 0xA for i in entries):  # a symbolic link
        raise Invalid({"folder": [_("压缩文件里不能有链接。")]})


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of an entry, never more than it announced: sizes in a ZIP may lie."""
    with archive.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) > entry.file_size:
        raise zipfile.BadZipFile
    return data


def _without_root(files: dict[str, bytes]) -> dict[str, bytes]:
    roots = {name.partition("/")[0] for name in files}
    if len(roots) == 1 and all("/" in name for name in files):
        return {name.partition("/")[2]: data for name, data in files.items()}
    return files


@blueprint.post("/definitions/<digest>/decide")
@needs_login
def decide(digest: str) -> Answer:
    """Approve or refuse a proposed version."""
    approve = request.form.get("decision") == "approve"
    if not approve and request.form.get("decision") != "refuse":
        raise Invalid({"decision": [_("请选择批准或不批准。")]})
    carry_out(lambda s: deciding.decide(s, me(), digest, approve))
    flash(_("已批准，新发起的事项按这一版本办理。") if approve else _("未批准。"))
    return redirect(url_for("definitions.version", digest=digest))

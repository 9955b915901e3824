"""Papers: prints issued documents from their frozen data with the template of their own version;
hands out attachments.

It writes nothing. Data reach a template only as the file data.json beside it, never as source text.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections import OrderedDict
from datetime import date, datetime, time
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from engine import clock, settings
from engine.db import canonical, tables
from engine.errors import HistoryBroken, NotFound, ProcessFault
from engine.history.erased import ERASED
from engine.instance import rooms
from engine.instance.context import context_of
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

FONTS = (
    settings.ROOT / "webui" / "static" / "vendor" / "fonts"
)  # from the set-up; else the system's fonts
SECONDS = 30  # for one document
KEPT = 64  # prints kept in memory
_PACKAGE = re.compile(r"""\bimport\s*\(?\s*["']@""")
_kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
_lock = Lock()

# Typesetting runs in a process of its own: a template that never ends or eats all memory takes
# nobody along. Packages would come from the network: the proxies lead nowhere, and the folders for
# packages are empty.
_TYPESET = """
import json, os, sys
nowhere = "http://127.0.0.1:9"
os.environ.update({n: nowhere for v in ("http_proxy", "https_proxy", "all_proxy") for n in (v, v.upper())})
os.environ.update(no_proxy="", NO_PROXY="")
job = json.load(sys.stdin)
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (job["seconds"], job["seconds"]))
except (ImportError, ValueError, OSError):
    pass
import typst
try:
    made = typst.compile(job["main"], root=job["root"], format="pdf", timestamp=job["timestamp"],
        font_paths=job["fonts"], ignore_system_fonts=bool(job["fonts"]),
        package_path=job["packages"], package_cache_path=job["packages"])
except typst.TypstError as fault:
    said = {"message": fault.message, "where": str(fault.diagnostic), "hints": list(fault.hints)}
    sys.stdout.buffer.write(json.dumps(said).encode())
    sys.exit(3)
sys.stdout.buffer.write(made)
"""


def pdf(session: Session, actor: Actor, document_id: UUID) -> tuple[str, bytes]:
    """An issued document as (file name, PDF), the same bytes each time.

    Raises NotFound when its instance is not this person's to see, ProcessFault for a faulty
    template, HistoryBroken when the kept data are not those that were issued.
    """
    document, instance = tables.document.c, tables.instance.c
    row = session.execute(
        select(tables.document, instance.version)
        .join(tables.instance, instance.id == document.instance_id)
        .where(document.id == document_id, access.visible(actor))
    ).first()
    row = access.must_see(row)
    if row.data == ERASED:
        raise NotFound(_("内容已按规定删除。"))
    return file_name(row.number, row.title) + ".pdf", printed(
        session, row.version, row.kind, row.data, row.data_sha256
    )


def printed(
    session: Session, version: str, kind: str, data: Mapping[str, Any], data_sha256: str
) -> bytes:
    """The PDF of frozen data by the template of a version, kept in memory. Raises ProcessFault,
    HistoryBroken.
    """
    if canonical.digest(canonical.dumps(data)).hex() != data_sha256:
        raise HistoryBroken(
            _("文书内容与签发时不符，不能打印。"), document=kind, sha256=data_sha256
        )
    definition = tables.definition.c

    def make() -> bytes:
        files = access.must_see(
            session.execute(select(definition.files).where(definition.hash == version)).scalar()
        )
        return typeset(files, kind, data)

    return _remembered((version, kind, data_sha256), make)


def composed(files: Mapping[str, str], kind: str, data: Mapping[str, Any]) -> bytes:
    """The PDF of the product's own template documents/<kind>.typ; the same data give the same
    bytes. Raises ProcessFault.
    """
    text = json.dumps(dict(files), sort_keys=True, ensure_ascii=False).encode()
    marks = hashlib.sha256(text).hexdigest(), canonical.digest(canonical.dumps(data)).hex()
    return _remembered((marks[0], kind, marks[1]), lambda: typeset(files, kind, data))


def _remembered(mark: tuple[str, str, str], make: Callable[[], bytes]) -> bytes:
    """What was printed before from the same with the same fonts, or now."""
    key = (*mark, *_fonts())
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = make()
    with _lock:
        _kept[key] = made
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return made


def _fonts() -> list[tuple[str, int]]:
    """The installed fonts by name and size; empty when the system's must do."""
    return (
        [(path.name, path.stat().st_size) for path in sorted(FONTS.glob("*.[to]t[fc]"))]
        if FONTS.is_dir()
        else []
    )


def typeset(files: Mapping[str, str], kind: str, data: Mapping[str, Any]) -> bytes:
    """The PDF that documents/<kind>.typ of a process folder makes of `data`. Raises ProcessFault
    naming file and place.

    The day of issue in the data is the only date that the PDF carries, so the same data give the
    same bytes.
    """
    name = f"documents/{kind}.typ"
    if name not in files:
        advice = _("请在流程文件夹的 documents/ 中补上这个文件。")
        raise ProcessFault(
            _("没有文书模板 {name}。", name=name), file=name, element=kind, advice=advice
        )
    day = date.fromisoformat(data["document"]["issued_on"])
    with tempfile.TemporaryDirectory(prefix="yixing-") as folder:
        root = Path(folder).resolve() / "root"
        packages = Path(folder).resolve() / "packages"
        packages.mkdir()
        _lay_out(root, files)
        (root / "data.json").write_bytes(canonical.dumps(data))
        job = {
            "main": str(root / f"{kind}.typ"),
            "root": str(root),
            "packages": str(packages),
            "seconds": SECONDS,
            "fonts": [str(FONTS)] if _fonts() else [],
            "timestamp": int(datetime.combine(day, time(), clock.CHINA).timestamp()),
        }
        return _run(job, name, kind)


def _lay_out(root: Path, files: Mapping[str, str]) -> None:
    """Write the templates; nothing outside the folder, nothing that would be fetched."""
    root.mkdir()
    for name, text in files.items():
        if not name.startswith("documents/"):
            continue
        inside = PurePosixPath(name).relative_to("documents")
        if (
            ".." in inside.parts
            or inside.is_absolute()
            or "\\" in name
            or ":" in name
            or inside.name == "data.json"
        ):
            advice = _("请用不含 .. 的相对文件名。")
            raise ProcessFault(
                _("文书模板的文件名不允许：{name}", name=name[:80]), file=name[:80], advice=advice
            )
        if _PACKAGE.search(text):
            advice = _('请删去 #import "@…"，需要的内容写在 documents/ 里。')
            raise ProcessFault(_("文书模板不能引用外部软件包。"), file=name, advice=advice)
        path = root / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _run(job: dict[str, Any], name: str, kind: str) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _TYPESET],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_much(name, kind) from None
    if done.returncode == 0 and done.stdout.startswith(b"%PDF-"):
        return done.stdout
    if done.returncode != 3:
        raise _too_much(name, kind, log=done.stderr.decode(errors="replace")[-2000:])
    said = json.loads(done.stdout)
    where = re.search(r"([\w.-]+\.typ):(\d+)", _plain(said["where"]))
    file, line = (
        (f"documents/{where[1]}", _("第 {where} 行", where=where[2])) if where else (name, "")
    )
    message = said["message"].replace(job["root"], "").replace(job["packages"], "")[:400]
    advice = ";".join(said["hints"])[:400] or _(
        "请流程作者改正模板，以新版本发布；文书内容已存，不受影响。"
    )
    raise ProcessFault(
        _("文书模板有误：{file} {line}:{message}", file=file, line=line, message=message),
        file=file,
        element=kind,
        advice=advice,
    )


def _plain(text: str) -> str:
    """Without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _too_much(name: str, kind: str, **details: Any) -> ProcessFault:
    message = _("文书模板 {name} 在 {seconds} 秒和规定内存内没有排完。", name=name, seconds=SECONDS)
    return ProcessFault(
        message, file=name, element=kind, advice=_("请检查模板中的循环和递归。"), **details
    )


def file_name(*parts: str) -> str:
    """A file name made of a number and a title, fit for every system; at most 80 characters."""
    words = " ".join(part for part in parts if part)
    return re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', "_", words).strip(" .")[:80] or "document"


def attachment(session: Session, actor: Actor, attachment_id: UUID) -> tuple[str, str, bytes]:
    """An attachment as (given name, media type, bytes).

    It belongs to a visible instance, or it is the actor's own and no form has named it yet. Raises
    NotFound, and HistoryBroken when the kept bytes are not those that were uploaded.
    """
    table, instance = tables.attachment.c, tables.instance.c
    row = session.execute(
        select(table.name, table.media_type, table.sha256, table.instance_id, tables.blob.c.data)
        .join(tables.blob, tables.blob.c.sha256 == table.sha256)
        .outerjoin(tables.instance, instance.id == table.instance_id)
        .where(
            table.id == attachment_id,
            or_(
                and_(table.instance_id.is_(None), table.member_id == actor.id),
                access.visible(actor),
            ),
        )
    ).first()
    row = access.must_see(row)
    if row.instance_id is not None:
        access.must_see(
            None if attachment_id in _behind_doors(session, actor, row.instance_id) else row
        )
    data = bytes(row.data)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise HistoryBroken(_("附件内容与上传时不符。"), sha256=row.sha256)
    return row.name, row.media_type, data


def _behind_doors(session: Session, actor: Actor, instance_id: UUID) -> frozenset[UUID]:
    """The attachments of an instance that were handed in in rooms which this person may not
    enter.
    """
    shut = rooms.closed(context_of(session, actor, instance_id))
    return rooms.closed_files(session, instance_id, shut)

"""Papers: prints issued documents from their frozen data with the template of their own version;
hands out attachments.

It writes nothing. Data reach a template only as the file data.json beside it, never as source text.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections import OrderedDict
from datetime import date, datetime, time
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from engine import clock
from engine.db import blobs, canonical, tables
from engine.db.states import DocumentState
from engine.documents import fonts, typesetter, words
from engine.errors import HistoryBroken, NotFound, NotPrintable, ProcessFault
from engine.history.erased import ERASED
from engine.instance import rooms
from engine.instance.context import context_of
from engine.messages import Listed, _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from uuid import UUID

    from engine.db import Session, rows
    from engine.messages import Message
    from engine.people.organisation import Actor

KEPT = 64  # prints kept in memory
_MARKED = "marked-by-the-office.typ"  # no kind of document has a name with dashes
_FONTS = '("Noto Serif SC", "Noto Serif CJK SC")'
_PACKAGE = re.compile(r"""\bimport\s*\(?\s*["']@""")
MISSING = re.compile(r"missing fact: ([a-z0-9_.]+)")
_kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
_lock = Lock()


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
    context = context_of(session, actor, row.instance_id)
    access.must_see(row if rooms.may_read_paper(context, row.kind) else None)
    if row.data == ERASED:
        raise NotFound(_("内容已按规定删除。"))
    return file_name(row.number, row.title) + ".pdf", of_row(session, row)


def of_row(session: Session, row: rows.Selected) -> bytes:
    """The PDF of an issued document (with `version` of its instance), by the template that two
    people chose for it if any.

    Raises NotPrintable, HistoryBroken.
    """
    version, mark = row.template or row.version, became(session, row)
    try:
        return printed(session, version, row.kind, row.data, row.data_sha256, mark=mark)
    except ProcessFault as fault:
        raise unprintable(row, fault) from fault


def became(session: Session, row: rows.Selected | rows.Document) -> str:
    """What stands across every page of an issued document that no longer holds; "" when it does."""
    if row.state == DocumentState.VOID:
        return str(_("已作废"))
    if row.state != DocumentState.CORRECTED:
        return ""
    document = tables.document.c
    newer = select(document.number).where(document.corrects == row.id)
    number = session.execute(newer).scalar()
    return str(_("已更正，以{number}为准", number=number)) if number else str(_("已更正"))


def unprintable(row: rows.Selected, fault: ProcessFault) -> NotPrintable:
    """What to say of an issued document whose template fails."""
    message = _(
        "《{title}》 {number} 已编号，内容已存，但模板有误，现在不能打印。请由一人提出、另一人批准，"
        "用修正后的模板打印。{fault}",
        title=row.title,
        number=row.number,
        fault=fault.message,
    )
    return NotPrintable(message, code="faulty_template", document=row.kind)


def printed(
    session: Session,
    version: str,
    kind: str,
    data: Mapping[str, Any],
    data_sha256: str,
    *,
    mark: str = "",
) -> bytes:
    """The PDF of frozen data by the template of a version, kept in memory; `mark` as `became` gives
    it. Raises ProcessFault, HistoryBroken.
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
        return typeset(files, kind, data, mark)

    return _remembered((version, kind, data_sha256, mark), make)


def composed(files: Mapping[str, str], kind: str, data: Mapping[str, Any]) -> bytes:
    """The PDF of the product's own template documents/<kind>.typ; the same data give the same
    bytes. Raises ProcessFault.
    """
    templates = json.dumps(_templates(files), sort_keys=True, ensure_ascii=False).encode()
    marks = hashlib.sha256(templates).hexdigest(), canonical.digest(canonical.dumps(data)).hex()
    return _remembered((marks[0], kind, marks[1]), lambda: typeset(files, kind, data))


def _remembered(mark: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
    """What was printed before from the same with the same fonts, or now."""
    key = (*mark, *fonts.installed())
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


def typeset(
    files: Mapping[str, str],
    kind: str,
    data: Mapping[str, Any],
    mark: str = "",
    *,
    seconds: int = typesetter.SECONDS,
) -> bytes:
    """The PDF that documents/<kind>.typ of a process folder makes of `data`; a mark stands across
    each of its pages.

    The day of issue in the data is the only date that the PDF carries, so the same data give the
    same bytes. Raises NotPrintable for a fact that is missing and for characters that no font has;
    ProcessFault naming file and place.
    """
    name = f"documents/{kind}.typ"
    if name not in files:
        advice = _("请在流程文件夹的 documents/ 中补上这个文件。")
        raise ProcessFault(
            _("没有文书模板 {name}。", name=name), file=name, element=kind, advice=advice
        )
    if strange := fonts.without_glyph("".join(_texts(data))):
        raise NotPrintable(_boxes(strange), code="no_glyph", document=kind)
    day = date.fromisoformat(data["document"]["issued_on"])
    with tempfile.TemporaryDirectory(prefix="yixing-") as folder:
        root = Path(folder).resolve() / "root"
        packages = Path(folder).resolve() / "packages"
        packages.mkdir()
        _lay_out(root, files)
        (root / "data.json").write_bytes(canonical.dumps(data))
        if mark:
            (root / _MARKED).write_text(_across(kind, mark), encoding="utf-8")
        job = {
            "main": str(root / (_MARKED if mark else f"{kind}.typ")),
            "root": str(root),
            "packages": str(packages),
            "fonts": fonts.folders(),
            "seconds": seconds,
            "timestamp": int(datetime.combine(day, time(), clock.CHINA).timestamp()),
        }
        return _run(job, name, kind, files)


def _templates(files: Mapping[str, str]) -> dict[str, str]:
    """What of a version's files a template can read."""
    return {name: text for name, text in files.items() if name.startswith("documents/")}


def _lay_out(root: Path, files: Mapping[str, str]) -> None:
    """Write the templates; nothing outside the folder, nothing that would be fetched."""
    root.mkdir()
    for name, text in _templates(files).items():
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
        path.write_bytes(text.encode())


def _across(kind: str, mark: str) -> str:
    """The template under a mark that strikes it through."""
    shown = json.dumps(mark, ensure_ascii=False)
    return (
        "#set page(foreground: rotate(-35deg, box(stroke: 2pt + red.transparentize(40%), inset: 12pt,"
        f" text(font: {_FONTS}, size: 26pt,"
        f" fill: red.transparentize(40%), {shown}))))\n"
        f'#include "{kind}.typ"\n'
    )


def _texts(value: object) -> Iterator[str]:
    """All texts in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _boxes(strange: str) -> Message:
    """What to say of characters that no font has."""
    named = Listed(f"{c}（U+{ord(c):04X}）" for c in strange[:10])
    return _(
        "本机的字体里没有这些字：{characters}。印出来会是空白方框，所以不印。"
        "请改用其他写法，或请系统管理员安装字体（Debian：fonts-babelstone-han、fonts-hanazono）后再办。",
        characters=named,
    )


def _run(job: dict[str, Any], name: str, kind: str, files: Mapping[str, str]) -> bytes:
    made = typesetter.compiled(job)
    if made.pdf.startswith(b"%PDF-"):
        return made.pdf
    if made.fault is None:
        raise _too_much(name, kind, job["seconds"], log=made.log)
    said = made.fault
    if missing := MISSING.search(said["message"]):
        raise words.missing(files, kind, [missing[1]])
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


def _too_much(name: str, kind: str, seconds: int, **details: Any) -> ProcessFault:
    message = _(
        "文书模板 {name} 在 {seconds} 秒和规定内存内没有排完。",
        name=name,
        seconds=seconds,
    )
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
    NotFound, Conflict where its key is not on this host, and HistoryBroken when the kept bytes are
    not those that were uploaded.
    """
    table, instance, blob = tables.attachment.c, tables.instance.c, tables.blob.c
    row = session.execute(
        select(table.name, table.media_type, table.sha256, table.instance_id, blob.data, blob.key)
        .join(tables.blob, blob.sha256 == table.sha256)
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
        context = context_of(session, actor, row.instance_id)
        fields = rooms.closed_fields(context)
        hidden = rooms.closed_files(session, row.instance_id, rooms.doors(context), fields)
        access.must_see(None if attachment_id in hidden else row)
    return _sound(session, row)


def enclosed(session: Session, instance_id: UUID, attachment_id: UUID) -> tuple[str, str, bytes]:
    """An attachment of an instance like `attachment`, whoever asks.

    Raises NotFound for any other.
    """
    table, blob = tables.attachment.c, tables.blob.c
    row = session.execute(
        select(table.name, table.media_type, table.sha256, blob.data, blob.key)
        .join(tables.blob, blob.sha256 == table.sha256)
        .where(table.id == attachment_id, table.instance_id == instance_id)
    ).first()
    return _sound(session, access.must_see(row))


def _sound(session: Session, row: rows.Selected) -> tuple[str, str, bytes]:
    data = blobs.opened(session, bytes(row.data), row.key)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise HistoryBroken(_("附件内容与上传时不符。"), sha256=row.sha256)
    return row.name, row.media_type, data

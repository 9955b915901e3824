"""The issued documents as DOCX, from the same templates as the PDF, on the letterhead that an
office edits in Word.

pandoc reads the template in its sandbox: it gets one text with everything in it and may read no
file at all.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypandoc
from sqlalchemy import func, select

from engine import settings
from engine.db import canonical, tables
from engine.documents import words
from engine.documents.pdf import MISSING, became, file_name, unprintable
from engine.documents.typesetter import SECONDS
from engine.errors import HistoryBroken, NotFound, ProcessFault
from engine.history.erased import ERASED
from engine.instance import rooms
from engine.instance.context import context_of
from engine.messages import _
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.db import Session
    from engine.people.organisation import Actor

MEGABYTES = 1024  # of heap for one document
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LETTERHEAD = "letterhead.docx"  # in processes/documents: styles, margins, fonts
_IMPORT = re.compile(  # all of it, or some of its names
    r"#import\s+\"([a-z_][a-z0-9_]{0,59}\.typ)\"\s*:\s*(?:\*|[a-z][a-z0-9_, -]*)"
)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_DATA = re.compile(r"json\(\s*\"data\.json\"\s*\)")


def docx(session: Session, actor: Actor, document_id: UUID) -> tuple[str, bytes]:
    """An issued document as (file name, DOCX). Raises NotFound, ProcessFault for a template,
    HistoryBroken.
    """
    document, instance = tables.document.c, tables.instance.c
    printed_by = func.coalesce(document.template, instance.version)
    row = access.must_see(
        session.execute(
            select(tables.document, tables.definition.c.files)
            .join(tables.instance, instance.id == document.instance_id)
            .join(tables.definition, tables.definition.c.hash == printed_by)
            .where(document.id == document_id, access.visible(actor))
        ).first()
    )
    context = context_of(session, actor, row.instance_id)
    access.must_see(row if rooms.may_read_paper(context, row.kind) else None)
    if row.data == ERASED:
        raise NotFound(_("内容已按规定删除。"))
    if canonical.digest(canonical.dumps(row.data)).hex() != row.data_sha256:
        raise HistoryBroken(
            _("文书内容与签发时不符，不能打印。"), document=row.kind, sha256=row.data_sha256
        )
    try:
        made = typeset(row.files, row.kind, row.data, became(session, row))
    except ProcessFault as fault:
        raise unprintable(row, fault) from fault
    return file_name(row.number, row.title) + ".docx", made


def typeset(
    files: Mapping[str, str],
    kind: str,
    data: Mapping[str, Any],
    mark: str = "",
    *,
    more: tuple[str, ...] = (),
    seconds: int = SECONDS,
) -> bytes:
    """The DOCX that documents/<kind>.typ of a process folder makes of `data`, under a line that
    says the mark; `more`: for pandoc. Raises ProcessFault naming the file.
    """
    source = _source(files, kind, data, mark)
    head = settings.load().processes / "documents" / LETTERHEAD
    styles = (f"--reference-doc={head}",) if head.is_file() else ()
    return _pandoc(files, kind, source, ("docx", *styles, *more), seconds)


def plain(files: Mapping[str, str], kind: str, data: Mapping[str, Any]) -> str:
    """What the same template says, as text. Raises NotPrintable for a fact that it asks for in
    vain, ProcessFault naming the file.
    """
    return _pandoc(files, kind, _source(files, kind, data, ""), ("plain", "--wrap=none")).decode()


def _source(files: Mapping[str, str], kind: str, data: Mapping[str, Any], mark: str) -> str:
    source = _whole(files, f"documents/{kind}.typ", kind, set())
    source = _DATA.sub(lambda _found: _literal({**data, "format": "docx"}), source)
    return f"#strong({_literal(mark)})\n\n{source}" if mark else source


def _pandoc(
    files: Mapping[str, str],
    kind: str,
    source: str,
    wanted: tuple[str, ...],
    seconds: int = SECONDS,
) -> bytes:
    """`wanted`: the format, and what else pandoc is told."""
    to, *more = wanted
    with tempfile.TemporaryDirectory(prefix="yixing-") as folder:
        made = Path(folder) / f"made.{to}"
        command = [
            pypandoc.get_pandoc_path(),
            *("+RTS", f"-M{MEGABYTES}m", "-RTS"),
            "--from=typst",
            f"--to={to}",
            "--sandbox",
            f"--output={made}",
            *more,
        ]
        try:
            done = subprocess.run(
                command, input=source.encode(), capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise _faulty(kind, _("{seconds} 秒内没有排完", seconds=seconds)) from None
        if done.returncode or not made.is_file():
            said = done.stderr.decode(errors="replace").replace(folder, "").strip()
            if missing := MISSING.search(said):
                raise words.missing(files, kind, [missing[1]])
            raise _faulty(kind, said[:400])
        return made.read_bytes()


def _whole(files: Mapping[str, str], name: str, kind: str, inside: set[str]) -> str:
    """A template with what it imports in its place. Raises ProcessFault for one that is missing or
    imports itself.
    """
    if name not in files or name in inside:
        raise _faulty(kind, _("没有 {name}，或它引用了自己", name=name))
    return _IMPORT.sub(
        lambda found: _whole(files, f"documents/{found[1]}", kind, {*inside, name}), files[name]
    )


def _literal(value: object) -> str:
    """Plain data as typst writes it."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return (
            "(" + ",".join(f"{_text(str(k))}: {_literal(v)}" for k, v in value.items()) + ")"
            if value
            else "(:)"
        )
    if isinstance(value, list):
        return "(" + "".join(_literal(each) + "," for each in value) + ")"
    return str(value) if isinstance(value, int) else _text(str(value))


def _text(words: str) -> str:
    """A string literal: typst's escapes, and every character that was typed."""
    return '"' + "".join(_ESCAPES.get(c) or _visible(c) for c in words) + '"'


def _visible(character: str) -> str:
    """Joiners, selectors and the like as code points; what XML cannot hold is no text."""
    if character.isprintable():
        return character
    return "" if unicodedata.category(character) in ("Cc", "Cs") else f"\\u{{{ord(character):x}}}"


def _faulty(kind: str, why: str) -> ProcessFault:
    message = _("文书模板 documents/{kind}.typ 不能生成 DOCX：{why}", kind=kind, why=why)
    return ProcessFault(
        message,
        file=f"documents/{kind}.typ",
        element=kind,
        advice=_("请流程作者改正模板；PDF 不受影响。"),
    )

"""Issued documents and attached files: each is on record, with the bytes it had; and there is no
other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from engine.db import canonical, tables
from engine.db.states import DocumentState
from engine.errors import Invalid
from engine.history.erased import ERASED
from engine.history.verification.replay import first_wrong, near
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import Session
    from engine.history.event_log import Break
    from engine.history.verification.chains import Range
    from engine.history.verification.replay import Replayed


def documents(replayed: Replayed, rows: Iterable[Any]) -> Break | None:
    """Each issued document is there with the data, kind and number that were issued, and there is
    no other.
    """
    issued = dict(replayed.documents)
    for row in rows:
        seq, says = issued.pop(str(row.id), (0, {}))
        if not says:
            return replayed.false("document", row.id, _("文书没有签发的记录"))
        became = replayed.papers.get(str(row.id), {})
        empty = row.data == ERASED and replayed.erased
        if row.data_sha256 != says["sha256"] or not (empty or _digest(row.data) == says["sha256"]):
            return replayed.false("document", row.id, _("文书与签发时不符"), seq)
        title = row.title if empty else row.data["document"]["title"]
        columns = {
            "kind": ("种类", row.kind == says["document"]),
            "number": ("文号", row.number == says.get("number", "")),
            "title": ("标题", row.title == title),
            "issued_at": ("签发时间", near(row.issued_at, says["at"])),
            "state": ("状态", row.state == became.get("state", DocumentState.ISSUED)),
            "corrects": ("所更正的文书", str(row.corrects or "") == became.get("corrects", "")),
            "template": ("模板", (row.template or "") == became.get("template", "")),
        }
        if wrong := first_wrong(columns):
            why = _("文书的{column}与签发时不符", column=wrong)
            return replayed.false("document", row.id, why, seq)
    for key, (seq, _says) in issued.items():
        return replayed.false("document", key, _("签发的文书缺失"), seq)
    return None


def _digest(data: Mapping[str, Any]) -> str:
    try:
        return canonical.digest(canonical.dumps(data)).hex()
    except Invalid:
        return ""


def named(spoken: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The files that answers name: id -> (name, digest)."""
    values = [
        value
        for answers in spoken.values()
        if isinstance(answers, dict)
        for value in answers.values()
    ]
    files = [f for value in values if isinstance(value, list) for f in value if isinstance(f, dict)]
    return {
        str(f["id"]): (str(f.get("name", "")), str(f["sha256"]))
        for f in files
        if {"id", "sha256"} <= set(f)
    }


def attachments(
    replayed: Replayed,
    rows: Iterable[Any],
    files: Mapping[str, tuple[str, str]],
    bad: frozenset[str],
) -> Break | None:
    """Each file that an answer names is there, with the bytes that were uploaded; and no file that
    none names.

    `bad` are the digests of all blobs that have other bytes.
    """
    left = dict(files)
    for row in rows:
        uploaded = left.pop(str(row.id), None)
        if uploaded is None:
            return replayed.false("attachment", row.id, _("附件没有记录"))
        if row.sha256 in bad or uploaded != (row.name, row.sha256):
            return replayed.false("attachment", row.id, _("附件与上传时不符"))
    for key in left:
        return replayed.false("attachment", key, _("附件缺失"))
    return None


def bad_blobs(session: Session, within: Range) -> frozenset[str]:
    """The digests under which other bytes are kept, of the files of these matters."""
    blob, attachment = tables.blob.c, tables.attachment.c
    files = select(attachment.sha256).where(
        attachment.instance_id.is_not(None), *within.of(attachment.instance_id)
    )
    other = or_(
        func.encode(func.sha256(blob.data), "hex") != blob.sha256,
        blob.size != func.octet_length(blob.data),
    )
    query = select(blob.sha256).where(blob.sha256.in_(files), other)
    return frozenset(session.execute(query).scalars())

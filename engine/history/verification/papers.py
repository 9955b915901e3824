"""Issued documents and attached files: each is told, with the bytes it had; and there is no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from engine.db import canonical
from engine.errors import Invalid
from engine.history.verification.told import near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import Session
    from engine.history.event_log import Break
    from engine.history.verification.told import Told

ERASED: dict[str, Any] = {}  # what is left of a document whose matter was erased
_BLOBS = text(
    "SELECT sha256 FROM blob WHERE encode(sha256(data), 'hex') <> sha256 OR size <> octet_length(data)"
)


def documents(told: Told, rows: Iterable[Any]) -> Break | None:
    """Each issued document is there with the data, kind and number that were issued, and there is no other."""
    issued = dict(told.documents)
    for row in rows:
        seq, says = issued.pop(str(row.id), (0, {}))
        if not says:
            return told.false(
                "document", row.id, "文书没有签发的记录", "no event issued the document"
            )
        empty = row.data == ERASED and told.erased
        if row.data_sha256 != says["sha256"] or not (empty or _digest(row.data) == says["sha256"]):
            return told.false(
                "document", row.id, "文书与签发时不符", "the document is not what was issued", seq
            )
        title = row.title if empty else row.data["document"]["title"]
        columns = {
            "kind": ("种类", row.kind == says["document"]),
            "number": ("文号", row.number == says.get("number", "")),
            "title": ("标题", row.title == title),
            "issued_at": ("签发时间", near(row.issued_at, says["at"])),
        }
        for column, (zh, holds) in columns.items():
            if not holds:
                return told.false(
                    "document",
                    row.id,
                    f"文书的{zh}与签发时不符",
                    f"{column} is not what was issued",
                    seq,
                )
    for key, (seq, _) in issued.items():
        return told.false("document", key, "签发的文书缺失", "the issued document is missing", seq)
    return None


def _digest(data: Any) -> str:
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
    told: Told, rows: Iterable[Any], files: Mapping[str, tuple[str, str]], bad: frozenset[str]
) -> Break | None:
    """Each file that an answer names is there, with the bytes that were uploaded; and no file that none names.

    `bad` are the digests of all blobs that have other bytes.
    """
    left = dict(files)
    for row in rows:
        told_of = left.pop(str(row.id), None)
        if told_of is None:
            return told.false(
                "attachment", row.id, "附件没有记录", "no answer names the attachment"
            )
        if row.sha256 in bad or told_of != (row.name, row.sha256):
            return told.false(
                "attachment", row.id, "附件与上传时不符", "the attachment is not what was uploaded"
            )
    for key in left:
        return told.false("attachment", key, "附件缺失", "the attachment is missing")
    return None


def bad_blobs(session: Session) -> frozenset[str]:
    """The digests under which other bytes are kept."""
    return frozenset(session.execute(_BLOBS).scalars())

"""Issued documents and attached files: each is on record, with the bytes it had; and there is no
other.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text

from engine.db import blobs, canonical, tables
from engine.db.states import DocumentState
from engine.errors import Conflict, HistoryBroken, Invalid
from engine.history.erased import ERASED
from engine.history.verification.replay import first_wrong, near
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db import Session, rows
    from engine.history.event_log import Break
    from engine.history.verification.replay import Replayed

_BLOBS = text(
    "SELECT sha256 FROM blob WHERE key IS NULL "
    "AND (encode(sha256(data), 'hex') <> sha256 OR size <> octet_length(data))"
)
_SEALED = select(tables.blob).where(tables.blob.c.key.is_not(None))


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


def bad_blobs(session: Session) -> frozenset[str]:
    """The digests under which other bytes are kept; of sealed ones as far as their keys are
    here.
    """
    sealed = session.execute(_SEALED.execution_options(yield_per=10))
    altered = frozenset(row.sha256 for row in sealed if not _holds(session, row))
    return altered | frozenset(session.execute(_BLOBS).scalars())


def _holds(session: Session, row: rows.Selected) -> bool:
    """Does a sealed file have the bytes of its digest? Without its key nobody can say."""
    try:
        data = blobs.opened(session, bytes(row.data), row.key)
    except Conflict:
        return True
    except HistoryBroken:
        return False
    return bool(len(data) == row.size and sha256(data).hexdigest() == row.sha256)

"""The evidence pack of an instance: a ZIP that anybody can verify offline with the verify.py
inside. It writes nothing.

The layout is fixed in engine/history/verify_pack.py (format 2). Put the export on record and seal
before you call it (`commands.evidence.record_export` does both): there is no pack of what no
checkpoint covers.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from engine import clock
from engine.db import aside, blobs, canonical, tables
from engine.documents import pdf
from engine.errors import Conflict, EngineError, Refused
from engine.history import keys, proofs, verify_pack
from engine.history.erased import ERASED
from engine.instance import rooms
from engine.instance.context import context_of
from engine.messages import _
from engine.people import access
from engine.queries import ballots, claims
from engine.queries.evidence import drawn, mining, notices, sheets
from engine.queries.evidence.answer import answer
from engine.queries.evidence.case import Case, Entry, Question, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from engine.db import Session, rows
    from engine.messages import Language
    from engine.people.organisation import Actor

__all__ = ["pack"]
T = TypeVar("T")
CLOSED = _("证据包里有您不能查阅的内容，请由可以查阅全部内容的人导出。")


class Archive:
    """A ZIP whose bytes depend on names and contents only, with the manifest of all that was
    added. `progress` hears of each of `total` papers and files.
    """

    def __init__(self, total: int = 0, progress: Callable[[int, int], None] | None = None) -> None:
        self._done, self._total, self._progress = 0, total, progress
        self._bytes = io.BytesIO()
        self._zip = zipfile.ZipFile(self._bytes, "w", zipfile.ZIP_DEFLATED)
        self._digests: dict[str, str] = {}

    def add(self, name: str, data: bytes | str) -> str:
        """Add a file; a name that is taken gets a number. The name that it has now."""
        stem, dot, ending = name.rpartition(".")
        number = 1
        while name in self._digests:
            number += 1
            name = f"{stem}-{number}{dot}{ending}"
        content = data.encode() if isinstance(data, str) else data
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type, info.external_attr, info.create_system = (
            zipfile.ZIP_DEFLATED,
            0o644 << 16,
            3,
        )
        self._zip.writestr(info, content)
        self._digests[name] = hashlib.sha256(content).hexdigest()
        return name

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """The papers or files, each told when it is in."""
        for item in items:
            yield item
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)

    def close(self, sign: Callable[[bytes], bytes]) -> bytes:
        """Add the manifest with the note that `sign` makes of its SHA-256, and give the whole."""
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._digests.items()))
        self.add("manifest.sha256", lines)
        self.add("manifest.note", sign(canonical.digest(lines.encode())))
        self._zip.close()
        return self._bytes.getvalue()


@dataclass
class Contents:
    """contents.json: what belongs to the pack, by what it is about; see verify_pack."""

    instance: str
    events: int
    checkpoint: int
    format: str = verify_pack.FORMAT
    papers: dict[str, list[str | None]] = field(default_factory=dict)
    polls: dict[str, str] = field(default_factory=dict)
    meetings: dict[str, list[str]] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, str | None] = field(default_factory=dict)
    withheld: list[int] = field(default_factory=list)


def pack(
    session: Session,
    actor: Actor,
    instance_id: UUID,
    key: keys.SigningKey,
    *,
    english: Language,
    progress: Callable[[int, int], None] | None = None,
) -> bytes:
    """The evidence pack of an instance, signed with `key`; the same bytes for the same rows and
    moment.

    `english`: for the second half of its texts. `progress` hears how many papers and files are in,
    of how many. Raises NotFound when the instance is not this
    person's to see, Refused when they may not export it, Conflict when the last event is not its
    export or not sealed, HistoryBroken when the history has gaps.
    """
    instance = tables.instance.c
    row = session.execute(
        select(tables.instance).where(instance.id == instance_id, access.visible(actor))
    ).first()
    row = access.must_see(row)
    if not access.may(actor, "export", row.union_id):
        raise Refused(verb="export", instance_id=str(instance_id))
    case = read(session, row, key, _shut(session, actor, instance_id))
    _whole(case)
    archive = Archive(len(case.documents) + len(case.attachments), progress)
    size = case.checkpoints[-1].size
    contents = Contents(str(instance_id), case.row.seq, size, withheld=list(case.withheld))
    archive.add("README.txt", notices.readme(case))
    shown = claims.answers(context_of(session, actor, instance_id), [e.says for e in case.events])
    text, table = answer(case, shown, english), sheets.timeline(case)
    archive.add("answer.txt", text)
    archive.add(*drawn.answer(case, text))
    archive.add("timeline.csv", table)
    archive.add(*drawn.timeline(case, table))
    archive.add("log.xes", mining.xes(case))
    archive.add("ocel.json", mining.ocel(case))
    _add_history(session, archive, case, key)
    _add_papers(session, archive, case, contents)
    _add_attachments(session, archive, case, contents)
    _add_rolls(archive, case, contents)
    _add_rules(archive, case, contents)
    archive.add("contents.json", _json(asdict(contents)))
    verifier = Path(verify_pack.__file__)
    archive.add("verify.py", verifier.read_bytes())
    archive.add("verify.html", verifier.with_suffix(".html").read_bytes())

    def signed(manifest: bytes) -> bytes:
        text = keys.pack_text(instance_id, manifest, clock.now(), key.key_id)
        return keys.note(text, key.sign(text))

    return archive.close(signed)


def _whole(case: Case) -> None:
    """The export is the last event, and a checkpoint is over it: else the end could be cut and
    nobody would see it.
    """
    if not case.events or case.events[-1].kind != "evidence_exported":
        raise Conflict(_("导出还没有记入历史，不能出具证据包。"), code="not_exported")
    if any(entry.leaf_no is None for entry in case.events):
        raise Conflict(_("还有记录没有封存，不能出具证据包；请稍后再试。"), code="not_sealed")


def _add_rolls(archive: Archive, case: Case, contents: Contents) -> None:
    """Who could answer each poll, and who was due and present at each meeting."""
    for question in case.polls:
        roll = sheets.roll(case, question)
        contents.polls[str(question.id)] = archive.add(f"rolls/{question.element}.csv", roll)
    for hall in case.meetings:
        ledger = "".join(f"{line}\n" for line in hall.ledger)
        contents.meetings[str(hall.id)] = [
            archive.add(f"meetings/{hall.element}-roll.csv", sheets.due(hall)),
            archive.add(f"meetings/{hall.element}-ledger.txt", ledger),
        ]


def _add_rules(archive: Archive, case: Case, contents: Contents) -> None:
    """The process as it was launched, and the rules of law that its steps refer to."""
    for name, text in sorted(case.process.files.items()):
        archive.add(f"process/{name}", text)
    for rule_id, ruling in case.rulings.items():
        name = f"rules/{pdf.file_name(rule_id)}.txt"
        contents.rules[rule_id] = archive.add(name, notices.rule(rule_id, ruling, case))


def _shut(session: Session, actor: Actor, instance_id: UUID) -> frozenset[str]:
    """The tasks whose answers are withheld: their rooms stay closed to this person, or single
    fields do, and a digest is over all answers of a task. What stands in a hashed line or in a
    paper cannot be left out: then there is no pack.
    """
    context = context_of(session, actor, instance_id)
    shut, fields = rooms.closed(context), rooms.closed_fields(context)
    unnamed = rooms.unnamed(context)
    event, document = tables.event.c, tables.document.c
    bodies = (
        session.execute(select(event.body).where(event.instance_id == instance_id)).scalars()
        if shut or unnamed
        else ()
    )
    told = any(
        rooms.tells(body, shut) or rooms.names_whom(body, unnamed)
        for body in map(json.loads, bodies)
    )
    query = select(document.kind, document.data["facts"]).where(document.instance_id == instance_id)
    papers = session.execute(query).all() if shut or fields else ()
    if told or any(
        shut & set(facts or ()) or not rooms.may_read_paper(context, kind) for kind, facts in papers
    ):
        raise Refused(CLOSED, code="rooms", verb="export", instance_id=str(instance_id))
    return shut | {field.rpartition(".")[0] for field in fields}


def _add_history(session: Session, archive: Archive, case: Case, key: keys.SigningKey) -> None:
    archive.add("events.jsonl", _lines(_event(case, e) for e in case.events))
    shown = (
        {"instance": str(case.row.id), "seq": s.seq, "salt": s.salt.hex(), "value": s.value}
        for s in case.said
    )
    archive.add("answers.jsonl", _lines(shown))
    if words := [_words(case, e) for e in case.events if e.words]:
        archive.add("words.jsonl", _lines(words))
    notes = [
        keys.note(keys.checkpoint_text(p.size, bytes(p.root), p.at, p.key_id), bytes(p.signature))
        for p in case.checkpoints
    ]
    archive.add("checkpoints.txt", b"\n".join(notes))
    if secret := [
        q
        for q in case.polls
        if any(e.kind == "ballots_cast" and e.says["poll"] == str(q.id) for e in case.events)
    ]:
        archive.add("ballots.jsonl", _lines(_ballots(session, q) for q in secret))
    leaves = [e.leaf_no for e in case.events if e.leaf_no is not None]
    archive.add(
        "proofs.json", _json(proofs.prove(session, leaves, [p.size for p in case.checkpoints]))
    )
    head = keys.head_text(case.row.id, case.row.seq, bytes(case.row.head), clock.now(), key.key_id)
    archive.add("heads.txt", keys.note(head, key.sign(head)))
    archive.add("keys.json", _json({key.key_id: key.public.hex()}))


def _ballots(session: Session, question: Question) -> dict[str, Any]:
    """Receipts and ballots of a secret poll; the ballots when its result is published."""
    urn = None
    if question.row.state in ballots.OVER:
        urn = [[b.code, list(b.choices)] for b in ballots.urn_of(session, question.id)]
    return {
        "poll": str(question.id),
        "board": list(ballots.board_of(session, question.id)),
        "urn": urn,
    }


def _event(case: Case, entry: Entry) -> dict[str, Any]:
    says = entry.says
    return {
        "instance": str(case.row.id),
        "seq": entry.seq,
        "at": says.get("at"),
        "actor": says.get("actor"),
        "on_behalf_of": says.get("on_behalf_of"),
        "kind": says.get("kind"),
        "body": entry.body,
        "hash": entry.hash.hex(),
        "leaf_no": entry.leaf_no,
    }


def _words(case: Case, entry: Entry) -> dict[str, Any]:
    """What was said in an event and stands beside it, with the salt of its digests."""
    said = {key: value for key, value in (entry.words or {}).items() if key != aside.SALT}
    salt = (entry.words or {}).get(aside.SALT)
    return {"instance": str(case.row.id), "seq": entry.seq, "salt": salt, "value": said}


def _lines(values: Iterable[Any]) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _add_papers(session: Session, archive: Archive, case: Case, contents: Contents) -> None:
    """The documents as issued and as printed. What cannot be printed is told, not left out."""
    for paper in archive.each(case.documents):
        if paper.data == ERASED:
            contents.papers[str(paper.id)] = [None, None]
            continue
        data = archive.add(f"documents/{paper.id}.json", canonical.dumps(paper.data))
        contents.papers[str(paper.id)] = [data, _add_print(session, archive, case, paper)]


def _add_print(session: Session, archive: Archive, case: Case, paper: rows.Document) -> str:
    """The document as printed by the templates that it was issued with; the name of the file."""
    mark = pdf.became(session, paper)
    name = pdf.file_name(mark, paper.number, paper.title)
    version = paper.template or case.row.version
    try:
        made = pdf.printed(session, version, paper.kind, paper.data, paper.data_sha256, mark=mark)
    except EngineError as fault:
        return archive.add(f"prints/{name}.txt", f"不能打印 cannot be printed: {fault.message}\n")
    return archive.add(f"prints/{name}.pdf", made)


def _add_attachments(session: Session, archive: Archive, case: Case, contents: Contents) -> None:
    """The files that answers name, with their bytes; null for those that were erased."""
    for file in archive.each(case.attachments):
        data = blobs.read(session, file.sha256)
        name = f"attachments/{file.id} {pdf.file_name(file.name)}"
        added = None if data is None else archive.add(name, data)
        contents.attachments[str(file.id)] = added

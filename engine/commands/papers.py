"""Issuing a document: its facts are gathered and proved to be there, typeset once, then numbered
and frozen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import clock
from engine.commands.numbers import next_number
from engine.db import canonical, tables
from engine.db.states import DocumentState
from engine.documents import filling, pdf
from engine.errors import NotPrintable, ProcessFault
from engine.instance import rights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.process import DocumentRule


def issue(work: UnitOfWork, rule: DocumentRule) -> str | None:
    """Number a document and freeze what it says; the PDF follows from the frozen data. Gives its
    number, "" for a kind that has none; None where it could not be issued.

    When a fact is missing or no font has a character, nothing is numbered, and the step is refused
    once its guards were asked (engine.commands.advance). A faulty template does not hold up the
    matter: the paper has its number, the fault is on record, and two people print it with a
    repaired template.
    """
    try:
        return _issue(work, rule)
    except NotPrintable as refusal:
        refusal.details["instance_id"] = str(work.row["id"])
        work.unprintable.append(refusal)
        return None


def _issue(work: UnitOfWork, rule: DocumentRule) -> str:
    rights.check_signatory(work, rule)
    facts = filling.facts_for(work.process, rule, work.facts)
    filling.must_be_whole(work.process, rule, facts)
    number = next_of(work, rule)
    data = filling.document_data(work, number, rule, facts)
    _typeset(work, rule, data)
    freeze(work, rule.key, data)
    return number


def freeze(
    work: UnitOfWork,
    kind: str,
    data: dict[str, Any],
    corrects: UUID | None = None,
    template: str | None = None,
) -> UUID:
    """Put a document on record with what it says; gives its id."""
    digest = canonical.digest(canonical.dumps(data)).hex()
    key, number = tables.new_id(), data["document"]["number"]
    row = {
        "id": str(key),
        "instance_id": str(work.row["id"]),
        "kind": kind,
        "number": number,
        "title": data["document"]["title"],
        "data": data,
        "data_sha256": digest,
        "issued_at": clock.now().isoformat(),
        "state": DocumentState.ISSUED,
        "corrects": str(corrects) if corrects else None,
        "template": template,
    }
    work.pending.add(tables.document, row)
    noted = {"document": kind, "number": number or None, "id": str(key), "sha256": digest}
    work.log.add("document_issued", None, **noted)
    return key


def _typeset(work: UnitOfWork, rule: DocumentRule, data: Mapping[str, Any]) -> None:
    """Typeset it once, before anybody is told that it was issued."""
    try:
        pdf.composed(work.process.files, rule.key, data)
    except ProcessFault as fault:
        work.log.add("document_faulty", None, document=rule.key, fault=fault.message)


def next_of(work: UnitOfWork, rule: DocumentRule) -> str:
    """The next number of a kind of document; "" for one that has none."""
    if not rule.numbering:
        return ""
    series = f"doc:{rule.numbering}"
    return next_number(work.session, work.row["union_id"], series, rule.numbering)

"""Issuing a document: its facts are gathered and proved to be there, typeset once, then numbered
and frozen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine import clock
from engine.commands.numbers import next_number
from engine.db import canonical, tables
from engine.db.states import DocumentState
from engine.documents import pdf, words
from engine.errors import NotPrintable, ProcessFault
from engine.instance import rights
from engine.instance.view import dotted
from engine.people import ordering, organisation, places, strokes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions import Process
    from engine.definitions.process import DocumentRule

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")


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
    facts = facts_for(work.process, rule, work.facts)
    must_be_whole(work.process, rule, facts)
    number = next_of(work, rule)
    data = document_data(work, number, rule, facts)
    _typeset(work, rule, data)
    freeze(work, rule.key, data)
    return number


def must_be_whole(process: Process, rule: DocumentRule, facts: Mapping[str, Any]) -> None:
    """Raise NotPrintable, with every fact that is needed and missing."""
    if missing := sorted(path for path in rule.needs if is_missing(dotted(facts, path))):
        raise words.missing(process.files, rule.key, missing)


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


def is_missing(fact: Any) -> bool:
    """Nothing was said; zero, no and an empty list are facts."""
    return fact is None or fact == ""


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


def facts_for(process: Process, rule: DocumentRule, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that go along with a document: those that it declares, whatever room they were said
    in.

    A document of an older version declares none: all but what was said in rooms whose tasks neither
    its template nor an import names.
    """
    if rule.declared:
        return _only(facts, rule.reads)
    named = {path.partition(".")[0] for path in rule.reads}
    shut = {key for key, task in process.tasks.items() if task.room and key not in named}
    return {key: fact for key, fact in facts.items() if key not in shut}


def _only(facts: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """What stands at these dotted paths, and nothing beside it."""
    found: dict[str, Any] = {}
    for path in sorted(paths):
        *parents, last = path.split(".")
        value = dotted(facts, path)
        if is_missing(value):
            continue
        place = found
        for name in parents:
            place = place.setdefault(name, {})
        place.setdefault(last, value)
    return found


def document_data(
    work: UnitOfWork, number: str, rule: DocumentRule, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What a template is filled with: the instance, its facts, and the names of all people and
    units in them.
    """
    row = work.row
    ids = set(_ids_in(facts)) | {row["starter_id"]}
    people, units = organisation.people_and_units(work.session, {*ids, row["union_id"]})
    return {
        "instance": {
            "id": str(row["id"]),
            "number": row["number"],
            "title": work.title,
            "process": work.process.title.zh,
            "union": units.get(row["union_id"], ""),
            "started_on": clock.day_of(row["started_at"]).isoformat(),
        },
        "facts": in_china(facts),
        "people": {str(key): name for key, name in people.items()},
        **_listed(work, people),
        **(_places(work, people) if rule.places else {}),
        "units": {str(key): name for key, name in units.items()},
        "labels": _labels(work.process),
        "document": {"number": number, "title": rule.title.zh, **_days(work)},
    }


def _listed(work: UnitOfWork, people: Mapping[UUID, str]) -> dict[str, Any]:
    """How lists of people stand in this paper: `by`, all of its people in that order, and whose
    names have characters that it does not know. Nothing where they stand as they were put.
    """
    by = ordering.in_effect(work.name_order)
    if by is ordering.Order.GIVEN:
        return {}
    ids = ordering.ordered(sorted(people), lambda key: people[key], by)
    strange = [
        str(key) for key in ids if by is ordering.Order.STROKES and strokes.unknown(people[key])
    ]
    return {"listed": {"by": by.value, "ids": [*map(str, ids)], "unknown": strange}}


def _days(work: UnitOfWork) -> dict[str, str]:
    """When a paper goes out; and when that happened from which it comes, where somebody entered it
    on a later day.
    """
    today = clock.today().isoformat()
    late = work.actor is not None and work.happened is not None
    return {"issued_on": today, **({"happened_on": work.today.isoformat()} if late else {})}


def in_china(said: Any) -> Any:
    """The same with every moment in the time of China, so that its first ten letters are the day
    that a reader knows; the history keeps UTC.
    """
    if isinstance(said, Mapping):
        return {key: in_china(value) for key, value in said.items()}
    if isinstance(said, list):
        return [in_china(value) for value in said]
    if isinstance(said, str) and _MOMENT.fullmatch(said):
        return datetime.fromisoformat(said).astimezone(clock.CHINA).isoformat()
    return said


def _ids_in(value: Any) -> list[UUID]:
    if isinstance(value, dict):
        return [i for v in value.values() for i in _ids_in(v)]
    if isinstance(value, list):
        return [i for v in value for i in _ids_in(v)]
    if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
        try:
            return [UUID(value)]
        except ValueError:
            return []
    return []


def _places(work: UnitOfWork, people: Mapping[UUID, str]) -> dict[str, dict[str, str]]:
    found = places.of(work.session, map(str, people))
    return {"places": {key: str(place) for key, place in found.items()}}


def _labels(process: Process) -> dict[str, dict[str, str]]:
    """ "task.field" -> value -> label, so that a template shows words instead of codes."""
    forms = {"launch": process.launch_form} | {
        k: t.form for k, t in process.tasks.items() if t.form
    }
    fields = ((task, field) for task, form in forms.items() for field in form.fields)
    labels = {
        f"{task}.{field.key}": {choice.value: choice.label for choice in field.choices}
        for task, field in fields
        if field.choices
    }
    polls = ((key, rule.poll) for key, rule in process.tasks.items() if rule.poll)
    return labels | {key: {c: w.zh for c, w in poll.labels.items()} for key, poll in polls}

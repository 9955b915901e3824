"""What a document says: its facts, as it declares them, with the names of all people and units in
them. It numbers nothing and keeps nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine import clock, forms
from engine.documents import words
from engine.instance.view import dotted
from engine.people import ordering, organisation, places, strokes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.definitions import Process
    from engine.definitions.process import DocumentRule
    from engine.instance.view import InstanceView

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")


def must_be_whole(process: Process, rule: DocumentRule, facts: Mapping[str, Any]) -> None:
    """Raise NotPrintable, with every fact that is needed and missing."""
    if missing := sorted(path for path in rule.needs if is_missing(dotted(facts, path))):
        raise words.missing(process.files, rule.key, missing)


def is_missing(fact: object) -> bool:
    """Nothing was said; zero, no and an empty list are facts."""
    return fact is None or fact == ""


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
    view: InstanceView, number: str, rule: DocumentRule, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What a template is filled with: the instance, its facts, and the names of all people and
    units in them.
    """
    row = view.row
    ids = set(_ids_in(facts)) | {row["starter_id"]}
    people, units = organisation.people_and_units(view.session, {*ids, row["union_id"]})
    return {
        "instance": {
            "id": str(row["id"]),
            "number": row["number"],
            "title": view.title,
            "process": view.process.title.zh,
            "union": units.get(row["union_id"], ""),
            "started_on": clock.day_of(row["started_at"]).isoformat(),
        },
        "facts": in_china(facts),
        "people": {str(key): name for key, name in people.items()},
        **_listed(view, people),
        **(_places(view, people) if rule.places else {}),
        "units": {str(key): name for key, name in units.items()},
        "labels": _labels(view.process),
        **amounts(
            view.process, rule, facts, {str(k): name for k, name in (people | units).items()}
        ),
        "document": {"number": number, "title": rule.title.zh, **_days(view)},
    }


def _listed(view: InstanceView, people: Mapping[UUID, str]) -> dict[str, Any]:
    """How lists of people stand in this paper: `by`, all of its people in that order, and whose
    names have characters that it does not know. Nothing where they stand as they were put.
    """
    by = ordering.in_effect(view.name_order)
    if by is ordering.Order.GIVEN:
        return {}
    ids = ordering.ordered(sorted(people), lambda key: people[key], by)
    strange = [
        str(key) for key in ids if by is ordering.Order.STROKES and strokes.unknown(people[key])
    ]
    return {"listed": {"by": by.value, "ids": [*map(str, ids)], "unknown": strange}}


def _days(view: InstanceView) -> dict[str, str]:
    """When a paper goes out; and when that happened from which it comes, where somebody entered it
    on a later day.
    """
    today = clock.today().isoformat()
    late = view.actor is not None and view.happened is not None
    return {"issued_on": today, **({"happened_on": view.today.isoformat()} if late else {})}


def in_china(said: object) -> Any:
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


def _ids_in(value: object) -> list[UUID]:
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


def _places(view: InstanceView, people: Mapping[UUID, str]) -> dict[str, dict[str, str]]:
    found = places.of(view.session, map(str, people))
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


def amounts(
    process: Process, rule: DocumentRule, facts: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """How the amounts and the tables that a document reads are written in it, by dotted fact;
    nothing where it reads none.
    """
    found: dict[str, dict[str, Any]] = {"amounts": {}, "tables": {}}
    for path in sorted(rule.reads):
        element, _dot, key = path.partition(".")
        field, value = process.field_of(element, key), dotted(facts, path)
        if field and field.unit and type(value) is int:
            money = {"capitals": forms.capitals(value)} if field.unit.money else {}
            found["amounts"][path] = {"shown": field.said(value), **money}
        elif field and field.fields and value is not None:
            found["tables"][path] = asdict(forms.told.table_of(field, value, names))
    return {key: each for key, each in found.items() if each}

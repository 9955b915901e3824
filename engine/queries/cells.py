"""What the declared columns of a process say of its instances, in words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from engine import clock, expressions
from engine.definitions.store import process_of
from engine.instance.view import dotted
from engine.queries.words import Named, about

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from engine.db import Session
    from engine.definitions import Process
    from engine.definitions.columns import ColumnRule
    from engine.people.organisation import Actor


def of(
    session: Session,
    actor: Actor,
    columns: Sequence[ColumnRule],
    rows: Sequence[Any],
    lang: str = "zh",
) -> dict[UUID, dict[str, tuple[str, ...]]]:
    """Of each instance what stands in each column, several things apart. `rows`: with id, version,
    facts, unit_id and starter_id.
    """
    values = {row.id: {c.key: _first(_facts(row), c.facts) for c in columns} for row in rows}
    names = Named.of(session, list(values.values()), actor)
    return {
        row.id: {
            key: _words(process_of(session, row.version), said, names, lang)
            for key, said in values[row.id].items()
        }
        for row in rows
    }


class Standing(Protocol):
    """What a cell is read from."""

    facts: Mapping[str, Any]
    unit_id: UUID | None
    starter_id: UUID


class Counted(Protocol):
    """An instance as far as an expression over many looks at it."""

    facts: Mapping[str, Any]
    state: str
    outcome: str


def holds(expression: str, row: Counted) -> bool:
    """Does it hold for an instance's facts, `state` and `outcome`?"""
    unknown = {name.partition(".")[0]: None for name in expressions.names_in(expression)}
    known = {**unknown, **row.facts, "state": row.state, "outcome": row.outcome or None}
    return bool(expressions.evaluate(expression, known, {}))


def _facts(row: Standing) -> dict[str, Any]:
    """The facts, with the names that every expression has."""
    unit = row.unit_id and str(row.unit_id)
    return {**row.facts, "unit": unit, "starter": str(row.starter_id)}


def _first(facts: Mapping[str, Any], paths: Iterable[str]) -> tuple[str, Any]:
    """The first of these facts that says anything, and what it says."""
    for path in paths:
        value = dotted(facts, path)
        if value not in (None, "", []):
            return path, value
    return "", None


def _words(process: Process, said: tuple[str, Any], names: Named, lang: str) -> tuple[str, ...]:
    """What stands in a cell: of a poll its answers, of a moment the day."""
    path, value = said
    if isinstance(value, dict):
        return _counted(process, path, value, lang)
    parts = value if isinstance(value, list) else [value]
    return tuple(_part(process, path, part, names, lang) for part in parts if part is not None)


def _counted(process: Process, path: str, outcome: Mapping[str, Any], lang: str) -> tuple[str, ...]:
    """The answers that a poll got, each with its number where several were asked."""
    rule = process.tasks.get(path)
    if rule is None or rule.poll is None:
        return ()
    given = [(choice, outcome.get(choice)) for choice in rule.poll.choices if outcome.get(choice)]
    labels = [(rule.poll.labels[choice].in_(lang), n) for choice, n in given]
    alone = outcome.get("roll") == 1
    return tuple(label if alone else f"{label} {n}" for label, n in labels)


def _part(process: Process, path: str, value: object, names: Named, lang: str) -> str:
    if isinstance(value, bool):
        return ("Yes" if value else "No") if lang == "en" else ("是" if value else "否")
    if isinstance(value, str) and (at := moment(value)):
        return clock.day_of(at).isoformat()
    told = about(process, [(path, value)], names, lang).all
    return told[0].text if told else ""


def moment(text: str) -> datetime | None:
    """The moment that a text is; None for a day, and for anything else."""
    if len(text) <= 10 or text[4:5] != "-":
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None

"""Under what an instance is found: its number, its searched facts, and the people in it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from engine import forms
from engine.instance.view import dotted
from engine.people import organisation, pinyin, spelling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.instance.context import Context

MOST_PEOPLE = 20  # a roll is no way to find a matter


def search_grams(work: Context) -> list[str]:
    """The two-character pieces under which an instance is found: serial number, searched facts,
    starter and unit, and the people named in it, by name and initials. Whom only a room names is
    not found: whoever sees the matter could learn of it.
    """
    row, paths = work.row, (*work.process.search, work.process.subject)
    words = [row["number"].rpartition("〕")[2]]
    words += [str(dotted(work.facts, path) or "") for path in paths]
    persons = [row["starter_id"], *_named(work)]
    people, units = organisation.people_and_units(work.session, [*persons, row["unit_id"]])
    for name in people.values():
        words += [spelling.name(name), *pinyin.initials(name)]
    pieces = forms.bigrams(" ".join([*words, *units.values()]))
    return sorted({*pieces, *_marks(work)})


def _marks(work: Context) -> set[str]:
    """Those of its number, and of the numbers that actions gave it."""
    tables = (action.get("numbers", {}) for action in work.process.actions.values())
    given = (dotted(work.facts, fact) for numbers in tables for fact in numbers)
    return {
        mark for number in (work.row["number"], *given) for mark in forms.marks(str(number or ""))
    }


def names_somebody(work: Context, element: str, fact: object) -> bool:
    """Does a fact said in the open name a person, so that the instance is found by it?"""
    return not _in_room(work, element) and next(_ids(fact), None) is not None


def _named(work: Context) -> list[UUID]:
    open_ = (fact for key, fact in work.facts.items() if not _in_room(work, key))
    found = dict.fromkeys(key for fact in open_ for key in _ids(fact))
    return list(found)[:MOST_PEOPLE]


def _in_room(work: Context, element: str) -> bool:
    rule = work.process.tasks.get(element)
    return rule is not None and bool(rule.room)


def _ids(fact: object) -> Iterator[UUID]:
    """The ids that stand by themselves in a fact; lists are rolls."""
    for value in fact.values() if isinstance(fact, dict) else ():
        if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
            try:
                yield UUID(value)
            except ValueError:
                continue

"""Numbers of letters that came from outside: a matter has each of them once."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.db import tables
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.process import TaskRule

_BRACKETS = str.maketrans("[]【】()﹝﹞［］", "〔〕〔〕〔〕〔〕〔〕")
Entry = tuple[str, str]  # a register, and a number in it


def faults(work: UnitOfWork, rule: TaskRule, answers: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the numbers of letters in a form, by field: those that stand in their
    register already.
    """
    given = list(_entries(rule, answers))
    if not given:
        return {}
    taken = set(_taken(work))
    wrong: dict[str, list[str]] = {}
    for key, entry in given:
        if entry in taken:
            number = str(answers[key])
            words = _(
                "文号 {number} 在本件里已经登记过。一份来函只登记一次，请照原件填写。",
                number=number,
            )
            wrong[key] = [words]
        taken.add(entry)
    return wrong


def _taken(work: UnitOfWork) -> Iterator[Entry]:
    """What all answers of the matter so far have entered, messages and links included."""
    task = tables.task.c
    said = select(task.element, task.answers).where(
        task.instance_id == work.row["id"], task.answers.is_not(None)
    )
    for row in work.session.execute(said):
        known = work.process.tasks.get(row.element)
        if known and isinstance(row.answers, dict):
            yield from (entry for _key, entry in _entries(known, row.answers))


def _entries(rule: TaskRule, answers: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    for field in rule.form.asked if rule.form else ():
        if field.once and answers.get(field.key):
            yield field.key, (field.once, plain(str(answers[field.key])))


def plain(number: str) -> str:
    """A number without what people write now this way, now that: spaces, width, brackets."""
    wide = unicodedata.normalize("NFKC", "".join(number.split()))
    return wide.translate(_BRACKETS).casefold()

"""What a form and a process demand of the answers of an act: fields, gates, dates."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from engine import expressions, forms
from engine.commands import dates, demands, received
from engine.commands.attachments import adopt
from engine.errors import EngineError, Invalid, Refused
from engine.instance import choices
from engine.messages import Listed, _, worded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.process import TaskRule


def pass_gates(
    work: UnitOfWork, rule: TaskRule, given: Mapping[str, Any], due_at: datetime | None = None
) -> None:
    """What the process demands of an act, beyond its form, on the day on which it happened.

    Raises Refused with the words of every gate that does not hold, of the dates outside their
    bounds and of letters that were entered before, Invalid for those fields alone.
    """
    dates.settle(work, rule, given)
    unmet = demands.unmet(work, rule.gates, _names(work, rule, given, due_at), rule.id)
    wrong = dates.faults(work, rule, given) | received.faults(work, rule, given)
    if unmet:
        where = {"instance_id": str(work.row["id"]), "element": rule.id}
        named = frozenset[str]().union(*(expressions.names_in(gate.holds) for gate in unmet))
        also = (words for key, words in wrong.items() if f"{rule.id}.{key}" not in named)
        words = [*(gate.text for gate in unmet), *chain.from_iterable(also)]
        raise Refused(Listed(words, ""), code="gate", **where)
    if wrong:
        raise Invalid(wrong)


def _names(
    work: UnitOfWork, rule: TaskRule, given: Mapping[str, Any], due_at: datetime | None
) -> dict[str, Any]:
    """What gates see beside the facts: the answers, and whether the time was over."""
    overdue = due_at is not None and dates.overdue(work, due_at)
    return {rule.id: dict(given), "overdue": overdue}


def accepted(
    work: UnitOfWork,
    rule: TaskRule,
    form: forms.Form | None,
    answers: Mapping[str, Any],
    due_at: datetime | None = None,
) -> dict[str, Any]:
    """The answers as the form wants them.

    Raises Invalid with the faults of all fields, and with the words of the gates that fail
    whatever is written there instead.
    """
    try:
        return clean_answers(work, form, answers)
    except Invalid as wrong:
        wrong.add(_also_wrong(work, rule, wrong, due_at))
        raise


def _also_wrong(
    work: UnitOfWork, rule: TaskRule, wrong: Invalid, due_at: datetime | None
) -> list[str]:
    """The words of the gates that look at sound answers only, and fail by them."""
    faulty = {f"{rule.id}.{key}" for key in wrong.fields}
    gates = [gate for gate in rule.gates if not faulty & expressions.names_in(gate.holds)]
    try:
        unmet = demands.unmet(work, gates, _names(work, rule, wrong.sound, due_at), rule.id)
    except EngineError:  # of answers that are incomplete
        return []
    return [worded(gate.text) for gate in unmet]


def clean_answers(
    work: UnitOfWork, form: forms.Form | None, answers: Mapping[str, Any]
) -> dict[str, Any]:
    """The answers as the form wants them; attachments become part of the instance."""
    if form is None:
        if answers:
            raise Invalid({key: [_("没有这一项。")] for key in answers})
        return {}
    row = work.row
    clean = forms.clean(form, answers, work.names(), choices.of_instance(work))
    adopt(work.session, work.actor, row["id"], form, clean)
    return clean

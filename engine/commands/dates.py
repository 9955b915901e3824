"""When what is entered happened: the day of the fact beside the moment of the entry, and the bounds
of the dates in a form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.definitions.words import Words
from engine.errors import Invalid
from engine.instance import functions
from engine.messages import Message, _, worded

if TYPE_CHECKING:
    from engine.commands.unit_of_work import UnitOfWork
    from engine.definitions.process import TaskRule
    from engine.forms import Field

Answers = Mapping[str, Any]
Outside = Callable[[str, str], bool]  # does a day lie beyond a bound?
_BEFORE: Outside = lambda day, bound: day < bound  # noqa: E731
_AFTER: Outside = lambda day, bound: day > bound  # noqa: E731


def settle(work: UnitOfWork, rule: TaskRule, answers: Answers) -> None:
    """Let the unit of work stand on the day on which this happened, which the form tells."""
    told = answers.get(rule.happened) if rule.happened else None
    if told:
        work.stand_on(date.fromisoformat(told))


def check(work: UnitOfWork, rule: TaskRule, answers: Answers) -> None:
    """No fact lies in the future, no date outside its bounds. Raises Invalid, with all of them."""
    if wrong := faults(work, rule, answers):
        raise Invalid(wrong)


def faults(work: UnitOfWork, rule: TaskRule, answers: Answers) -> dict[str, list[str]]:
    """What is wrong with the dates of a form, by field."""
    refused = {
        field.key: list[str](_refused(work, rule, field, answers))
        for field in _dates(rule, answers)
    }
    return {key: words for key, words in refused.items() if words}


def _dates(rule: TaskRule, answers: Answers) -> Iterator[Field]:
    """The dates of a form that were answered."""
    for field in rule.form.asked if rule.form else ():
        if field.kind == "datetime" and answers.get(field.key):
            yield field


def _refused(work: UnitOfWork, rule: TaskRule, field: Field, answers: Answers) -> Iterator[Message]:
    bounds = field.bounds
    words = worded(Words(bounds.words, bounds.words_en)) if bounds.words else None
    if field.key == rule.happened and answers[field.key] > clock.today().isoformat():
        yield _("发生的日期不能晚于今天。")
    if limit := _beyond(work, rule, answers, (field.key, bounds.not_before, _BEFORE)):
        yield words or _("不能早于 {day}。", day=limit)
    if limit := _beyond(work, rule, answers, (field.key, bounds.not_after, _AFTER)):
        yield words or _("不能晚于 {day}。", day=limit)


def _beyond(
    work: UnitOfWork, rule: TaskRule, answers: Answers, bound: tuple[str, str, Outside]
) -> str | None:
    """The day of a bound, where the answer lies beyond it. A bound whose fact is not there yet
    does not bind.
    """
    key, expression, outside = bound
    if not expression:
        return None
    limit = functions.day(work, work.value(expression, {rule.id: dict(answers)}))
    return limit if limit and outside(str(answers[key]), limit) else None


def noted(
    work: UnitOfWork, rule: TaskRule, answers: Answers, due_at: datetime | None = None
) -> dict[str, Any]:
    """What the history says of it: the day, whether a limit that was over at the entry had been
    kept, and the dates that are not as usual.
    """
    says: dict[str, Any] = {}
    if rule.happened and answers.get(rule.happened):
        says["happened_on"] = answers[rule.happened]
    if due_at is not None and work.process.dated and work.entered >= due_at:
        says["in_time"] = not overdue(work, due_at)
    unusual = [field.key for field in _dates(rule, answers) if _unusual(work, rule, field, answers)]
    if unusual:
        says["unusual"] = unusual
    return says


def _unusual(work: UnitOfWork, rule: TaskRule, field: Field, answers: Answers) -> bool:
    bounds = field.bounds
    early = _beyond(work, rule, answers, (field.key, bounds.usual_from, _BEFORE))
    return bool(early or _beyond(work, rule, answers, (field.key, bounds.usual_to, _AFTER)))


def overdue(work: UnitOfWork, due_at: datetime) -> bool:
    """Did what is done now happen after the limit? `due_at` is the first instant after its last
    day.
    """
    when = work.now
    if isinstance(when, datetime):
        return when >= due_at
    return datetime.combine(when, datetime.min.time(), clock.CHINA) >= due_at

"""A ruling applied: dates on a calendar, counts and votes in integers. Decides nothing beyond the
one comparison.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from engine.calendar import Calendar, Due, When
from engine.errors import Invalid, ProcessFault
from engine.law.rulings import Limit, Ruling
from engine.messages import Message, _

_REACHING: Final = frozenset({">=", ">", "="})
_TESTS: Final[Mapping[str, Callable[[int, int], bool]]] = MappingProxyType(
    {
        ">=": operator.ge,
        ">": operator.gt,
        "<=": operator.le,
        "within": operator.le,
        "=": operator.eq,
    }
)


def deadline(ruling: Ruling, start: When, calendar: Calendar) -> Due:
    """The moment that keeps every limit of a ruling of time, from `start` on (for "before" and
    "opens": back from it).

    Duties to act within or ahead of a time take the earliest date, duties to wait (at least) take
    the latest. School vacations do not stretch a limit of law: only a unit's own limits skip them.
    Errors: ProcessFault for a rule that is no time.
    """
    return replace(
        _pick(ruling, calendar, lambda limit, days: _one_deadline(limit, start, days)),
        rule=ruling.id,
    )


def before(ruling: Ruling, moment: When, calendar: Calendar) -> Due:
    """The moment that lies the ruling's time before `moment`, for warnings. Errors: as
    `deadline`.
    """
    return _pick(
        ruling, calendar, lambda limit, days: days.subtract(moment, int(limit.amount), limit.unit)
    )


def compare(op: str, ruling: Ruling, left: int, total: int | None = None) -> bool:
    """Whether `left op value` holds, in integers: for a share denominator*left against
    numerator*total.

    A share of nothing is never reached: with a total of 0, >=, > and = are False. Errors: Invalid
    when a share has no total, a number is negative, or the rule has no number.
    """
    if left < 0 or (total is not None and total < 0):
        raise Invalid(_("人数和票数不能为负数。"))
    if op not in _TESTS:
        raise Invalid(_("规则“{id}”不能用“{op}”比较。", id=ruling.id, op=op))
    if total == 0 and ruling.share is not None and op in _REACHING:
        return False
    have, need = _weighed(ruling, left, total)
    return _TESTS[op](have, need)


def _weighed(ruling: Ruling, left: int, total: int | None) -> tuple[int, int]:
    """Both sides of a comparison as integers."""
    if ruling.share is not None:
        if total is None:
            raise Invalid(_("规则“{id}”是比例，须给出基数。", id=ruling.id))
        return left * ruling.share.denominator, total * ruling.share.numerator
    if ruling.value is None:
        raise Invalid(_("规则“{id}”没有可比较的数值。", id=ruling.id))
    return left, ruling.value


def needed(ruling: Ruling, total: int) -> int:
    """The number that decides by a rule of a share: the smallest that reaches it (>=, >), the
    largest allowed (<=).
    """
    share = ruling.share
    if share is None:
        raise Invalid(_("规则“{id}”不是比例。", id=ruling.id))
    most = total * share.numerator // share.denominator
    if ruling.op == ">":
        return most + 1
    return -(-total * share.numerator // share.denominator) if ruling.op == ">=" else most


def _pick(ruling: Ruling, calendar: Calendar, compute: Callable[[Limit, Calendar], Due]) -> Due:
    if not ruling.limits:
        raise ProcessFault(_("规则“{id}”不是期限，不能计算日期。", id=ruling.id), element=ruling.id)
    lawful = replace(calendar, vacations=())
    dues = [
        (limit, compute(limit, lawful if limit.binding else calendar)) for limit in ruling.limits
    ]
    latest = ruling.rule.family in {"floor", "opens"}
    choose = max if latest else min
    winner, due = choose(dues, key=lambda pair: pair[1].moment)
    steps = [*due.steps]
    if winner.binding and compute(winner, calendar).day != due.day:
        steps.append(_("法定期限不因本单位假期顺延。"))
    steps += [_passed_over(limit, other, latest) for limit, other in dues if limit is not winner]
    # the choice itself rests on every date that was compared
    provisional = any(other.provisional for _limit, other in dues)
    return replace(due, provisional=provisional, steps=tuple(steps))


def _passed_over(limit: Limit, due: Due, latest: bool) -> Message:
    """Why another limit's date does not hold."""
    other = {"limit": limit.both, "source": limit.rule.cited, "day": due.day}
    if latest:
        return _("按“{limit}”（{source}）另算为 {day}，取较晚者。", **other)
    return _("按“{limit}”（{source}）另算为 {day}，取较早者。", **other)


def _one_deadline(limit: Limit, start: When, calendar: Calendar) -> Due:
    amount = int(limit.amount)
    if limit.rule.family == "opens":
        return calendar.subtract(start, amount, limit.unit)
    if limit.rule.family == "ahead":
        # "七日前" on D-7 is arguable; where the law demands notice we keep clear of the argument
        return calendar.subtract(start, amount, limit.unit, clear=limit.rule.binding)
    due = calendar.add(start, amount, limit.unit)
    if limit.op != ">":
        return due
    # “超过”不包括本数（民法典1259）: the day on which the time is full does not suffice
    later = calendar.add(due, 1, "day")
    return replace(later, steps=due.steps + later.steps)

"""A ruling applied: dates on a calendar, counts and votes in integers. Decides nothing beyond the one comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.calendar import Calendar, Due, When
from engine.errors import Invalid, ProcessFault
from engine.law.rulings import Limit, Ruling


def deadline(ruling: Ruling, start: When, calendar: Calendar) -> Due:
    """The moment that keeps every limit of a ruling of time, from `start` on (for "before" and "opens": back from it).

    Duties to act within or ahead of a time take the earliest date, duties to wait (at least) take the latest. School
    vacations do not stretch a limit of law: only a unit's own limits skip them. Errors: ProcessFault for a rule that is
    no time.
    """
    return replace(
        _pick(ruling, calendar, lambda limit, days: _one_deadline(limit, start, days)),
        rule=ruling.id,
    )


def before(ruling: Ruling, moment: When, calendar: Calendar) -> Due:
    """The moment that lies the ruling's time before `moment`, for warnings. Errors: as `deadline`."""
    return _pick(
        ruling, calendar, lambda limit, days: days.subtract(moment, int(limit.amount), limit.unit)
    )


def compare(op: str, ruling: Ruling, left: int, total: int | None = None) -> bool:
    """Whether `left op value` holds, in integers: for a share denominator*left against numerator*total.

    A share of nothing is never reached: with a total of 0, >=, > and = are False. Errors: Invalid when a share has no
    total, a number is negative, or the rule has no number.
    """
    if left < 0 or (total is not None and total < 0):
        raise Invalid("人数和票数不能为负数。")
    if ruling.share is not None:
        if total is None:
            raise Invalid(f"规则“{ruling.id}”是比例，须给出基数。")
        if total == 0 and op in {">=", ">", "="}:
            return False
        have, need = left * ruling.share.denominator, total * ruling.share.numerator
    elif ruling.value is not None:
        have, need = left, ruling.value
    else:
        raise Invalid(f"规则“{ruling.id}”没有可比较的数值。")
    tests: dict[str, bool] = {
        ">=": have >= need,
        ">": have > need,
        "<=": have <= need,
        "within": have <= need,
        "=": have == need,
    }
    if op not in tests:
        raise Invalid(f"规则“{ruling.id}”不能用“{op}”比较。")
    return tests[op]


def needed(ruling: Ruling, total: int) -> int:
    """The number that decides by a rule of a share: the smallest that reaches it (>=, >), the largest allowed (<=)."""
    share = ruling.share
    if share is None:
        raise Invalid(f"规则“{ruling.id}”不是比例。")
    most = total * share.numerator // share.denominator
    if ruling.op == ">":
        return most + 1
    return -(-total * share.numerator // share.denominator) if ruling.op == ">=" else most


def _pick(ruling: Ruling, calendar: Calendar, compute: Callable[[Limit, Calendar], Due]) -> Due:
    if not ruling.limits:
        raise ProcessFault(f"规则“{ruling.id}”不是期限，不能计算日期。", element=ruling.id)
    lawful = replace(calendar, vacations=())
    dues = [
        (limit, compute(limit, lawful if limit.binding else calendar)) for limit in ruling.limits
    ]
    latest = ruling.rule.family in {"floor", "opens"}
    choose = max if latest else min
    winner, due = choose(dues, key=lambda pair: pair[1].moment)
    steps, steps_en = list(due.steps), list(due.steps_en)
    if winner.binding and compute(winner, calendar).day != due.day:
        steps.append("法定期限不因学校假期顺延。")
        steps_en.append("School vacations do not stretch a limit of law.")
    for limit, other in dues:
        if limit is not winner:
            steps.append(
                f"按“{limit.words()}”（{limit.rule.cite()}）另算为 {other.day}，取较{'晚' if latest else '早'}者。"
            )
            steps_en.append(
                f"By {limit.rule.cite('en')} ({limit.words('en')}) it would be {other.day}; the "
                f"{'later' if latest else 'earlier'} one holds."
            )
    # the choice itself rests on every date that was compared
    return replace(
        due,
        provisional=any(other.provisional for _, other in dues),
        steps=tuple(steps),
        steps_en=tuple(steps_en),
    )


def _one_deadline(limit: Limit, start: When, calendar: Calendar) -> Due:
    amount = int(limit.amount)
    if limit.rule.family == "opens":
        return calendar.subtract(start, amount, limit.unit)
    if limit.rule.family == "ahead":
        # "七日前" on D-7 is arguable; where the law demands notice we keep clear of the argument
        return calendar.subtract(start, amount, limit.unit, clear=limit.rule.binding)
    return calendar.add(start, amount, limit.unit)

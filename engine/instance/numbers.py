"""What an expression may ask of the law: the number of a rule, whether a share is reached, which
article governs.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from engine import law
from engine.errors import ProcessFault
from engine.instance.union_law import rulebook
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.instance.union_law import CommonLaw


class Asker(Protocol):
    """Whoever asks for the law: a process instance, or a trial of a decision table."""

    measured: list[tuple[law.Ruling, int, int]]

    @property
    def law(self) -> CommonLaw: ...
    @property
    def decisive_on(self) -> date: ...


def of_law(asker: Asker) -> dict[str, Callable[..., Any]]:
    """The functions that need no matter: they ask the rulebook only."""
    return {
        "rule": lambda rule: rule_value(asker, rule),
        "reaches": lambda rule, n, total: reaches(asker, rule, n, total),
        "satisfies": lambda rule, n: satisfies(asker, rule, n),
        "needed": lambda rule, total: needed(asker, rule, total),
        "in_force": lambda rule, on=None: bool(_entries(asker, rule, on)),
        "article": lambda rule, on=None: article(asker, rule, on),
        "switched_on": lambda rule: switched_on(asker, rule),
    }


def switched_on(asker: Asker, rule_id: str) -> bool:
    """Has this union set the rule as its own?"""
    return rulebook().switched_on(str(rule_id), asker.decisive_on, asker.law.settings)


def rule_value(asker: Asker, rule_id: str) -> int:
    """The number that a rule gives."""
    ruling = asker.law.ruling(str(rule_id), asker.decisive_on)
    if ruling.value is None:
        raise ProcessFault(_("规则 {rule} 不是整数。", rule=rule_id), element=str(rule_id))
    return ruling.value


def needed(asker: Asker, rule_id: str, total: int) -> int:
    """The number out of total that decides by a rule of a share: the smallest that reaches it, the
    largest allowed.
    """
    ruling = asker.law.ruling(str(rule_id), asker.decisive_on)
    if ruling.share is None:
        raise ProcessFault(_("规则 {rule} 不是比例。", rule=rule_id), element=str(rule_id))
    return law.needed(ruling, int(total or 0))


def _entries(asker: Asker, rule_id: str, on: date | str | None) -> tuple[law.Rule, ...]:
    """The entries of a rule in force on a day; without a day, on the decisive one."""
    day = asker.decisive_on if on is None else date.fromisoformat(str(on)[:10])
    return rulebook().in_force(str(rule_id), day, asker.law.jurisdictions)


def article(asker: Asker, rule_id: str, on: date | str | None) -> str | None:
    """The article that governs on a day, or null where none does or no day is given.

    ProcessFault if several differ.
    """
    if on is None:
        return None
    found = {entry.article for entry in _entries(asker, rule_id, on)}
    if len(found) > 1:
        raise ProcessFault(
            _("规则 {rule} 在 {day} 有几个条文。", rule=rule_id, day=on), element=str(rule_id)
        )
    return found.pop() if found else None


def reaches(asker: Asker, rule_id: str, n: int, total: int) -> bool:
    """Does n of total reach the rule's share, by the rule's own operator?

    Integers only; less than nothing is nothing.
    """
    ruling = asker.law.ruling(str(rule_id), asker.decisive_on)
    if ruling.share is None:
        raise ProcessFault(_("规则 {rule} 不是比例。", rule=rule_id), element=str(rule_id))
    reached, base = max(0, int(n or 0)), max(0, int(total or 0))
    asker.measured.append((ruling, reached, base))
    return law.compare(ruling.op, ruling, reached, base)


def satisfies(asker: Asker, rule_id: str, n: int) -> bool:
    """Does n satisfy the rule's number, by the rule's own operator?"""
    ruling = asker.law.ruling(str(rule_id), asker.decisive_on)
    if ruling.value is None or ruling.share is not None:
        raise ProcessFault(_("规则 {rule} 不是整数。", rule=rule_id), element=str(rule_id))
    return law.compare(ruling.op, ruling, max(0, int(n or 0)))

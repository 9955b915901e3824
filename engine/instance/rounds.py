"""Rounds: what is done anew leaves what was said before.

The facts of the latest round stand where forms, expressions and papers look for them. Those of the
rounds before lie in the fact of the rounds: {"round": number of the one that is current, "r1":
{what it listed, as a tree}, "r2": …}. A round in which nothing was said is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.instance.view import dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.definitions.shelves import RoundRule

Facts = dict[str, Any]


def keep(facts: Facts, rule: RoundRule) -> None:
    """Put what was said in the current round under its number, in place; the next one begins."""
    said = _tree((path, dotted(facts, path)) for path in rule.facts)
    if not said:
        return
    told = facts.get(rule.key) or {"round": 1}
    number = told["round"]
    facts[rule.key] = {**told, f"r{number}": said, "round": number + 1}


def _tree(values: Iterable[tuple[str, Any]]) -> Facts:
    """Dotted facts as the tree they stand in; what was not said is not there."""
    found: Facts = {}
    for path, value in values:
        if value is None:
            continue
        *parents, last = path.split(".")
        place = found
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
    return found


def of_steps(fact: object, open_steps: Callable[[str], bool]) -> Any:
    """The fact of rounds without what was said in steps that are not open to whoever reads it."""
    if not isinstance(fact, dict):
        return fact
    return {
        key: {step: said for step, said in kept.items() if open_steps(step)}
        if isinstance(kept, dict)
        else kept
        for key, kept in fact.items()
    }

"""What a process says to whoever has a task or votes, beside what is asked: [[tasks.x.tells]]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import settings
from engine.definitions import decision_tables as sheets
from engine.errors import EngineError
from engine.queries import ruled
from engine.queries.words import Named, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.definitions.process import TaskRule
    from engine.instance.context import Context


def hints(
    context: Context, rule: TaskRule, seen: Mapping[str, Any], names: Named, lang: str
) -> tuple[str, ...]:
    """What the process says now. `seen` are the facts that this person may see."""
    found = []
    for tell in rule.tells:
        if _holds(context, tell.when):
            text = tell.text.in_(lang)
            known = ruled.rulings(context.law, context.decisive_on, text)
            lexicon = sheets.known(settings.load().processes)[0]
            text = ruled.filled(text, known, {}, lang)
            found.append(told(context.process, text, seen, names=names, lexicon=lexicon, lang=lang))
    return tuple(found)


def _holds(context: Context, when: str) -> bool:
    """An empty condition always holds; one that cannot be evaluated yet does not."""
    try:
        return not when or bool(context.value(when))
    except EngineError:
        return False

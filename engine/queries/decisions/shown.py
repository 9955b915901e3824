"""A decision table with everything that a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import clock
from engine.instance.union_law import rulebook
from engine.messages import CHINESE
from engine.queries.decisions.listing import find, in_list, law_for
from engine.queries.decisions.questions import questions
from engine.queries.decisions.words import Wording, rules_in

if TYPE_CHECKING:
    from datetime import date

    from engine.db import Session
    from engine.instance.union_law import CommonLaw
    from engine.messages import Language
    from engine.people.organisation import Actor
    from engine.queries.decisions.listing import Found, Listed
    from engine.queries.decisions.questions import Question
    from engine.queries.decisions.words import Column, Line


@dataclass(frozen=True)
class Shown:
    """A table in words. `on` is the day whose law a trial starts with."""

    listed: Listed
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    lines: tuple[Line, ...]
    questions: tuple[Question, ...]
    rules: tuple[str, ...]
    on: date


def shown(
    session: Session,
    actor: Actor,
    table_id: str,
    on: date | None = None,
    say: Language = CHINESE,
) -> Shown:
    """A table in words, with the union's own numbers on that day. Raises NotFound."""
    law = law_for(session, actor)
    found = find(session, table_id, say)
    return in_words(found, law, on or found.sheet.on or clock.today(), say)


def in_words(found: Found, law: CommonLaw, on: date, say: Language) -> Shown:
    """A table with the numbers of this law on that day."""
    wording = Wording(found, law, on, say)
    lines = wording.lines
    named = {rule for line in lines for rule in line.rules}
    named.update(rules_in(*(column.expression for column in found.table.inputs)))
    return Shown(
        listed=in_list(found, say),
        inputs=wording.inputs,
        outputs=wording.outputs,
        lines=lines,
        questions=questions(found, say),
        rules=tuple(rule for rule in rulebook().ids if rule in named),
        on=on,
    )

"""What was decided before in a matter, for the next one who decides: votes with names and comments,
and the opinions of earlier steps. Of a secret poll the numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.instance import rooms
from engine.instance.counting import ABSTAIN
from engine.queries.background import MOST_VOICES
from engine.queries.poll_summary import NOBODY
from engine.queries.words import Answered, answered, answerer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from engine.definitions.process import PollRule, TaskRule
    from engine.instance.context import Context
    from engine.queries.background import Finished
    from engine.queries.words import Named


@dataclass(frozen=True)
class Voice:
    """What one member answered in a poll that was not secret, and said with it."""

    who: str
    choice: str
    comment: str


@dataclass(frozen=True)
class Opinion:
    """What came of one step. Of a decision: `who` decided, and `result` in words; of a poll: `why`
    it came out so, how often each choice was chosen, and the voices of one with few of them.
    `fresh`: since the step that is open now was last done.
    """

    element: str
    title: str
    at: datetime
    fresh: bool
    who: str = ""
    result: str = ""
    why: str = ""
    counts: tuple[tuple[str, int], ...] = ()
    voices: tuple[Voice, ...] = ()
    answers: tuple[Answered, ...] = ()


def opinions(
    context: Context, parts: Sequence[Finished], names: Named, lang: str, element: str = ""
) -> tuple[Opinion, ...]:
    """The last opinion of each step, oldest first; those since `element` was last done before all
    others. Nothing of rooms that are closed to the actor, or in which `element` is not: another
    side may sit beside whoever reads.
    """
    tasks, doors = context.process.tasks, rooms.doors(context)
    room = tasks[element].room if element else ()
    before = max((part.closed_at for part in parts if part.element == element), default=None)
    last = {
        part.element: part
        for part in parts
        if part.element not in doors.at(part.closed_at) and tasks[part.element].room in ((), room)
    }
    told = _Told(context, names, lang)
    found = []
    for part in sorted(last.values(), key=lambda part: part.closed_at):
        opinion = told.of(part, fresh=before is not None and part.closed_at > before)
        if opinion is not None:
            found.append(opinion)
    return tuple(sorted(found, key=lambda opinion: not opinion.fresh))


@dataclass(frozen=True)
class _Told:
    """Puts into words what was said."""

    context: Context
    names: Named
    lang: str

    def of(self, part: Finished, *, fresh: bool) -> Opinion | None:
        """The opinion that somebody gave there; None where something else was said."""
        process = self.context.process
        rule = process.tasks[part.element]
        if part.outcome is not None and rule.poll:
            hidden = rule.id in rooms.unnamed(self.context)
            part = part._replace(voices=()) if hidden else part
            return _polled(rule, rule.poll, part, names=self.names, lang=self.lang, fresh=fresh)
        if part.answers is not None and (rule.outcomes or rule.id in process.messages):
            return self._decided(rule, part, fresh=fresh)
        return None

    def _decided(self, rule: TaskRule, part: Finished, *, fresh: bool) -> Opinion:
        """A decision with all that was said with it: somebody signs what stands there."""
        given = rooms.open_answers(self.context, rule.id, part.answers)
        words = answered(rule.form, given, self.names, self.lang)
        return Opinion(
            element=rule.id,
            title=rule.title.in_(self.lang),
            at=part.closed_at,
            fresh=fresh,
            who=answerer(part.answers, part.who(self.names), link=rule.link),
            result=next((each.text for each in words if each.key == rule.outcomes), ""),
            answers=tuple(each for each in words if each.key != rule.outcomes),
        )


def _polled(
    rule: TaskRule, poll: PollRule, part: Finished, *, names: Named, lang: str, fresh: bool
) -> Opinion:
    outcome = dict(part.outcome or {})
    few = len(part.voices) <= MOST_VOICES
    return Opinion(
        element=rule.id,
        title=rule.title.in_(lang),
        at=part.closed_at,
        fresh=fresh,
        why=str(outcome.get("why_en" if lang.startswith("en") else "why") or ""),
        counts=tuple(_counts(poll, outcome, names, lang)),
        voices=tuple(_voices(poll, part.voices, names, lang)) if few else (),
    )


def _counts(
    rule: PollRule, outcome: dict[str, Any], names: Named, lang: str
) -> Iterator[tuple[str, int]]:
    votes = outcome.get("votes", outcome)
    for choice in rule.choices or tuple(outcome.get("votes", ())):
        number = votes.get(choice)
        if isinstance(number, int):
            yield _label(rule, choice, names, lang), number


def _voices(
    rule: PollRule, voices: Iterable[Sequence[Any]], names: Named, lang: str
) -> Iterator[Voice]:
    for member, choice, comment in voices:
        labels = (_label(rule, each, names, lang) for each in choice.split(" "))
        yield Voice(names.names.get(member, ""), "、".join(labels), comment or "")


def _label(rule: PollRule, choice: str, names: Named, lang: str) -> str:
    if choice in rule.labels:
        return rule.labels[choice].in_(lang)
    if choice == ABSTAIN:
        return NOBODY.in_(lang)
    return names.names.get(choice, choice)

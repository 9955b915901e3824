"""The gates of a matter for its auditor: each premise that its process demands, the law behind it,
what it looked at, when it opened, and who tried before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.errors import EngineError
from engine.instance import rooms
from engine.instance.view import dotted
from engine.messages import Both, _
from engine.queries import ruled, telling
from engine.queries.claims import Mark, mark
from engine.queries.words import answered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from engine.definitions.process import Gate, Guard
    from engine.definitions.words import Words
    from engine.instance.context import Context
    from engine.queries.as_of import Past, Then
    from engine.queries.words import Named

    Body = Mapping[str, Any]  # of an event
_FILES = "、"


@dataclass(frozen=True)
class Input:
    """A fact that a gate looked at. `step`: where it was said; `event`: which told it last; `text`
    is "" where nothing was said.
    """

    path: str
    step: telling.Words
    label: str
    text: telling.Words
    event: Mark | None


@dataclass(frozen=True)
class Try:
    """An attempt that the gate stopped."""

    event: Mark
    who: str
    where: telling.Words


@dataclass(frozen=True)
class Passed:
    """A gate. `opened`: the first event that passed it, `again` all later ones; `ready`: the last
    of its inputs before. `holds`: of one that nobody passed, now; None where that cannot be said.
    `beyond`: it also asks for what no fact of the matter says, such as posts or a roll.
    """

    text: Words
    where: tuple[telling.Words, ...]
    rules: tuple[ruled.Ruled, ...]
    inputs: tuple[Input, ...]
    opened: Mark | None
    again: tuple[Mark, ...]
    tries: tuple[Try, ...]
    holds: bool | None
    beyond: bool

    @property
    def ready(self) -> Mark | None:
        """The event that told the last of its inputs, when it was passed."""
        told = [each.event for each in self.inputs if each.event and self.opened]
        return max(told, key=lambda event: event.seq, default=None)


def gates(past: Past, names: Named, lang: str) -> tuple[Passed, ...]:
    """The guards of the process, and the gates of tasks that stopped somebody: those passed or
    tried first, in the order of the process.
    """
    reader = _Reader(past, names, lang)
    found = [*reader.guards(), *reader.refusing()]
    return tuple(sorted(found, key=lambda each: not (each.opened or each.tries)))


class _Reader:
    """Reads the gates of one matter; `past` gives its facts of then."""

    def __init__(self, past: Past, names: Named, lang: str) -> None:
        self.past, self.names, self.lang = past, names, lang
        self.context, self.process = past.context, past.context.process
        self._refused = [b for b in past.bodies if b["kind"] == "attempt_refused"]
        self._then: dict[int, Then] = {}

    def guards(self) -> Iterator[Passed]:
        """What must hold wherever one of its elements is reached."""
        for guard in self.process.guards:
            through = [b for b in self.past.bodies if guard.at & set(_reached(b))]
            tries = self._tries("guard", guard.at, guard.text)
            yield self._passed(guard, guard.at, guard.basis, through, tries)

    def refusing(self) -> Iterator[Passed]:
        """The gates of tasks that stopped somebody."""
        for rule in self.process.tasks.values():
            for gate in rule.gates:
                if tries := self._tries("gate", {rule.id}, gate.text):
                    done = [b for b in self.past.bodies if _finishes(b, rule.id)]
                    yield self._passed(gate, (rule.id,), rule.basis, done, tries)

    def _tries(self, code: str, at: Collection[str], text: Words) -> tuple[Try, ...]:
        """The attempts that were told this text."""
        here = (b for b in self._refused if b.get("code") == code and b.get("element") in at)
        said = (b for b in here if text.zh in json.dumps(b.get("why"), ensure_ascii=False))
        return tuple(
            Try(mark(b), str(b["actor"]["name"]), telling.titled(self.process, b["element"]))
            for b in said
        )

    def _passed(
        self,
        gate: Gate | Guard,
        at: Iterable[str],
        basis: str,
        through: Sequence[Body],
        tries: tuple[Try, ...],
    ) -> Passed:
        seq = int(through[0]["seq"]) if through else self.past.last
        asked = ruled.rulings(
            self.context.law, self.context.decisive_on, f"{{{basis}}}", [gate.holds]
        )
        called = {name for name, _arguments in expressions.calls_in(gate.holds)}
        return Passed(
            text=gate.text,
            where=tuple(telling.titled(self.process, each) for each in sorted(at)),
            rules=ruled.cited(asked, self.lang),
            inputs=tuple(self._inputs(gate.holds, self._at(seq))),
            opened=mark(through[0]) if through else None,
            again=tuple(mark(body) for body in through[1:]),
            tries=tries,
            holds=None if through else _holds(self.context, gate.holds),
            beyond=bool(called - expressions.RULE_READERS),
        )

    def _at(self, seq: int) -> Then:
        if seq not in self._then:
            self._then[seq] = self.past.then(seq)
        return self._then[seq]

    def _inputs(self, expression: str, then: Then) -> Iterator[Input]:
        known = rooms.open_facts(then.context)
        for path in sorted(expressions.names_in(expression)):
            element, _dot, key = path.partition(".")
            rule = self.process.tasks.get(element)
            if rule is None and element not in self.process.decisions:
                continue  # a name that every expression has, such as who started the matter
            words = answered(
                rule.form if rule else None, {key: dotted(known, path)}, self.names, self.lang
            )
            files = _FILES.join(name for each in words for _id, name in each.files)
            yield Input(
                path=path,
                step=telling.titled(self.process, element),
                label=words[0].label if words else "",
                text=(files or words[0].text) if words else _plain(dotted(known, path), key),
                event=self._told(element, then.seq),
            )

    def _told(self, name: str, seq: int) -> Mark | None:
        told = self.past.told_by(name, seq)
        return mark(self.past.body(told)) if told else None


def _reached(body: Body) -> Iterator[str]:
    """The elements that an event ran through, opened, or ended at."""
    yield from body.get("passed", ())
    yield from (str(each.get("task")) for each in body.get("opened", ()))
    yield str(body.get("ended", ""))


def _finishes(body: Body, element: str) -> bool:
    return body["kind"] in ("task_completed", "poll_closed") and body.get("task") == element


def _plain(value: object, key: str) -> telling.Words:
    """A value for which no form has words."""
    if isinstance(value, bool):
        if key == "passed":
            return _("通过") if value else _("未通过")
        return _("是") if value else _("否")
    return str(value) if isinstance(value, str | int) else Both("", "")


def _holds(context: Context, expression: str) -> bool | None:
    try:
        with context.aside():
            return bool(context.value(expression))
    except EngineError:
        return None

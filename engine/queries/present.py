"""The matter as it is now: each of its facts once, as it stands, with what it said before, by whom
and when. What a reader may not read is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.instance import rooms
from engine.instance.view import dotted
from engine.queries.wording import Piece, pieces
from engine.queries.words import Answered, answered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from engine.definitions import Process
    from engine.instance.context import Context
    from engine.people.organisation import Actor
    from engine.queries.background import Finished
    from engine.queries.words import Named

LATEST = 3  # steps whose answers belong to the matter where the process does not say what does
NOTHING = Answered("", "", "")


@dataclass(frozen=True)
class Stood:
    """What a fact said from a moment on, and who said so; `at` is None where nobody knows."""

    value: Any
    at: datetime | None
    by: UUID | None
    who: str
    words: Answered


@dataclass(frozen=True)
class Fact:
    """A fact of the matter. `step`: the title of the step that says it, "" for the launch; `stood`:
    oldest first, the last one stands now.
    """

    path: str
    step: str
    stood: tuple[Stood, ...]


@dataclass(frozen=True)
class Shown:
    """A fact as it stands, for one reader. `pieces`: the difference from what they knew, empty when
    there is none; `new`: they knew none; `who` and `at`: of the last change.
    """

    path: str
    step: str
    words: Answered
    pieces: tuple[Piece, ...] = ()
    new: bool = False
    who: str = ""
    at: datetime | None = None

    @property
    def changed(self) -> bool:
        """Does it say something else than what the reader knew?"""
        return self.new or bool(self.pieces)


@dataclass(frozen=True)
class Matter:
    """The facts of a matter in reading order. `title`: what the head of the page says already;
    `who` launched it, at `at`; `before`: when the step that is open now was last done, None the
    first time.
    """

    title: str
    who: str
    at: datetime
    facts: tuple[Fact, ...]
    before: datetime | None = None

    @property
    def steps(self) -> frozenset[str]:
        """The steps of which something is shown."""
        return frozenset(fact.path.partition(".")[0] for fact in self.facts)

    def without(self, paths: Iterable[str]) -> Matter:
        """The same without facts that the page tells elsewhere."""
        told = set(paths)
        return replace(self, facts=tuple(f for f in self.facts if f.path not in told))

    def seen(self, reader: Actor, since: datetime) -> tuple[Shown, ...]:
        """Marked with what has changed since the reader last saw it, or since the step was last
        done, whichever was earlier. What the reader wrote is known to them.
        """
        known = min(since, self.before) if self.before else since
        shown = (_shown(fact, reader.id, known) for fact in self.facts)
        return tuple(each for each in shown if self._says_more(each))

    def _says_more(self, fact: Shown) -> bool:
        empty = not fact.words.text and not fact.words.files
        return bool(fact.pieces) or not (empty or fact.words.text == self.title)


def _shown(fact: Fact, reader: UUID, known: datetime) -> Shown:
    now, base = fact.stood[-1], None
    for stood in fact.stood:
        if stood.at is None or stood.at <= known or stood.by == reader:
            base = stood
    words = now.words if now.words.label or base is None else base.words
    if base is None:
        return Shown(fact.path, fact.step, words, new=True, who=now.who, at=now.at)
    change = pieces(text_of(base.words), text_of(now.words))
    return Shown(fact.path, fact.step, words, change, who=now.who if change else "", at=now.at)


def text_of(words: Answered) -> str:
    """What an answer says: of files, their names."""
    return "、".join(name for _, name in words.files) or words.text


# --- what belongs to the matter -------------------------------------------------------------------
def matter(
    context: Context,
    parts: Sequence[Finished],
    names: Named,
    lang: str,
    element: str = "",
) -> Matter:
    """The matter as it is now, for whoever stands before the step `element` ("" before none)."""
    doors = rooms.doors(context)
    said = [
        (part, rooms.open_answers(context, part.element, part.answers))
        for part in parts
        if part.answers is not None and part.element not in doors.at(part.closed_at)
    ]
    here = _Here(context, said, names, lang)
    known = rooms.open_facts(context)
    found = (here.fact(path, dotted(known, path)) for path in _paths(context, parts, element))
    before = [part.closed_at for part in parts if part.element == element]
    return Matter(
        title=context.row["title"],
        who=names.get(context.row["starter_id"]),
        at=context.row["started_at"],
        facts=tuple(fact for fact in found if any(each.words.label for each in fact.stood)),
        before=max(before, default=None),
    )


def _paths(context: Context, parts: Iterable[Finished], element: str) -> Iterator[str]:
    """What the process declares as the matter; else what was launched, and what the last steps
    wrote that decide nothing.
    """
    process = context.process
    if process.present:
        yield from process.present
        return
    room = process.tasks[element].room if element else ()
    wrote = [part.element for part in parts if _writes(process, part.element, room)]
    latest = list(dict.fromkeys(reversed(wrote)))[:LATEST]
    for each in ("launch", *reversed(latest)):
        form = process.tasks[each].form
        yield from (f"{each}.{field.key}" for field in (form.asked if form else ()))


def _writes(process: Process, element: str, room: tuple[str, ...]) -> bool:
    """Does a step write something that decides nothing? One in a room only for the same room, since
    another side may sit beside whoever reads.
    """
    rule, is_step = process.tasks[element], element in process.diagram.elements
    return is_step and not rule.outcomes and (not rule.room or rule.room == room)


@dataclass(frozen=True)
class _Here:
    context: Context
    said: Sequence[tuple[Finished, Mapping[str, Any]]]
    names: Named
    lang: str

    def fact(self, path: str, value: object) -> Fact:
        """A fact with all that it said, of which the last is `value`."""
        sources = _sources(self.context.process, path)
        stood = list(self._told(path, sources))
        while stood and not _same(stood[-1].value, value):
            stood.pop()
        if not stood and value not in (None, "", []):
            stood = [self._set(path, value, sources)]
        rule = self.context.process.tasks.get(path.partition(".")[0])
        step = rule.title.in_(self.lang) if rule and rule.id != "launch" else ""
        return Fact(path, step, tuple(_changes(stood)))

    def _told(self, path: str, sources: Mapping[str, str]) -> Iterator[Stood]:
        """What was written in its own step, and what an action took over from another as it was."""
        own = {path, *(text for text in sources.values() if _is_name(text))}
        for part, given in self.said:
            for source in own:
                element, _, key = source.partition(".")
                if part.element == element and (key in given or source == path):
                    yield self._stood(path, given.get(key), part)

    def _set(self, path: str, value: object, sources: Mapping[str, str]) -> Stood:
        """What an action computed: from what was said last of all that it looks at."""
        named = {
            name.partition(".")[0]
            for text in sources.values()
            for name in expressions.names_in(text)
        }
        last = [part for part, _ in self.said if part.element in named]
        return self._stood(path, value, last[-1] if last else None)

    def _stood(self, path: str, value: object, part: Finished | None) -> Stood:
        by, at = (part.closed_by, part.closed_at) if part else (None, None)
        return Stood(value, at, by, part.who(self.names) if part else "", self._words(path, value))

    def _words(self, path: str, value: object) -> Answered:
        process = self.context.process
        texts = _sources(process, path).values()
        named = sorted(name for text in texts for name in expressions.names_in(text))
        for each in (path, *named):
            element, _, key = each.partition(".")
            rule = process.tasks.get(element)
            if found := answered(rule.form if rule else None, {key: value}, self.names, self.lang):
                return found[0]
        return NOTHING


def _sources(process: Process, path: str) -> Mapping[str, str]:
    """The expressions by which actions set a fact, by action."""
    sets = ((key, table.get("set", {})) for key, table in process.actions.items())
    return {key: str(table[path]) for key, table in sets if path in table}


def _is_name(expression: str) -> bool:
    return expressions.names_in(expression) == {expression}


def _same(one: object, other: object) -> bool:
    empty: tuple[Any, ...] = (None, "", [])
    return one == other or (one in empty and other in empty)


def _changes(stood: Iterable[Stood]) -> Iterator[Stood]:
    """Those that say something else than the one before."""
    last = None
    for each in stood:
        if last is None or not _same(last.value, each.value):
            yield each
        last = each

"""Tells events: the sentences of `engine.history.kinds`, with the titles and names behind what a
body holds.

Everything here is a `Message`: timeline, evidence pack and stories render it in the language of
their readers.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from engine import clock
from engine.db import aside
from engine.history.kinds import KINDS
from engine.messages import Bilingual, Both, Listed, Message, _, restored
from engine.people import posts
from engine.queries import labels, ruled

if TYPE_CHECKING:
    from engine.definitions import Process
    from engine.definitions.process import PollRule, TaskRule

Words = str | Bilingual  # a Message is a str; a plain str is a name, or what somebody wrote
_DIGEST = 12  # characters of a version that are shown
_ABBREVIATED = 16  # characters of a roll's digest


@dataclass(frozen=True)
class Opened:
    """A task that an event opened: its title, whose it is, and its last day."""

    title: Words
    who: Words
    due: str


@dataclass(frozen=True)
class Sentence:
    """`mark` is that of the kind; `details` are further short lines."""

    text: Message
    mark: str
    opened: tuple[Opened, ...]
    details: tuple[Words, ...]


@dataclass(frozen=True)
class Teller:
    """Tells events. `process`: the version that gives elements their titles, None for a union's
    log; `names`: by id.
    """

    process: Process | None
    names: Mapping[str, str]

    def tell(self, kind: str, body: Mapping[str, Any]) -> Sentence:
        """One event as a sentence. LookupError, TypeError, ValueError, AttributeError of a body
        that was altered.
        """
        facts = Facts(self, kind, body)
        known = KINDS.get(kind)
        text = filled(known.told(facts) if known else _("{who}：{kind}"), facts)
        opened = tuple(self._opened(each) for each in body.get("opened", ()))
        return Sentence(text, known.mark if known else "", opened, tuple(_details(facts)))

    def title(self, element: object) -> Words:
        """What a person calls an element of the diagram."""
        key = str(element or "")
        return titled(self.process, key) if self.process else key

    def name(self, key: object) -> str:
        """The name behind an id."""
        return self.names.get(str(key), str(key)[:8])

    def seat(self, seat: object) -> Words:
        """A seat as post and unit."""
        post, _at, unit = str(seat or "").partition("@")
        if not unit:  # a seat of the union itself
            return post_title(post) if post else ""
        return _("{post}（{unit}）", post=post_title(post), unit=self.name(unit))

    def task_rule(self, body: Mapping[str, Any]) -> TaskRule | None:
        """What the process says about the task of an event."""
        return self.process.tasks.get(str(body.get("task"))) if self.process else None

    def poll_rule(self, body: Mapping[str, Any]) -> PollRule | None:
        """What the process says about the poll of an event."""
        rule = self.task_rule(body)
        return rule.poll if rule else None

    def _opened(self, task: Mapping[str, Any]) -> Opened:
        person = self.name(task["for"]) if task.get("for") else ""
        who = person or self.seat(task.get("seat")) or _("名册上的人")
        return Opened(self.title(task.get("task")), who, str(task.get("due") or ""))


def titled(process: Process, element: str) -> Both:
    """An element's title in both languages."""
    return Both(process.title_of(element), process.title_of(element, "en"))


def post_title(kind: str) -> Words:
    """What a post is called."""
    known = posts.kinds().posts.get(kind)
    return Both(known.title, known.title_en) if known else kind


def recalled(value: object) -> Words:
    """A message that an event holds; an older finished sentence, which is Chinese, is quoted."""
    found = restored(value)
    if isinstance(found, Message | Both):
        return found
    return _("“{text}”", text=str(found)) if found else ""


def filled(template: Message, facts: Facts) -> Message:
    """A sentence with its holes filled."""
    return Message(template.source, **{hole: facts[hole] for hole in _holes(template.source)})


@lru_cache(maxsize=256)
def _holes(source: str) -> tuple[str, ...]:
    return tuple(
        hole for _text, hole, _spec, _conversion in string.Formatter().parse(source) if hole
    )


@dataclass(frozen=True)
class Facts(Mapping[str, object]):
    """What the sentence of an event may name: who, titles of elements, names behind ids, else the
    body as it is.
    """

    teller: Teller
    kind: str
    body: Mapping[str, Any]

    def __getitem__(self, hole: str) -> object:
        known = _HOLES.get(hole)
        return known(self) if known else self._plain(hole)

    def __iter__(self) -> Iterator[str]:
        return iter({**self.body, **_HOLES})

    def __len__(self) -> int:
        return len({**self.body, **_HOLES})

    def _plain(self, key: str) -> object:
        """A value of the body; "" where there is none, or where it is false."""
        value = aside.shown(self.body.get(key))
        return value if value == 0 else value or ""

    @cached_property
    def poll(self) -> PollRule | None:
        """The rule of the poll that the event is about."""
        return self.teller.poll_rule(self.body)

    @property
    def who(self) -> Words:
        """The actor; the engine itself where nobody acted."""
        outside, behalf = self.body.get("outside"), self.body.get("on_behalf_of")
        if isinstance(outside, dict):
            named = {key: aside.shown(value) for key, value in outside.items()}
            return filled_from(_("{unit} {office} {name}（经一次性链接）"), named)
        name = (self.body.get("actor") or {}).get("name") or _("系统")
        if isinstance(behalf, dict):
            return _("{who}（代{principal}）", who=name, principal=behalf["name"])
        return name if isinstance(name, str) else str(name)

    @property
    def person_or_unit(self) -> str:
        """The name in the body, else the one behind the id of a member or unit."""
        return str(
            self.body.get("name")
            or self.teller.name(self.body.get("member") or self.body.get("unit"))
        )

    @property
    def choice(self) -> Words:
        """The label of a poll's choice; of an election the names chosen."""
        key = str(self.body.get("choice", ""))
        if self.poll is None:
            return key
        if self.poll.kind != "election":
            return self.poll.labels.get(key) or key
        if key == "abstain":
            return _("弃权")
        labelled = self.poll.labels
        return Listed(labelled.get(c) or self.teller.name(c) for c in key.split(" "))

    @property
    def outcome(self) -> Words:
        """The label of what a task's form decided; "" where it decided nothing."""
        key, rule = self.body.get("outcome"), self.teller.task_rule(self.body)
        if key is None or rule is None or rule.form is None:
            return ""
        choices = next((f.choices for f in rule.form.fields if f.key == rule.outcomes), ())
        found = next((choice for choice in choices if choice.value == key), None)
        return labels.label_words(found) if found else str(key)

    @property
    def owner(self) -> Words:
        """What this process calls who owns an instance."""
        process = self.teller.process
        return process.owner_title if process else ""

    @property
    def attempted(self) -> Words:
        """What was refused: the element, else the verb."""
        element = self.body.get("element")
        if element:
            return self.teller.title(element)
        return labels.verb_words(str(self.body.get("verb", "")))

    @property
    def document(self) -> Words:
        """The title of a document."""
        key, process = str(self.body.get("document", "")), self.teller.process
        rule = process.documents.get(key) if process else None
        return rule.title if rule else key

    @property
    def deadlines(self) -> Listed:
        """Each deadline that was computed anew."""
        return Listed((self._deadline(each) for each in self.body.get("deadlines", ())), "；")

    def _deadline(self, changed: Mapping[str, Any]) -> Message:
        task, was, due = self.teller.title(changed["element"]), changed["was"], changed["due"]
        if was == due:
            return _("“{task}”确认为 {due}", task=task, due=due)
        return _("“{task}”由 {was} 改为 {due}", task=task, was=was, due=due)

    @property
    def passes(self) -> Words:
        """The rule of a poll in words, else as it is written."""
        words = self.poll.words if self.poll else None
        return ruled.told(words, self.body.get("numbers") or {})

    def numbers(self, hidden: frozenset[str] = frozenset()) -> Listed:
        """A poll's numbers in words, those of its choices first, then votes by name."""
        outcome = self.body.get("outcome") or {}
        names: dict[str, Words] = {**(self.poll.labels if self.poll else {})}
        for key, words in labels.NUMBERS.items():
            names.setdefault(key, words)
        order = {key: place for place, key in enumerate(names)}
        counted = [(k, v) for k, v in outcome.items() if type(v) is int and k not in hidden]
        counted.sort(key=lambda pair: order.get(pair[0], len(order)))
        parts = [_number(names.get(key, key), n) for key, n in counted]
        votes = outcome.get("votes")
        if isinstance(votes, dict):
            parts += [_number(self.teller.name(key), n) for key, n in votes.items()]
        return Listed(parts)


def filled_from(template: Message, values: Mapping[str, Any]) -> Message:
    """A template with plain values."""
    return Message(template.source, **{hole: values[hole] for hole in _holes(template.source)})


def _number(name: Words, n: object) -> Message:
    return _("{name} {n}", name=name, n=n)


def _title_of(key: str) -> Callable[[Facts], object]:
    return lambda facts: facts.teller.title(facts.body.get(key))


_HOLES: Mapping[str, Callable[[Facts], object]] = {
    "who": lambda facts: facts.who,
    "kind": lambda facts: facts.kind,
    "task": _title_of("task"),
    "to_task": _title_of("to"),
    "element": _title_of("element"),
    "owner": lambda facts: facts.owner,
    "message": _title_of("message"),
    "decision": _title_of("decision"),
    "name": lambda facts: facts.person_or_unit,
    "old": lambda facts: facts.teller.name(facts.body.get("old")),
    "new": lambda facts: facts.teller.name(facts.body.get("new")),
    "members": lambda facts: Listed(map(facts.teller.name, facts.body.get("members", ()))),
    "post": lambda facts: post_title(str(facts.body.get("post_kind", ""))),
    "unit": lambda facts: facts.body.get("unit_name", ""),
    "choice": lambda facts: facts.choice,
    "outcome": lambda facts: facts.outcome,
    "attempted": lambda facts: facts.attempted,
    "document": lambda facts: facts.document,
    "deadlines": lambda facts: facts.deadlines,
    "cast": lambda facts: facts.body.get("cast", 0),
    "invalid": lambda facts: facts.body.get("invalid", 0),
    "to_on": lambda facts: facts.body.get("to_on") or _("未定"),
    "version": lambda facts: str(facts.body.get("version", ""))[:_DIGEST],
    "cause": lambda facts: facts.body.get("why", ""),
    "why": lambda facts: recalled(facts.body.get("why", "")),
    "incident": lambda facts: recalled(facts.body.get("message", "")),
    "fault": lambda facts: recalled(facts.body.get("fault", "")),
}


# --- what a reader wants to see besides the sentence ----------------------------------------------
def _details(facts: Facts) -> Iterator[Words]:
    body = facts.body
    if body.get("seat") and facts.kind in ("instance_launched", "task_completed"):
        yield _("以{seat}的身份", seat=facts.teller.seat(body["seat"]))
    yield from _of_day(facts)
    if body.get("batch"):
        yield _("与同类事项一并办理，批号 {batch}", batch=body["batch"])
    if body.get("comment"):
        yield _("意见：{comment}", comment=body["comment"])
    more = _MORE.get(facts.kind)
    if more:
        yield from filter(None, more(facts))
    if body.get("ended"):
        yield _("至此结束：{end}", end=facts.teller.title(body["ended"]))


def _of_day(facts: Facts) -> Iterator[Words]:
    """When it happened, where it was entered on a later day; whether a limit over by then was
    kept.
    """
    body = facts.body
    day, entered = body.get("happened_on"), str(body.get("at", ""))
    if day and entered:
        entered_on = clock.day_of(datetime.fromisoformat(entered)).isoformat()
        if day != entered_on:
            yield _("发生于 {day}，登记于 {entered}", day=day, entered=entered_on)
    if "in_time" in body:
        yield _("期限内发生，视为按期") if body["in_time"] else _("发生时期限已过，逾期")
    for key in body.get("unusual", ()):
        yield _("日期与通常的先后不同：{field}", field=_field_of(facts, key))


def _field_of(facts: Facts, key: str) -> Words:
    """The label of a date, of a task, a message or the launch."""
    process = facts.teller.process
    element = str(facts.body.get("task") or facts.body.get("message") or "launch")
    rule = process.tasks.get(element) if process else None
    fields = rule.form.asked if rule and rule.form else ()
    return next((labels.label_words(each) for each in fields if each.key == key), key)


def _of_opening(facts: Facts) -> Iterator[Words]:
    asked = next(iter((facts.body.get("about") or {}).values()), None)
    if isinstance(asked, str):
        yield asked
    shown = str(facts.body.get("roll_hash"))[:_ABBREVIATED] + "…"
    yield _("规则：{rule}；名册散列 {hash}", rule=facts.passes, hash=shown)


def _of_closing(facts: Facts) -> Iterator[Words]:
    yield facts.numbers()
    yield labels.CLOSINGS.get(str(facts.body.get("why")), "")
    yield reasoned(facts.body.get("outcome") or {})


def reasoned(outcome: Mapping[str, Any]) -> Words:
    """Why a poll came to its outcome."""
    why = restored(outcome.get("why") or "")
    if isinstance(why, Message | Both):
        return why
    return Both(str(why), str(outcome.get("why_en") or "")) if why else ""


def _of_decision(facts: Facts) -> Iterator[Words]:
    result = facts.body.get("result")
    if isinstance(result, dict):
        yield str(result.get("because") or result.get("reason") or "")
        yield from map(str, result.get("faults") or ())


def _of_paper(facts: Facts) -> Iterator[Words]:
    yield Listed(map(facts.teller.name, facts.body.get("members", ())))


_MORE: Mapping[str, Callable[[Facts], Iterator[Words]]] = {
    "poll_opened": _of_opening,
    "poll_closed": _of_closing,
    "decision_taken": _of_decision,
    "paper_ballots_given": _of_paper,
}

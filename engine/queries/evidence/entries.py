"""One event of a case in words, as answer.txt and timeline.csv show it: what, who, which step, and
the details.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from engine import clock
from engine.history.kinds import KINDS
from engine.messages import Both, Message, _
from engine.queries import labels
from engine.queries.telling import Facts, recalled, titled
from engine.queries.words import answered

if TYPE_CHECKING:
    from engine.messages import Language
    from engine.queries.evidence.case import Case, Entry
    from engine.queries.telling import Words

_STEPS = ("task", "element", "decision")
_COUNT_PEOPLE = ("meeting_", "poll_opened")  # their `due` are people


def moment(at: datetime | None) -> str:
    """A moment in Beijing time."""
    return at.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def labelled(label: object, text: object) -> Message:
    """A text behind its label."""
    return _("{label}：{text}", label=label, text=text)


def kind_of(entry: Entry) -> Words:
    """The kind of an event in words."""
    known = KINDS.get(entry.kind)
    return known.label if known else entry.kind.replace("_", " ")


def by(entry: Entry) -> str:
    """Who did it, by name, with whoever it was done for."""
    people = (entry.says.get("actor"), entry.says.get("on_behalf_of"))
    return " ← ".join(str(each["name"]) for each in people if isinstance(each, dict))


def step_of(case: Case, entry: Entry) -> Words:
    """The task, message, document, decision or timer that an event is about."""
    if entry.kind == "document_issued":
        return Facts(case.teller, entry.kind, entry.says).document
    keys = (*_STEPS, "message") if entry.kind == "message_sent" else _STEPS
    found = next((entry.says[key] for key in keys if entry.says.get(key)), None)
    return titled(case.process, str(found)) if found else ""


def answers_of(case: Case, entry: Entry, say: Language) -> list[tuple[str, str]]:
    """What was answered with an event, as (label, text); nothing when it was erased."""
    given = case.said_at(entry.seq)
    rule = case.process.tasks.get(given.element) if given else None
    if given is None or rule is None or not isinstance(given.value, dict):
        return []
    found = answered(rule.form, given.value, case.named, say.code)
    return [
        (each.label, each.text or "、".join(name for _id, name in each.files)) for each in found
    ]


def details_of(case: Case, entry: Entry) -> list[Message]:
    """The rest of an event, each part labelled: outcome, reason, number, counts, dates."""
    facts = Facts(case.teller, entry.kind, entry.says)
    shown = []
    for key, label in labels.DETAILS.items():
        if entry.says.get(key) in (None, "") or _told_elsewhere(case, entry, key):
            continue
        people = key == "due" and entry.kind.startswith(_COUNT_PEOPLE)
        shown.append(labelled(labels.DUE_MEMBERS if people else label, _detail(case, facts, key)))
    return shown


def _told_elsewhere(case: Case, entry: Entry, key: str) -> bool:
    """A message is the step of its event, an outcome stands among the answers."""
    if key == "message":
        return entry.kind == "message_sent"
    return key == "outcome" and case.said_at(entry.seq) is not None


def _detail(case: Case, facts: Facts, key: str) -> Words:
    special = _DETAILS.get(key)
    found = special(case, facts) if special else None
    if found is None:
        value = str(facts.body[key])
        return case.named.names.get(value, value)
    return found


def _result(case: Case, facts: Facts) -> Words | None:
    """What a decision table gave, column by column."""
    result = facts.body["result"]
    if not isinstance(result, dict):
        return None
    parts = {key: f"{key} = {case.named.names.get(str(v), v)}" for key, v in result.items()}
    chinese, english = (
        ", ".join(part for key, part in parts.items() if not key.endswith(other))
        for other in ("_en", "_zh")
    )
    return Both(chinese, english)


def _outcome(_case: Case, facts: Facts) -> Words | None:
    """What a task decided, or the numbers of a poll with the verdict last."""
    value = facts.body["outcome"]
    return numbers(facts) if isinstance(value, dict) else facts.outcome or None


def numbers(facts: Facts) -> Words:
    """The numbers of a poll; ballots given out and back only where tellers count."""
    tellers = facts.poll is not None and facts.poll.tellers
    found = facts.numbers(frozenset() if tellers else labels.TELLERS_ONLY)
    passed = facts.body["outcome"].get("passed")
    if not isinstance(passed, bool):
        return found
    if passed:
        return _("{numbers}，通过", numbers=found)
    return _("{numbers}，未通过", numbers=found)


def _why(_case: Case, facts: Facts) -> Words | None:
    value = facts.body["why"]
    known = labels.CLOSINGS.get(value) if isinstance(value, str) else None
    return known or recalled(value)


def _day(key: str) -> Callable[[Case, Facts], Words | None]:
    def found(_case: Case, facts: Facts) -> Words | None:
        value = str(facts.body[key])
        return moment(datetime.fromisoformat(value)) if "T" in value else value

    return found


_DETAILS: Mapping[str, Callable[[Case, Facts], Words | None]] = {
    "result": _result,
    "outcome": _outcome,
    "why": _why,
    "message": lambda _case, facts: recalled(facts.body["message"]),
    "verb": lambda _case, facts: labels.verb_words(str(facts.body["verb"])),
    "rule": lambda _case, facts: facts.passes if facts.poll else None,
    "due": _day("due"),
    "closes": _day("closes"),
    "ended": lambda case, facts: titled(case.process, str(facts.body["ended"])),
    "choice": lambda _case, facts: facts.choice,
}

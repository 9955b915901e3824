"""The names that the expressions of a folder may use: its facts, and what stands under each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import expressions, legacy
from engine.decisions.cell import NULLS
from engine.definitions.actions import ISSUED, LEFT_BEHIND, MARKED
from engine.definitions.check.language import FUNCTIONS, NAMES, Keys, Language
from engine.definitions.several import SAID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.decisions import DecisionTable
    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Rules

PUBLISHED = frozenset({"opened_at", "people", "shown", "objections"})  # of a publication
BOOK = frozenset({"current", "items", "kept"})
BEGUN = frozenset({"matter", "number"})  # what `begin` leaves under its kind
DONE = frozenset({"at", "times"})  # what every action leaves under its own name
COUNTS = frozenset(  # of a poll, beside its choices
    {
        "roll",
        "answered",
        "silent",
        "issued",
        "returned",
        "valid",
        "invalid",
        "present",
        "present_at_opening",
        "present_least",
        "present_needed",
    }
)
ELECTED = frozenset({"elected", "tied", "candidates", "seats"})
# What a task may have beside its form: see docs/architecture.md.
BY_WAY = frozenset({"by_way", "entered_by", "outside", "meeting"})
OUTCOME = (
    COUNTS
    | ELECTED
    | {"passed", "voters", "votes", "why", "void", "reason", "signatures", "remarks"}
    | {"written_in", "on_paper"}
)
RESERVED = (
    NAMES
    | LEFT_BEHIND.keys()
    | {"launch", "task_due", "overdue"}
    | FUNCTIONS
    | expressions.BUILT_IN.keys()
)


def language(draft: Draft, rules: Rules, posts: frozenset[str]) -> Language:
    """The names that expressions of this folder may use."""
    facts: dict[str, Keys] = {
        **dict.fromkeys(NAMES, frozenset()),
        **LEFT_BEHIND,
        "launch": _form_keys(draft, "launch", _owners(draft)),
        **_of_tasks(draft),
        **_of_decisions(draft),
        **{name: _form_keys(draft, name) for name in messages(draft)},
        **dict.fromkeys(notified(draft)),
        **dict.fromkeys(draft.table("publications"), PUBLISHED),
        **dict.fromkeys(draft.table("books"), BOOK),
        **dict.fromkeys(draft.table("rounds")),
    }
    for name in _set_by_actions(draft):
        fact, *fields = name.split(".")
        _add(facts, fact, frozenset(fields[:1]) if fields and fields[0] else None)
    for key, action in draft.table("actions").items():
        _add(facts, key, DONE | (ISSUED if action.get("do") == "issue_document" else frozenset()))
        if action.get("do") == "begin" and isinstance(action.get("kind"), str):
            _add(facts, action["kind"], BEGUN)
    tasks = frozenset(draft.elements("userTask"))
    rolls = frozenset(draft.table("rolls"))
    steps = frozenset(draft.table("plan").get("steps", ()))
    return Language(facts, tasks, rules, posts, choices=_choices(draft), rolls=rolls, steps=steps)


def _choices(draft: Draft) -> dict[str, frozenset[str]]:
    """The facts that are one of the values of a form, or of the texts of a decision table, and
    that no action sets otherwise.
    """
    found: dict[str, frozenset[str]] = {}
    for name, form in draft.forms.items():
        for each in form.asked if form and name not in draft.polls else ():
            if each.choices and not each.source:
                values = frozenset(choice.value for choice in each.choices)
                found[f"{name}.{each.key}"] = values
    for name, table in draft.tables.items():
        if table is None or table.lists:
            continue
        for place, output in enumerate(table.outputs):
            default = {table.default[place]} if table.default else set()
            results = ({row.results[place] for row in table.rules} | default) - NULLS
            if results and all(_is_text(result) for result in results):
                found[f"{name}.{output.name}"] = frozenset(text[1:-1] for text in results)
    also_set = set(_set_by_actions(draft))
    return {fact: values for fact, values in found.items() if fact not in also_set}


def _is_text(result: str) -> bool:
    return len(result) > 1 and result[0] == result[-1] == '"' and result.count('"') == 2


def _add(facts: dict[str, Keys], fact: str, keys: Keys) -> None:
    """More keys under a fact; None: from now on anything may stand there."""
    known = facts.get(fact, frozenset())
    facts[fact] = None if keys is None or known is None else known | keys


def _of_tasks(draft: Draft) -> dict[str, Keys]:
    """What each task leaves: the outcome of its poll, or the answers of its form."""
    tasks, found = draft.table("tasks"), dict[str, Keys]()
    for key in {*draft.elements("userTask"), *([] if draft.diagram else tasks)}:
        poll = tasks.get(key, {}).get("poll")
        if poll:
            whole = {"abstain"} if poll.get("kind") == "election" else set()
            found[key] = OUTCOME | whole | set(poll.get("choices", ()))
        else:
            found[key] = _form_keys(draft, key, BY_WAY)
    return found


def _of_decisions(draft: Draft) -> dict[str, Keys]:
    found = dict[str, Keys]()
    for key in draft.elements("businessRuleTask"):
        table = draft.tables.get(key)
        found[key] = decided(table) if table else None
    return found


def decided(table: DecisionTable) -> frozenset[str]:
    """What a decision leaves under its name."""
    more = {"rows"} if table.lists else set()
    more |= {"required"} if table.requires else set()
    return frozenset({output.name for output in table.outputs} | more | {"because", "row"})


def _form_keys(draft: Draft, name: str, more: frozenset[str] = frozenset()) -> Keys:
    form = draft.forms.get(name)
    return frozenset(each.key for each in form.asked) | more if form else None


def _owners(draft: Draft) -> frozenset[str]:
    """What a launch has beside its form: who owns the instance, who did first, and the unit."""
    owner = str(draft.raw.get("owner", legacy.OWNER)).removeprefix("launch.")
    entered = {"entered_by", "entered_from"} if "entry" in draft.raw else set()
    several = {SAID} if "several" in draft.raw else set()
    return frozenset({owner, f"first_{owner}", "unit", *entered, *several})


def _set_by_actions(draft: Draft) -> Iterator[str]:
    """The dotted names of the facts that actions set."""
    for action in map(legacy.action, draft.table("actions").values()):
        values, marked = action.get("set"), action.get("as")
        if action.get("do") == "mark" and isinstance(marked, str):
            yield from (f"{marked}.{key}" for key in MARKED)
        numbers = action.get("numbers")
        yield from numbers if isinstance(numbers, dict) else ()
        if action.get("do") in ("set_fact", "issue_document", "turn", "keep_round") and isinstance(
            values, dict
        ):
            yield from filter(None, [*values, *action.get("append", ())])


def messages(draft: Draft) -> set[str]:
    """All messages of the folder: of the table and of the diagram."""
    declared = set(draft.table("messages"))
    if draft.diagram is None:
        return declared
    return declared | {each.message for each in draft.diagram.elements.values() if each.message}


def notified(draft: Draft) -> set[str]:
    """The messages that instances send one another."""
    actions = draft.table("actions").values()
    return {str(a.get("message", legacy.REPLY)) for a in actions if a.get("do") == "notify_merged"}

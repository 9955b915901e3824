"""Hide conditions: which field must be known before which, and which fields some answers hide."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from engine import expressions
from engine.errors import ProcessFault
from engine.expressions.tree import tree_of
from engine.forms.form import Form
from engine.messages import Listed, _

_UNANSWERED: dict[str, Any] = {"checkbox": False, "checklist": [], "filepicker": []}


@lru_cache(maxsize=1024)
def order(form: Form) -> tuple[str, ...]:
    """Keys so ordered that whatever hides a field comes before it; ProcessFault on a circle or an
    unreadable text.
    """
    keys = {each.key for each in form.asked}
    before = {each.key: _first_names(each.hide) & keys for each in form.asked}
    try:
        return tuple(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise ProcessFault(
            _("隐藏条件互相依赖：{fromkeys}", fromkeys=Listed(dict.fromkeys(error.args[1])))
        ) from error


def _first_names(expression: str) -> set[str]:
    return (
        {name.partition(".")[0] for name in expressions.names_in(expression)}
        if expression
        else set()
    )


def hidden(form: Form, valid: Mapping[str, Any], facts: Mapping[str, Any]) -> set[str]:
    """The keys of hidden fields; an answer that is itself hidden or not `valid` counts as missing
    for what follows.
    """
    by_key = {each.key: each for each in form.asked}
    values: dict[str, Any] = {**facts, **dict.fromkeys(by_key)}
    found: set[str] = set()
    for key in order(form):
        if not _true(by_key[key].hide, values):
            answer = valid.get(key, _UNANSWERED.get(by_key[key].kind))
            values[key] = None if answer == "" else answer
        else:
            found.add(key)
    return found


def _true(hide: str, values: Mapping[str, Any]) -> bool:
    """As in FEEL, a condition that cannot be decided, say because a number is still missing, does
    not hold.
    """
    try:
        return bool(hide) and bool(expressions.evaluate(hide, values))
    except ProcessFault:
        return False


def settled(form: Form, facts: Mapping[str, Any]) -> Form:
    """The form as it is for whom these are the facts: what they hide is not in it, and what is left
    of each condition speaks of its own fields alone, for a page knows no others.
    """
    own = {each.key for each in form.asked}
    fields = []
    for each in form.fields:
        by_facts, by_answers = parts(each.hide, own)
        if not any(_true(part, facts) for part in by_facts):
            hide = each.hide if not by_facts else " or ".join(f"({part})" for part in by_answers)
            fields.append(replace(each, hide=hide))
    return replace(form, fields=tuple(fields))


@lru_cache(maxsize=4096)
def _split(hide: str) -> tuple[tuple[str, frozenset[str]], ...]:
    tree = tree_of(hide)
    ways = tree.args if tree.op == "or" else (tree,)
    return tuple((way.written, frozenset(_first_names(way.written))) for way in ways)


def parts(hide: str, own: Collection[str]) -> tuple[list[str], list[str]]:
    """What hides a field, each way by itself: by facts alone, and by answers of these fields."""
    by_facts: list[str] = []
    by_answers: list[str] = []
    for text, names in _split(hide) if hide else ():
        (by_facts if names and names.isdisjoint(own) else by_answers).append(text)
    return by_facts, by_answers

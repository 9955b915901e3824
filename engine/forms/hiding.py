"""What follows from the answers: which fields they hide, and what is calculated from them; and what
must be known before what.

webui/static/expressions.js settles a form alike while somebody types.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from engine import expressions
from engine.errors import ProcessFault
from engine.expressions.tree import tree_of
from engine.forms.form import Field, Form
from engine.messages import Listed, _

_UNANSWERED: dict[str, Any] = {"checkbox": False, "checklist": [], "filepicker": []}


@dataclass(frozen=True, slots=True)
class Settled:
    """The keys of `hidden` fields; what expressions see, `values`, of every other field; of each
    table its rows, settled. What is hidden or cannot be calculated is None.
    """

    hidden: set[str] = field(default_factory=set)
    values: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[Settled]] = field(default_factory=dict)


@lru_cache(maxsize=1024)
def order(form: Form) -> tuple[str, ...]:
    """Keys so ordered that whatever hides a field, or is calculated into it, comes before it;
    ProcessFault on a circle or an unreadable text.
    """
    keys = {each.key for each in form.asked}
    before = {each.key: _first_names(each) & keys for each in form.asked}
    try:
        return tuple(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise ProcessFault(
            _("隐藏条件或计算互相依赖：{fromkeys}", fromkeys=Listed(dict.fromkeys(error.args[1])))
        ) from error


def _first_names(each: Field) -> set[str]:
    """The first names of what must be known before a field; of a table, of what its rows ask."""
    own = {inner.key for inner in each.fields}
    of_rows = {name for inner in each.fields for name in _first_names(inner)} - own
    if each.fields:
        order(each.row)
    texts = filter(None, (each.hide, each.expression))
    return {name for text in texts for name in _heads(text)} | of_rows


def _heads(text: str) -> set[str]:
    """The first names of the facts in an expression."""
    return {name.partition(".")[0] for name in expressions.names_in(text)}


def settle(form: Form, valid: Mapping[str, Any], facts: Mapping[str, Any]) -> Settled:
    """What follows from `valid` answers; one that is hidden or not valid counts as missing for what
    follows. In a row of a table its own fields stand before those around it.
    """
    by_key = {each.key: each for each in form.asked}
    known: dict[str, Any] = {**facts, **dict.fromkeys(by_key)}
    found = Settled(values=dict.fromkeys(by_key))
    for key in order(form):
        each = by_key[key]
        if each.hide and _value(each.hide, known):
            found.hidden.add(key)
            continue
        if each.kind == "dynamiclist":
            rows = [settle(each.row, row, known) for row in valid.get(key) or ()]
            found.rows[key] = rows
            value: Any = [dict(row.values) for row in rows]
        elif each.kind == "expression":
            value = _whole(_value(each.expression, known))
        else:
            answer = valid.get(key, _UNANSWERED.get(each.kind))
            value = None if answer == "" else answer
        known[key] = found.values[key] = value
    return found


def hidden(form: Form, valid: Mapping[str, Any], facts: Mapping[str, Any]) -> set[str]:
    """The keys of hidden fields."""
    return settle(form, valid, facts).hidden


def holds(condition: str, values: Mapping[str, Any]) -> bool:
    """Is it true? What cannot be decided, say because a number is still missing, is not."""
    return bool(_value(condition, values))


def _value(expression: str, values: Mapping[str, Any]) -> Any:
    """As in FEEL, what cannot be decided is null."""
    try:
        return expressions.evaluate(expression, values)
    except ProcessFault:
        return None


def _whole(value: object) -> Any:
    """What is calculated is kept when it is a whole number, a text or a truth."""
    if type(value) is Fraction:
        return value.numerator if value.denominator == 1 else None
    return value if type(value) in (int, str, bool) else None


def settled(form: Form, facts: Mapping[str, Any]) -> Form:
    """The form as it is for whom these are the facts: what they hide is not in it, and what is left
    of each condition speaks of its own fields alone, for a page knows no others.
    """
    own = {each.key for each in form.asked}
    fields = []
    for each in form.fields:
        by_facts, by_answers = parts(each.hide, own)
        if not any(holds(part, facts) for part in by_facts):
            hide = each.hide if not by_facts else " or ".join(f"({part})" for part in by_answers)
            fields.append(replace(each, hide=hide))
    return replace(form, fields=tuple(fields))


@lru_cache(maxsize=4096)
def _split(hide: str) -> tuple[tuple[str, frozenset[str]], ...]:
    tree = tree_of(hide)
    ways = tree.args if tree.op == "or" else (tree,)
    return tuple((way.written, frozenset(_heads(way.written))) for way in ways)


def parts(hide: str, own: Collection[str]) -> tuple[list[str], list[str]]:
    """What hides a field, each way by itself: by facts alone, and by answers of these fields."""
    by_facts: list[str] = []
    by_answers: list[str] = []
    for text, names in _split(hide) if hide else ():
        (by_facts if names and names.isdisjoint(own) else by_answers).append(text)
    return by_facts, by_answers

"""Books: several of a kind within one matter, each with its own facts under the same names.

The facts of the item that is turned to stand where forms, expressions and papers look for them;
those of the others lie in the fact of the book: {"current": key, "items": [key, …] in the order in
which they were first turned to, "kept": {key: {fact: value}}, "apart": {key: {fact: value}}}. What
has been published stays where it is: the fact of a publication is that of the current item, and has
those of the others "beside" it, each with its "item".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from engine.definitions.shelves import BookRule

Facts = dict[str, Any]


def turn(facts: Facts, book: BookRule, published: Collection[str], item: str | None) -> None:
    """Make this item the current one, in place; None, or the current one, changes nothing. Whoever
    is turned to first takes over what stands there. `published`: the names of publications.
    """
    told = facts.get(book.key) or {}
    current = told.get("current")
    if item is None or item == current:
        return
    found: Facts = {"current": item, "items": list(dict.fromkeys([*told.get("items", ()), item]))}
    for shelf, names in (("kept", book.facts), ("apart", book.apart)):
        laid = dict(told.get(shelf, {}))
        found[shelf] = laid
        if current is not None:
            laid[current] = {name: facts.get(name) for name in names if name not in published}
            _lay_out(facts, {**dict.fromkeys(laid[current]), **laid.pop(item, {})})
    if current is not None:
        for name in {*book.facts, *book.apart} & {*published} & facts.keys():
            facts[name] = _turned(facts[name], current, item)
    facts[book.key] = found


def _lay_out(facts: Facts, said: Mapping[str, Any]) -> None:
    """What was said of an item takes its place again; what was not is no fact."""
    for name, value in said.items():
        facts.pop(name, None)
        if value is not None:
            facts[name] = value


def _turned(fact: Facts, current: str, item: str) -> Facts:
    """The fact of a publication, with the sheet of this item before those beside it."""
    head = {key: value for key, value in fact.items() if key != "beside"}
    sheets = [*fact.get("beside", ()), *([{**head, "item": current}] if head else [])]
    mine: Facts = next((sheet for sheet in sheets if sheet["item"] == item), {})
    return {**mine, "beside": [sheet for sheet in sheets if sheet["item"] != item]}


def sheet_of(fact: Facts, publication: object) -> Facts:
    """What stands in the fact of a publication of the one with this id; of versions that did not
    say which it is, the only one.
    """
    for sheet in fact.get("beside", ()):
        if sheet.get("publication") == str(publication):
            return dict(sheet)
    return fact


def with_sheet(fact: Facts, publication: object, sheet: Facts) -> Facts:
    """The fact of a publication with this said of the one with this id."""
    beside = fact.get("beside", ())
    others = [each for each in beside if each.get("publication") != str(publication)]
    if len(others) == len(beside):
        return sheet
    return {**fact, "beside": [*others, sheet]}

"""What the pages on people share: which union is shown, units as choices, fields of a form."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, request, session
from flask_babel import gettext

from engine.errors import Conflict, Invalid, NotFound
from engine.people import access, posts
from engine.queries import people as reading
from webui.http import fields
from webui.http.sentences import post_title
from webui.http.session import look, me, uuid
from webui.http.words import lang, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

blueprint = Blueprint("people", __name__)
MAX_SHEET = 10_000_000
ROOM = 64 * 1024
Faults = dict[str, list[str]]


def _(msgid: str, **values: object) -> str:
    return str(gettext(msgid, **values))


@blueprint.url_value_preprocessor
def _allow_large(endpoint: str | None, _values: object) -> None:
    """Room for a table; this runs before the CSRF check, which already reads the body."""
    if endpoint == "people.import_" and session.get("key"):
        request.max_content_length = MAX_SHEET + ROOM


@blueprint.context_processor
def _words() -> dict[str, Any]:
    return {
        "post_title": post_title,
        "post_kinds": post_kinds,
        "owners": posts.kinds().owners,
        "affiliation": posts.kinds().affiliation,
        "affiliations": posts.kinds().affiliations,
        "reports": words_of(posts.kinds().reports),
        "unit_title": unit_title,
        "name_of": name_of,
    }


def post_kinds() -> list[tuple[str, str]]:
    """Every post that can be given, by key and title."""
    return [(key, post_title(key)) for key in posts.kinds().posts]


def unit_title(kind: str) -> str:
    """What a kind of unit is called."""
    found = posts.kinds().units.get(kind)
    return found.words.in_(lang()) if found else kind


def name_of(node: reading.UnitNode) -> str:
    """What a unit is called."""
    return node.name_en if lang() == "en" and node.name_en else node.name


def union_shown() -> UUID:
    """The union whose people are shown: the one asked for, else the first desk. Raises NotFound
    without any.
    """
    asked = uuid(request.values.get("union"))
    desks = access.desk_unions(me())
    if asked is None and not desks:
        raise NotFound
    return asked or desks[0]


def tree_of(union: UUID) -> reading.UnitTree:
    """The units of a union. Raises NotFound."""
    return look(lambda s: reading.unit_tree(s, me(), union))


def desks() -> list[tuple[UUID, str]]:
    """The unions this person may look at, with their names."""
    return [(union, name_of(tree_of(union).root)) for union in access.desk_unions(me())]


def unit_choices(node: reading.UnitNode) -> list[tuple[str, str]]:
    """(id, indented name) of a tree of units, closed ones left out."""
    return [(str(unit.id), "\u3000" * depth + name_of(unit)) for unit, depth in _walk(node, 0)]


def _walk(node: reading.UnitNode, depth: int) -> Iterator[tuple[reading.UnitNode, int]]:
    if node.active:
        yield node, depth
        for child in node.children:
            yield from _walk(child, depth + 1)


def field(name: str) -> str:
    """What was sent in a field."""
    return request.form.get(name, "").strip()


def unit_sent() -> UUID:
    """The unit that was chosen. Raises Invalid."""
    unit = uuid(field("unit_id"))
    if unit is None:
        raise Invalid({"unit_id": [_("请选择单位。")]})
    return unit


def days_sent(first: str, last: str) -> tuple[date, date | None]:
    """The days of a term, of which the last may be missing. Raises Invalid."""
    faults: Faults = {}
    begin, end = _day(first, faults), _day(last, faults) if field(last) else None
    if faults or begin is None:
        raise Invalid(faults)
    return begin, end


def _day(name: str, faults: Faults) -> date | None:
    try:
        return fields.day(field(name))
    except ValueError:
        faults[name] = [_("日期应写成 2026-03-01 的样子。")]
        return None


def faults_of(fault: Invalid | Conflict) -> Faults:
    """What was wrong, by field."""
    return fault.fields if isinstance(fault, Invalid) else {"_": [fault.message]}

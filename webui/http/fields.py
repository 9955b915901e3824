"""Between HTML forms and the engine: what a browser sends as answers, and hide conditions as a page
evaluates them.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.forms import Unit

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from engine.forms import Field, Form


FIRST, LAST = 1900, 2199  # the years of a day that somebody writes
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day(text: str) -> date:
    """A day as a page sends it, YYYY-MM-DD. Raises ValueError, also beyond the years that a
    calendar here may have to count from.
    """
    found = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    if not FIRST <= found.year <= LAST:
        raise ValueError(text)
    return found


def answers(form: Form | None, sent: MultiDict[str, str]) -> dict[str, Any]:
    """What a browser sent for a form, in the shapes that `forms.clean` wants: lists where several
    may be chosen.
    """
    found: dict[str, Any] = {}
    for field in form.asked if form else ():
        name = f"f.{field.key}"
        if field.kind in ("checklist", "filepicker"):
            found[field.key] = [v for v in sent.getlist(name) if v]
        elif field.kind == "dynamiclist":
            found[field.key] = _rows(field, sent)
        elif name in sent:
            value = sent[name]
            found[field.key] = value.replace("\r\n", "\n") if field.kind == "textarea" else value
    return found


def _rows(table: Field, sent: MultiDict[str, str]) -> list[dict[str, str]]:
    """The rows of a table, fields `f.<table>.<row>.<column>`, in the order of their numbers; those
    with nothing in them are none.
    """
    name = re.compile(rf"f\.{table.key}\.([0-9]{{1,6}})\.([a-z][a-z0-9_]*)")
    found: dict[int, dict[str, str]] = {}
    for given, value in sent.items():
        if (cell := name.fullmatch(given)) and value.strip():
            found.setdefault(int(cell[1]), {})[cell[2]] = value.replace("\r\n", "\n")
    return [found[number] for number in sorted(found)]


def unit(field: Field) -> str:
    """How the page reads what is typed into a number, see webui/static/expressions.js, in JSON."""
    of = field.unit or Unit()
    return json.dumps({"decimals": of.decimals, "unit": of.zh, "money": of.money})


def tree(condition: str) -> str:
    """A condition or calculation as the tree that webui/static/expressions.js evaluates: JSON."""
    return json.dumps(expressions.tree_in(condition), ensure_ascii=False)

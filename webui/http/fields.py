"""Between HTML forms and the engine: what a browser sends as answers, and hide conditions as a page
evaluates them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine import expressions

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from engine.forms import Form


def answers(form: Form | None, sent: MultiDict[str, str]) -> dict[str, Any]:
    """What a browser sent for a form, in the shapes that `forms.clean` wants: lists where several
    may be chosen.
    """
    found: dict[str, Any] = {}
    for field in form.asked if form else ():
        name = f"f.{field.key}"
        if field.kind in ("checklist", "filepicker"):
            found[field.key] = [v for v in sent.getlist(name) if v]
        elif name in sent:
            value = sent[name]
            found[field.key] = value.replace("\r\n", "\n") if field.kind == "textarea" else value
    return found


def hide_rule(condition: str) -> str:
    """A hide condition as the tree that webui/static/expressions.js evaluates, in JSON."""
    return json.dumps(expressions.tree_in(condition), ensure_ascii=False)

"""A type of form field, `dayrange` (from, until): read from form-js, cleaned, drawn, sent by a browser, shown as an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.measure.ground import SECRETARY
from tests.measure.patches.edit import Edit

if TYPE_CHECKING:
    from tests.measure.patches.place import Place

EDITS = (
    Edit('KINDS |= {"dayrange"}', before="CHOOSING = frozenset("),
    Edit(
        '        case "dayrange":\n            return Many(Day(), **options)',
        before='        case "filepicker":',
    ),
    Edit(
        '    elif each.kind == "dayrange":\n'
        '        yield validate.Length(equal=2, error=_("应有起止两天"))',
        before='    elif each.kind in {"checklist", "filepicker"}:',
    ),
    Edit(
        'if field.kind in ("checklist", "filepicker", "dayrange"):',
        instead='if field.kind in ("checklist", "filepicker"):',
    ),
    Edit(
        '    {% elif field.kind == \'dayrange\' %}{% for n in (0, 1) %}<input class="form-control" type="date" '
        'name="{{ name }}" value="{{ value[n] if value else \'\' }}">{% endfor %}',
        before='        {% else %}{% if unit(field) %}<div class="yx-unit">{% endif %}<input',
    ),
    Edit(
        '  {"type": "dayrange", "key": "when", "label": "起止", "properties": {"label_en": "When"}},',
        after='{"type": "default", "id": "do", "components": [',
        toy=True,
    ),
)


def check(place: Place) -> None:
    """Both inputs are drawn; one day alone is refused; two are kept and shown."""
    from tests.measure.patches.place import LAUNCH, PASS

    place.play(LAUNCH, PASS)
    key, task = place.open("do")
    path, days = f"/tasks/{task}", ["2026-03-02", "2026-03-05"]
    assert place.ask(SECRETARY, path)[1].count('name="f.when"') == 2
    status, page = place.ask(SECRETARY, path, {"f.note": "x", "f.when": days[:1]})
    assert status == 422 and "应有起止两天" in page
    assert place.ask(SECRETARY, path, {"f.note": "x", "f.when": days})[0] == 302
    assert "2026-03-02、2026-03-05" in place.ask(SECRETARY, f"/matters/{key}")[1]

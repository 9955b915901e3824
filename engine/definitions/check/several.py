"""Faults of what process.toml says of several that are launched by one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.messages import Listed, _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

PLACE = "several"
_ALONE = frozenset({"filepicker", "checklist", "dynamiclist", "expression"})  # stand in no row


def faults(table: dict[str, Any], draft: Draft, language: Language) -> Iterator[Fault]:
    """Each is told apart by fields of the launch form that a row can hold, and by one fact."""
    if not table:
        return
    yield from _asked(table, draft)
    yield from language.faults(FILE, PLACE, "who", str(table.get("who", "")))
    for gate in table.get("gates", ()):
        yield from language.faults(FILE, PLACE, _("前提 gates.holds"), gate["holds"])
    if draft.raw.get("happened"):
        what = _("一次发起几件的，发起没有“发生之日”（happened）。")
        yield Fault(FILE, PLACE, what, _("请删去 [several]，或删去顶上的 happened。"))


def _asked(table: dict[str, Any], draft: Draft) -> Iterator[Fault]:
    form = draft.forms.get("launch")
    fields = [field.key for field in form.asked if field.kind not in _ALONE] if form else []
    for name in table.get("each", ()):
        if name not in fields:
            what = _("each 里的 {field} 不在表单里。", field=shown(name))
            yield Fault(FILE, PLACE, what, _("表单里有：{keys}。", keys=Listed(fields)))

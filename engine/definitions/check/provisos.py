"""Faults of what process.toml says of conditions on which a task may agree (附条件同意)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.messages import Message, _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language
    from engine.forms import Field

LAW = "LAW"
COLUMNS = {"what": ("textfield", "textarea"), "due": ("datetime",)}


def faults(
    key: str, place: str, task: dict[str, Any], draft: Draft, language: Language
) -> Iterator[Fault]:
    """All of one task: what refuses conditions, and what they need."""
    told, where = task["provisos"], f"{place}.provisos"
    if why := _refused(key, task, draft, language):
        yield Fault(FILE, where, why, _("请删去 provisos；条件另行约定，不写在这一决定里。"))
    if told["by"] not in draft.table("lanes"):
        what = _("by 里的 {lane} 不是本流程的泳道。", lane=shown(told["by"]))
        yield Fault(FILE, where, what, _("请写由谁落实条件的泳道。"))
    form = draft.forms.get(key)
    fields = {field.key: field for field in form.fields} if form else {}
    table = fields.get(told["rows"])
    if table is None or not _fits(table):
        what = _("rows 里的 {field} 不是写条件的表格。", field=shown(told["rows"]))
        needs = _("请写表单里的一个表格，其中 what（文字）、due（日期）两栏必填。")
        yield Fault(FILE, where, what, needs)


def _refused(key: str, task: dict[str, Any], draft: Draft, language: Language) -> Message | None:
    """Why nobody agrees on conditions there."""
    if "poll" in task or "meeting" in task:
        return _("表决、征求同意和会议只有同意、不同意，不能附条件。")
    if task.get("room") or task.get("link"):
        return _("只给部分人看的、由外单位答复的环节不能附条件：落实的人要看得到。")
    law = next(_statutory(key, task, draft, language), "")
    if law:
        return _("这里的同意以 {rule} 为依据，是法定的；附了条件的不是这种同意。", rule=law)
    return None


def _statutory(key: str, task: dict[str, Any], draft: Draft, language: Language) -> Iterator[str]:
    """The rules by which the task is a consent that law demands: one that must be given in so many
    words, or one of law on which what the task finishes is conditional.
    """
    cited = [task.get("basis", "")]
    guards = draft.raw.get("guards", ())
    near = [guard.get("basis", "") for guard in guards if key in guard.get("at", ())]
    for rule in filter(language.rules.ids.__contains__, [*cited, *near]):
        entries = language.rules.get(rule)
        if any(e.express for e in entries) or (rule in near and entries[0].level == LAW):
            yield rule


def _fits(table: Field) -> bool:
    columns = {column.key: column for column in table.fields}
    return table.kind == "dynamiclist" and all(
        name in columns and columns[name].kind in kinds and columns[name].required
        for name, kinds in COLUMNS.items()
    )

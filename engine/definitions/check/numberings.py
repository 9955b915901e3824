"""Faults of number series: two processes that count in one, or that give out the same numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.check.draft import Draft

    Others = Mapping[str, Mapping[str, Any]]  # process id -> its process.toml


def faults(draft: Draft, others: Others) -> Iterator[Fault]:
    """All faults of the series of this process among its own papers and the `others` in force."""
    own = str(draft.raw.get("id", ""))
    numbering = draft.raw.get("numbering", "")
    if not numbering:
        return
    for key, document in draft.table("documents").items():
        if document.get("numbering") == numbering:
            what = _("文书 {document} 与事项用同一编号样式。", document=shown(key))
            yield Fault(
                FILE, f"documents.{shown(key)}", what, _("请改成另一样式，否则编号会重复。")
            )
    yield from _given_twice(draft)
    for other, raw in others.items():
        if other != own:
            yield from _against(draft.raw, other, raw)


def _given_twice(draft: Draft) -> Iterator[Fault]:
    """The series that actions number by are neither those of matters nor of papers."""
    taken = {draft.raw.get("numbering"), *_of_papers(draft.raw)}
    for key, action in draft.table("actions").items():
        numbers = action.get("numbers")
        for template in numbers.values() if isinstance(numbers, dict) else ():
            if template in taken:
                what = _("动作 {action} 用了事项或文书的编号样式。", action=shown(key))
                place = f"actions.{shown(key)}"
                yield Fault(FILE, place, what, _("请改成另一样式，否则编号会重复。"))


def _of_papers(raw: Mapping[str, Any]) -> list[Any]:
    return [each.get("numbering") for each in dict(raw.get("documents") or {}).values()]


def _against(raw: Mapping[str, Any], other: str, theirs: Mapping[str, Any]) -> Iterator[Fault]:
    name = shown(other)
    if _series(raw) == _series(theirs):
        what = _("流程 {other} 也用编号序列 {key}。", other=name, key=shown(_series(raw)))
        advice = _("请在 number_key 写另一个名称，否则两个流程的编号互相跳号。")
        yield Fault(FILE, "number_key", what, advice)
    templates = [theirs.get("numbering"), *_of_papers(theirs)]
    if raw.get("numbering") in templates:
        what = _("流程 {other} 也用这个编号样式。", other=name)
        yield Fault(FILE, "numbering", what, _("请改成另一样式，否则编号会重复。"))


def _series(raw: Mapping[str, Any]) -> str:
    return str(raw.get("number_key", raw.get("id", "")))

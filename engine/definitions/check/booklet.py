"""Faults of what a folder says of the volume in which its matters are bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.definitions.indicators import NAMES
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.definitions.check.draft import Draft
    from engine.definitions.check.language import Language

    Readable = Callable[[str, Mapping[str, Any]], Iterable[Fault]]

PLACE = "booklet"
_KEY = _("汇编的一部分")


def faults(draft: Draft, language: Language, readable: Readable) -> Iterator[Fault]:
    """Parts are told by facts alone; columns are columns; what is printed may be read by everybody
    who sees the matter (`readable`: the faults of a column with these facts).
    """
    told: Mapping[str, Any] = draft.table(PLACE)
    if not told:
        return
    yield from _columns(PLACE, told.get("columns", ()), draft)
    if "number" in told:
        yield from _columns(PLACE, [told["number"]], draft)
    for key in ("session", "under"):
        if told.get(key):
            yield from readable(f"{PLACE}.{key}", {"facts": [told[key]]})
    if told.get("under") and not told.get("under_title"):
        what = _("写了 under，没有写 under_title。")
        yield Fault(FILE, PLACE, what, _("请写列在另一件下面的那些叫什么。"))
    for key, part in told.get("parts", {}).items():
        yield from named(FILE, key, _KEY)
        yield from _part(f"{PLACE}.parts.{shown(key)}", part, language)
    for key, section in told.get("sections", {}).items():
        place = f"{PLACE}.sections.{shown(key)}"
        yield from readable(place, section)
        yield from _of_paper(place, section, draft)
    for key, index in told.get("indexes", {}).items():
        yield from _columns(f"{PLACE}.indexes.{shown(key)}", index.get("columns", ()), draft)


def _columns(place: str, keys: Iterable[str], draft: Draft) -> Iterator[Fault]:
    for key in keys:
        if key not in draft.table("columns"):
            what = _("{place} 里的 {key} 不是一列。", place=place, key=shown(key))
            yield Fault(FILE, place, what, _("请写一列的编号。"))


def _part(place: str, part: Mapping[str, Any], language: Language) -> Iterator[Fault]:
    which = str(part.get("which", ""))
    yield from language.faults(FILE, place, f"{place}.which", which, more=NAMES)
    if calls := sorted({call for call, _given in expressions.calls_in(which)}):
        what = _("{place} 里有函数 {call}。", place=place, call=shown(calls[0]))
        yield Fault(FILE, place, what, _("收入哪些件，只看事实、state 和 outcome。"))


def _of_paper(place: str, section: Mapping[str, Any], draft: Draft) -> Iterator[Fault]:
    """A section of a paper prints what that paper says."""
    kind = section.get("document", "")
    document = draft.table("documents").get(kind)
    if not kind:
        return
    if document is None:
        what = _("process.toml 里没有文书 {name}。", name=shown(kind))
        yield Fault(FILE, place, what, _("请写 [documents] 里的一种。"))
        return
    says = {*document.get("needs", ()), *document.get("optional", ())}
    for path in section.get("facts", ()):
        if path not in says:
            what = _("文书 {name} 里没有 {path}。", name=shown(kind), path=shown(path))
            yield Fault(FILE, place, what, _("请写这种文书的 needs 或 optional 里的事实。"))

"""Faults of what a folder counts back from a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.definitions.plans import DAY, KEPT
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.definitions.check.language import Language

_STEP = _("倒排计划的一步")


def faults(plan: Mapping[str, Any], language: Language) -> Iterator[Fault]:
    """Every step says by an expression until when it is done, and asks no other plan for it."""
    for path in plan.get("of", ()):
        yield from language.faults(FILE, "plan", "plan.of", path)
    above: list[str] = []
    for key, step in plan.get("steps", {}).items():
        yield from named(FILE, key, _STEP)
        yield from _step(f"plan.steps.{shown(key)}", step, above, language)
        above.append(key)


def _step(
    place: str, step: Mapping[str, Any], above: Sequence[str], language: Language
) -> Iterator[Fault]:
    more = frozenset({DAY, KEPT})
    for name in ("last", "when", "done", "chosen"):
        text = str(step.get(name, ""))
        if not text:
            continue
        found = list(language.faults(FILE, place, name, text, more=more))
        yield from found
        calls = {called for called, _given in expressions.calls_in(text)} if not found else set()
        if "planned" in calls:
            what = _("{name} 里不能再写 planned()。", name=name)
            yield Fault(FILE, place, what, _("写在上面的一步，用 plan.编号 引用。"))
        for path in sorted(expressions.names_in(text)):
            fact, _dot, key = path.partition(".")
            if fact == KEPT and key not in above:
                what = _("{name} 里的 {path} 不是写在上面的一步。", name=name, path=shown(path))
                yield Fault(FILE, place, what, _("请把被引用的一步写在前面。"))
        if name in ("done", "chosen") and calls - expressions.BUILT_IN.keys():
            what = _("{name} 里只能写事实。", name=name)
            yield Fault(FILE, place, what, _("例如 issue_notice.at != null。"))

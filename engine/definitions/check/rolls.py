"""Faults of the rolls that a folder names once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import expressions
from engine.definitions.check.diagram import named
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import FILE
from engine.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.definitions.check.language import Language

_ROLL = _("名册")


def faults(key: str, table: Mapping[str, Any], language: Language) -> Iterator[Fault]:
    """A roll says by an expression whom it means, and names no other roll, so that none means
    itself.
    """
    place, members = f"rolls.{shown(key)}", str(table.get("members", ""))
    yield from named(FILE, key, _ROLL)
    if not members:
        return
    found = list(language.faults(FILE, place, _("名册 {name}", name="members"), members))
    yield from found
    if not found and any(name == "roll_of" for name, _given in expressions.calls_in(members)):
        what = _("名册里不能再写 roll_of()。")
        yield Fault(FILE, place, what, _("请直接写明是哪些人。"))

"""Follows a piece of work along its calls: how often it goes from one room of the product into another."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.measure.names import COMMANDS, DEFINITIONS, module
from tests.measure.tree import PACKAGES, room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType
    from typing import Any


@dataclass
class Walk:
    """`arrows`: (room, room called from it) -> calls; `climbs`: the calls back up, "caller -> callee" by qualified name."""

    arrows: Counter[tuple[str, str]] = field(default_factory=Counter)
    climbs: Counter[str] = field(default_factory=Counter)

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The different arrows on the engine's part of the trip that lead on.

        A room asked twenty times counts once from each side. A room that asks nobody further (the clock, canonical
        bytes, the access table) does not count: one asks there and is back, and the trip does not go through it. Nor do
        two things that are no part of a completion: what the page does around it (the login, reading the form, the next
        address), and how a process reads a version that it has never met, which it does once. Climbs are looked for
        everywhere.
        """
        trip = [
            arrow
            for arrow in self.arrows
            if arrow[0].startswith("engine") and arrow[0] != DEFINITIONS
        ]
        onward = {caller for caller, _ in trip}
        return sorted(arrow for arrow in trip if arrow[1] in onward)

    @property
    def with_pages(self) -> list[tuple[str, str]]:
        """The same of the whole request, in a process that has answered nothing before."""
        onward = {caller for caller, _ in self.arrows}
        return sorted(arrow for arrow in self.arrows if arrow[1] in onward)


@contextmanager
def walked() -> Iterator[Walk]:
    """The walk of what this thread does inside the block.

    A call belongs to the nearest function of the product on the stack, whatever libraries lie between. It climbs when
    the engine calls webui, or a room of the engine other than commands calls commands. A function that stands inside one
    still on the stack (the `lambda` handed to a transaction) is that one's own work: neither change nor climb.
    """
    found, modules = Walk(), _Modules()

    def look(frame: FrameType, happened: str, _: Any) -> None:
        if happened != "call":
            return
        callee = modules.of(frame.f_code)
        if callee and not _is_module_body(frame.f_code):
            _note(found, modules, frame, callee)

    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(None)


def _note(found: Walk, modules: _Modules, frame: FrameType, callee: str) -> None:
    stack = list(_above(frame))
    if any(frame.f_code in above.f_code.co_consts for above in stack):
        return
    caller = next(filter(None, (modules.of(above.f_code) for above in stack)), "")
    if caller and room(caller) != room(callee):
        found.arrows[room(caller), room(callee)] += 1
        if _climbs(caller, callee):
            found.climbs[f"{caller} -> {callee}.{frame.f_code.co_qualname}"] += 1


def _above(frame: FrameType) -> Iterator[FrameType]:
    while frame.f_back is not None:
        frame = frame.f_back
        yield frame


def _climbs(caller: str, callee: str) -> bool:
    if not caller.startswith("engine"):
        return False
    return callee.startswith("webui") or (room(callee) == COMMANDS and room(caller) != COMMANDS)


def _is_module_body(code: CodeType) -> bool:
    return code.co_name == "<module>"


class _Modules:
    """Code -> dotted module of the product, "" for anything else."""

    def __init__(self) -> None:
        self.root = Path(module("settings").__file__).resolve()
        while self.root.name not in PACKAGES:
            self.root = self.root.parent
        self.root = self.root.parent
        self.known: dict[str, str] = {}

    def of(self, code: CodeType) -> str:
        file = code.co_filename
        if file not in self.known:
            self.known[file] = self._named(file)
        return self.known[file]

    def _named(self, file: str) -> str:
        path = Path(file)
        if not path.is_relative_to(self.root):
            return ""
        parts = path.relative_to(self.root).with_suffix("").parts
        if parts[0] not in PACKAGES:
            return ""
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

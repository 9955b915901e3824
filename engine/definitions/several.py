"""What a process says of several instances that are launched by one form and belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.definitions.words import Words

SAID = "several"  # the key under `launch` that says to which group an instance belongs


@dataclass(frozen=True)
class SeveralRule:
    """Several may be launched by one form: `each`, the fields of the launch that are said of each
    by itself (the others are said once); `who`: the fact that tells whom or what each is about;
    `gates`: expressions that must hold in each once all of them are there, with why.
    """

    each: tuple[str, ...]
    who: str
    gates: tuple[tuple[str, Words], ...]

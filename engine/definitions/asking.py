"""Which facts a template prints without having asked whether they are there.

`text-of(d, "launch.note")` stops the print where there is no note. It may stand where nothing is
missing, or in the bracket of an `if` that asks for the same fact: `if known(d, "launch.note") {…}`.
A name in such a condition stands for what its `let` says. What stands in a bracket that asks for
other facts only is not asked for: what is known of one fact tells nothing of another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from engine.definitions import papers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]]|[^"{}\[\]]+|"')
_STOPS = re.compile(
    r"\b(?:fact|text-of|label|people-of|units-of|because|(?:placed-)?list-of|amount-of|capitals-of|table-of)\(\s*d\s*,\s*\Z"
)
_OTHERWISE = re.compile(r"\s*,\s*otherwise:")
_LET = re.compile(r"\blet ([a-zA-Z][\w-]*)(?:\([^)\n]*\))?\s*=\s*(.*)")
_WORD = re.compile(r"[a-zA-Z][\w-]*")
_BODY = "\0"  # stands in what leads up to a bracket for the bodies of those before it
# `if a`, and `else`, `else if b` with all before it; nothing before a bracket without a condition
_CONDITION = re.compile(rf"(?s).*(?<!else )\bif\b([^{_BODY}]*(?:{_BODY}\s*else\b[^{_BODY}]*)*)\Z")


class _Level(NamedTuple):
    """An open bracket: the condition under which it is printed, and what stands in it so far."""

    condition: str
    heard: list[str]


def unasked(files: Mapping[str, str], document: str) -> frozenset[str]:
    """The dotted facts that documents/<document>.typ, or what it imports, prints unasked."""
    texts = papers.reached(files, f"documents/{document}.typ")
    meant = {name: said for text in texts for name, said in _LET.findall(text)}
    return frozenset(
        path
        for text in texts
        for path, condition in _printed(text)
        if not _asks(_spelt_out(condition, meant), path)
    )


def _printed(text: str) -> Iterator[tuple[str, str]]:
    """(fact, all conditions around it) of each place at which a missing fact stops the print."""
    levels = [_Level("", [])]
    for token in _TOKEN.finditer(text):
        word, heard = token[0], levels[-1].heard
        if word in "{[":
            levels.append(_Level(_condition("".join(heard)), []))
        elif word in "}]" and len(levels) > 1:
            levels.pop()
            levels[-1].heard.append(_BODY)
        else:
            if _stops("".join(heard[-1:]), text, token.end()):
                beside = "".join(heard).rpartition("if ")[2].rpartition("\n")[2]
                yield word.strip('"'), " ".join([*(each.condition for each in levels), beside])
            heard.append(word)


def _stops(before: str, text: str, end: int) -> bool:
    return bool(_STOPS.search(before)) and not _OTHERWISE.match(text, end)


def _condition(before: str) -> str:
    found = _CONDITION.match(before)
    return found[1] if found else ""


def _spelt_out(condition: str, meant: Mapping[str, str]) -> str:
    """A condition with what the names in it stand for, and the names in those."""
    known, waiting = dict(meant), [condition]
    said = ""
    while waiting:
        said += (text := waiting.pop()) + "\n"
        waiting += [known.pop(name) for name in set(_WORD.findall(text)) & known.keys()]
    return said


def _asks(condition: str, path: str) -> bool:
    return bool(re.search(rf'\b(?:known|maybe)\(\s*d\s*,\s*"{re.escape(path)}"', condition))

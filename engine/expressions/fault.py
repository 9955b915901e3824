"""The faults of an expression that can be seen without facts, in the words of its author."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from engine.expressions.contents import calls_of, facts_of
from engine.expressions.functions import BUILT_IN
from engine.expressions.tree import Node, readable


def check(
    text: str, names: set[str] | None = None, functions: set[str] | frozenset[str] = frozenset()
) -> list[str]:
    """Every fault that can be seen without facts, in plain words; empty if the text is sound.

    `names` are the first names it may use (None: any); `functions` those it may call beside `BUILT_IN`.
    """
    tree, wrong = readable(text)
    if tree is None:
        return list(wrong)
    return [*wrong, *_unknown_functions(tree, functions), *_unknown_names(tree, names, functions)]


def _unknown_functions(tree: Node, functions: set[str] | frozenset[str]) -> Iterable[str]:
    known = functions | BUILT_IN.keys()
    for name in dict.fromkeys(name for name, _ in calls_of(tree)):
        if name not in known:
            yield f"没有函数 {name}(){_nearest(name, known)}"


def _unknown_names(
    tree: Node, names: set[str] | None, functions: set[str] | frozenset[str]
) -> Iterable[str]:
    for name in sorted({dotted.partition(".")[0] for dotted in facts_of(tree)}):
        if names is not None and name in names:
            continue
        if name in functions or name in BUILT_IN:
            yield f"{name} 是函数，后面要写括号"
        elif names is not None:
            yield f"没有名为 {name} 的事实{_nearest(name, names)}"


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"，是不是 {near[0]}?" if near else ""

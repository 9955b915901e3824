"""The faults of an expression that can be seen without facts, in the words of its author."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from engine.expressions.certain import certain_mistakes
from engine.expressions.contents import calls_of, facts_of
from engine.expressions.functions import BUILT_IN
from engine.expressions.tree import Node, readable
from engine.messages import Message, _

_UNKNOWN_FACT = _("没有名为 {name} 的事实{hint}")
_UNKNOWN_FUNCTION = _("没有函数 {name}(){hint}")


def check(
    text: str, names: set[str] | None = None, functions: set[str] | frozenset[str] = frozenset()
) -> list[str]:
    """Every fault that can be seen without facts, in plain words; empty if the text is sound.

    `names` are the first names it may use (None: any); `functions` those it may call beside
    `BUILT_IN`.
    """
    tree, wrong = readable(text)
    if tree is None:
        return list(wrong)
    unknown = [*_unknown_functions(tree, functions), *_unknown_names(tree, names, functions)]
    certain = certain_mistakes(tree) if not wrong else []
    return [*wrong, *unknown, *certain]


def is_unknown_fact(wrong: str) -> bool:
    """Is this fault, as `check` gave it, that there is no such fact?"""
    return isinstance(wrong, Message) and wrong.source == _UNKNOWN_FACT


def is_unknown_function(wrong: str) -> bool:
    """Is this fault, as `check` gave it, that there is no such function?"""
    return isinstance(wrong, Message) and wrong.source == _UNKNOWN_FUNCTION


def _unknown_functions(tree: Node, functions: set[str] | frozenset[str]) -> Iterable[str]:
    known = functions | BUILT_IN.keys()
    for name in dict.fromkeys(name for name, _arguments in calls_of(tree)):
        if name not in known:
            yield Message(_UNKNOWN_FUNCTION.source, name=name, hint=_nearest(name, known))


def _unknown_names(
    tree: Node, names: set[str] | None, functions: set[str] | frozenset[str]
) -> Iterable[str]:
    for name in sorted({dotted.partition(".")[0] for dotted in facts_of(tree)}):
        if names is not None and name in names:
            continue
        if name in functions or name in BUILT_IN:
            yield _("{name} 是函数，后面要写括号", name=name)
        elif names is not None:
            yield Message(_UNKNOWN_FACT.source, name=name, hint=_nearest(name, names))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return _("，是不是 {near}?", near=near[0]) if near else ""

"""The syntax that an expression may have: an allow-list of Python's, within hard limits."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from engine.expressions.values import MAX_NUMBER, SCALARS

MAX_CHARACTERS = 500
MAX_NODES = 120
MAX_DEPTH = 20
_FORBIDDEN: dict[type[ast.AST], str] = {
    ast.Pow: "不能用乘方 **",
    ast.Is: "不能用 is，请写 == null",
    ast.IsNot: "不能用 is not，请写 != null",
    ast.Tuple: '圆括号里不能列多个值，清单请用方括号：["a", "b"]',
    ast.Subscript: "不能用方括号取值，请写 a.b",
    ast.Lambda: "不能定义函数",
    ast.NamedExpr: "不能用 := 赋值",
    ast.JoinedStr: '不能用 f"…"，请直接写文字',
    ast.Starred: "不能用 * 展开",
    ast.keyword: "函数的参数请按顺序写，不写参数名",
}
SIGNS: dict[type[ast.AST], str] = {  # how the tree of an expression calls Python's operators
    ast.And: "and",
    ast.Or: "or",
    ast.Not: "not",
    ast.USub: "minus",
    ast.UAdd: "plus",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
ALLOWED: tuple[type[ast.AST], ...] = (
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Attribute,
    ast.Constant,
    ast.List,
    ast.Load,
    *SIGNS,
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_FULL_WIDTH = re.compile(
    "[\uff01\uff08\uff09\uff0c\uff1a-\uff1e\u3001\u3002\u2018-\u201d\u3010\u3011]"
)


def parsed(text: str) -> tuple[ast.expr | None, tuple[str, ...], str]:
    """Python's tree of `text` (None if there is none), every fault of the syntax, and the source it was read from."""
    if wrong := _spelling(text):
        return None, (wrong,), text
    source = text.strip()
    if "#" not in source:
        source = " ".join(source.splitlines())
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, ("读不懂：" + _advice(text),), source
    if wrong := _oversize(tree):
        return None, (wrong,), source
    return tree, tuple(dict.fromkeys(_node_faults(tree, source))), source


def _spelling(text: str) -> str | None:
    """The first thing that is wrong with the bare characters."""
    if len(text) > MAX_CHARACTERS:
        return f"表达式太长（{len(text)} 个字符），最多 {MAX_CHARACTERS} 个"
    if not text.strip():
        return "表达式是空的"
    for character in text:
        if character not in "\n\r\t" and unicodedata.category(character) in {
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Cn",
        }:
            return f"有看不见的字符（U+{ord(character):04X}），请删去重写"
    return "不能用反斜杠" if "\\" in text else None


def _advice(text: str) -> str:
    """What most likely made the text unreadable."""
    bare = _QUOTED.sub('""', text)
    if found := _FULL_WIDTH.search(bare):
        return f"有全角符号 {found[0]}，请改用半角"
    if bare.lstrip().startswith("="):
        return "开头不要写 ="
    if re.search(r"(?<![=!<>])=(?!=)", bare):
        return "判断相等请写 ==，不是 ="
    if re.search(r"&|\||!(?!=)", bare):
        return "“并且”请写 and，“或者”请写 or，“不是”请写 not"
    return "请检查括号和引号是否成对，各部分之间是否缺少 and 或 or"


def _oversize(tree: ast.expr) -> str | None:
    nodes, level = 0, 0
    row: list[ast.AST] = [tree]
    while row:
        level += 1
        nodes += len(row)
        if nodes > MAX_NODES:
            return f"表达式太复杂，最多 {MAX_NODES} 项"
        if level > MAX_DEPTH:
            return f"表达式套得太深，最多 {MAX_DEPTH} 层"
        row = [
            child
            for node in row
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.expr)
        ]
    return None


def _node_faults(tree: ast.expr, source: str) -> Iterable[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ALLOWED):
            yield _FORBIDDEN.get(type(node), f"不能用这种写法（{type(node).__name__}）")
        elif isinstance(node, ast.Constant):
            yield from _literal_faults(node.value)
        elif isinstance(node, ast.Name):
            yield from _name_faults(node.id, ast.get_source_segment(source, node))
        elif isinstance(node, ast.Attribute):
            yield from _attribute_faults(node, ast.get_source_segment(source, node))
        elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            yield "只能写“函数名（…）”，不能写“事实.函数（…）”"


def _literal_faults(value: Any) -> Iterable[str]:
    if type(value) is float:
        yield f"不能写小数 {value}，请写成分数，例如 1/2"
    elif type(value) not in SCALARS:
        yield f"不能写这种值（{type(value).__name__}）"
    elif type(value) is int and value > MAX_NUMBER:
        yield "数字太大"


def _name_faults(name: str, written: str | None) -> Iterable[str]:
    if name.startswith("_"):
        yield f"名称不能以下划线开头：{name}"
    elif not (written or name).endswith(name):
        yield f"名称 {name} 里有全角或变体字母，请改用普通字母"


def _attribute_faults(node: ast.Attribute, written: str | None) -> Iterable[str]:
    yield from _name_faults(node.attr, written)
    if not isinstance(node.value, (ast.Name, ast.Attribute)):
        yield f"“.{node.attr}”前面只能是事实的名称"
